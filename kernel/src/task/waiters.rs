//! Who waits for a peer, a task or a thread.
//!
//! A waiting thread has one [`Waiter`] in the queue of each thing it waits for. Waking takes everyone out; each
//! looks again, and enters again if it found nothing (RCV-6). At most [`WAITERS_MAX`] wait for one thing, so
//! that waking them is short (ORD-8).

use super::thread::Thread;
use crate::lock::{Lock, Rank};
use crate::shared::{Link, Linked, List, Ref, Slot};

/// Most waiters for one thing.
pub const WAITERS_MAX: usize = 1024;

/// Too many wait for this already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany;

/// A thread in the queue of one thing.
pub struct Waiter {
    thread: Ref<Thread>,
    link: Link,
}

/// Purpose of a waiter's link.
#[derive(Debug)]
pub enum Waiting {}

impl Linked<Waiting> for Waiter {
    fn link(&self) -> &Link {
        &self.link
    }
}

impl Waiter {
    /// For `thread`, in no queue.
    #[must_use]
    pub fn new(thread: Ref<Thread>) -> Self {
        let link = Link::new();
        Self { thread, link }
    }
}

/// The queue of one thing.
pub struct Waiters {
    /// A thread that waits in a receiving call for this alone ([`super::doing`]): a message can be handed over to it. It
    /// has no place in the queue.
    sole: Slot<Thread>,
    queue: Lock<Queue>,
}

struct Queue {
    list: List<Waiter, Waiting>,
    n_waiters: usize,
}

impl Default for Waiters {
    fn default() -> Self {
        Self::new()
    }
}

impl Waiters {
    /// Nobody waits.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            sole: Slot::new(),
            queue: Lock::new(
                Rank::Waiters,
                Queue {
                    list: List::new(),
                    n_waiters: 0,
                },
            ),
        }
    }

    /// Enters a waiter that is in no queue.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn enter(&self, waiter: &Ref<Waiter>) -> Result<(), TooMany> {
        let mut queue = self.queue.lock();
        if queue.n_waiters == WAITERS_MAX {
            return Err(TooMany);
        }
        if queue.list.push_back(waiter.clone()) {
            queue.n_waiters += 1;
        }
        Ok(())
    }

    /// Takes a waiter out, if it still waits here.
    pub fn leave(&self, waiter: &Ref<Waiter>) {
        let mut queue = self.queue.lock();
        if queue.list.remove(waiter).is_some() {
            queue.n_waiters -= 1;
        }
    }

    /// Enters a thread that waits in a receiving call for this alone; false if there is one already. Threads in the queue do not matter:
    /// a message that is handed over was never theirs to receive, and any other wakes all.
    #[inline]
    pub fn enter_sole(&self, thread: &Ref<Thread>) -> bool {
        self.sole.put(thread)
    }

    /// Takes such a thread out, if it still waits here.
    #[inline]
    pub fn leave_sole(&self, thread: &Ref<Thread>) {
        self.sole.take_back(thread);
    }

    /// Takes such a thread out in order to hand a message over to it. Whoever does, wakes it if that fails.
    #[inline]
    pub fn take_sole(&self) -> Option<Ref<Thread>> {
        self.sole.take()
    }

    /// Wakes everyone.
    pub fn wake_all(&self) {
        self.wake_with(|thread| Thread::wake(&thread));
    }

    /// The same; `wake_sole` wakes the one that waits in a receiving call for this alone.
    #[inline]
    pub fn wake_with(&self, wake_sole: impl FnOnce(Ref<Thread>)) {
        if let Some(thread) = self.sole.take() {
            wake_sole(thread);
        }
        while let Some(waiter) = self.pop() {
            Thread::wake(&waiter.thread);
        }
    }

    fn pop(&self) -> Option<Ref<Waiter>> {
        let mut queue = self.queue.lock();
        let waiter = queue.list.pop_front()?;
        queue.n_waiters -= 1;
        Some(waiter)
    }
}
