//! Large blocks of kernel memory: whole pages, mapped where there are addresses for them.
//!
//! A block lies in a *slot*, a range of addresses whose length is a power of two of pages; the least that fits is the *class* of the
//! block. Each class has [`REGION_BYTES`] of addresses, which cost nothing but their page tables.
//!
//! ```text
//!            take: tables made, frames mapped
//!   free  ─────────────────────────────────────> used (n pages mapped from its beginning)
//!     ^                                            │   │ resize: within the slot, or its frames move to another
//!     └──────── give back: unmapped, flushed ──────┘   v
//! ```
//!
//! 1. Giving out, taking back and resizing take time in proportion to the pages of the block, whatever is in use and however often
//!    it was: nothing is searched (ORD-8).
//! 2. The frames of a block need not lie together, so nobody can spoil memory for large blocks by what he keeps of it.
//! 3. A free slot has no frame. The entry of its first page holds the link to the next free slot of the class: the bits of an entry
//!    that is not present are the kernel's (SDM 3A 4.5).
//! 4. Page tables of slots stay. There are as many as were needed at one time, they count as idle, and making them comes before
//!    everything that can be half done.
//! 5. Up to [`SPARE_PAGES_MAX`] pages, the block that was given back last in each class is its *spare*: it keeps its frames, which
//!    count as idle, and saves who sends one such payload after the other from mapping each.
//! 6. A page that was unmapped is flushed from the TLB before its frame is given back. One CPU runs; when there are more, a slot is
//!    not to be used again before all have flushed it.

#![allow(unsafe_code, reason = "page tables are reached by physical address")]

use super::PAGE_BYTES;
use super::frames::{self, Frame, OutOfFrames};
use super::paging::{self, ROOT_LEVEL};
use core::ops::Range;
use x86_64::PhysAddr;
use x86_64::structures::paging::PageTableFlags;
use x86_64::structures::paging::page_table::PageTableEntry;

/// Where the slots of the first class begin.
pub const LARGE: u64 = 0xffff_d100_0000_0000;

/// Addresses of a class: what one entry of the root stands for.
pub const REGION_BYTES: u64 = paging::entry_bytes(ROOT_LEVEL);

/// Classes: slots of 2, 4, 8, … 65,536 pages.
pub const N_CLASSES: usize = 16;

/// Most pages of a block: 256 MiB.
const PAGES_MAX: u64 = 1 << N_CLASSES;

/// Most pages of a spare.
const SPARE_PAGES_MAX: u64 = 64;

const FLAGS: PageTableFlags = PageTableFlags::PRESENT
    .union(PageTableFlags::WRITABLE)
    .union(PageTableFlags::GLOBAL)
    .union(PageTableFlags::NO_EXECUTE);

/// The slots of one class.
#[derive(Clone, Copy)]
struct Class {
    /// Number of the free slot that comes first, plus one; 0 if there is none.
    free: u64,
    /// Number of the first slot that was never used.
    fresh: u64,
    /// Address and pages of the spare; no pages if there is none.
    spare: (u64, u64),
}

/// See the module's documentation.
pub struct Large {
    classes: [Class; N_CLASSES],
    n_pages: u64,
    n_tables: u64,
}

/// A tree of page tables with the regions of all classes, lent for one operation: nobody else refers to it meanwhile.
pub struct Tables {
    root: Frame,
    flush: fn(u64),
}

impl Tables {
    /// `flush` makes the TLB forget the page at an address.
    ///
    /// # Safety
    /// `root` is the root of a tree of page tables in which all that is mapped from [`LARGE`] on was mapped by one [`Large`], and nobody
    /// else refers to tables of the tree as long as this lives.
    pub unsafe fn new(root: Frame, flush: fn(u64)) -> Self {
        Self { root, flush }
    }

    /// The entry of the page at `address`, and of those behind it that are in the same table, if that exists.
    fn entries(&mut self, address: u64) -> Option<&mut [PageTableEntry]> {
        // SAFETY: as `new` demands; the entry of level 2 leads to a table of level 1, since there are no large pages here.
        let table = unsafe {
            let entry = paging::find(self.root, address, 2)?;
            paging::table(entry.frame().ok()?)
        };
        // SAFETY: a page table is 512 entries and nothing else (SDM 3A 4.5), and this one is ours alone as long as `self` is borrowed.
        let entries = unsafe { &mut *core::ptr::from_mut(table).cast::<[PageTableEntry; 512]>() };
        entries.get_mut(paging::index(address, 1)..)
    }

