//! Calls on the capability table itself.

use bus1_service::Progress;
use omnibus_abi::{CapabilityNumber, Errno, native};

use super::Arguments;
use super::caller::Caller;
use super::memory_object;
use super::operation::{Operation, Outcome};
use super::structure::SizeOf;
use crate::cap::Object;
use crate::service::peer::PeerObject;
use crate::shared::Ref;
use crate::task::reaper::{self, BATCH};

/// `capability_copy(capability, rights)`.
///
/// # Errors
/// `EBADF`; `EPERM` for rights that the original lacks; `EDQUOT`, `ENOMEM`.
pub fn copy(caller: &Caller<'_>, [number, rights, ..]: Arguments) -> Result<u64, Errno> {
    let copy = {
        let capabilities = caller.task().capabilities.lock();
        capabilities
            .any(CapabilityNumber(number))?
            .restrict(rights)?
    };
    Ok(caller.task().insert(copy)?.0)
}

/// `capability_drop(capability)`: `EBADF`. Waits that name the slot end with hang-up (RCV-6). When it was the last of a peer,
/// the call returns when the peer has closed: that is after the first step took effect (CLO-5), and whoever closes it pays with its
/// own time. The same goes for the last hold of a memory object.
pub fn drop_slot(caller: &Caller<'_>, [number, ..]: Arguments) -> Outcome {
    let removed = {
        let mut capabilities = caller.task().capabilities.lock();
        capabilities.remove(CapabilityNumber(number))
    };
    let Some(capability) = removed else {
        return Errno::EBADF.into();
    };
    match capability.object {
        Object::Peer(peer) => {
            peer.waiters.wake_all();
            match peer.release() {
                Some(closing) => Closing::new(closing, Ok(0)).step(),
                None => Outcome::Done(Ok(0)),
            }
        }
        Object::Task(task) => {
            task.waiters.wake_all();
            Outcome::Done(Ok(0))
        }
        Object::Memory(hold) => memory_object::give_up(hold, Ok(0)),
        Object::Account(_)
        | Object::Console
        | Object::Thread(_)
        | Object::System
        | Object::Timer(_)
        | Object::Ports(_)
        | Object::Lines(_)
        | Object::Interrupt(_) => Outcome::Done(Ok(0)),
    }
}

/// A peer whose closing has begun; the reaper has it, too.
pub struct Closing {
    peer: Ref<PeerObject>,
    result: Result<u64, Errno>,
}

impl Closing {
    /// The call returns `result` when `peer` has closed.
    #[must_use]
    pub fn new(peer: Ref<PeerObject>, result: Result<u64, Errno>) -> Self {
        Self { peer, result }
    }

    /// Does a batch.
    pub fn step(self) -> Outcome {
        match self.peer.work(BATCH) {
            Progress::Done => {
                reaper::forget(&self.peer);
                Outcome::Done(self.result)
            }
            Progress::More | Progress::Busy => Outcome::More(Operation::Closing(self)),
        }
    }
}

/// `capability_compare(first, second)`.
///
/// # Errors
/// `EBADF`.
pub fn compare(caller: &Caller<'_>, [first, second, ..]: Arguments) -> Result<u64, Errno> {
    let capabilities = caller.task().capabilities.lock();
    let first = &capabilities.any(CapabilityNumber(first))?.object;
    let second = &capabilities.any(CapabilityNumber(second))?.object;
    Ok(u64::from(first.is_same(second)))
}

/// `capability_info(capability, info, info_size)`.
///
/// # Errors
/// `EBADF`; `EINVAL`, `E2BIG` size; `EFAULT`.
pub fn info(caller: &Caller<'_>, [number, address, size, ..]: Arguments) -> Result<u64, Errno> {
    let info = {
        let capabilities = caller.task().capabilities.lock();
        let capability = capabilities.any(CapabilityNumber(number))?;
        native::CapabilityInfo {
            flags: 0,
            kind: capability.object.kind() as u64,
            rights: capability.rights,
            number: match &capability.object {
                Object::Account(account) => account.number().as_u64(),
                Object::Task(task) => task.number,
                Object::Memory(memory) => memory.number,
                _ => 0,
            },
        }
    };
    let out = SizeOf::<native::CapabilityInfo>::new(size)?.claim(address)?;
    out.write(&caller.memory, 0, info)?;
    Ok(0)
}
