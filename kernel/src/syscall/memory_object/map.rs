//! `memory_map`: a part of a memory object, at an address of a task.

use omnibus_abi::Errno;
use omnibus_abi::layout::{PAGE_BYTES, is_user_range};
use omnibus_abi::native;

use super::unmap::UnmapObject;
use super::{LOOK_BATCH, PAGES_BATCH, object, target};
use crate::memory::{Hold, mapping::Mapping};
use crate::mm::address_space::Rights;
use crate::service;
use crate::shared::Ref;
use crate::syscall::Arguments;
use crate::syscall::caller::Caller;
use crate::syscall::operation::{Operation, Outcome};
use crate::syscall::structure::SizeOf;
use crate::task::space;
use crate::task::task::Task;

/// What was asked for.
struct Plan {
    task: Ref<Task>,
    memory: Hold,
    address: u64,
    first_page: u64,
    n_pages: u64,
    rights: Rights,
}

enum Stage {
    /// Nothing may be mapped in the range.
    Looking(Plan),
    /// The mapping is entered and attached.
    Mapping(Ref<Mapping>),
}

/// A `memory_map` on its way.
pub struct MapObject {
    stage: Stage,
    /// Pages done in this stage.
    n_done: u64,
}

/// `memory_map(map, map_size)`: `EINVAL`, `E2BIG` size; `EFAULT`, `E2BIG` tail; `EINVAL` flags, rights, alignment, length, range; memory `EBADF`,
/// `EOPNOTSUPP`, `EPERM`, `ESTALE`; task `EBADF`, `EOPNOTSUPP`, `EPERM`; `EINVAL` behind the object's end; `ESRCH` if the task has
/// ended; `EEXIST`; `EDQUOT`, `ENOMEM`; `ETXTBSY`.
pub fn map(caller: &Caller<'_>, arguments: Arguments) -> Outcome {
    match prepare(caller, arguments) {
        Ok(plan) => {
            let map = MapObject {
                stage: Stage::Looking(plan),
                n_done: 0,
            };
            map.step()
        }
        Err(errno) => errno.into(),
    }
}

fn prepare(caller: &Caller<'_>, [address, size, ..]: Arguments) -> Result<Plan, Errno> {
    let map = SizeOf::<native::MemoryMap>::new(size)?.read(&caller.memory, address)?;
    let numbers = [map.address, map.offset, map.n_bytes];
    let is_whole = numbers
        .iter()
        .all(|number| number.is_multiple_of(PAGE_BYTES));
    let is_user = map.address == 0 || is_user_range(map.address, map.n_bytes);
    if map.flags != 0 || map.n_bytes == 0 || !is_whole || !is_user {
        return Err(Errno::EINVAL);
    }
    let rights = space::rights(map.rights)?;
    // The rights of a capability are the bits of the mapping's.
    let memory = object(caller, map.memory, map.rights)?;
    let task = target(caller, map.task)?;
    let end = map.offset.checked_add(map.n_bytes);
    if end.is_none_or(|end| end > memory.n_bytes()) {
        return Err(Errno::EINVAL);
    }
    let address = match map.address {
        0 => task.space.choose(map.n_bytes)?,
        address => address,
    };
    Ok(Plan {
        task,
        memory,
        address,
        first_page: map.offset / PAGE_BYTES,
        n_pages: map.n_bytes / PAGE_BYTES,
        rights,
    })
}

impl Plan {
    /// Makes the mapping, enters it in the space and attaches it to the object.
    fn enter(self) -> Result<Ref<Mapping>, Errno> {
        let charge = self.task.charge(service::objects(1))?;
        let place = [self.address, self.first_page, self.n_pages];
        let mapping = Mapping::new(self.task, self.memory, place, self.rights, charge);
        let mapping = Ref::try_new(mapping)?;
        mapping.task.space.enter(&mapping)?;
        if let Err(errno) = mapping.memory.attach(&mapping) {
            mapping.task.space.leave(&mapping);
            return Err(errno);
        }
        Ok(mapping)
    }
}

impl MapObject {
    /// Does a batch.
    pub fn step(mut self) -> Outcome {
        match self.stage {
            Stage::Looking(plan) => {
                for _ in 0..LOOK_BATCH {
                    let page = plan.address + self.n_done * PAGE_BYTES;
                    let Some(next) = plan.task.space.behind_unmapped(page) else {
                        return Errno::EEXIST.into();
                    };
                    self.n_done = (next - plan.address) / PAGE_BYTES;
                    if self.n_done >= plan.n_pages {
                        return match plan.enter() {
                            Ok(mapping) => {
                                self.stage = Stage::Mapping(mapping);
                                self.n_done = 0;
                                self.step()
                            }
                            Err(errno) => errno.into(),
                        };
                    }
                }
                self.stage = Stage::Looking(plan);
            }
            Stage::Mapping(ref mapping) => {
                let end = mapping.n_pages.min(self.n_done + PAGES_BATCH);
                while self.n_done < end {
                    match mapping.task.space.map_page(mapping, self.n_done) {
                        Ok(true) => self.n_done += 1,
                        // It was unmapped, or the object taken back, as soon as it was mapped.
                        Ok(false) => return Outcome::Done(Ok(mapping.address)),
                        Err(errno) => {
                            return UnmapObject::new(mapping.clone(), Err(errno)).step();
                        }
                    }
                }
                if end == mapping.n_pages {
                    return Outcome::Done(Ok(mapping.address));
                }
            }
        }
        Outcome::More(Operation::MapObject(self))
    }

    /// Takes back what was mapped, if anything.
    pub fn abandon(self) -> Option<UnmapObject> {
        match self.stage {
            Stage::Looking(_) => None,
            Stage::Mapping(mapping) => Some(UnmapObject::new(mapping, Err(Errno::EINVAL))),
        }
    }
}