    /// Makes the tables for `n_pages` from `address`; those made before frames ran out stay.
    fn make(&mut self, address: u64, n_pages: u64, n_made: &mut u64) -> Result<(), OutOfFrames> {
        let mut at = address;
        while at < address + n_pages * PAGE_BYTES {
            // SAFETY: as `new` demands.
            unsafe { paging::find_or_make(self.root, at, 1, n_made)? };
            at += paging::entry_bytes(2);
        }
        Ok(())
    }

    /// Calls `visit` with the entry and the address of each of `pages`, counted from `base`, whose tables exist, until it fails: how many
    /// it was called with before.
    fn visit(
        &mut self,
        base: u64,
        pages: Range<u64>,
        mut visit: impl FnMut(&mut PageTableEntry, u64) -> bool,
    ) -> u64 {
        let mut at = pages.start;
        while at < pages.end {
            let Some(entries) = self.entries(base + at * PAGE_BYTES) else {
                break;
            };
            for entry in entries.iter_mut().take((pages.end - at) as usize) {
                if !visit(entry, base + at * PAGE_BYTES) {
                    return at - pages.start;
                }
                at += 1;
            }
        }
        at - pages.start
    }

    /// Maps fresh frames at `pages` from `base`, all or none.
    fn map(&mut self, base: u64, pages: Range<u64>) -> Result<(), OutOfFrames> {
        let n_pages = pages.end - pages.start;
        let n_mapped = self.visit(base, pages.clone(), |entry, _| {
            let frame = frames::allocate();
            if let Ok(frame) = frame {
                entry.set_addr(frame.start_address(), FLAGS);
            }
            frame.is_ok()
        });
        if n_mapped == n_pages {
            return Ok(());
        }
        self.unmap(base, pages.start..pages.start + n_mapped);
        Err(OutOfFrames)
    }

    fn unmap(&mut self, base: u64, pages: Range<u64>) {
        let flush = self.flush;
        self.visit(base, pages, |entry, address| {
            let frame = Frame::containing_address(entry.addr());
            entry.set_unused();
            flush(address);
            // SAFETY: the page was mapped by `map`, with a frame of its own, and is not any more.
            unsafe { frames::free(frame) };
            true
        });
    }

    /// Moves the frames of the first `n_pages` of one slot to another, where nothing is mapped yet.
    fn move_pages(&mut self, from: u64, to: u64, n_pages: u64) {
        let flush = self.flush;
        for page in 0..n_pages {
            let mut taken = None;
            self.visit(from, page..page + 1, |entry, address| {
                taken = Some(entry.addr());
                entry.set_unused();
                flush(address);
                true
            });
            self.visit(to, page..page + 1, |entry, _| {
                if let Some(frame) = taken {
                    entry.set_addr(frame, FLAGS);
                }
                true
            });
        }
    }
}

/// The class of a block of so many pages, at least 2.
fn class_of(n_pages: u64) -> Option<usize> {
    if n_pages > PAGES_MAX {
        return None;
    }
    n_pages
        .checked_sub(1)?
        .checked_ilog2()
        .map(|log2| log2 as usize)
}

fn slot_bytes(class: usize) -> u64 {
    PAGE_BYTES << (class + 1)
}

fn slot_address(class: usize, slot: u64) -> u64 {
    LARGE + class as u64 * REGION_BYTES + slot * slot_bytes(class)
}

/// The class and number of the slot at `address`.
fn slot_of(address: u64) -> (usize, u64) {
    let class = ((address - LARGE) / REGION_BYTES) as usize;
    (class, (address - LARGE) % REGION_BYTES / slot_bytes(class))
}

impl Default for Large {
    fn default() -> Self {
        Self::new()
    }
}

impl Large {
    /// No block; nothing was ever used.
    pub const fn new() -> Self {
        Self {
            classes: [Class {
                free: 0,
                fresh: 0,
                spare: (0, 0),
            }; N_CLASSES],
            n_pages: 0,
            n_tables: 0,
        }
    }

    /// Pages in use.
    pub fn n_pages(&self) -> u64 {
        self.n_pages
    }

