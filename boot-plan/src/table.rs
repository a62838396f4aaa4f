//! TOML tables with typed values, each of which knows where in the text it is.

use alloc::format;
use alloc::vec::Vec;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::Fault;
use crate::fault::list;

/// A value, and the byte of the text where it begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) offset: usize,
}

/// A table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table<'t> {
    text: &'t str,
    /// What it describes, for messages.
    what: &'static str,
    entries: &'t DeTable<'t>,
    /// Where it begins.
    pub(crate) offset: usize,
}

impl<'t> Table<'t> {
    /// The table of a whole text.
    pub(crate) const fn new(text: &'t str, what: &'static str, entries: &'t DeTable<'t>) -> Self {
        Self {
            text,
            what,
            entries,
            offset: 0,
        }
    }

    /// The whole text.
    pub(crate) const fn text(&self) -> &'t str {
        self.text
    }

    /// A fault at a place of the text.
    pub(crate) fn fault<T>(&self, at: &At<T>, what: impl Into<alloc::string::String>) -> Fault {
        Fault::new(self.text, at.offset, what)
    }

    /// Refuses every key that is none of `known`.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), Fault> {
        let Some(key) = self.keys().find(|key| !known.contains(&key.value)) else {
            return Ok(());
        };
        let (what, there_are) = (self.what, list(known));
        let what = format!("{what} has no key \"{}\"; it has: {there_are}", key.value);
        Err(self.fault(&key, what))
    }

    /// Its keys, in alphabetical order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = At<&'t str>> {
        self.entries.keys().map(|key| At {
            value: &**key.get_ref(),
            offset: key.span().start,
        })
    }

    /// The value of a key that must be there.
    pub(crate) fn needed<T>(&self, key: &str, value: Option<T>) -> Result<T, Fault> {
        value.ok_or_else(|| {
            let what = format!("{} needs a key \"{key}\"", self.what);
            Fault::new(self.text, self.offset, what)
        })
    }

    /// A string.
    pub(crate) fn string(&self, key: &str) -> Result<Option<At<&'t str>>, Fault> {
        self.value(key, |value| self.as_string(value))
    }

    /// An array of strings; a key that is not there is an empty one.
    pub(crate) fn strings(&self, key: &str) -> Result<Vec<At<&'t str>>, Fault> {
        let strings = self.value(key, |value| {
            let array = value.get_ref().as_array();
            let array = array.ok_or_else(|| self.not(value, "an array of strings"))?;
            array.iter().map(|value| self.as_string(value)).collect()
        });
        Ok(strings?.unwrap_or_default())
    }

    /// A number that is not negative.
    pub(crate) fn number(&self, key: &str) -> Result<Option<At<u64>>, Fault> {
        self.value(key, |value| {
            let integer = value.get_ref().as_integer();
            let number = integer.and_then(|n| u64::from_str_radix(n.as_str(), n.radix()).ok());
            let number = number.ok_or_else(|| self.not(value, "a whole number from 0 on"))?;
            Ok(At {
                value: number,
                offset: value.span().start,
            })
        })
    }

    /// Yes or no; a key that is not there is no.
    pub(crate) fn is(&self, key: &str) -> Result<bool, Fault> {
        let is = self.value(key, |value| {
            let is = value.get_ref().as_bool();
            is.ok_or_else(|| self.not(value, "true or false"))
        });
        Ok(is?.unwrap_or_default())
    }

    /// Whether the value of a key is a string.
    pub(crate) fn has_string(&self, key: &str) -> bool {
        let value = self.entries.get(key);
        value.is_some_and(|value| value.get_ref().as_str().is_some())
    }

    /// A table of the table, which describes `what`.
    pub(crate) fn table(&self, key: &str, what: &'static str) -> Result<Option<Self>, Fault> {
        self.value(key, |value| self.as_table(value, what))
    }

    /// An array of tables, each of which describes `what`; a key that is not there is an empty one.
    pub(crate) fn tables(&self, key: &str, what: &'static str) -> Result<Vec<Self>, Fault> {
        let tables = self.value(key, |value| {
            let array = value.get_ref().as_array();
            let array = array.ok_or_else(|| self.not(value, "an array of tables"))?;
            array
                .iter()
                .map(|value| self.as_table(value, what))
                .collect()
        });
        Ok(tables?.unwrap_or_default())
    }

    fn value<T>(
        &self,
        key: &str,
        read: impl FnOnce(&'t Spanned<DeValue<'t>>) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        self.entries.get(key).map(read).transpose()
    }

    fn as_string(&self, value: &'t Spanned<DeValue<'t>>) -> Result<At<&'t str>, Fault> {
        let string = value.get_ref().as_str();
        Ok(At {
            value: string.ok_or_else(|| self.not(value, "a string"))?,
            offset: value.span().start,
        })
    }

    fn as_table(&self, value: &'t Spanned<DeValue<'t>>, what: &'static str) -> Result<Self, Fault> {
        let entries = value.get_ref().as_table();
        Ok(Self {
            text: self.text,
            what,
            entries: entries.ok_or_else(|| self.not(value, "a table"))?,
            offset: value.span().start,
        })
    }

    fn not(&self, value: &Spanned<DeValue<'_>>, wanted: &str) -> Fault {
        let found = value.get_ref().type_str();
        let what = format!("this is to be {wanted}, and is another {found}");
        Fault::new(self.text, value.span().start, what)
    }
}
