//! Locks that know their place in the order.
//!
//! The kernel runs with interrupts off and one stack per CPU, so a lock is only ever waited for by another
//! CPU, briefly, and is granted in order of arrival. A CPU takes locks in ascending [`Rank`]; host tests
//! check it at every acquisition. The locks of the bus1 core and of the frame allocator come after all of these: neither
//! calls back under a lock.

use core::ops::{Deref, DerefMut};

use spin::mutex::{TicketMutex, TicketMutexGuard};

/// The order of the kernel's locks, outermost first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// The lists of all tasks and all peers.
    Registry,
    /// What a task consists of: its threads and its end.
    Task,
    /// What a task's capability table is charged.
    TableCharge,
    /// Who looks after a task's faults.
    Faults,
    /// A task's capability table.
    Capabilities,
    /// A task's address space.
    Space,
    /// What a memory object consists of: its pages, who maps it.
    Memory,
    /// Who waits for a peer, a task or a thread.
    Waiters,
    /// What a thread holds for itself: its waiting place, its charge.
    Waiter,
    /// A share of CPU time, and who waits for it.
    Share,
    /// Who is ready to run.
    Ready,
    /// Who is to be woken when.
    Deadlines,
    /// What is left to be cleaned up.
    Reaper,
}

/// A value that one CPU at a time may reach.
pub struct Lock<T> {
    #[cfg(test)]
    rank: Rank,
    value: TicketMutex<T>,
}

impl<T> Lock<T> {
    /// A lock of this rank.
    pub const fn new(rank: Rank, value: T) -> Self {
        #[cfg(not(test))]
        let _ = rank;
        Self {
            #[cfg(test)]
            rank,
            value: TicketMutex::new(value),
        }
    }

    /// Waits for the lock. In host tests panics if a lock of the same or a later rank is held.
    pub fn lock(&self) -> Guard<'_, T> {
        #[cfg(test)]
        order::enter(self.rank);
        Guard {
            value: self.value.lock(),
            #[cfg(test)]
            rank: self.rank,
        }
    }
}

/// A lock that is held.
pub struct Guard<'a, T> {
    value: TicketMutexGuard<'a, T>,
    #[cfg(test)]
    rank: Rank,
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

#[cfg(test)]
impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        order::leave(self.rank);
    }
}

#[cfg(test)]
mod order {
    use super::Rank;
    use std::{cell::RefCell, vec::Vec};

    std::thread_local! {
        static HELD: RefCell<Vec<Rank>> = const { RefCell::new(Vec::new()) };
    }

    pub(super) fn enter(rank: Rank) {
        HELD.with_borrow_mut(|held| {
            let latest = held.iter().max();
            assert!(latest < Some(&rank), "{rank:?} after {held:?}");
            held.push(rank);
        });
    }

    pub(super) fn leave(rank: Rank) {
        HELD.with_borrow_mut(|held| held.retain(|&other| other != rank));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Locks are taken in ascending rank, and may be given back in any order.
    #[test]
    fn lock_ranks_ascend() {
        let (outer, inner) = (Lock::new(Rank::Task, 1), Lock::new(Rank::Ready, 2));
        let outer_guard = outer.lock();
        let inner_guard = inner.lock();
        drop(outer_guard);
        drop(inner_guard);
        assert_eq!(*outer.lock(), 1);
    }

    /// Taking a lock of an earlier rank is found out in the first test that does it.
    #[test]
    #[should_panic(expected = "Task after [Ready]")]
    fn lock_order_violations_are_found() {
        let (outer, inner) = (Lock::new(Rank::Task, 1), Lock::new(Rank::Ready, 2));
        let _inner = inner.lock();
        let _outer = outer.lock();
    }
}
