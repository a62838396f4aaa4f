//! A task's memory: pages in an address space, each frame charged.
//!
//! Every frame is charged to the task's account on the task's behalf before it is taken, page tables included. The page
//! tables are the only record of what is mapped, and for memory objects the list of mappings ([`mappings`]). Mapping and unmapping go page
//! by page, so the calls above can stop between any two.

mod mappings;

use alloc::vec::Vec;

use omnibus_abi::bus1::Transfer;
use omnibus_abi::layout::{MAP_START, PAGE_BYTES, STARTUP_ADDRESS};
use omnibus_abi::{Errno, native};

use crate::lock::{Lock, Rank};
use crate::memory::mapping::Mapping;
use crate::mm::address_space::{AddressSpace, MapError, Rights, Root};
use crate::mm::crossing::Room;
use crate::mm::page::{self, Page};
use crate::service::{self, Account, Actor, Charge};
use crate::shared::Ref;

/// Where addresses that the kernel may choose end.
const MAP_END: u64 = STARTUP_ADDRESS - (1 << 30);

/// Ranges that are looked at before a choice is given up.
const TRIES: u32 = 64;

/// Most bytes that [`Space::take_in`] copies.
pub const CROSSING_BYTES_MAX: u64 = 64 << 10;

/// The pages that so many bytes may be in.
const CROSSING_PAGES_MAX: usize = (CROSSING_BYTES_MAX / PAGE_BYTES) as usize + 1;

/// Where bytes for another space come from.
#[derive(Clone, Copy)]
pub enum Crossing<'a> {
    /// From this address of the active space.
    User(u64),
    /// From the kernel.
    Kernel(&'a [u8]),
}

struct Parts {
    pages: AddressSpace,
    charge: Charge,
    /// Where the next choice is looked for.
    next_choice: u64,
    /// Mappings of memory objects, by their addresses.
    mappings: Vec<Ref<Mapping>>,
    /// It is being taken apart: nothing is mapped any more.
    is_ending: bool,
}

/// The memory of one task.
pub struct Space {
    parts: Lock<Option<Parts>>,
    /// The root of its page tables, for a thread that is about to run.
    root: Root,
}

impl Space {
    /// No page; the root of its tables is charged to `account` on behalf of `actor`.
    ///
    /// # Errors
    /// `EDQUOT`, `ENOMEM`.
    pub fn new(account: &Account, actor: &Actor) -> Result<Self, Errno> {
        let charge = account
            .charge(actor, service::frames(1))
            .map_err(|error| service::errno(&error))?;
        let pages = AddressSpace::new().map_err(|_| Errno::ENOMEM)?;
        let root = Root::of(&pages);
        let parts = Parts {
            pages,
            charge,
            next_choice: MAP_START,
            mappings: Vec::new(),
            is_ending: false,
        };
        Ok(Self {
            parts: Lock::new(Rank::Space, Some(parts)),
            root,
        })
    }

    /// Frames in use, page tables included.
    #[must_use]
    pub fn n_frames(&self) -> u64 {
        match &*self.parts.lock() {
            Some(parts) => parts.pages.n_pages() + parts.pages.n_tables(),
            None => 0,
        }
    }

    /// Maps a fresh page of zeros that `fill` may change first.
    ///
    /// # Errors
    /// `EEXIST` if something is mapped there, `EINVAL` outside the user half, `EDQUOT`, `ENOMEM`.
    pub fn map(
        &self,
        address: u64,
        rights: Rights,
        fill: impl FnOnce(&mut [u8; PAGE_BYTES as usize]),
    ) -> Result<(), Errno> {
        let mut parts = self.parts.lock();
        let parts = parts.as_mut().ok_or(Errno::ESRCH)?;
        parts.map(address, 1, |pages| {
            let mut page = Page::new()?;
            fill(page.bytes_mut());
            page.map(pages, address, rights)
        })
    }

