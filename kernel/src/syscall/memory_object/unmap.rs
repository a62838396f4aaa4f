//! `memory_unmap` and `memory_revoke`: mappings end, one by one, in batches of pages. Once begun, either is seen through, even if the calling
//! thread ends.

use omnibus_abi::capability::memory;
use omnibus_abi::layout::PAGE_BYTES;
use omnibus_abi::{CapabilityNumber, Errno};

use super::{LOOK_BATCH, give_up, target};
use crate::cap::{Object, select};
use crate::memory::{Hold, mapping::Mapping};
use crate::shared::Ref;
use crate::syscall::Arguments;
use crate::syscall::caller::Caller;
use crate::syscall::operation::{Operation, Outcome};
use crate::task::space::is_last_of_table;

/// Pages of a batch that the end of a mapping stands for.
const END_COST: u64 = 32;

/// `memory_unmap(task, address)`: `EBADF`, `EOPNOTSUPP`, `EPERM`; `EINVAL` if no mapping of a memory object begins there.
pub fn unmap(caller: &Caller<'_>, [task, address, ..]: Arguments) -> Outcome {
    let mapping =
        target(caller, task).and_then(|task| task.space.mapping_at(address).ok_or(Errno::EINVAL));
    match mapping {
        Ok(mapping) => UnmapObject::new(mapping, Ok(0)).step(),
        Err(errno) => errno.into(),
    }
}

/// A mapping that is ending.
pub struct UnmapObject {
    mapping: Ref<Mapping>,
    /// Pages that may still be mapped: the first ones.
    n_left: u64,
    result: Result<u64, Errno>,
}

impl UnmapObject {
    /// Begins to end a mapping; the call returns `result`.
    #[must_use]
    pub fn new(mapping: Ref<Mapping>, result: Result<u64, Errno>) -> Self {
        mapping.task.space.begin_end(&mapping);
        Self {
            n_left: mapping.n_pages,
            mapping,
            result,
        }
    }

    /// Unmaps up to `budget` pages; true when the mapping is over.
    fn work(&mut self, budget: &mut u64) -> bool {
        let space = &self.mapping.task.space;
        while self.n_left > 0 {
            if *budget == 0 {
                return false;
            }
            *budget -= 1;
            self.n_left -= 1;
            let address = self.mapping.address + self.n_left * PAGE_BYTES;
            let is_last = self.n_left == 0 || is_last_of_table(address, false);
            if !space.unmap_page(&self.mapping, self.n_left, is_last) {
                break;
            }
        }
        space.leave(&self.mapping);
        // Somebody else may be about to.
        Mapping::detach(&self.mapping);
        *budget = budget.saturating_sub(END_COST);
        true
    }

    /// Does a batch.
    pub fn step(mut self) -> Outcome {
        let mut budget = LOOK_BATCH;
        if !self.work(&mut budget) {
            return Outcome::More(Operation::UnmapObject(self));
        }
        // The mapping may have been what kept the object.
        let hold = self.mapping.memory.clone();
        drop(self.mapping);
        give_up(hold, self.result)
    }
}

/// `memory_revoke(memory)`: `EBADF`, `EOPNOTSUPP`, `EPERM`; `ESTALE` if somebody else took it back; `ENOMEM` if that happened 2³² times.
pub fn revoke(caller: &Caller<'_>, [number, ..]: Arguments) -> Outcome {
    match begin_revoke(caller, CapabilityNumber(number)) {
        Ok(memory) => Revoke {
            memory,
            ending: None,
        }
        .step(),
        Err(errno) => errno.into(),
    }
}

/// Begins the next epoch, with the capability that was named as the only one of it.
fn begin_revoke(caller: &Caller<'_>, number: CapabilityNumber) -> Result<Hold, Errno> {
    let mut capabilities = caller.task().capabilities.lock();
    capabilities.look_up(number, memory::REVOKE, select::memory)?;
    match capabilities.get_mut(number) {
        Some(capability) => match &mut capability.object {
            Object::Memory(hold) => {
                hold.revoke()?;
                Ok(hold.clone())
            }
            _ => Err(Errno::EOPNOTSUPP),
        },
        None => Err(Errno::EBADF),
    }
}

/// A `memory_revoke` that has begun: mappings of earlier epochs end, and who watches is told.
pub struct Revoke {
    memory: Hold,
    ending: Option<UnmapObject>,
}

impl Revoke {
    /// Does a batch.
    pub fn step(mut self) -> Outcome {
        let mut budget = LOOK_BATCH;
        while budget > 0 {
            let next = match self.ending.take() {
                Some(ending) => Some(ending),
                None => {
                    let mapping = self.memory.stale_mapping();
                    mapping.map(|mapping| UnmapObject::new(mapping, Ok(0)))
                }
            };
            let Some(mut ending) = next else {
                // It is unmapped everywhere: now it is told.
                let Some(watch) = self.memory.take_stale_watch() else {
                    return give_up(self.memory, Ok(0));
                };
                watch.tell(self.memory.number);
                budget = budget.saturating_sub(END_COST);
                continue;
            };
            if !ending.work(&mut budget) {
                self.ending = Some(ending);
            }
        }
        Outcome::More(Operation::Revoke(self))
    }
}
