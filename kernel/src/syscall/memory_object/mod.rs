//! Memory objects: made, mapped, unmapped, taken back. What they are is in [`crate::memory`].

mod map;
mod unmap;

pub use map::{MapObject, map};
pub use unmap::{Revoke, UnmapObject, revoke, unmap};

use bus1_service::Progress;
use omnibus_abi::capability::{account, peer, task};
use omnibus_abi::layout::PAGE_BYTES;
use omnibus_abi::limits::MEMORY_BYTES_MAX;
use omnibus_abi::native::{MemoryInfo, MemoryRevoked};
use omnibus_abi::{CapabilityNumber, Errno};

use super::Arguments;
use super::caller::Caller;
use super::operation::{Operation, Outcome};
use super::structure::SizeOf;
use crate::cap::{Capability, Object, select};
use crate::memory::{Hold, Memory};
use crate::service::{self, event::Event};
use crate::shared::Ref;
use crate::task::reaper;
use crate::task::task::Task;

/// Pages cleared, or mapped, in one batch.
const PAGES_BATCH: u64 = 64;

/// Pages looked at, or unmapped, in one batch.
const LOOK_BATCH: u64 = 512;

/// Pages given back in one batch.
const FREE_BATCH: u32 = 512;

/// `memory_new(account, n_bytes)`: `EBADF`, `EOPNOTSUPP`, `EPERM`; `EINVAL` for no length or one that is not of whole pages; `EMSGSIZE` above
/// the greatest; `EDQUOT`, `ENOMEM`.
pub fn new(caller: &Caller<'_>, [account, n_bytes, ..]: Arguments) -> Outcome {
    match prepare(caller, account, n_bytes) {
        Ok(hold) => Filling(hold).step(caller),
        Err(errno) => errno.into(),
    }
}

fn prepare(caller: &Caller<'_>, account: u64, n_bytes: u64) -> Result<Hold, Errno> {
    let account = caller.account(account, account::CHARGE)?;
    if n_bytes == 0 || !n_bytes.is_multiple_of(PAGE_BYTES) {
        return Err(Errno::EINVAL);
    }
    if n_bytes > MEMORY_BYTES_MAX {
        return Err(Errno::EMSGSIZE);
    }
    caller.task().make_room(1)?;
    Hold::new(&account, n_bytes / PAGE_BYTES)
}

/// A `memory_new` on its way: the object gets its pages.
pub struct Filling(Hold);

impl Filling {
    /// Does a batch.
    pub fn step(self, caller: &Caller<'_>) -> Outcome {
        let installed = match self.0.fill(PAGES_BATCH, |_, _| ()) {
            Ok(false) => return Outcome::More(Operation::Filling(self)),
            Ok(true) => {
                let capability = Capability::full(Object::Memory(self.0.clone()));
                caller.task().insert(capability)
            }
            Err(errno) => Err(errno),
        };
        give_up(self.0, installed.map(|number| number.0))
    }
}

/// Gives a hold up, and returns `result` when the object is free, if that was the last hold.
pub fn give_up(hold: Hold, result: Result<u64, Errno>) -> Outcome {
    match hold.release() {
        Some(memory) => Freeing { memory, result }.step(),
        None => result.into(),
    }
}

/// An object that is being freed; the reaper has it, too.
pub struct Freeing {
    memory: Ref<Memory>,
    result: Result<u64, Errno>,
}

impl Freeing {
    /// Does a batch.
    pub fn step(self) -> Outcome {
        match self.memory.work(FREE_BATCH) {
            Progress::Done => {
                reaper::forget_memory(&self.memory);
                self.result.into()
            }
            Progress::More | Progress::Busy => Outcome::More(Operation::Freeing(self)),
        }
    }
}

/// `memory_info(memory, info, info_size)`.
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`; `ESTALE`; `EINVAL`, `E2BIG` size; `EFAULT`.
pub fn info(caller: &Caller<'_>, [number, address, size, ..]: Arguments) -> Result<u64, Errno> {
    let memory = object(caller, number, 0)?;
    let info = MemoryInfo {
        flags: 0,
        number: memory.number,
        n_bytes: memory.n_bytes(),
        n_mappings: memory.n_mappings(),
    };
    let out = SizeOf::<MemoryInfo>::new(size)?.claim(address)?;
    out.write(&caller.memory, 0, info)?;
    Ok(0)
}

/// `memory_watch(memory, peer, handle)`.
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `ESTALE` memory; `EBADF`, `EOPNOTSUPP`, `EPERM` peer; `EBADRQC` handle; `EDQUOT`, `ENOMEM`.
pub fn watch(caller: &Caller<'_>, [number, by, handle, ..]: Arguments) -> Result<u64, Errno> {
    let memory = object(caller, number, 0)?;
    let by = caller.peer(by, peer::USE)?;
    let event = Event::bind::<MemoryRevoked>(&by, handle)?;
    let charge = caller.task().charge(service::objects(1))?;
    memory.watch(event, charge)?;
    Ok(0)
}

/// A memory object with `rights`, if it was not taken back.
fn object(caller: &Caller<'_>, number: u64, rights: u64) -> Result<Hold, Errno> {
    let hold = caller.look_up(number, rights, select::memory)?;
    hold.check()?;
    Ok(hold)
}

/// The task whose memory is meant: 0 is the caller's own, any other needs the right MAP.
fn target(caller: &Caller<'_>, number: u64) -> Result<Ref<Task>, Errno> {
    if CapabilityNumber(number) == CapabilityNumber(0) {
        return Ok(caller.task().clone());
    }
    caller.look_up(number, task::MAP, select::task)
}
