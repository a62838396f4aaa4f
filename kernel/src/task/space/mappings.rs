//! Memory objects in a task's space: mappings, in the order of their addresses, none over another.
//!
//! The states of a mapping are in [`crate::memory::mapping`]. Every step here is short, and under the space's lock.

use core::sync::atomic::Ordering;

use omnibus_abi::Errno;
use omnibus_abi::layout::PAGE_BYTES;
use omnibus_abi::limits::MAPPINGS_MAX;

use super::{Parts, Space};
use crate::lock::Guard;
use crate::memory::mapping::Mapping;
use crate::service;
use crate::shared::Ref;

impl Space {
    /// Enters a mapping, which keeps other mappings from its addresses.
    ///
    /// # Errors
    /// `ESRCH` if the task is ending; `EEXIST` over another mapping; `ENOMEM` beyond [`MAPPINGS_MAX`].
    pub fn enter(&self, mapping: &Ref<Mapping>) -> Result<(), Errno> {
        let mut parts = self.parts.lock();
        let parts = parts.as_mut().filter(|parts| !parts.is_ending);
        let mappings = &mut parts.ok_or(Errno::ESRCH)?.mappings;
        if mappings.len() as u64 >= MAPPINGS_MAX {
            return Err(Errno::ENOMEM);
        }
        let index = mappings.partition_point(|other| other.address < mapping.address);
        let is_free = |index: usize| match mappings.get(index) {
            Some(other) => !overlap(other, mapping),
            None => true,
        };
        if !is_free(index) || (index > 0 && !is_free(index - 1)) {
            return Err(Errno::EEXIST);
        }
        mappings.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        mappings.insert(index, mapping.clone());
        Ok(())
    }

    /// Maps page `index` of a mapping; false, and nothing is done, if the mapping is ending.
    ///
    /// # Errors
    /// `EEXIST` if something is mapped there; `EDQUOT`, `ENOMEM` for page tables.
    pub fn map_page(&self, mapping: &Mapping, index: u64) -> Result<bool, Errno> {
        let mut parts = self.parts.lock();
        let Some(parts) = parts.as_mut().filter(|parts| !parts.is_ending) else {
            return Ok(false);
        };
        if mapping.is_ending.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let frame = mapping.memory.frame(mapping.first_page + index);
        let frame = frame.ok_or(Errno::EINVAL)?;
        let address = mapping.address + index * PAGE_BYTES;
        parts.map(address, 0, |pages| {
            pages.map_shared(address, frame, mapping.rights)
        })?;
        Ok(true)
    }

    /// No further page of the mapping is mapped.
    pub fn begin_end(&self, mapping: &Mapping) {
        let _parts = self.parts.lock();
        mapping.is_ending.store(true, Ordering::Relaxed);
    }

    /// Unmaps page `index` of a mapping that is ending, if it is mapped, and with `is_last` the page tables that it leaves empty. False if
    /// the mapping is over.
    pub fn unmap_page(&self, mapping: &Mapping, index: u64, is_last: bool) -> bool {
        let mut parts = self.parts.lock();
        let Some(parts) = parts.as_mut() else {
            return false;
        };
        if mapping.is_over.load(Ordering::Relaxed) {
            return false;
        }
        let address = mapping.address + index * PAGE_BYTES;
        parts.pages.unmap_shared(address);
        if is_last {
            let n_freed = parts.pages.prune(address);
            parts.charge.shrink(service::frames(n_freed));
        }
        true
    }

    /// Takes out a mapping of which every page was unmapped; who is first also takes it out of its object's list.
    pub fn leave(&self, mapping: &Ref<Mapping>) {
        let mut guard = self.parts.lock();
        let Some(parts) = guard.as_mut() else {
            return;
        };
        let mappings = &mut parts.mappings;
        let found = mappings.binary_search_by_key(&mapping.address, |other| other.address);
        let Ok(index) = found else {
            return;
        };
        if mappings
            .get(index)
            .is_some_and(|other| other.ptr_eq(mapping))
        {
            let removed = mappings.remove(index);
            leave(guard, &removed);
        }
    }

    /// The mapping that begins at `address`.
    #[must_use]
    pub fn mapping_at(&self, address: u64) -> Option<Ref<Mapping>> {
        let parts = self.parts.lock();
        let mappings = &parts.as_ref()?.mappings;
        let index = mappings
            .binary_search_by_key(&address, |mapping| mapping.address)
            .ok()?;
        mappings.get(index).cloned()
    }
}

/// A mapping was taken out of its space, whose lock is given back before the object's is taken: the mapping may be the last that keeps
/// the object, or the task.
pub(super) fn leave(space: Guard<'_, Option<Parts>>, mapping: &Ref<Mapping>) {
    mapping.is_ending.store(true, Ordering::Relaxed);
    mapping.is_over.store(true, Ordering::Relaxed);
    drop(space);
    Mapping::detach(mapping);
}

fn overlap(one: &Mapping, other: &Mapping) -> bool {
    let end = |mapping: &Mapping| mapping.address + mapping.n_pages * PAGE_BYTES;
    one.address < end(other) && other.address < end(one)
}
