//! Which priorities have someone ready: one bit each.

use core::sync::atomic::{AtomicU8, Ordering};

use omnibus_abi::Errno;
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

/// A priority that changes while others read it.
#[derive(Debug)]
pub struct Changing(AtomicU8);

impl Changing {
    /// With this one to begin with.
    #[must_use]
    pub const fn new(priority: Priority) -> Self {
        Self(AtomicU8::new(priority.0))
    }

    /// The priority as it is now.
    #[inline(always)]
    #[must_use]
    pub fn get(&self) -> Priority {
        Priority(self.0.load(Ordering::Relaxed))
    }

    /// From now on it is this one.
    #[inline(always)]
    pub fn set(&self, priority: Priority) {
        self.0.store(priority.0, Ordering::Relaxed);
    }
}

/// How urgent a task is, and how urgent it can be.
///
/// Nobody gets above himself: a priority and a maximum are at most the maximum of the task that sets them. So a maximum that was given up
/// comes back only from somebody who has it still.
pub struct Urgency {
    priority: Changing,
    maximum: Changing,
}

impl Urgency {
    /// Of a task that can have `priority` and none above.
    #[must_use]
    pub const fn new(priority: Priority) -> Self {
        Self {
            priority: Changing::new(priority),
            maximum: Changing::new(priority),
        }
    }

    /// The priority.
    #[inline(always)]
    #[must_use]
    pub fn priority(&self) -> Priority {
        self.priority.get()
    }

    /// The highest priority that the task can have, and give to others.
    #[must_use]
    pub fn maximum(&self) -> Priority {
        self.maximum.get()
    }

    /// Nothing if somebody whose own maximum is `bound` may change both to these.
    ///
    /// # Errors
    /// `EINVAL` for a priority above the maximum; `EPERM` for a priority above `bound`, or for a maximum above `bound` and above what it is.
    pub fn check(
        &self,
        priority: Priority,
        maximum: Priority,
        bound: Priority,
    ) -> Result<(), Errno> {
        if priority > maximum {
            return Err(Errno::EINVAL);
        }
        if priority > bound || maximum > bound.max(self.maximum()) {
            return Err(Errno::EPERM);
        }
        Ok(())
    }

    /// Changes both, as was checked under a lock that is still held.
    pub fn set(&self, priority: Priority, maximum: Priority) {
        self.priority.set(priority);
        self.maximum.set(maximum);
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

    /// A maximum that was given up is gone, whoever sets it is bounded by his own, and a refused change changes nothing.
    #[test]
    fn sched_a_maximum_does_not_come_back() {
        let level = |level| Priority::new(level).unwrap();
        let urgency = Urgency::new(level(9));
        let now = || (urgency.priority().level(), urgency.maximum().level());
        let change = |priority, maximum, bound| {
            urgency.check(level(priority), level(maximum), level(bound))?;
            urgency.set(level(priority), level(maximum));
            Ok(())
        };
        assert_eq!(change(4, 3, 31), Err(Errno::EINVAL));
        assert_eq!(change(9, 9, 8), Err(Errno::EPERM));
        assert_eq!(change(2, 10, 9), Err(Errno::EPERM));
        assert_eq!(now(), (9, 9));
        // Who has less may lower the priority, and leave the maximum.
        assert_eq!(change(3, 9, 5), Ok(()));
        assert_eq!(now(), (3, 9));
        assert_eq!(change(3, 6, 9), Ok(()));
        assert_eq!(change(3, 7, 6), Err(Errno::EPERM));
        assert_eq!(now(), (3, 6));
        assert_eq!(change(8, 8, 9), Ok(()));
        assert_eq!(now(), (8, 8));
    }

    /// A level above the highest is no priority.
    #[test]
    fn sched_priorities_have_a_bound() {
        assert_eq!(Priority::new(PRIORITY_MAX), Some(Priority::HIGHEST));
        assert_eq!(Priority::new(PRIORITY_MAX + 1), None);
        assert_eq!(Priority::new(u64::MAX), None);
    }
}