    /// Unmaps a page and gives its frame back; false if nothing is mapped there.
    pub fn unmap(&self, address: u64) -> bool {
        let mut parts = self.parts.lock();
        let Some(parts) = parts.as_mut() else {
            return false;
        };
        let Some(page) = Page::unmap(&mut parts.pages, address) else {
            return false;
        };
        drop(page);
        parts.charge.shrink(service::frames(1));
        true
    }

    /// Changes what the task may do with a page of its own; `None`: nothing. False if there is no such page.
    pub fn protect(&self, address: u64, rights: Option<Rights>) -> bool {
        let mut parts = self.parts.lock();
        parts
            .as_mut()
            .is_some_and(|parts| parts.pages.protect(address, rights))
    }

    /// Gives back the page tables at the end of an unmapped range that map nothing any more. To be called with the last page of each
    /// table ([`is_last_of_table`]), and of the range.
    pub fn prune(&self, address: u64) {
        if let Some(parts) = self.parts.lock().as_mut() {
            let n_freed = parts.pages.prune(address);
            parts.charge.shrink(service::frames(n_freed));
        }
    }

    /// True if a page of the task's own is mapped at `address`, and not one of a memory object.
    #[must_use]
    pub fn is_own(&self, address: u64) -> bool {
        let parts = self.parts.lock();
        parts
            .as_ref()
            .is_some_and(|parts| parts.pages.is_own(address))
    }

    /// The page at or behind `address` that must be looked at next to find what is mapped: behind it, if nothing is mapped there, and
    /// behind everything that a missing page table stands for. `None` if something is mapped at `address`.
    #[must_use]
    pub fn behind_unmapped(&self, address: u64) -> Option<u64> {
        let parts = self.parts.lock();
        let n_missing = parts
            .as_ref()
            .map_or(3, |parts| parts.pages.n_missing_tables(address));
        let n_bytes = match n_missing {
            0 if parts
                .as_ref()
                .is_some_and(|parts| parts.pages.is_occupied(address)) =>
            {
                return None;
            }
            0 => PAGE_BYTES,
            n_missing => PAGE_BYTES << (9 * n_missing),
        };
        Some((address & !(n_bytes - 1)) + n_bytes)
    }

    /// The first of these pages that the task may not write.
    #[must_use]
    pub fn find_unwritable(&self, mut pages: impl Iterator<Item = u64>) -> Option<u64> {
        let parts = self.parts.lock();
        pages.find(|&page| {
            let found = parts.as_ref().and_then(|parts| parts.pages.translate(page));
            found.is_none_or(|(_, rights)| rights != Rights::ReadWrite)
        })
    }

    /// Copies `n_bytes` of `from` to address `to` of this space, and a transfer to where it belongs: all of it, or nothing, but for pages that
    /// another CPU takes away meanwhile. False if that is more than [`CROSSING_BYTES_MAX`], or a page is not there.
    #[must_use]
    pub fn take_in(
        &self,
        to: u64,
        n_bytes: usize,
        from: Crossing<'_>,
        transfer: Option<(u64, Transfer)>,
    ) -> bool {
        let parts = self.parts.lock();
        let Some(parts) = parts.as_ref() else {
            return false;
        };
        let transfer = match transfer {
            None => None,
            Some((address, transfer)) => {
                let n_bytes = Transfer::SIZE as usize;
                match Room::<2>::find(&parts.pages, address, n_bytes) {
                    Some(room) => Some((room, transfer)),
                    None => return false,
                }
            }
        };
        if n_bytes > 0 {
            let Some(room) = Room::<CROSSING_PAGES_MAX>::find(&parts.pages, to, n_bytes) else {
                return false;
            };
            let filled = match from {
                Crossing::User(address) => room.fill_from_user(address),
                Crossing::Kernel(bytes) => room.fill(bytes),
            };
            if filled.is_err() {
                return false;
            }
        }
        transfer.is_none_or(|(room, transfer)| {
            let words = transfer.to_words().map(u64::to_le_bytes);
            room.fill(words.as_flattened()).is_ok()
        })
    }

