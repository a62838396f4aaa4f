//! Memory objects: zeroed pages that several tasks may map at once, the same pages.
//!
//! ```text
//!   being filled ── full ──> alive(epoch) ── last hold dropped ──> being freed (on the reaper's list) ──> gone
//!                              │      ^
//!                              └──────┘ revoke: epoch + 1
//! ```
//!
//! 1. Its pages are charged when it is made, to the account that was named, and stay its own: a space that maps them shares the frames
//!    ([`crate::mm::AddressSpace::map_shared`]).
//! 2. It is held by capabilities, by messages and by its mappings. When the last [`Hold`] goes, it is freed in batches.
//! 3. A hold is of an *epoch*. Revoking begins the next one, of which only the revoker's capability is: holds of earlier epochs are dead
//!    (`ESTALE`), and mappings made through them are unmapped.
//! 4. No page is writable and executable at once, through whatever mappings of whatever tasks: while one mapping may write, none may
//!    execute, and the other way round (`ETXTBSY`).

pub mod mapping;
pub mod watch;

use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use bus1_service::Progress;
use omnibus_abi::Errno;
use omnibus_abi::layout::PAGE_BYTES;

use crate::lock::{Lock, Rank};
use crate::mm::Frame;
use crate::mm::address_space::Rights;
use crate::mm::page::Page;
use crate::service::{self, Account, Charge, FRAMES, OBJECTS, event::Event};
use crate::shared::{Link, Linked, List, Ref};
use crate::task::reaper;
use mapping::{Mapping, OfMemory};
use watch::Watch;

/// Pages of a chunk of the index: it fills a block of the kernel's slabs, which is a frame.
const CHUNK_PAGES: u64 = 504;

/// Purpose of the link of a memory object in the list of all.
#[derive(Debug)]
pub enum All {}

/// Purpose of the link of a memory object that is being freed.
#[derive(Debug)]
pub enum Freed {}

/// See the module's documentation.
pub struct Memory {
    /// Its number, unique for ever.
    pub number: u64,
    /// Its length in pages.
    pub n_pages: u64,
    /// Number of the account that pays.
    pub account: u64,
    n_holds: AtomicU64,
    parts: Lock<Parts>,
    all: Link,
    freed: Link,
}

struct Parts {
    /// Its pages, in chunks; all of them but while it is filled and freed.
    chunks: Vec<Vec<Page>>,
    n_filled: u64,
    charge: Option<Charge>,
    epoch: u32,
    /// Mappings, older epochs first.
    mappings: List<Mapping, OfMemory>,
    n_mappings: u64,
    /// Who is told that it was taken back, older epochs first.
    watches: List<Watch, watch::OfMemory>,
    n_writable: u64,
    n_executable: u64,
}

static NUMBERS: AtomicU64 = AtomicU64::new(1);
static MEMORIES: Lock<List<Memory, All>> = Lock::new(Rank::Registry, List::new());

