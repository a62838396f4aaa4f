//! The kernel's half of every address space: direct map, image, stacks, devices, heap.
//!
//! Made once at boot. All entries of the root that the kernel will ever use exist from then on, so that every space can share them by copying
//! the upper half of the root, and what is mapped below them later (heap) is seen by all.
//!
//! No page is writable and executable, and no frame of text or read-only data is writable through any mapping: the direct map leaves them
//! read-only as well.

#![allow(unsafe_code, reason = "this module owns the page tables of the kernel")]

use super::frames::{self, Frame, OutOfFrames};
use super::large::{self, LARGE, REGION_BYTES};
use super::memory_map::Range;
use super::paging::{self, ROOT_LEVEL};
use super::physical::DIRECT_MAP;
use super::stacks::{STACKS, Stack};
use super::{PAGE_BYTES, heap, image};
use spin::{Mutex, Once};
use x86_64::registers::control::{Cr3, Cr3Flags};
use x86_64::structures::paging::PageTableFlags;
use x86_64::{PhysAddr, VirtAddr};

/// Where device registers are mapped.
pub const DEVICES: u64 = 0xffff_c100_0000_0000;

/// Bytes of a large page (an entry of level 2).
pub(super) const LARGE_BYTES: u64 = 2 << 20;

const READ: PageTableFlags = PageTableFlags::PRESENT
    .union(PageTableFlags::GLOBAL)
    .union(PageTableFlags::NO_EXECUTE);
const READ_WRITE: PageTableFlags = READ.union(PageTableFlags::WRITABLE);
/// PCD and PWT select PAT entry 3, which is uncacheable after reset (SDM 3A 11.12.4).
const UNCACHED: PageTableFlags = READ_WRITE
    .union(PageTableFlags::NO_CACHE)
    .union(PageTableFlags::WRITE_THROUGH);

static ROOT: Once<Frame> = Once::new();
/// The next free address for device registers; also the lock of the kernel half's tables.
static NEXT_DEVICE: Mutex<u64> = Mutex::new(DEVICES);

/// Builds the kernel half and switches to it. `ram` are the stretches of memory to reach through the direct map; each is widened to whole
/// large pages, which takes in the firmware tables that lie directly behind RAM.
///
/// # Errors
/// [`OutOfFrames`]
pub fn init(ram: &[Range], n_cpus: u64) -> Result<(), OutOfFrames> {
    let root = frames::allocate_zeroed()?;
    let fixed = [DIRECT_MAP, STACKS, DEVICES, heap::HEAP, image::KERNEL_BASE];
    let regions = (0..large::N_CLASSES as u64).map(|class| LARGE + class * REGION_BYTES);
    for start in fixed.into_iter().chain(regions) {
        // SAFETY: the tree is ours alone until it is activated.
        unsafe { paging::find_or_make(root, start, ROOT_LEVEL - 1, &mut 0)? };
    }
    for range in ram {
        let mut at = range.start & !(LARGE_BYTES - 1);
        while at < range.end {
            map_direct(root, at)?;
            at += LARGE_BYTES;
        }
    }
    for section in image::sections() {
        for address in (section.start..section.end).step_by(PAGE_BYTES as usize) {
            map(root, address, address - image::KERNEL_BASE, section.flags)?;
        }
    }
    for cpu in 0..n_cpus {
        for stack in Stack::ALL {
            for address in (stack.bottom(cpu)..stack.top(cpu)).step_by(PAGE_BYTES as usize) {
                map(
                    root,
                    address,
                    frames::allocate_zeroed()?.start_address().as_u64(),
                    READ_WRITE,
                )?;
            }
        }
    }
    ROOT.call_once(|| root);
    activate(root);
    Ok(())
}

/// Maps the 2 MiB at physical `at` in the direct map: by one large page, or page by page where they hold the kernel's read-only parts.
fn map_direct(root: Frame, at: u64) -> Result<(), OutOfFrames> {
    let read_only = image::read_only_range();
    if at + LARGE_BYTES <= read_only.start || read_only.end <= at {
        // SAFETY: the tree is ours; nothing but this function maps in the direct map.
        let entry = unsafe { paging::find_or_make(root, DIRECT_MAP + at, 2, &mut 0)? };
        if entry.is_unused() {
            entry.set_addr(PhysAddr::new(at), READ_WRITE | PageTableFlags::HUGE_PAGE);
        }
        return Ok(());
    }
    for page in (at..at + LARGE_BYTES).step_by(PAGE_BYTES as usize) {
        let is_read_only = (read_only.start..read_only.end).contains(&page);
        map(
            root,
            DIRECT_MAP + page,
            page,
            if is_read_only { READ } else { READ_WRITE },
        )?;
    }
    Ok(())
}

fn map(root: Frame, address: u64, physical: u64, flags: PageTableFlags) -> Result<(), OutOfFrames> {
    // SAFETY: the tree belongs to this module; callers hold `NEXT_DEVICE` or run before anyone else can.
    let entry = unsafe { paging::find_or_make(root, address, 1, &mut 0)? };
    entry.set_addr(PhysAddr::new(physical), flags);
    Ok(())
}

/// Maps a fresh frame at `address` of the heap's range.
///
/// # Errors
/// [`OutOfFrames`]
pub fn map_heap_page(address: u64) -> Result<(), OutOfFrames> {
    let _tables = NEXT_DEVICE.lock();
    let frame = frames::allocate()?;
    let mapped = map(root(), address, frame.start_address().as_u64(), READ_WRITE);
    if mapped.is_err() {
        // SAFETY: the frame was not mapped.
        unsafe { frames::free(frame) };
    }
    mapped
}

