//! What remains to be done when an operation has taken effect.

use core::marker::PhantomData;

use crate::System;

/// Whom the embedder must wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// Something was queued: every waiter of the peer looks again (RCV-6).
    Readable,
    /// The peer closed: every waiter ends with hang-up (RCV-6).
    HangUp,
}

/// Whether a resumable piece of work has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Progress {
    /// The budget is used up; call again.
    More,
    /// Another thread is in the middle of a batch of the same work; call again later.
    Busy,
    /// Nothing remains.
    Done,
}

/// What remains of an operation that has taken effect: queues to look after, dropped messages to take apart, peers to wake.
///
/// It cannot fail and needs no memory. The call that started the operation must not return to its caller before the effects
/// are finished (ORD-6, SND-4). Dropping unfinished effects finishes them and wakes nobody.
#[must_use = "the operation is complete only when its effects are finished"]
pub struct Effects<S: System> {
    _system: PhantomData<S>,
}

impl<S: System> Effects<S> {
    pub(crate) fn none() -> Effects<S> {
        Effects {
            _system: PhantomData,
        }
    }

    /// Does up to `budget` pieces of work, each short, and reports whom to wake; `wake` is called without any lock held.
    pub fn step(&mut self, _budget: u32, _wake: &mut dyn FnMut(&S::Watch, Wake)) -> Progress {
        Progress::Done
    }

    /// Does all that remains.
    pub fn finish(mut self, wake: &mut dyn FnMut(&S::Watch, Wake)) {
        while self.step(u32::MAX, wake) != Progress::Done {}
    }

    /// Does all that remains, for a program in which nobody waits.
    pub fn finish_silently(self) {
        self.finish(&mut |_, _| {});
    }
}
