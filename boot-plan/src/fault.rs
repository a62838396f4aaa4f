//! What is wrong with a plan, and where.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

/// The first thing that is wrong. Its display is `LINE: WHAT`, to be put behind a file's name and a colon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it, and what would be right.
    pub what: String,
}

impl Fault {
    /// A fault at the line of byte `offset` of `text`.
    pub(crate) fn new(text: &str, offset: usize, what: impl Into<String>) -> Self {
        Self {
            line: line_of(text, offset),
            what: what.into(),
        }
    }

    /// What the TOML parser found wrong. A fault without a place is one of the whole file, and is told of its first line.
    pub(crate) fn of_parser(text: &str, error: &toml::de::Error) -> Self {
        let Range { start, .. } = error.span().unwrap_or_default();
        // The parser puts what it expected on a line of its own.
        Self::new(text, start, error.message().replace('\n', "; "))
    }
}

/// The line, from 1, of byte `offset`.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    1 + before.filter(|&&byte| byte == b'\n').count()
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.what)
    }
}

impl core::error::Error for Fault {}

/// What there is, for a message.
pub(crate) fn list<T: ToString>(all: impl IntoIterator<Item = T>) -> String {
    let all: Vec<_> = all.into_iter().map(|one| one.to_string()).collect();
    if all.is_empty() {
        return "none".into();
    }
    all.join(", ")
}
