//! Who is to be woken when: a heap of deadlines that knows where everyone is.
//!
//! 1. Room is set aside when a member is admitted, so that entering a deadline cannot fail.
//! 2. A member is in the queue at most once and knows its place ([`Member::place`]), so taking it out
//!    costs as little as entering it: logarithmic in the number of deadlines.
//! 3. What the queue has allocated depends on the number of admitted members and on nothing else, unless memory ran out meanwhile.

use alloc::collections::TryReserveError;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};

/// The place of a member that has no deadline.
const NOWHERE: usize = usize::MAX;

/// Least room that is set aside.
const ROOM_MIN: usize = 64;

/// Where a member is in the queue; written by the queue only, under the queue's lock.
#[derive(Debug)]
pub struct Place(AtomicUsize);

impl Default for Place {
    fn default() -> Self {
        Self(AtomicUsize::new(NOWHERE))
    }
}

impl Place {
    fn get(&self) -> Option<usize> {
        let index = self.0.load(Ordering::Relaxed);
        (index != NOWHERE).then_some(index)
    }

    /// True if its member has a deadline. Without the queue's lock only the member's own CPU can rely on it.
    #[inline]
    pub fn is_taken(&self) -> bool {
        self.get().is_some()
    }

    fn set(&self, index: usize) {
        self.0.store(index, Ordering::Relaxed);
    }
}

/// Something that can have a deadline in one queue.
pub trait Member {
    /// Where it is.
    fn place(&self) -> &Place;
}

/// Members with deadlines, earliest first.
pub struct Deadlines<M> {
    heap: Vec<(u64, M)>,
    n_members: usize,
}

impl<M: Member> Default for Deadlines<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M: Member> Deadlines<M> {
    /// Bytes that the queue has allocated for each member, at most (but for the least room it has).
    pub const BYTES_PER_MEMBER: usize = 2 * size_of::<(u64, M)>();

    /// An empty queue. Allocates nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            heap: Vec::new(),
            n_members: 0,
        }
    }

    fn room(n_members: usize) -> usize {
        match n_members {
            0 => 0,
            n => n.next_power_of_two().max(ROOM_MIN),
        }
    }

    /// Sets room aside for one more member.
    ///
    /// # Errors
    /// No memory; nothing changed then.
    pub fn admit(&mut self) -> Result<(), TryReserveError> {
        let room = Self::room(self.n_members + 1);
        self.heap
            .try_reserve_exact(room.saturating_sub(self.heap.len()))?;
        self.n_members += 1;
        Ok(())
    }

    /// Gives the room of a member that has no deadline back; later, if there is no memory to do it with.
    pub fn dismiss(&mut self) {
        self.n_members -= 1;
        let room = Self::room(self.n_members);
        let mut smaller = Vec::new();
        if self.heap.capacity() > room && smaller.try_reserve_exact(room).is_ok() {
            smaller.append(&mut self.heap);
            self.heap = smaller;
        }
    }

    /// Enters `member`, which has been admitted, to be woken at `deadline_ns`. One that is in
    /// the queue already keeps its earlier entry.
    pub fn enter(&mut self, deadline_ns: u64, member: M) {
        if member.place().get().is_some() {
            return;
        }
        debug_assert!(self.heap.len() < self.n_members);
        let index = self.heap.len();
        self.heap.push((deadline_ns, member));
        self.rise(index);
    }

    /// Takes `member` out, if it has a deadline.
    pub fn cancel(&mut self, member: &M) -> Option<M> {
        let index = member.place().get()?;
        Some(self.take(index))
    }

    /// The earliest deadline.
    #[must_use]
    pub fn earliest_ns(&self) -> Option<u64> {
        self.heap.first().map(|&(deadline_ns, _)| deadline_ns)
    }

    /// Takes out a member whose deadline is not after `now_ns`, earliest first.
    pub fn pop_due(&mut self, now_ns: u64) -> Option<M> {
        (self.earliest_ns()? <= now_ns).then(|| self.take(0))
    }

    fn take(&mut self, index: usize) -> M {
        let (_, member) = self.heap.swap_remove(index);
        member.place().set(NOWHERE);
        if index < self.heap.len() {
            self.rise(index);
            self.sink(index);
        }
        member
    }

    fn rise(&mut self, mut index: usize) {
        while index > 0 {
            let parent = (index - 1) / 2;
            if self.heap[parent].0 <= self.heap[index].0 {
                break;
            }
            self.heap.swap(parent, index);
            self.settle(index);
            index = parent;
        }
        self.settle(index);
    }

    fn sink(&mut self, mut index: usize) {
        loop {
            let mut least = index;
            for child in [2 * index + 1, 2 * index + 2] {
                if child < self.heap.len() && self.heap[child].0 < self.heap[least].0 {
                    least = child;
                }
            }
            self.settle(index);
            if least == index {
                return;
            }
            self.heap.swap(least, index);
            self.settle(index);
            index = least;
        }
    }

    fn settle(&mut self, index: usize) {
        self.heap[index].1.place().set(index);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

    struct Sleeper(u64, Place);

    impl Member for Rc<Sleeper> {
        fn place(&self) -> &Place {
            &self.1
        }
    }

    fn sleepers(n: u64) -> (Deadlines<Rc<Sleeper>>, Vec<Rc<Sleeper>>) {
        let mut queue = Deadlines::new();
        let sleepers = (0..n)
            .map(|i| {
                queue.admit().unwrap();
                Rc::new(Sleeper(i, Place::default()))
            })
            .collect();
        (queue, sleepers)
    }

    /// Deadlines come due in their order and never early.
    #[test]
    fn deadlines_come_due_in_order() {
        let (mut queue, all) = sleepers(100);
        for sleeper in &all {
            queue.enter(sleeper.0 * 37 % 101, sleeper.clone());
        }
        let mut last_ns = 0;
        for now_ns in 0..101 {
            while let Some(sleeper) = queue.pop_due(now_ns) {
                let deadline_ns = sleeper.0 * 37 % 101;
                assert!(last_ns <= deadline_ns && deadline_ns == now_ns);
                last_ns = deadline_ns;
            }
        }
        assert_eq!(queue.earliest_ns(), None);
    }

    /// A cancelled deadline does not come due, and cancelling disturbs no other.
    #[test]
    fn deadlines_can_be_cancelled() {
        let (mut queue, all) = sleepers(64);
        for sleeper in &all {
            queue.enter(sleeper.0 * 29 % 64, sleeper.clone());
        }
        for sleeper in all.iter().filter(|s| s.0 % 3 == 0) {
            assert_eq!(queue.cancel(sleeper).unwrap().0, sleeper.0);
            assert!(queue.cancel(sleeper).is_none());
        }
        let mut due = Vec::new();
        while let Some(sleeper) = queue.pop_due(u64::MAX) {
            due.push(sleeper.0 * 29 % 64);
        }
        assert!(due.is_sorted());
        assert_eq!(due.len(), all.iter().filter(|s| s.0 % 3 != 0).count());
    }

    /// What is allocated depends on the number of admitted members only.
    #[test]
    fn deadlines_give_their_room_back() {
        let (mut queue, mut all) = sleepers(64);
        let room = queue.heap.capacity();
        for _ in 0..500 {
            queue.admit().unwrap();
        }
        assert!(queue.heap.capacity() >= 564);
        for _ in 0..500 {
            queue.dismiss();
        }
        assert_eq!(queue.heap.capacity(), room);
        all.clear();
        for _ in 0..64 {
            queue.dismiss();
        }
        assert_eq!(queue.heap.capacity(), 0);
    }
}