/// Lends the tables in which large blocks of the heap are mapped.
pub fn with_large<R>(change: impl FnOnce(&mut large::Tables) -> R) -> R {
    let _tables = NEXT_DEVICE.lock();
    let flush = |address| x86_64::instructions::tlb::flush(VirtAddr::new_truncate(address));
    // SAFETY: the lock keeps everybody else away from the kernel's tables, and the one who calls this is the heap, which has one `Large`.
    let mut tables = unsafe { large::Tables::new(root(), flush) };
    change(&mut tables)
}

/// Maps the page of device registers at physical `address` and returns where. It stays mapped for ever.
///
/// # Errors
/// [`OutOfFrames`]
pub fn map_device(address: u64) -> Result<u64, OutOfFrames> {
    let mut next = NEXT_DEVICE.lock();
    let at = *next;
    map(root(), at, address & !(PAGE_BYTES - 1), UNCACHED)?;
    *next += PAGE_BYTES;
    Ok(at + address % PAGE_BYTES)
}

fn root() -> Frame {
    *ROOT
        .get()
        .expect("the kernel's page tables are made first of all")
}

/// Gives a new root the kernel's half.
pub fn share_kernel_half(space: Frame) {
    // SAFETY: the new root is its maker's alone; the kernel's root does not change after boot.
    let (from, to) = unsafe { (paging::table(root()), paging::table(space)) };
    for index in 256..512 {
        to[index] = from[index].clone();
    }
}

/// Makes `space` the active address space of this CPU, unless it is.
#[inline]
pub fn activate(space: Frame) {
    if Cr3::read_raw().0 != space {
        // SAFETY: every root has the kernel's half, so code, stack and data stay where they are.
        unsafe { Cr3::write(space, Cr3Flags::empty()) }
    }
}

/// The same for a space that is known by the address of its root.
///
/// # Safety
/// It is the root of a space, and nobody tears that down before this CPU has left it.
#[inline(always)]
pub unsafe fn activate_root(root: u64) {
    // SAFETY: as in `activate`; no flag is ever set in the register (SDM 3A 2.5), so it is the root's address.
    unsafe {
        let active: u64;
        core::arch::asm!("mov {}, cr3", out(reg) active, options(nomem, nostack, preserves_flags));
        if active != root {
            core::arch::asm!("mov cr3, {}", in(reg) root, options(nostack, preserves_flags));
        }
    }
}

/// If `space` is active on this CPU, makes the kernel's own space active, in which no user page exists.
pub fn leave(space: Frame) {
    if Cr3::read_raw().0 == space {
        activate(root());
    }
}

/// Forgets what the TLB knows of the page at `address`, if `space` is the active one. Global pages are not a user's.
pub fn flush_page(space: Frame, address: u64) {
    if Cr3::read_raw().0 == space {
        x86_64::instructions::tlb::flush(VirtAddr::new_truncate(address));
    }
}

/// What [`audit`] found: numbers of mappings in the kernel's half.
#[derive(Clone, Copy, Debug, Default)]
pub struct Audit {
    /// Pages of 4 KiB.
    pub n_small: u64,
    /// Pages of 2 MiB.
    pub n_large: u64,
    /// Of all these, executable ones.
    pub n_executable: u64,
    /// Writable ones.
    pub n_writable: u64,
    /// Writable and executable ones.
    pub n_both: u64,
    /// Accessible to user mode.
    pub n_user: u64,
    /// Writable ones of frames that hold text or read-only data.
    pub n_writable_aliases: u64,
}

impl Audit {
    /// True if no mapping is both writable and executable, none is a user's, and nothing read-only is writable elsewhere.
    pub fn is_clean(&self) -> bool {
        self.n_both == 0
            && self.n_user == 0
            && self.n_writable_aliases == 0
            && self.n_executable > 0
    }
}

/// Looks at every mapping of the kernel's half, as the CPU would.
pub fn audit() -> Audit {
    let _tables = NEXT_DEVICE.lock();
    let mut audit = Audit::default();
    audit_table(root(), ROOT_LEVEL, 256, &mut audit);
    audit
}

fn audit_table(table: Frame, level: u32, first: usize, audit: &mut Audit) {
    // SAFETY: the kernel's tables change under the lock that `audit` holds only.
    for entry in unsafe { paging::table(table) }.iter().skip(first) {
        let flags = entry.flags();
        if !flags.contains(PageTableFlags::PRESENT) {
            continue;
        }
        if level > 1 && !flags.contains(PageTableFlags::HUGE_PAGE) {
            audit_table(Frame::containing_address(entry.addr()), level - 1, 0, audit);
            continue;
        }
        let n_bytes = paging::entry_bytes(level);
        let (start, end) = (entry.addr().as_u64(), entry.addr().as_u64() + n_bytes);
        let read_only = image::read_only_range();
        let is_writable = flags.contains(PageTableFlags::WRITABLE);
        let is_executable = !flags.contains(PageTableFlags::NO_EXECUTE);
        let is_alias = is_writable && start < read_only.end && read_only.start < end;
        *(if level == 1 {
            &mut audit.n_small
        } else {
            &mut audit.n_large
        }) += 1;
        audit.n_executable += u64::from(is_executable);
        audit.n_writable += u64::from(is_writable);
        audit.n_both += u64::from(is_writable && is_executable);
        audit.n_user += u64::from(flags.contains(PageTableFlags::USER_ACCESSIBLE));
        audit.n_writable_aliases += u64::from(is_alias);
    }
}