impl Memory {
    /// Fills up to `n_pages` more pages, each of zeros that `fill` may change, given its number; true when all are there.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn fill(
        &self,
        n_pages: u64,
        mut fill: impl FnMut(u64, &mut [u8; PAGE_BYTES as usize]),
    ) -> Result<bool, Errno> {
        for _ in 0..n_pages {
            let mut parts = self.parts.lock();
            if parts.n_filled == self.n_pages {
                return Ok(true);
            }
            if parts.n_filled.is_multiple_of(CHUNK_PAGES) {
                let n_chunk = CHUNK_PAGES.min(self.n_pages - parts.n_filled);
                let mut chunk = Vec::new();
                chunk
                    .try_reserve_exact(n_chunk as usize)
                    .map_err(|_| Errno::ENOMEM)?;
                // Within the capacity, which was reserved when the object was made.
                parts.chunks.push(chunk);
            }
            let mut page = Page::new().map_err(|_| Errno::ENOMEM)?;
            fill(parts.n_filled, page.bytes_mut());
            if let Some(chunk) = parts.chunks.last_mut() {
                chunk.push(page);
                parts.n_filled += 1;
            }
        }
        Ok(self.parts.lock().n_filled == self.n_pages)
    }

    /// The frame of page `index`, which stays this object's: for a mapping that is attached, and unmapped before the object is freed.
    #[must_use]
    pub fn frame(&self, index: u64) -> Option<Frame> {
        let parts = self.parts.lock();
        let chunk = parts.chunks.get((index / CHUNK_PAGES) as usize)?;
        chunk.get((index % CHUNK_PAGES) as usize).map(Page::frame)
    }

    /// Number of mappings, in all tasks.
    #[must_use]
    pub fn n_mappings(&self) -> u64 {
        self.parts.lock().n_mappings
    }

    /// Enters a mapping, before its first page is mapped.
    ///
    /// # Errors
    /// `ESTALE` if the mapping's hold is dead; `ETXTBSY` if its pages would be writable and executable at once.
    pub fn attach(&self, mapping: &Ref<Mapping>) -> Result<(), Errno> {
        let mut parts = self.parts.lock();
        if mapping.memory.epoch != parts.epoch {
            return Err(Errno::ESTALE);
        }
        match mapping.rights {
            Rights::Read => {}
            Rights::ReadWrite if parts.n_executable > 0 => return Err(Errno::ETXTBSY),
            Rights::ReadExecute if parts.n_writable > 0 => return Err(Errno::ETXTBSY),
            Rights::ReadWrite => parts.n_writable += 1,
            Rights::ReadExecute => parts.n_executable += 1,
        }
        parts.mappings.push_back(mapping.clone());
        parts.n_mappings += 1;
        Ok(())
    }

    /// Takes out a mapping of which no page is mapped any more.
    pub fn detach(&self, mapping: &Ref<Mapping>) {
        let mut parts = self.parts.lock();
        let Some(removed) = parts.mappings.remove(mapping) else {
            return;
        };
        parts.n_mappings -= 1;
        match mapping.rights {
            Rights::Read => {}
            Rights::ReadWrite => parts.n_writable -= 1,
            Rights::ReadExecute => parts.n_executable -= 1,
        }
        drop(parts);
        drop(removed);
    }

    /// A mapping that was made in an earlier epoch, if there is one left.
    #[must_use]
    pub fn stale_mapping(&self) -> Option<Ref<Mapping>> {
        let parts = self.parts.lock();
        let first = parts.mappings.front()?;
        (first.memory.epoch != parts.epoch).then_some(first)
    }

    /// Takes out a watch that began in an earlier epoch, if there is one left.
    #[must_use]
    pub fn take_stale_watch(&self) -> Option<Ref<Watch>> {
        let mut parts = self.parts.lock();
        let first = parts.watches.front()?;
        match first.epoch == parts.epoch {
            true => None,
            false => parts.watches.remove(&first),
        }
    }

    /// Gives back up to `budget` pages of an object that nobody holds, and at the end its charge.
    pub fn work(&self, budget: u32) -> Progress {
        for _ in 0..budget {
            let mut parts = self.parts.lock();
            if let Some(watch) = parts.watches.pop_front() {
                drop(parts);
                drop(watch);
                continue;
            }
            let Some(chunk) = parts.chunks.last_mut() else {
                let charge = parts.charge.take();
                drop(parts);
                drop(charge);
                return Progress::Done;
            };
            match chunk.pop() {
                Some(page) => drop(page),
                None => drop(parts.chunks.pop()),
            }
        }
        Progress::More
    }

    /// Takes a freed object out of the list of all.
    pub fn forget(memory: &Ref<Self>) {
        let removed = MEMORIES.lock().remove(memory);
        drop(removed);
    }

    /// The object behind `memory` in the order of numbers, or the first.
    #[must_use]
    pub fn after(memory: Option<&Ref<Self>>) -> Option<Ref<Self>> {
        MEMORIES.lock().behind(memory, |memory| memory.number)
    }

    /// Number of capabilities, messages and mappings that keep it.
    #[must_use]
    pub fn n_holds(&self) -> u64 {
        self.n_holds.load(Ordering::Acquire)
    }
}

impl Linked<All> for Memory {
    fn link(&self) -> &Link {
        &self.all
    }
}

impl Linked<Freed> for Memory {
    fn link(&self) -> &Link {
        &self.freed
    }
}

