//! A system call that is not finished: what it has left to do, as a value.
//!
//! Long calls stop at batch boundaries (ORD-8), where interrupts and kills are taken; blocking calls stop until something
//! wakes them. Either way the rest of the call is an [`Operation`] that the thread keeps. Each carries what it needs and
//! nothing more, gives everything back when it is abandoned, and keeps the peers open that it runs on (CLO-5).

use omnibus_abi::Errno;

use super::account::{Metering, Reading};
use super::caller::Caller;
use super::capability::Closing;
use super::inspect::Inspect;
use super::join::Join;
use super::long;
use super::memory::{Changes, Map};
use super::memory_object::{Filling, Freeing, MapObject, Revoke, UnmapObject};
use super::paid::Paid;
use super::release::Release;
use super::send::Send;
use super::short::Receive;
use super::stopped::Stopped;
use super::task_priority::MoveOver;
use super::transfer::Transfer;
use super::wait::Wait;
use crate::service::{
    self, Effects,
    peer::{Hold, PeerObject},
};
use crate::shared::Ref;
use crate::task::reaper::BATCH;
use crate::task::thread::Thread;
use bus1_service::Progress;

/// The rest of a call.
pub enum Operation {
    /// All of it: the call is made again from its beginning.
    Restart,
    /// What remains when the core's part has been decided.
    Finish(Finish),
    /// `wait`.
    Wait(Wait),
    /// `receive_short`, `call_short`, `receive_long`, `call_long`.
    Receive(Receive),
    /// `thread_join`.
    Join(Join),
    /// `transfer`.
    Transfer(Transfer),
    /// `release`.
    Release(Release),
    /// `send`.
    Send(Send),
    /// `capability_drop` of a peer's last capability.
    Closing(Closing),
    /// `vm_map`.
    Map(Map),
    /// `vm_unmap`, `vm_protect`.
    Changes(Changes),
    /// `inspect`.
    Inspect(Inspect),
    /// `memory_new`.
    Filling(Filling),
    /// The end of a call that gave up the last hold of a memory object.
    Freeing(Freeing),
    /// `memory_map`.
    MapObject(MapObject),
    /// `memory_unmap`.
    UnmapObject(UnmapObject),
    /// `memory_revoke`.
    Revoke(Revoke),
    /// `task_priority`.
    MoveOver(MoveOver),
    /// The thread stands at a fault.
    Stopped(Stopped),
    /// `account_read`.
    Reading(Reading),
    /// `account_share`.
    Metering(Metering),
}

/// What came of a step of a call.
pub enum Outcome {
    /// It is over: the value, or the error.
    Done(Result<u64, Errno>),
    /// There is more to do, and others may run first.
    More(Operation),
    /// It waits until the thread is woken.
    Block(Operation),
    /// The same, in a receiving call, as the sole one at this peer; what is left of the call is in the thread's registers.
    Receive(Ref<PeerObject>),
    /// The thread lets others of its priority run first.
    Yield,
    /// The thread goes on in user mode, with its registers as they are.
    Resume,
    /// The thread has ended.
    Ended,
}

impl From<Result<u64, Errno>> for Outcome {
    fn from(result: Result<u64, Errno>) -> Self {
        Self::Done(result)
    }
}

impl From<Errno> for Outcome {
    fn from(errno: Errno) -> Self {
        Self::Done(Err(errno))
    }
}

impl Operation {
    /// Goes on for one batch.
    pub fn step(self, caller: &mut Caller<'_>) -> Outcome {
        match self {
            Self::Restart => super::begin(caller),
            Self::Finish(finish) => long::go_on(finish.step(), caller),
            Self::Wait(wait) => wait.step(caller),
            Self::Receive(receive) => receive.step(caller),
            Self::Join(join) => join.step(caller),
            Self::Transfer(transfer) => transfer.step(caller),
            Self::Release(release) => release.step(),
            Self::Send(send) => {
                let outcome = send.step(caller);
                long::go_on(outcome, caller)
            }
            Self::Closing(closing) => closing.step(),
            Self::Map(map) => map.step(caller),
            Self::Changes(changes) => changes.step(caller),
            Self::Inspect(inspect) => inspect.step(caller),
            Self::Filling(filling) => filling.step(caller),
            Self::Freeing(freeing) => freeing.step(),
            Self::MapObject(map) => map.step(),
            Self::UnmapObject(unmap) => unmap.step(),
            Self::Revoke(revoke) => revoke.step(),
            Self::MoveOver(move_over) => move_over.step(),
            Self::Stopped(stopped) => stopped.step(caller.thread),
            Self::Reading(reading) => reading.step(caller),
            Self::Metering(metering) => metering.step(),
        }
    }

    /// Gives back what the call of an ended thread holds, one batch at a time: what is left, if anything. What cannot
    /// be undone any more is seen through.
    #[must_use]
    pub fn abandon(self, thread: &Ref<Thread>) -> Option<Self> {
        let left = match self {
            Self::Restart | Self::Map(_) | Self::Changes(_) | Self::Inspect(_) => return None,
            Self::Reading(_) => return None,
            // The reaper sees the peer, or the memory object, through.
            Self::Closing(_) | Self::Filling(_) | Self::Freeing(_) => return None,
            Self::MapObject(map) => map.abandon()?.step(),
            Self::UnmapObject(unmap) => unmap.step(),
            Self::Revoke(revoke) => revoke.step(),
            Self::MoveOver(move_over) => move_over.step(),
            Self::Metering(metering) => metering.step(),
            Self::Stopped(stopped) => stopped.abandon(thread)?.abandon().step(),
            Self::Finish(finish) => finish.step(),
            Self::Wait(wait) => {
                wait.leave(thread);
                return None;
            }
            Self::Receive(mut receive) => {
                receive.leave(thread);
                return None;
            }
            Self::Join(join) => {
                join.leave(thread);
                return None;
            }
            Self::Transfer(transfer) => transfer.abandon().step(),
            Self::Release(release) => {
                release.abandon();
                return None;
            }
            Self::Send(send) => send.abandon().step(),
        };
        match left {
            Outcome::More(rest) => Some(rest),
            _ => None,
        }
    }
}

/// The effects of an operation of the core, and what the call returns when they are finished.
#[must_use]
pub struct Finish {
    effects: Effects,
    /// The peer stays open until then.
    hold: Hold,
    /// The effects may have lists, which are paid for until then.
    paid: Paid,
    /// None if the thread's registers have been set already.
    result: Option<Result<u64, Errno>>,
}

impl Finish {
    /// Returns `result` when `effects` are finished.
    pub fn new(effects: Effects, hold: Hold, paid: Paid, result: Result<u64, Errno>) -> Self {
        Self {
            effects,
            hold,
            paid,
            result: Some(result),
        }
    }

    /// Goes on in user mode when `effects` are finished, with the registers as they are.
    pub fn resume(effects: Effects, hold: Hold, paid: Paid) -> Self {
        Self {
            effects,
            hold,
            paid,
            result: None,
        }
    }

    /// Does a batch of the effects.
    pub fn step(mut self) -> Outcome {
        match self.effects.step(BATCH, &mut service::wake) {
            Progress::Done => {
                let Self {
                    effects,
                    hold,
                    paid,
                    result,
                } = self;
                drop(effects);
                drop((hold, paid));
                result.map_or(Outcome::Resume, Outcome::Done)
            }
            Progress::More | Progress::Busy => Outcome::More(Operation::Finish(self)),
        }
    }
}
