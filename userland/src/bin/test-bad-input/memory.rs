//! Where the structures of a call are put: one region of writable pages each, with unmapped pages on both sides, and the
//! addresses at which nothing may be put.

use alloc::vec::Vec;
use omnibus_userland::abi::layout::{
    PAGE_BYTES, STACK_BYTES, STACK_TOP, STARTUP_ADDRESS, USER_END,
};
use omnibus_userland::abi::native::{VM_READ, VM_WRITE, VmMap};
use omnibus_userland::abi::{Call, Errno};
use omnibus_userland::raw;

/// Regions there are: no call takes more objects.
pub(crate) const N_REGIONS: usize = 10;

/// Bytes of a region.
pub(crate) const REGION_BYTES: u64 = 4 * PAGE_BYTES;

/// First region; far from everything that the kernel or the runtime puts anywhere.
const REGIONS_START: u64 = 0x3000_0000_0000;

/// From one region to the next.
const REGION_DISTANCE: u64 = 16 * PAGE_BYTES;

/// A writable page, and behind it one that is not: the last byte of the first is at the end of this address.
const BOUNDARY: u64 = 0x3100_0000_1000;

/// Nothing is ever mapped here, nor in the terabyte around it.
pub(crate) const HOLE: u64 = 0x3300_0000_0000;

/// A constant array that the compiler puts into read-only memory.
static READ_ONLY: [u64; 32] = [u64::MAX; 32];

/// First byte of a region.
pub(crate) const fn region(index: usize) -> u64 {
    REGIONS_START + index as u64 * REGION_DISTANCE
}

/// Maps the regions and the boundary.
fn initialise() -> Result<(), Errno> {
    for index in 0..N_REGIONS {
        map(region(index), REGION_BYTES, VM_READ | VM_WRITE)?;
    }
    map(BOUNDARY - PAGE_BYTES, PAGE_BYTES, VM_READ | VM_WRITE)?;
    map(BOUNDARY, PAGE_BYTES, VM_READ)
}

/// Maps fresh memory at an address where nothing is.
pub(crate) fn map(address: u64, n_bytes: u64, rights: u64) -> Result<(), Errno> {
    let map = VmMap {
        flags: 0,
        address,
        n_bytes,
        rights,
    };
    let arguments = [core::ptr::from_ref(&map) as u64, VmMap::SIZE];
    // SAFETY: the kernel reads the structure, and refuses a range in which something is mapped.
    unsafe { raw::call(Call::VmMap, arguments) }.map(drop)
}

/// Unmaps pages outside the regions.
pub(crate) fn unmap(address: u64, n_bytes: u64) -> Result<(), Errno> {
    let end = address.saturating_add(n_bytes);
    assert!(
        address >= HOLE && end <= HOLE + (1 << 40),
        "only what a case mapped is unmapped"
    );
    // SAFETY: nothing of the program is in this range.
    unsafe { raw::call(Call::VmUnmap, [address, n_bytes]) }.map(drop)
}

/// Writes `bytes` at `address`, as far as the region of that index reaches.
pub(crate) fn put(index: usize, address: u64, bytes: &[u8]) {
    let (start, end) = (region(index), region(index) + REGION_BYTES);
    for (address, &byte) in (address..).zip(bytes) {
        if (start..end).contains(&address) {
            // SAFETY: the regions are mapped writable for the life of the task, and nothing borrows from them.
            unsafe { (address as *mut u8).write_volatile(byte) };
        }
    }
}

/// Reads a word of a region.
pub(crate) fn get(index: usize, address: u64) -> u64 {
    assert!(address >= region(index) && address + 8 <= region(index) + REGION_BYTES);
    // SAFETY: as in `put`.
    unsafe { (address as *const u64).read_unaligned() }
}

/// Addresses at which a program may neither read nor write `n_bytes`.
pub(crate) fn unreadable(n_bytes: u64) -> Vec<u64> {
    let stack_bottom = STACK_TOP - STACK_BYTES;
    let mut addresses = alloc::vec![
        // Null, and the page around it.
        0,
        1,
        PAGE_BYTES - 8,
        // Never mapped: low memory, where devices and the boot's tables are; a hole; under the stack.
        0x8000,
        0x10_0000,
        0xfee0_0000,
        HOLE,
        HOLE + 1,
        stack_bottom - 8,
        // The end of the user half, from both sides.
        USER_END - PAGE_BYTES,
        USER_END - 1,
        USER_END,
        0x7fff_ffff_ffff,
        // No addresses at all.
        1 << 47,
        1 << 63,
        0xffff_7fff_ffff_ffff,
        // The kernel: all memory, stacks, heap, image.
        0xffff_8000_0000_0000,
        0xffff_8000_0010_0000,
        0xffff_c000_0000_0000,
        0xffff_d000_0000_0000,
        0xffff_ffff_8000_0000,
        0xffff_ffff_8020_0000,
        // Around the end of the address space.
        0_u64.wrapping_sub(n_bytes),
        u64::MAX,
    ];
    if n_bytes > 1 {
        // Mapped and unmapped, user and kernel, the top and, by wrapping, the bottom.
        addresses.extend([
            stack_bottom - 1,
            USER_END - n_bytes + 1,
            0_u64.wrapping_sub(n_bytes / 2),
            0_u64.wrapping_sub(n_bytes - 1),
        ]);
    }
    addresses
}

/// Addresses at which a program may read and not write `n_bytes`.
pub(crate) fn unwritable(n_bytes: u64) -> Vec<u64> {
    let mut addresses = alloc::vec![
        BOUNDARY,
        BOUNDARY + 8,
        STARTUP_ADDRESS,
        READ_ONLY.as_ptr() as u64,
        unwritable as *const () as u64,
    ];
    if n_bytes > 1 {
        addresses.extend([BOUNDARY - n_bytes + 1, BOUNDARY - n_bytes / 2]);
    }
    addresses
}

/// [`initialise`], the first time.
pub(crate) fn initialise_once() -> Result<(), Errno> {
    use core::sync::atomic::{AtomicBool, Ordering};
    static IS_DONE: AtomicBool = AtomicBool::new(false);
    if IS_DONE.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    initialise()
}
