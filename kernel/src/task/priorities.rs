//! Which priorities have someone ready: one bit each.

use omnibus_abi::limits::PRIORITY_MAX;

/// Number of priorities.
pub const N_PRIORITIES: usize = PRIORITY_MAX as usize + 1;

/// How urgent a thread is: 0 (least) to [`PRIORITY_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Priority(u8);

impl Priority {
    /// The least urgent.
    pub const LOWEST: Self = Self(0);

    /// The most urgent.
    pub const HIGHEST: Self = Self(PRIORITY_MAX as u8);

    /// The priority of this level; `None` above [`PRIORITY_MAX`].
    #[must_use]
    pub fn new(level: u64) -> Option<Self> {
        (level <= PRIORITY_MAX).then_some(Self(level as u8))
    }

    /// Its level, 0 to [`PRIORITY_MAX`].
    #[must_use]
    pub fn level(self) -> usize {
        usize::from(self.0)
    }
}

/// A set of priorities; the greatest is found in one instruction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Priorities(u32);

const _: () = assert!(N_PRIORITIES == u32::BITS as usize);

impl Priorities {
    /// No priority.
    pub const NONE: Self = Self(0);

    /// The set as bits, that of priority 0 first.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The set with these bits.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// Adds a priority.
    pub fn insert(&mut self, priority: Priority) {
        self.0 |= 1 << priority.0;
    }

    /// Takes a priority out.
    pub fn remove(&mut self, priority: Priority) {
        self.0 &= !(1 << priority.0);
    }

    /// The highest priority in the set.
    #[must_use]
    pub fn highest(self) -> Option<Priority> {
        Some(Priority(self.0.checked_ilog2()? as u8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The highest priority of a set is found whatever else is in it.
    #[test]
    fn sched_highest_priority_is_found() {
        let mut set = Priorities::NONE;
        assert_eq!(set.highest(), None);
        for level in [0, 17, 31, 4] {
            set.insert(Priority::new(level).unwrap());
        }
        for expected in [31, 17, 4, 0] {
            let highest = set.highest().unwrap();
            assert_eq!(highest.level(), expected);
            set.remove(highest);
        }
        assert_eq!(set, Priorities::NONE);
    }

    /// A level above the highest is no priority.
    #[test]
    fn sched_priorities_have_a_bound() {
        assert_eq!(Priority::new(PRIORITY_MAX), Some(Priority::HIGHEST));
        assert_eq!(Priority::new(PRIORITY_MAX + 1), None);
        assert_eq!(Priority::new(u64::MAX), None);
    }
}
