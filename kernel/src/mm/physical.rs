//! Physical memory through the direct map.
//!
//! On the host an arena stands for the machine's memory, so that the frame allocator and the page tables are tested as they are.

#![allow(unsafe_code, reason = "physical memory is reached by address")]

use super::{Frame, PAGE_BYTES};
use x86_64::PhysAddr;

/// Where physical address 0 is mapped.
pub const DIRECT_MAP: u64 = 0xffff_8000_0000_0000;

/// The address at which the kernel reaches physical `address`. Computing it is harmless; whether it is mapped is the caller's business.
pub fn pointer<T>(address: PhysAddr) -> *mut T {
    (base() + address.as_u64()) as *mut T
}

#[cfg(not(test))]
fn base() -> u64 {
    DIRECT_MAP
}

#[cfg(test)]
fn base() -> u64 {
    use std::sync::OnceLock;
    static ARENA: OnceLock<u64> = OnceLock::new();
    *ARENA.get_or_init(|| {
        let layout = std::alloc::Layout::from_size_align(
            tests_support::ARENA_BYTES as usize,
            PAGE_BYTES as usize,
        )
        .unwrap();
        // SAFETY: the layout is not empty.
        unsafe { std::alloc::alloc_zeroed(layout) as u64 }
    })
}

/// Fills `frame` with zeros.
///
/// # Safety
/// The frame lies in the direct map and nobody else uses it.
pub unsafe fn zero(frame: Frame) {
    // SAFETY: the caller owns the frame, and a frame is a page long.
    unsafe { pointer::<u8>(frame.start_address()).write_bytes(0, PAGE_BYTES as usize) }
}

/// The bytes of `frame`.
///
/// # Safety
/// The frame lies in the direct map and for the life of the reference nobody else uses it.
pub unsafe fn bytes<'a>(frame: Frame) -> &'a mut [u8; PAGE_BYTES as usize] {
    // SAFETY: as the caller promises; every bit pattern is an array of bytes.
    unsafe { &mut *pointer(frame.start_address()) }
}

/// What tests need to know of the arena.
#[cfg(test)]
pub mod tests_support {
    /// Bytes of memory of the emulated machine.
    pub const ARENA_BYTES: u64 = 64 << 20;
}
