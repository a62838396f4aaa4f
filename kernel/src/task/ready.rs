//! Who is ready to run: a queue for each priority, and which are not empty.
//!
//! The highest priority runs; within one, in turn. Entering, leaving and choosing take constant time.

use super::priorities::{N_PRIORITIES, Priorities, Priority};
use crate::shared::{Linked, List, Ref};

/// Purpose of the link through which a member is in the queue.
#[derive(Debug)]
pub enum Ready {}

/// Something that can be ready.
pub trait IsReady: Linked<Ready> {
    /// How urgent it is; never changes while it is in the queue.
    fn priority(&self) -> Priority;
}

/// Everyone ready.
pub struct ReadyQueue<T: IsReady> {
    lists: [List<T, Ready>; N_PRIORITIES],
    occupied: Priorities,
}

impl<T: IsReady> Default for ReadyQueue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: IsReady> ReadyQueue<T> {
    /// Nobody.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            lists: [const { List::new() }; N_PRIORITIES],
            occupied: Priorities::NONE,
        }
    }

    /// Enters `member` behind all of its priority.
    pub fn push(&mut self, member: Ref<T>) {
        let priority = member.priority();
        self.lists[priority.level()].push_back(member);
        self.occupied.insert(priority);
    }

    /// Takes out the first of the highest priority.
    pub fn pop(&mut self) -> Option<Ref<T>> {
        let priority = self.occupied.highest()?;
        let list = &mut self.lists[priority.level()];
        let member = list.pop_front();
        if list.is_empty() {
            self.occupied.remove(priority);
        }
        member
    }

    /// Takes `member` out, if it is in.
    pub fn remove(&mut self, member: &Ref<T>) {
        let priority = member.priority();
        let list = &mut self.lists[priority.level()];
        list.remove(member);
        if list.is_empty() {
            self.occupied.remove(priority);
        }
    }

    /// The priorities of everybody in it.
    #[must_use]
    pub fn occupied(&self) -> Priorities {
        self.occupied
    }

    /// True if somebody is ready who should run instead of one of `priority`: someone more urgent, or,
    /// if its turn is over, someone as urgent.
    #[must_use]
    pub fn has_better(&self, priority: Priority, is_turn_over: bool) -> bool {
        self.occupied
            .highest()
            .is_some_and(|highest| highest > priority || (is_turn_over && highest == priority))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::Link;

    struct Member(u32, Priority, Link);

    impl Linked<Ready> for Member {
        fn link(&self) -> &Link {
            &self.2
        }
    }

    impl IsReady for Member {
        fn priority(&self) -> Priority {
            self.1
        }
    }

    fn member(name: u32, level: u64) -> Ref<Member> {
        Ref::try_new(Member(name, Priority::new(level).unwrap(), Link::new()))
            .ok()
            .unwrap()
    }

    fn order(queue: &mut ReadyQueue<Member>) -> std::vec::Vec<u32> {
        core::iter::from_fn(|| queue.pop().map(|m| m.0)).collect()
    }

    /// The most urgent runs first, and those of one priority in the order in which they became ready.
    #[test]
    fn sched_priority_first_then_turn() {
        let mut queue = ReadyQueue::new();
        for (name, level) in [(1, 5), (2, 9), (3, 5), (4, 31), (5, 0), (6, 9)] {
            queue.push(member(name, level));
        }
        assert_eq!(order(&mut queue), [4, 2, 6, 1, 3, 5]);
    }

    /// Someone taken out does not run, and the others keep their order.
    #[test]
    fn sched_removal_keeps_the_order() {
        let mut queue = ReadyQueue::new();
        let members: std::vec::Vec<_> = (0..4).map(|name| member(name, 3)).collect();
        members.iter().for_each(|m| queue.push(m.clone()));
        queue.remove(&members[1]);
        queue.remove(&members[1]);
        assert_eq!(order(&mut queue), [0, 2, 3]);
        queue.remove(&members[2]);
        assert!(queue.pop().is_none());
    }

    /// A running thread gives way to a more urgent one at once, to an equal one when its turn is over, to a lesser one never.
    #[test]
    fn sched_who_gives_way() {
        let mut queue = ReadyQueue::new();
        queue.push(member(0, 5));
        let level = |level| Priority::new(level).unwrap();
        assert!(queue.has_better(level(4), false));
        assert!(!queue.has_better(level(5), false));
        assert!(queue.has_better(level(5), true));
        assert!(!queue.has_better(level(6), true));
        queue.pop();
        assert!(!queue.has_better(level(0), true));
    }
}
