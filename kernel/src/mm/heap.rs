//! The kernel heap: slabs for blocks up to a frame ([`super::slab`]), and behind them `linked_list_allocator` over a stretch of addresses
//! that grows by frames. Both have the same limit.
//!
//! The stretch grows when a large block does not fit, and never shrinks: what tasks gave back is used again. Only large blocks lie there, so
//! it has few holes to search. Running out is an answer (`null`), which the fallible collections turn into an error for the one who asked.

#![allow(unsafe_code, reason = "an allocator hands out raw memory")]

use super::frames::OutOfFrames;
use super::{PAGE_BYTES, kernel_space, paging, slab};
use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{self, NonNull};
use linked_list_allocator::Heap;
use spin::Mutex;

/// Where the heap begins.
pub const HEAP: u64 = 0xffff_d000_0000_0000;

/// The heap grows by at least this much at a time.
const GROWTH_BYTES: u64 = 64 << 10;

/// How much heap there is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// Given out, with the allocator's rounding.
    pub n_used_bytes: u64,
    /// Of the stretch for large blocks, backed by frames.
    pub n_mapped_bytes: u64,
    /// Frames that the stretch takes, page tables of its lowest level included, and frames of slabs in which nothing is used: what the
    /// heap has, but nobody holds.
    pub n_idle_frames: u64,
    /// What the heap may grow to.
    pub limit_bytes: u64,
}

struct State {
    heap: Heap,
    n_mapped_bytes: u64,
    limit_bytes: u64,
}

struct KernelHeap(Mutex<State>);

#[global_allocator]
static KERNEL_HEAP: KernelHeap = KernelHeap(Mutex::new(State {
    heap: Heap::empty(),
    n_mapped_bytes: 0,
    limit_bytes: 0,
}));

/// Lets the heap grow to `limit_bytes`. Called once, at boot, when the kernel's page tables are active.
///
/// # Errors
/// [`OutOfFrames`] if there is not even a beginning.
pub fn init(limit_bytes: u64) -> Result<(), OutOfFrames> {
    let mut state = KERNEL_HEAP.0.lock();
    slab::set_limit(limit_bytes / PAGE_BYTES);
    state.limit_bytes = limit_bytes & !(PAGE_BYTES - 1);
    if !state.grow(GROWTH_BYTES) {
        return Err(OutOfFrames);
    }
    let n_bytes = state.n_mapped_bytes as usize;
    // SAFETY: the range was mapped just now for this heap alone, and stays mapped for ever.
    unsafe { state.heap.init(HEAP as *mut u8, n_bytes) };
    Ok(())
}

/// How much heap there is.
pub fn statistics() -> Statistics {
    let state = KERNEL_HEAP.0.lock();
    Statistics {
        n_used_bytes: state.heap.used() as u64 + slab::n_used_bytes(),
        n_mapped_bytes: state.n_mapped_bytes,
        n_idle_frames: state.n_mapped_bytes / PAGE_BYTES
            + state.n_mapped_bytes.div_ceil(paging::entry_bytes(2))
            + slab::n_spares(),
        limit_bytes: state.limit_bytes,
    }
}

impl State {
    /// Maps `n_bytes` more (rounded to pages) behind the heap's end, as far as limit and frames allow; false if it was less.
    fn grow(&mut self, n_bytes: u64) -> bool {
        let end = self
            .n_mapped_bytes
            .saturating_add(n_bytes.next_multiple_of(PAGE_BYTES))
            .min(self.limit_bytes);
        let is_whole = end - self.n_mapped_bytes >= n_bytes;
        while self.n_mapped_bytes < end {
            if kernel_space::map_heap_page(HEAP + self.n_mapped_bytes).is_err() {
                return false;
            }
            self.n_mapped_bytes += PAGE_BYTES;
        }
        is_whole
    }

    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        if let Ok(address) = self.heap.allocate_first_fit(layout) {
            return Some(address);
        }
        // Room for the block, its alignment and the hole headers around it.
        let n_needed = (layout.size() as u64)
            .checked_add(layout.align() as u64)?
            .checked_add(64)?;
        if n_needed > self.limit_bytes - self.n_mapped_bytes {
            return None;
        }
        let n_before = self.n_mapped_bytes;
        self.grow(n_needed.max(GROWTH_BYTES));
        let n_more = (self.n_mapped_bytes - n_before) as usize;
        if n_more > 0 {
            // SAFETY: the bytes behind the heap's end were mapped just now for this heap alone.
            unsafe { self.heap.extend(n_more) };
        }
        self.heap.allocate_first_fit(layout).ok()
    }
}

// SAFETY: blocks come from `Heap`, which hands out disjoint parts of memory that is this heap's alone; the lock makes calls exclusive.
unsafe impl GlobalAlloc for KernelHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if let Some(class) = slab::class_of(layout) {
            return slab::allocate(class);
        }
        self.0
            .lock()
            .allocate(layout)
            .map_or(ptr::null_mut(), NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let Some(block) = NonNull::new(block) else {
            return;
        };
        // SAFETY: the caller returns a block of `alloc` with its layout, which says where it came from.
        unsafe {
            if let Some(class) = slab::class_of(layout) {
                slab::free(class, block);
                return;
            }
            self.0.lock().heap.deallocate(block, layout);
        }
    }
}