    /// Chooses where `n_bytes` (whole pages) may go: behind the last choice, so that an address is not soon used again.
    ///
    /// # Errors
    /// `ENOMEM` if no room was found.
    pub fn choose(&self, n_bytes: u64) -> Result<u64, Errno> {
        let mut parts = self.parts.lock();
        let parts = parts.as_mut().ok_or(Errno::ESRCH)?;
        for _ in 0..TRIES {
            let address = parts.next_choice;
            let end = address.checked_add(n_bytes).ok_or(Errno::ENOMEM)?;
            if end > MAP_END {
                if address == MAP_START {
                    return Err(Errno::ENOMEM);
                }
                parts.next_choice = MAP_START;
                continue;
            }
            // A page between two ranges stays unmapped. Its ends tell whether the program put something there itself;
            // what is in the middle shows when it is mapped.
            parts.next_choice = end + PAGE_BYTES;
            let is_taken = |address| parts.pages.is_occupied(address);
            if !is_taken(address) && !is_taken(end - PAGE_BYTES) {
                return Ok(address);
            }
        }
        Err(Errno::ENOMEM)
    }

    /// Makes this the memory that user addresses mean on this CPU; false if there is none any more.
    #[inline]
    pub fn activate(&self) -> bool {
        self.root.activate()
    }

    /// Takes the memory apart, looking at about `n_entries` page-table entries; true when nothing is left. Nothing can
    /// be mapped afterwards: the task is ending.
    pub fn tear_down(&self, n_entries: usize) -> bool {
        let mut guard = self.parts.lock();
        self.root.close();
        let Some(parts) = guard.as_mut() else {
            return true;
        };
        parts.is_ending = true;
        if !page::tear_down(&mut parts.pages, n_entries) {
            return false;
        }
        if let Some(mapping) = parts.mappings.pop() {
            mappings::leave(guard, &mapping);
            return false;
        }
        if let Some(parts) = guard.take() {
            parts.pages.finish();
        }
        true
    }
}

impl Parts {
    /// Charges `n_pages`, and the page tables that the page at `address` needs, and lets `enter` map it.
    fn map(
        &mut self,
        address: u64,
        n_pages: u64,
        enter: impl FnOnce(&mut AddressSpace) -> Result<(), MapError>,
    ) -> Result<(), Errno> {
        if self.pages.is_occupied(address) {
            return Err(Errno::EEXIST);
        }
        let n_tables = self.pages.n_tables();
        let n_charged = n_pages + self.pages.n_missing_tables(address);
        self.charge
            .grow(service::frames(n_charged))
            .map_err(|error| service::errno(&error))?;
        enter(&mut self.pages).map_err(|error| {
            self.pages.prune(address);
            let n_kept = self.pages.n_tables() - n_tables;
            self.charge.shrink(service::frames(n_charged - n_kept));
            match error {
                MapError::OutOfFrames => Errno::ENOMEM,
                MapError::Occupied => Errno::EEXIST,
                MapError::OutOfRange => Errno::EINVAL,
            }
        })
    }
}

/// True if the page at `address` is the last, going down or up, that shares its page table with the one before.
#[must_use]
pub fn is_last_of_table(address: u64, is_upwards: bool) -> bool {
    let page = address / PAGE_BYTES % 512;
    page == if is_upwards { 511 } else { 0 }
}

/// The rights that `VM_*` bits mean.
///
/// # Errors
/// `EINVAL` for unknown bits, without reading, or for writing and executing at once.
pub fn rights(bits: u64) -> Result<Rights, Errno> {
    const READ_WRITE: u64 = native::VM_READ | native::VM_WRITE;
    const READ_EXECUTE: u64 = native::VM_READ | native::VM_EXECUTE;
    match bits {
        native::VM_READ => Ok(Rights::Read),
        READ_WRITE => Ok(Rights::ReadWrite),
        READ_EXECUTE => Ok(Rights::ReadExecute),
        _ => Err(Errno::EINVAL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Memory is readable, and never writable and executable at once; unknown rights are refused.
    #[test]
    fn vm_rights_are_write_xor_execute() {
        for bits in 0..16 {
            let is_known = matches!(bits, 1 | 3 | 5);
            assert_eq!(rights(bits).is_ok(), is_known, "{bits}");
        }
    }
}