    /// Frames that nobody holds: page tables made, and spares.
    pub fn n_idle_frames(&self) -> u64 {
        self.n_tables + self.classes.iter().map(|class| class.spare.1).sum::<u64>()
    }

    /// Gives out a block of `n_pages`, at least 2; `None` if frames are short, or the block is longer than any.
    pub fn allocate(&mut self, tables: &mut Tables, n_pages: u64) -> Option<u64> {
        let class = self.classes.get_mut(class_of(n_pages)?)?;
        let (address, n_mapped) = match core::mem::take(&mut class.spare) {
            (_, 0) => (self.take_slot(tables, n_pages)?, 0),
            spare => spare,
        };
        // A spare is so short that its table is that of any block of its class.
        let missing = n_mapped..n_pages.max(n_mapped);
        if tables.map(address, missing).is_err() {
            self.give_slot_back(tables, address, n_mapped);
            return None;
        }
        tables.unmap(address, n_pages.min(n_mapped)..n_mapped);
        self.n_pages += n_pages;
        Some(address)
    }

    /// Takes a block back.
    ///
    /// # Safety
    /// The block came from [`Self::allocate`] or [`Self::resize`] with so many pages, and nobody uses it any more.
    pub unsafe fn free(&mut self, tables: &mut Tables, address: u64, n_pages: u64) {
        self.n_pages -= n_pages;
        let (class, _) = slot_of(address);
        match self.classes.get_mut(class) {
            Some(class) if class.spare.1 == 0 && n_pages <= SPARE_PAGES_MAX => {
                class.spare = (address, n_pages);
            }
            _ => self.give_slot_back(tables, address, n_pages),
        }
    }

    /// Makes a block longer or shorter, at least 2 pages; its address may change, its content up to the shorter length does not.
    /// `None`, and nothing changed, if frames are short.
    ///
    /// # Safety
    /// As for [`Self::free`], with `n_before` pages, when the address returned is another.
    pub unsafe fn resize(
        &mut self,
        tables: &mut Tables,
        address: u64,
        n_before: u64,
        n_after: u64,
    ) -> Option<u64> {
        let (class, _) = slot_of(address);
        let is_same = class_of(n_after) == Some(class);
        let to = if is_same {
            address
        } else {
            self.take_slot(tables, n_after)?
        };
        if tables.map(to, n_before..n_after.max(n_before)).is_err() {
            if !is_same {
                self.give_slot_back(tables, to, 0);
            }
            return None;
        }
        tables.unmap(address, n_after.min(n_before)..n_before);
        if !is_same {
            tables.move_pages(address, to, n_before.min(n_after));
            self.give_slot_back(tables, address, 0);
        }
        self.n_pages = self.n_pages - n_before + n_after;
        Some(to)
    }

    /// A free slot for `n_pages`, with all the tables that they need.
    fn take_slot(&mut self, tables: &mut Tables, n_pages: u64) -> Option<u64> {
        let index = class_of(n_pages)?;
        let class = self.classes.get_mut(index)?;
        let slot = class.free.checked_sub(1).unwrap_or(class.fresh);
        if slot >= REGION_BYTES / slot_bytes(index) {
            return None;
        }
        let address = slot_address(index, slot);
        tables.make(address, n_pages, &mut self.n_tables).ok()?;
        if slot == class.fresh {
            class.fresh += 1;
        } else {
            let first = tables.entries(address)?.first_mut()?;
            class.free = first.addr().as_u64() / PAGE_BYTES;
            first.set_unused();
        }
        Some(address)
    }

    /// Frees a slot in which the first `n_pages` are mapped.
    fn give_slot_back(&mut self, tables: &mut Tables, address: u64, n_pages: u64) {
        tables.unmap(address, 0..n_pages);
        let (class, slot) = slot_of(address);
        let first = tables
            .entries(address)
            .and_then(|entries| entries.first_mut());
        if let (Some(class), Some(first)) = (self.classes.get_mut(class), first) {
            // A link is written like an address, so that it is in bits that are not flags.
            first.set_addr(
                PhysAddr::new(class.free * PAGE_BYTES),
                PageTableFlags::empty(),
            );
            class.free = slot + 1;
        }
    }
}

#[cfg(test)]
#[path = "large_tests.rs"]
mod tests;
