//! What remains to be done when an operation has taken effect, or was undone.
//!
//! It is a list of destinations, worked through from the front, or one message to take apart. No step holds a lock when it calls
//! `wake` or begins with the next object; where it stopped is kept in the effects and in what the messages still carry.

use alloc::vec::Vec;

use crate::handle::Handle;
use crate::mem::{Ref, put};
use crate::message::Message;
use crate::mutant::{self, Mutant};
use crate::peer::{PeerCore, leave_now};
use crate::send::{Destination, FewMessages, sweep_few};
use crate::transfer::Entry;
use crate::{System, account, hook};

/// Whom the embedder must wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// Something was queued: every waiter of the peer looks again (RCV-6). Told at least if, since it was told last, a RECV or a question
    /// like [`crate::Peer::is_readable`] was answered that there is nothing: a waiter asks once more when it can be woken.
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

/// Whom to tell about wakes.
pub(crate) type Waker<'a, S> = &'a mut dyn FnMut(&<S as System>::Watch, Wake);

/// What remains of an operation that has taken effect: queues to look after, dropped messages to take apart, peers to wake.
///
/// It cannot fail and needs no memory. The call that started the operation must not return to its caller before the effects
/// are finished (ORD-6, SND-4). Dropping unfinished effects finishes them and wakes nobody.
#[must_use = "the operation is complete only when its effects are finished"]
pub struct Effects<S: System> {
    remains: Remains<S>,
}

/// What remains. Of most operations it is short, and moves in registers.
enum Remains<S: System> {
    Nothing,
    /// A message through this handle, and one through the other, if there is one, is in its queue, and somebody may wait for it.
    Wake(Ref<Handle<S>>, Option<Ref<Handle<S>>>),
    More(Unfinished<S>),
}

/// Work that is done by whoever drops it; none when it is done.
struct Unfinished<S: System>(Option<Work<S>>);

/// Work of several pieces.
pub(crate) enum Work<S: System> {
    /// These messages, which carry nothing, are in their queues.
    Few(FewMessages<S>),
    /// Settle the queue of each destination; take apart what was dropped.
    Sweep(Vec<Destination<S>>),
    /// Let what was transferred arrive at this peer, and then go of what the transfer held of it.
    Arrive(Option<Ref<PeerCore<S>>>, Vec<Entry<S>>),
    /// Take this message apart.
    Drop(Ref<Message<S>>),
    /// Give back what was prepared for these destinations.
    UndoSend {
        price: S::Amounts,
        destinations: Vec<Destination<S>>,
    },
    /// Give back what was prepared for these entries of a transfer.
    UndoTransfer(Vec<Entry<S>>),
}

impl<S: System> Effects<S> {
    pub(crate) fn new(work: Work<S>) -> Effects<S> {
        Effects {
            remains: Remains::More(Unfinished(Some(work))),
        }
    }

    /// Those of nothing.
    #[inline(always)]
    pub(crate) fn none() -> Effects<S> {
        Effects {
            remains: Remains::Nothing,
        }
    }

    /// Those of a message through `handle`, which somebody may wait for.
    #[inline(always)]
    pub(crate) fn wake(handle: Ref<Handle<S>>) -> Effects<S> {
        Effects {
            remains: Remains::Wake(handle, None),
        }
    }

    /// Turns effects of nothing into those of messages through these handles, if there are any, which somebody may wait for.
    #[inline(always)]
    pub(crate) fn wake_both(&mut self, awaited: [Option<Ref<Handle<S>>>; 2]) {
        if let [Some(first), second] | [second, Some(first)] = awaited {
            put(&mut self.remains, Remains::Wake(first, second));
        }
    }

    /// Turns effects of nothing into those of an operation.
    #[inline(always)]
    pub(crate) fn begin(&mut self, work: Work<S>) {
        put(&mut self.remains, Remains::More(Unfinished(Some(work))));
    }

    /// Does up to `budget` pieces of work, each short, and reports whom to wake; `wake` is called without any lock held.
    pub fn step(&mut self, budget: u32, wake: &mut dyn FnMut(&S::Watch, Wake)) -> Progress {
        let mut budget = budget;
        while budget > 0 {
            budget = budget.saturating_sub(1);
            hook::point("effects");
            let is_done = match &mut self.remains {
                Remains::Nothing => true,
                Remains::Wake(handle, other) => {
                    wake_receivers(handle, other.as_ref(), wake);
                    true
                }
                Remains::More(unfinished) => {
                    let work = unfinished.0.as_mut();
                    let is_done = work.is_none_or(|work| work.piece(&mut budget, wake));
                    if is_done {
                        unfinished.0 = None;
                    }
                    is_done
                }
            };
            if is_done {
                self.remains = Remains::Nothing;
                return Progress::Done;
            }
        }
        if matches!(self.remains, Remains::Nothing) {
            Progress::Done
        } else {
            Progress::More
        }
    }