/// Keeps a memory object.
pub struct Hold {
    object: Ref<Memory>,
    /// The epoch in which it was given out.
    epoch: u32,
    /// Lets [`crate::cap::Object`] keep its tag here, so that a capability stays as small as it is without epochs.
    _tag: Tag,
}

/// A byte with one value of 256: the others are free for the tag of an enumeration around it.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Tag {
    Hold,
}

impl Hold {
    /// An object of `n_pages`, none of them there yet, charged to `account`: each page, the index, and the object itself.
    ///
    /// # Errors
    /// `EDQUOT`, `ENOMEM`.
    pub fn new(account: &Account, n_pages: u64) -> Result<Self, Errno> {
        let mut price = service::frames(n_pages + n_pages / CHUNK_PAGES);
        price[OBJECTS] = 1;
        debug_assert!(price[FRAMES] >= n_pages);
        let charge = service::charge(account, price)?;
        let mut chunks = Vec::new();
        chunks
            .try_reserve_exact(n_pages.div_ceil(CHUNK_PAGES) as usize)
            .map_err(|_| Errno::ENOMEM)?;
        let object = Ref::try_new(Memory {
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            n_pages,
            account: account.number().as_u64(),
            n_holds: AtomicU64::new(1),
            parts: Lock::new(
                Rank::Memory,
                Parts {
                    chunks,
                    n_filled: 0,
                    charge: Some(charge),
                    epoch: 0,
                    mappings: List::new(),
                    n_mappings: 0,
                    watches: List::new(),
                    n_writable: 0,
                    n_executable: 0,
                },
            ),
            all: Link::new(),
            freed: Link::new(),
        })?;
        MEMORIES.lock().push_back(object.clone());
        Ok(Self {
            object,
            epoch: 0,
            _tag: Tag::Hold,
        })
    }

    /// Its length in bytes.
    #[must_use]
    pub fn n_bytes(&self) -> u64 {
        self.n_pages * PAGE_BYTES
    }

    /// Nothing if the hold is alive.
    ///
    /// # Errors
    /// `ESTALE` if the object was revoked since it was given out.
    pub fn check(&self) -> Result<(), Errno> {
        if self.object.parts.lock().epoch == self.epoch {
            Ok(())
        } else {
            Err(Errno::ESTALE)
        }
    }

    /// Has somebody told by `event` when the object is taken back from the epoch of this hold; `charge` is one object.
    ///
    /// # Errors
    /// `ESTALE` if it was already; `ENOMEM`.
    pub fn watch(&self, event: Event, charge: Charge) -> Result<(), Errno> {
        let watch = Ref::try_new(Watch::new(event, self.epoch, charge))?;
        let mut parts = self.object.parts.lock();
        if parts.epoch != self.epoch {
            drop(parts);
            return Err(Errno::ESTALE);
        }
        parts.watches.push_back(watch);
        Ok(())
    }

    /// Begins the next epoch, of which only this hold is.
    ///
    /// # Errors
    /// `ESTALE` if somebody else was faster; `ENOMEM` if all 2³² epochs are used up.
    pub fn revoke(&mut self) -> Result<(), Errno> {
        let mut parts = self.object.parts.lock();
        if parts.epoch != self.epoch {
            return Err(Errno::ESTALE);
        }
        parts.epoch = parts.epoch.checked_add(1).ok_or(Errno::ENOMEM)?;
        self.epoch = parts.epoch;
        Ok(())
    }

    /// Gives the hold up. If it was the last, freeing has begun, and the object is returned so that the caller can see it through.
    #[must_use]
    pub fn release(self) -> Option<Ref<Memory>> {
        let object = self.object.clone();
        drop(self);
        (object.n_holds() == 0).then_some(object)
    }
}

impl core::ops::Deref for Hold {
    type Target = Memory;

    fn deref(&self) -> &Memory {
        &self.object
    }
}

impl Clone for Hold {
    fn clone(&self) -> Self {
        self.object.n_holds.fetch_add(1, Ordering::Relaxed);
        Self {
            object: self.object.clone(),
            epoch: self.epoch,
            _tag: Tag::Hold,
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.object.n_holds.fetch_sub(1, Ordering::AcqRel) == 1 {
            reaper::free(self.object.clone());
        }
    }
}

#[cfg(test)]
mod tests;
