//! Who registered what, and who watches for it. Handles are whatever the caller has for them.

use crate::calls::Result;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Bound;
use omnibus_abi::Errno;

/// How much a session may have.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Names.
    pub names: usize,
    /// Bytes of a name.
    pub name_bytes: usize,
    /// Watches.
    pub watches: usize,
}

/// The limits of the server `names`.
pub const LIMITS: Limits = Limits {
    names: 32,
    name_bytes: 64,
    watches: 16,
};

#[derive(Debug)]
struct Entry<H> {
    session: u64,
    handle: H,
}

#[derive(Debug)]
struct Watch<H> {
    session: u64,
    name: String,
    through: H,
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Book<H> {
    limits: Limits,
    entries: BTreeMap<String, Entry<H>>,
    watches: Vec<Watch<H>>,
}

impl<H> Book<H> {
    /// An empty book.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self {
            limits,
            entries: BTreeMap::new(),
            watches: Vec::new(),
        }
    }

    /// Registers a handle, in place of one that the session registered under the name before.
    ///
    /// # Errors
    /// `EINVAL`: no name. `EEXIST`: another session has it. `EDQUOT`: too many.
    pub fn register(&mut self, session: u64, name: &str, handle: H) -> Result<()> {
        self.check_name(name)?;
        match self.entries.get(name) {
            Some(entry) if entry.session != session => return Err(Errno::EEXIST),
            Some(_) => {}
            None => {
                let own = self
                    .entries
                    .values()
                    .filter(|entry| entry.session == session);
                if own.count() >= self.limits.names {
                    return Err(Errno::EDQUOT);
                }
            }
        }
        self.entries.insert(name.into(), Entry { session, handle });
        Ok(())
    }

    /// Gives a name up.
    ///
    /// # Errors
    /// `ENOENT`; `EPERM`: another session has it.
    pub fn unregister(&mut self, session: u64, name: &str) -> Result<()> {
        let entry = self.entries.get(name).ok_or(Errno::ENOENT)?;
        if entry.session != session {
            return Err(Errno::EPERM);
        }
        self.entries.remove(name);
        Ok(())
    }

    /// The handle of a name.
    #[must_use]
    pub fn look_up(&self, name: &str) -> Option<&H> {
        self.entries.get(name).map(|entry| &entry.handle)
    }

    /// The names behind this one, in order.
    pub fn names_after(&self, name: &str) -> impl Iterator<Item = &str> {
        let range = (Bound::Excluded(name), Bound::Unbounded);
        self.entries
            .range::<str, _>(range)
            .map(|(name, _)| name.as_str())
    }

    /// Adds a watch for a name.
    ///
    /// # Errors
    /// `EINVAL`: no name. `EDQUOT`: too many.
    pub fn watch(&mut self, session: u64, name: &str, through: H) -> Result<()> {
        self.check_name(name)?;
        let own = self.watches.iter().filter(|watch| watch.session == session);
        if own.count() >= self.limits.watches {
            return Err(Errno::EDQUOT);
        }
        self.watches.push(Watch {
            session,
            name: name.into(),
            through,
        });
        Ok(())
    }

    /// What those who watch a name are told through, in the order in which they came.
    pub fn watchers(&self, name: &str) -> impl Iterator<Item = &H> {
        let watches = self.watches.iter().filter(move |watch| watch.name == name);
        watches.map(|watch| &watch.through)
    }

    /// Removes what a session registered and watches.
    pub fn forget_session(&mut self, session: u64) {
        self.entries.retain(|_, entry| entry.session != session);
        self.watches.retain(|watch| watch.session != session);
    }

    /// Removes the watches that are told through such a handle. A name that leads to the same node stays.
    pub fn stop_telling(&mut self, is_deaf: impl Fn(&H) -> bool) {
        self.watches.retain(|watch| !is_deaf(&watch.through));
    }

    /// Removes what is registered or told through such a handle.
    pub fn forget(&mut self, is_gone: impl Fn(&H) -> bool) {
        self.entries.retain(|_, entry| !is_gone(&entry.handle));
        self.stop_telling(is_gone);
    }

    fn check_name(&self, name: &str) -> Result<()> {
        let is_name = (1..=self.limits.name_bytes).contains(&name.len())
            && name.chars().all(|c| c.is_ascii_graphic());
        if is_name { Ok(()) } else { Err(Errno::EINVAL) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEW: Limits = Limits {
        names: 2,
        name_bytes: 4,
        watches: 1,
    };

    /// A name belongs to the session that registered it, which may replace its handle; nobody else may, or give it up.
    #[test]
    fn nam_names_belong_to_sessions() {
        let mut book = Book::new(FEW);
        assert_eq!(book.register(1, "a", 10), Ok(()));
        assert_eq!(book.register(2, "a", 20), Err(Errno::EEXIST));
        assert_eq!(book.unregister(2, "a"), Err(Errno::EPERM));
        assert_eq!(book.register(1, "a", 11), Ok(()));
        assert_eq!(book.look_up("a"), Some(&11));
        assert_eq!(book.unregister(1, "a"), Ok(()));
        assert_eq!(book.unregister(1, "a"), Err(Errno::ENOENT));
        assert_eq!(book.register(2, "a", 20), Ok(()));
    }

    /// No session has more than its share, and what is no name is refused.
    #[test]
    fn nam_limits_are_per_session() {
        let mut book = Book::new(FEW);
        for (name, expected) in [
            ("a", Ok(())),
            ("b", Ok(())),
            ("c", Err(Errno::EDQUOT)),
            ("b", Ok(())),
        ] {
            assert_eq!(book.register(1, name, 0), expected, "{name}");
        }
        assert_eq!(book.register(2, "c", 0), Ok(()));
        assert_eq!(book.watch(1, "a", 0), Ok(()));
        assert_eq!(book.watch(1, "b", 0), Err(Errno::EDQUOT));
        for name in ["", "fives", "a b", "é"] {
            assert_eq!(book.register(3, name, 0), Err(Errno::EINVAL), "{name:?}");
            assert_eq!(book.watch(3, name, 0), Err(Errno::EINVAL), "{name:?}");
        }
    }

    /// Listing goes on behind a name, whether it is still there or not.
    #[test]
    fn nam_listing_goes_on() {
        let mut book = Book::new(LIMITS);
        for name in ["b", "a", "c"] {
            book.register(1, name, 0).unwrap();
        }
        assert_eq!(book.names_after("").collect::<Vec<_>>(), ["a", "b", "c"]);
        book.unregister(1, "b").unwrap();
        assert_eq!(book.names_after("b").collect::<Vec<_>>(), ["c"]);
    }

    /// What a session had goes with it, and what a handle stood for with the handle; the rest stays.
    #[test]
    fn nam_ends_leave_nothing() {
        let mut book = Book::new(LIMITS);
        book.register(1, "a", 10).unwrap();
        book.register(2, "b", 20).unwrap();
        book.watch(1, "b", 11).unwrap();
        book.watch(2, "a", 21).unwrap();
        book.watch(3, "a", 31).unwrap();
        assert_eq!(book.watchers("a").collect::<Vec<_>>(), [&21, &31]);
        book.forget_session(2);
        assert_eq!(book.names_after("").collect::<Vec<_>>(), ["a"]);
        assert_eq!(book.watchers("a").collect::<Vec<_>>(), [&31]);
        book.forget(|&handle| handle == 10 || handle == 31);
        assert_eq!(book.names_after("").count(), 0);
        assert_eq!(book.watchers("a").count(), 0);
        assert_eq!(book.watchers("b").count(), 1);
    }

    /// Who cannot be told loses his watches, and nobody his name: a client may watch through a handle that another one registered.
    #[test]
    fn nam_the_deaf_lose_their_watches_alone() {
        let mut book = Book::new(LIMITS);
        book.register(1, "victim", 10).unwrap();
        book.watch(2, "a", 10).unwrap();
        book.watch(3, "a", 30).unwrap();
        book.stop_telling(|&handle| handle == 10);
        assert_eq!(book.watchers("a").collect::<Vec<_>>(), [&30]);
        assert_eq!(book.look_up("victim"), Some(&10));
    }
}