    /// Does all that remains.
    #[inline(always)]
    pub fn finish(self, wake: &mut dyn FnMut(&S::Watch, Wake)) {
        match self.remains {
            Remains::Nothing => {}
            Remains::Wake(handle, other) => {
                hook::point("effects");
                wake_receivers(&handle, other.as_ref(), wake);
            }
            Remains::More(mut unfinished) => {
                if let Some(Work::Few(messages)) = &mut unfinished.0 {
                    hook::point("effects");
                    sweep_few(messages, wake);
                    // There is nothing left to do or to drop.
                    core::mem::forget(unfinished);
                } else {
                    unfinished.finish(wake);
                }
            }
        }
    }

    /// Does all that remains, for a program in which nobody waits.
    #[inline]
    pub fn finish_silently(self) {
        self.finish(&mut |_, _| {});
    }
}

impl<S: System> Unfinished<S> {
    #[inline(never)]
    fn finish(&mut self, wake: Waker<'_, S>) {
        let Some(mut work) = self.0.take() else {
            return;
        };
        loop {
            let mut budget = u32::MAX;
            hook::point("effects");
            if work.piece(&mut budget, wake) {
                return;
            }
        }
    }
}

impl<S: System> Work<S> {
    /// One piece. `true` if it was the last.
    fn piece(&mut self, budget: &mut u32, wake: Waker<'_, S>) -> bool {
        match self {
            Work::Few(messages) => {
                sweep_few(messages, wake);
                true
            }
            Work::Arrive(peer, entries) => {
                match peer.take() {
                    Some(peer) => peer.sweep(wake),
                    None => drop(entries.pop()),
                }
                entries.is_empty()
            }
            Work::Drop(message) => dismantle(message, budget, wake),
            Work::Sweep(destinations) => {
                let mut n_left = destinations.len();
                for last in destinations.iter_mut().rev() {
                    if !last.sweep(budget, wake) {
                        break;
                    }
                    n_left = n_left.saturating_sub(1);
                    let Some(n) = budget.checked_sub(1) else {
                        break;
                    };
                    *budget = n;
                    hook::point("effects");
                }
                destinations.truncate(n_left);
                destinations.is_empty()
            }
            Work::UndoSend {
                price,
                destinations,
            } => {
                if let Some(destination) = destinations.last_mut()
                    && destination.undo(price, budget, wake)
                {
                    drop(destinations.pop());
                }
                destinations.is_empty()
            }
            Work::UndoTransfer(entries) => {
                if let Some(mut entry) = entries.pop() {
                    entry.undo(wake);
                }
                entries.is_empty()
            }
        }
    }
}

impl<S: System> Drop for Unfinished<S> {
    fn drop(&mut self) {
        self.finish(&mut |_, _| {});
    }
}

/// Wakes whom messages through `handle` and the `other`, if there is one, are for.
#[inline]
fn wake_receivers<S: System>(
    handle: &Ref<Handle<S>>,
    other: Option<&Ref<Handle<S>>>,
    wake: Waker<'_, S>,
) {
    for handle in [Some(handle), other].into_iter().flatten() {
        wake(&handle.node().owner().watch, Wake::Readable);
    }
}

/// Takes a message apart: releases the handles it still carries, each in a transaction of its own (NOT-2), and gives its charge back.
/// The caller owns it (it is on no list of its node, or it set `is_dropped`). `true` when all is done.
pub(crate) fn dismantle<S: System>(
    message: &Ref<Message<S>>,
    budget: &mut u32,
    wake: Waker<'_, S>,
) -> bool {
    let is_done = drop_handles(message, budget, wake);
    if is_done
        && !mutant::is(Mutant::DropKeepsCharge)
        && let Some(trace) = &message.trace
    {
        account::discharge(trace, &Message::price(message));
    }
    is_done
}

/// Releases the handles that a message still carries. `true` when there are none left.
pub(crate) fn drop_handles<S: System>(
    message: &Ref<Message<S>>,
    budget: &mut u32,
    wake: Waker<'_, S>,
) -> bool {
    let Some(carried) = &message.carried else {
        return true;
    };
    loop {
        let (handle, objects, piece) = {
            let mut guard = message.receiver().lock.lock();
            let (state, key) = guard.parts();
            let carried = carried.state(key);
            let objects = carried.objects.take();
            let handle = carried.handles.pop();
            if let Some(handle) = &handle {
                state.retire(key, handle);
            }
            (handle, objects, state.table.take_empty())
        };
        drop(objects);
        drop(piece);
        hook::point("drop");
        let Some(handle) = handle else { return true };
        leave_now(&handle, wake);
        *budget = budget.saturating_sub(1);
        if *budget == 0 {
            return false;
        }
    }
}
