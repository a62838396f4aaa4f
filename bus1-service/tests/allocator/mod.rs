//! An allocator that counts what a thread holds, and refuses on demand.
#![allow(unsafe_code, reason = "an allocator is unsafe to implement")]
#![allow(dead_code, reason = "each test program uses its part of it")]

use std::alloc::{GlobalAlloc, Layout, System as Heap};
use std::cell::Cell;

thread_local! {
    static N_BYTES: Cell<isize> = const { Cell::new(0) };
    static KEEPS_ALL: Cell<bool> = const { Cell::new(false) };
    static N_UNTIL_REFUSAL: Cell<Option<usize>> = const { Cell::new(None) };
}

pub(crate) struct Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

// SAFETY: everything is handed on to the system's allocator, or refused.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if let Some(n_left) = N_UNTIL_REFUSAL.get() {
            N_UNTIL_REFUSAL.set(n_left.checked_sub(1).or(Some(usize::MAX)));
            if n_left == 0 {
                return std::ptr::null_mut();
            }
        }
        N_BYTES.set(N_BYTES.get() + layout.size() as isize);
        // SAFETY: handed on.
        unsafe { Heap.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        N_BYTES.set(N_BYTES.get() - layout.size() as isize);
        if KEEPS_ALL.get() {
            return;
        }
        // SAFETY: handed on.
        unsafe { Heap.dealloc(memory, layout) }
    }
}

/// How many bytes `work` left allocated in this thread, whatever it returned included.
pub(crate) fn bytes_left<R>(work: impl FnOnce() -> R) -> (isize, R) {
    let n_before = N_BYTES.get();
    let result = work();
    (N_BYTES.get() - n_before, result)
}

/// Does `work` with the allocation behind the first `n` refused; says whether one was.
pub(crate) fn refusing<R>(n: usize, work: impl FnOnce() -> R) -> (bool, R) {
    N_UNTIL_REFUSAL.set(Some(n));
    let result = work();
    let was_refused = N_UNTIL_REFUSAL
        .replace(None)
        .is_some_and(|n_left| n_left > n);
    (was_refused, result)
}

/// From here on this thread frees nothing, so that no address is used twice.
pub(crate) fn keep_all() {
    KEEPS_ALL.set(true);
}
