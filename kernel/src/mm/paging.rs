//! Page tables as the CPU walks them: four levels of 512 entries (SDM 3A 4.5).

#![allow(unsafe_code, reason = "page tables are reached by physical address")]

use super::frames::{self, Frame, OutOfFrames};
use super::physical;
use x86_64::structures::paging::page_table::PageTableEntry;
use x86_64::structures::paging::{PageTable, PageTableFlags};

/// Level of the root; a table of level 1 holds the entries of 4 KiB pages.
pub const ROOT_LEVEL: u32 = 4;

/// Flags of an entry that points at a table: what pages below may do is said by their own entries alone.
const TABLE_FLAGS: PageTableFlags = PageTableFlags::PRESENT
    .union(PageTableFlags::WRITABLE)
    .union(PageTableFlags::USER_ACCESSIBLE);

/// Index of the entry for `address` in a table of `level`.
pub const fn index(address: u64, level: u32) -> usize {
    ((address >> (12 + 9 * (level - 1))) & 511) as usize
}

/// Bytes that one entry of a table of `level` stands for.
pub const fn entry_bytes(level: u32) -> u64 {
    1 << (12 + 9 * (level - 1))
}

/// The table in `frame`.
///
/// # Safety
/// The frame holds a page table, and for the life of the reference nobody else refers to that table.
pub unsafe fn table<'a>(frame: Frame) -> &'a mut PageTable {
    // SAFETY: the caller says it is a table; 512 entries fill a frame, and every bit pattern is an entry.
    unsafe { &mut *physical::pointer(frame.start_address()) }
}

/// The entry of `address` at `level`, if all tables down to there exist.
///
/// # Safety
/// `root` is the root of a tree of page tables that nobody else refers to for the life of the reference.
pub unsafe fn find<'a>(root: Frame, address: u64, level: u32) -> Option<&'a mut PageTableEntry> {
    let mut frame = root;
    for upper in (level + 1..=ROOT_LEVEL).rev() {
        // SAFETY: present entries of upper levels that are not pages point at tables of this tree.
        let entry = unsafe { &table(frame)[index(address, upper)] };
        if entry.flags().contains(PageTableFlags::HUGE_PAGE) {
            return None;
        }
        frame = entry.frame().ok()?;
    }
    // SAFETY: as above.
    Some(unsafe { &mut table(frame)[index(address, level)] })
}

/// Number of tables that [`find_or_make`] would add for `address` at level 1: 0 to 3.
///
/// # Safety
/// As for [`find`].
pub unsafe fn n_missing_tables(root: Frame, address: u64) -> u64 {
    let is_missing = |level: &u32| {
        // SAFETY: as the caller promises; the reference ends here.
        unsafe { find(root, address, *level) }.is_none_or(|entry| entry.is_unused())
    };
    (2..=ROOT_LEVEL).filter(is_missing).count() as u64
}

/// The entry of `address` at `level`; missing tables are made, and `n_tables` counts them. Tables made before frames ran out stay: they are
/// empty, counted, and part of the tree.
///
/// # Errors
/// [`OutOfFrames`]
///
/// # Safety
/// As for [`find`]; and no large page covers `address` above `level`.
pub unsafe fn find_or_make<'a>(
    root: Frame,
    address: u64,
    level: u32,
    n_tables: &mut u64,
) -> Result<&'a mut PageTableEntry, OutOfFrames> {
    let mut frame = root;
    for upper in (level + 1..=ROOT_LEVEL).rev() {
        // SAFETY: present entries of upper levels point at tables of this tree.
        let entry = unsafe { &mut table(frame)[index(address, upper)] };
        if entry.is_unused() {
            let new = frames::allocate_zeroed()?;
            entry.set_frame(new, TABLE_FLAGS);
            *n_tables += 1;
        }
        debug_assert!(!entry.flags().contains(PageTableFlags::HUGE_PAGE));
        frame = Frame::containing_address(entry.addr());
    }
    // SAFETY: as above.
    Ok(unsafe { &mut table(frame)[index(address, level)] })
}
