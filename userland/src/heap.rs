//! The heap: a free list that grows by mapped memory, at addresses of its own.

use crate::lock::Mutex;
use crate::raw;
use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{self, NonNull};
use linked_list_allocator::Heap;
use omnibus_abi::Call;
use omnibus_abi::layout::PAGE_BYTES;
use omnibus_abi::native::{VM_READ, VM_WRITE, VmMap};

/// Where the heap begins: far from where the kernel looks for room, so that it can grow in place.
const START: u64 = 0x0000_2000_0000_0000;

/// Least bytes asked of the kernel at once.
const GROWTH_BYTES: u64 = 16 * PAGE_BYTES;

/// Room for the free list's own header when a large block makes the heap grow.
const HEADER_BYTES: u64 = PAGE_BYTES;

struct Growing {
    heap: Heap,
    n_bytes: u64,
}

impl Growing {
    /// Maps room for `n_bytes` more behind the heap; false if the kernel refuses.
    fn grow(&mut self, n_bytes: u64) -> bool {
        let n_bytes = match n_bytes.checked_add(HEADER_BYTES) {
            Some(n_bytes) if n_bytes <= 1 << 40 => n_bytes.max(GROWTH_BYTES),
            _ => return false,
        }
        .next_multiple_of(PAGE_BYTES);
        let address = START + self.n_bytes;
        let map = VmMap {
            flags: 0,
            address,
            n_bytes,
            rights: VM_READ | VM_WRITE,
        };
        let arguments = [ptr::from_ref(&map) as u64, VmMap::SIZE];
        // SAFETY: the kernel reads the structure and maps fresh memory where nothing was.
        if unsafe { raw::call(Call::VmMap, arguments) }.is_err() {
            return false;
        }
        // SAFETY: the memory is mapped, writable, unused, and directly behind what the heap has.
        unsafe {
            if self.n_bytes == 0 {
                self.heap.init(address as *mut u8, n_bytes as usize);
            } else {
                self.heap.extend(n_bytes as usize);
            }
        }
        self.n_bytes += n_bytes;
        true
    }
}

struct Allocator(Mutex<Growing>);

#[global_allocator]
static ALLOCATOR: Allocator = Allocator(Mutex::new(Growing {
    heap: Heap::empty(),
    n_bytes: 0,
}));

// SAFETY: blocks come from the free list, which hands each byte out once; it never unwinds.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let mut growing = self.0.lock();
        if let Ok(block) = growing.heap.allocate_first_fit(layout) {
            return block.as_ptr();
        }
        let worst = (layout.size() as u64).saturating_add(layout.align() as u64);
        if !growing.grow(worst) {
            return ptr::null_mut();
        }
        growing
            .heap
            .allocate_first_fit(layout)
            .map_or(ptr::null_mut(), NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller got the block from `alloc` with this layout, so it is not null.
        unsafe {
            let block = NonNull::new_unchecked(block);
            self.0.lock().heap.deallocate(block, layout);
        }
    }
}
