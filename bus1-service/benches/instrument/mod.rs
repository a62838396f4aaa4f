//! What is counted, and with which allocator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr::null_mut;

/// Requests to callgrind (`valgrind/callgrind.h`, `Vg_CallgrindClientRequest`).
const START_INSTRUMENTATION: usize = 0x4354_0004;
const STOP_INSTRUMENTATION: usize = 0x4354_0005;

/// Does `work`; only its instructions are counted by `valgrind --tool=callgrind --instr-atstart=no`. Without valgrind it is just done.
pub(crate) fn counted(work: impl FnOnce()) {
    request(START_INSTRUMENTATION);
    work();
    request(STOP_INSTRUMENTATION);
}

/// A client request: four rotations that cancel out and an exchange of a register with itself, which valgrind knows
/// (`valgrind/valgrind.h`, `VALGRIND_DO_CLIENT_REQUEST_EXPR` for amd64).
fn request(number: usize) {
    let arguments = [number, 0, 0, 0, 0, 0];
    // SAFETY: on a CPU this changes nothing but flags; valgrind reads `arguments` and sets rdx.
    unsafe {
        core::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") arguments.as_ptr(),
            inout("rdx") 0_usize => _,
            inout("rdi") 0_usize => _,
        );
    }
}

/// Free blocks by size, in front of the C library: so that what is counted is the core and not the state of that library's heap, and
/// the allocator costs as little as a kernel's slabs. This program has one thread.
pub(crate) struct FreeLists {
    lists: UnsafeCell<[*mut u8; N_SIZES]>,
}

/// Sizes are multiples of 16, up to 1 KiB.
const N_SIZES: usize = 64;

// SAFETY: this program has one thread.
unsafe impl Sync for FreeLists {}

impl FreeLists {
    pub(crate) const fn new() -> FreeLists {
        FreeLists {
            lists: UnsafeCell::new([null_mut(); N_SIZES]),
        }
    }

    /// The list for blocks of this layout, and their layout.
    fn list(&self, layout: Layout) -> Option<(*mut *mut u8, Layout)> {
        let index = layout.size().wrapping_sub(1) / 16;
        if index >= N_SIZES || layout.align() > 16 {
            return None;
        }
        let rounded = Layout::from_size_align((index + 1) * 16, 16).ok()?;
        Some((
            self.lists.get().cast::<*mut u8>().wrapping_add(index),
            rounded,
        ))
    }
}

// SAFETY: a block lies on the list of its size while it is free, and is given out with that size, by the system's allocator or from
// the list.
unsafe impl GlobalAlloc for FreeLists {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: a free block holds the address of the next; the rest is the caller's promise.
        unsafe {
            match self.list(layout) {
                Some((list, _)) if !(*list).is_null() => {
                    let block = *list;
                    *list = block.cast::<*mut u8>().read();
                    block
                }
                Some((_, layout)) => System.alloc(layout),
                None => System.alloc(layout),
            }
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above; the block is 16 bytes or longer.
        unsafe {
            match self.list(layout) {
                Some((list, _)) => {
                    block.cast::<*mut u8>().write(*list);
                    *list = block;
                }
                None => System.dealloc(block, layout),
            }
        }
    }
}
