//! Who is ready to run: a queue for each priority, and which are not empty.
//!
//! The highest priority runs; within one, in turn. Entering, leaving and choosing take constant time.

use super::priorities::{Changing, N_PRIORITIES, Priorities, Priority};
use crate::shared::{Linked, List, Ref};

/// Purpose of the link through which a member is in the queue.
#[derive(Debug)]
pub enum Ready {}

/// Something that can be ready.
pub trait IsReady: Linked<Ready> {
    /// How urgent it is.
    fn priority(&self) -> Priority;

    /// As how urgent it is in the queue; written by the queue only.
    fn entered_as(&self) -> &Changing;
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
        member.entered_as().set(priority);
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
    pub fn remove(&mut self, member: &Ref<T>) -> Option<Ref<T>> {
        let priority = member.entered_as().get();
        let list = &mut self.lists[priority.level()];
        let removed = list.remove(member);
        if list.is_empty() {
            self.occupied.remove(priority);
        }
        removed
    }

    /// Its priority has changed: puts `member` behind all of that, if it is in.
    pub fn move_over(&mut self, member: &Ref<T>) {
        if member.priority() != member.entered_as().get()
            && let Some(member) = self.remove(member)
        {
            self.push(member);
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

    struct Member {
        name: u32,
        priority: Changing,
        entered_as: Changing,
        link: Link,
    }

    impl Linked<Ready> for Member {
        fn link(&self) -> &Link {
            &self.link
        }
    }

    impl IsReady for Member {
        fn priority(&self) -> Priority {
            self.priority.get()
        }

        fn entered_as(&self) -> &Changing {
            &self.entered_as
        }
    }

    fn member(name: u32, level: u64) -> Ref<Member> {
        let member = Ref::try_new(Member {
            name,
            priority: Changing::new(Priority::new(level).unwrap()),
            entered_as: Changing::new(Priority::LOWEST),
            link: Link::new(),
        });
        member.ok().unwrap()
    }

    fn order(queue: &mut ReadyQueue<Member>) -> std::vec::Vec<u32> {
        core::iter::from_fn(|| queue.pop().map(|m| m.name)).collect()
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

    /// One whose priority changes in the queue stays where it is until it is moved over, and can be taken out all the while.
    #[test]
    fn sched_changed_priorities_are_moved_over() {
        let mut queue = ReadyQueue::new();
        let members: std::vec::Vec<_> = (0..4).map(|name| member(name, 3)).collect();
        members.iter().for_each(|m| queue.push(m.clone()));
        for member in &members[1..] {
            member.priority.set(Priority::new(9).unwrap());
        }
        queue.move_over(&members[0]);
        queue.move_over(&members[2]);
        assert!(queue.remove(&members[1]).is_some());
        assert!(queue.remove(&members[1]).is_none());
        assert_eq!(queue.pop().map(|m| m.name), Some(2));
        queue.move_over(&members[2]);
        assert_eq!(order(&mut queue), [0, 3]);
        assert!(queue.occupied().highest().is_none());
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
