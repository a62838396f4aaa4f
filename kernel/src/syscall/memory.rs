//! Memory of the calling task. The calls go page by page, a batch at a time.

use omnibus_abi::Errno;
use omnibus_abi::layout::{PAGE_BYTES, is_user_range};
use omnibus_abi::native::VmMap;

use super::Arguments;
use super::caller::Caller;
use super::operation::{Operation, Outcome};
use super::structure::SizeOf;
use crate::mm::address_space::Rights;
use crate::task::space::{self, is_last_of_table};

/// Pages cleared and mapped in one batch.
const MAP_BATCH: u64 = 64;

/// Pages looked at, unmapped or protected in one batch.
const LOOK_BATCH: u64 = 512;

#[derive(Clone, Copy)]
enum Stage {
    /// Nothing may be mapped in the range.
    Looking,
    Mapping,
    /// A page failed; those before it are unmapped again.
    Undoing(Errno),
}

/// A `vm_map` on its way.
pub struct Map {
    address: u64,
    n_pages: u64,
    rights: Rights,
    stage: Stage,
    /// Pages done in this stage; when undoing, pages still mapped.
    n_done: u64,
}

/// `vm_map(map, map_size)`: `EINVAL`, `E2BIG` size; `EFAULT`, `E2BIG` tail; `EINVAL` flags, rights, alignment, length, range; `EEXIST`;
/// `EDQUOT`, `ENOMEM`.
pub fn map(caller: &mut Caller<'_>, arguments: Arguments) -> Outcome {
    match prepare_map(caller, arguments) {
        Ok(map) => map.step(caller),
        Err(errno) => errno.into(),
    }
}

fn prepare_map(caller: &Caller<'_>, [address, size, ..]: Arguments) -> Result<Map, Errno> {
    let map = SizeOf::<VmMap>::new(size)?.read(&caller.memory, address)?;
    let is_whole = map.address.is_multiple_of(PAGE_BYTES) && map.n_bytes.is_multiple_of(PAGE_BYTES);
    if map.flags != 0 || map.n_bytes == 0 || !is_whole {
        return Err(Errno::EINVAL);
    }
    let rights = space::rights(map.rights)?;
    let address = match map.address {
        0 => caller.task().space.choose(map.n_bytes)?,
        address if is_user_range(address, map.n_bytes) => address,
        _ => return Err(Errno::EINVAL),
    };
    Ok(Map {
        address,
        n_pages: map.n_bytes / PAGE_BYTES,
        rights,
        stage: Stage::Looking,
        n_done: 0,
    })
}

impl Map {
    /// Does a batch.
    pub fn step(mut self, caller: &Caller<'_>) -> Outcome {
        let space = &caller.task().space;
        match self.stage {
            Stage::Looking => {
                for _ in 0..LOOK_BATCH {
                    let page = self.address + self.n_done * PAGE_BYTES;
                    let Some(next) = space.behind_unmapped(page) else {
                        return Errno::EEXIST.into();
                    };
                    self.n_done = (next - self.address) / PAGE_BYTES;
                    if self.n_done >= self.n_pages {
                        self.stage = Stage::Mapping;
                        self.n_done = 0;
                        break;
                    }
                }
            }
            Stage::Mapping => {
                let end = self.n_pages.min(self.n_done + MAP_BATCH);
                while self.n_done < end {
                    let address = self.address + self.n_done * PAGE_BYTES;
                    if let Err(errno) = space.map(address, self.rights, |_| ()) {
                        self.stage = Stage::Undoing(errno);
                        break;
                    }
                    self.n_done += 1;
                }
                if self.n_done == self.n_pages {
                    return Outcome::Done(Ok(self.address));
                }
            }
            Stage::Undoing(errno) => {
                let end = self.n_done.saturating_sub(LOOK_BATCH);
                while self.n_done > end {
                    self.n_done -= 1;
                    let address = self.address + self.n_done * PAGE_BYTES;
                    space.unmap(address);
                    if self.n_done == 0 || is_last_of_table(address, false) {
                        space.prune(address);
                    }
                }
                if self.n_done == 0 {
                    return errno.into();
                }
            }
        }
        // A small range is not worth stopping for.
        if self.n_pages <= MAP_BATCH {
            return self.step(caller);
        }
        Outcome::More(Operation::Map(self))
    }
}

/// What is done with each page of a range.
#[derive(Clone, Copy)]
enum Change {
    Unmap,
    /// With no rights the page is hidden.
    Protect(Option<Rights>),
}

/// A `vm_unmap` or `vm_protect` on its way.
pub struct Changes {
    change: Change,
    address: u64,
    n_pages: u64,
    /// False while it is still checked that every page is mapped.
    is_checked: bool,
    n_done: u64,
}

/// `vm_unmap(address, n_bytes)`: `EINVAL` for alignment, length, range, or a page that is not mapped.
pub fn unmap(caller: &mut Caller<'_>, [address, n_bytes, ..]: Arguments) -> Outcome {
    change(caller, Change::Unmap, address, n_bytes)
}

/// `vm_protect(address, n_bytes, rights)`: `EINVAL` for rights, and as `vm_unmap`.
pub fn protect(caller: &mut Caller<'_>, [address, n_bytes, rights, ..]: Arguments) -> Outcome {
    let rights = match rights {
        0 => Ok(None),
        bits => space::rights(bits).map(Some),
    };
    match rights {
        Ok(rights) => change(caller, Change::Protect(rights), address, n_bytes),
        Err(errno) => errno.into(),
    }
}

fn change(caller: &Caller<'_>, change: Change, address: u64, n_bytes: u64) -> Outcome {
    let is_whole = address.is_multiple_of(PAGE_BYTES) && n_bytes.is_multiple_of(PAGE_BYTES);
    if n_bytes == 0 || !is_whole || !is_user_range(address, n_bytes) {
        return Errno::EINVAL.into();
    }
    let changes = Changes {
        change,
        address,
        n_pages: n_bytes / PAGE_BYTES,
        is_checked: false,
        n_done: 0,
    };
    changes.step(caller)
}

impl Changes {
    /// Does a batch.
    pub fn step(mut self, caller: &Caller<'_>) -> Outcome {
        let space = &caller.task().space;
        let end = self.n_pages.min(self.n_done + LOOK_BATCH);
        for page in self.n_done..end {
            let address = self.address + page * PAGE_BYTES;
            if !self.is_checked {
                if !space.is_own(address) {
                    return Errno::EINVAL.into();
                }
                continue;
            }
            // Another thread of the task may have been faster: then there is nothing to change.
            match self.change {
                Change::Protect(rights) => {
                    space.protect(address, rights);
                }
                Change::Unmap => {
                    space.unmap(address);
                    if page + 1 == self.n_pages || is_last_of_table(address, true) {
                        space.prune(address);
                    }
                }
            }
        }
        self.n_done = end;
        if end == self.n_pages {
            if self.is_checked {
                return Outcome::Done(Ok(0));
            }
            self.is_checked = true;
            self.n_done = 0;
        }
        if self.n_pages <= LOOK_BATCH / 2 {
            return self.step(caller);
        }
        Outcome::More(Operation::Changes(self))
    }
}
