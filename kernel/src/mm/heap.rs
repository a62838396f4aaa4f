//! The kernel heap: three allocators, each for what it is good at.
//!
//! | blocks | from |
//! |---|---|
//! | up to 4,032 bytes | slabs: frames cut into blocks of one size ([`super::slab`]) |
//! | a page | a frame, reached through the direct map |
//! | larger | pages mapped where there are addresses for them ([`super::large`]) |
//! | larger, while the kernel boots | `linked_list_allocator` |
//!
//! What a user can cause to be allocated takes time that depends on its length alone, whatever is in use and was (ORD-8): the first three
//! search nothing. What the kernel sets up for itself at boot lives for ever; packing it tightly is worth a search, and a list that nobody
//! adds to any more is short.
//!
//! The heap has no limit of its own. Whoever causes an allocation is charged for it, and what accounts may hold is what the machine
//! has ([`crate::task::backing`]). Running out all the same is an answer (`null`), which the fallible collections turn into an error
//! for the one who asked.

#![allow(unsafe_code, reason = "an allocator hands out raw memory")]

use super::frames::{self, Frame, OutOfFrames};
use super::large::Large;
use super::{PAGE_BYTES, kernel_space, paging, physical, slab};
use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use linked_list_allocator::Heap;
use spin::Mutex;
use x86_64::PhysAddr;

/// Where the heap of the boot begins.
pub const HEAP: u64 = 0xffff_d000_0000_0000;

/// It grows by at least this much at a time.
const GROWTH_BYTES: u64 = 64 << 10;

/// Bytes of a page.
const PAGE: usize = PAGE_BYTES as usize;

/// How much heap there is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// Given out, with the allocators' rounding.
    pub n_used_bytes: u64,
    /// What the heap has, but nobody holds: frames of the boot's heap, page tables, and what is kept for the next who wants it.
    pub n_idle_frames: u64,
}

struct Boot {
    heap: Heap,
    n_mapped_bytes: u64,
}

struct KernelHeap {
    boot: Mutex<Boot>,
    large: Mutex<Large>,
    /// Frames given out as blocks.
    n_frames: AtomicU64,
    is_booting: AtomicBool,
}

#[global_allocator]
static KERNEL_HEAP: KernelHeap = KernelHeap {
    boot: Mutex::new(Boot {
        heap: Heap::empty(),
        n_mapped_bytes: 0,
    }),
    large: Mutex::new(Large::new()),
    n_frames: AtomicU64::new(0),
    is_booting: AtomicBool::new(true),
};

/// Maps the beginning of the boot's heap. Called once, when the kernel's page tables are active.
///
/// # Errors
/// [`OutOfFrames`]
pub fn init() -> Result<(), OutOfFrames> {
    let mut boot = KERNEL_HEAP.boot.lock();
    if !boot.grow(GROWTH_BYTES) {
        return Err(OutOfFrames);
    }
    let n_bytes = boot.n_mapped_bytes as usize;
    // SAFETY: the range was mapped just now for this heap alone, and stays mapped for ever.
    unsafe { boot.heap.init(HEAP as *mut u8, n_bytes) };
    Ok(())
}

/// The kernel has booted: from here on large blocks are mapped one by one.
pub fn boot_is_over() {
    KERNEL_HEAP.is_booting.store(false, Ordering::Relaxed);
}

/// How much heap there is.
pub fn statistics() -> Statistics {
    let boot = KERNEL_HEAP.boot.lock();
    let large = KERNEL_HEAP.large.lock();
    let n_pages = large.n_pages() + KERNEL_HEAP.n_frames.load(Ordering::Relaxed);
    Statistics {
        n_used_bytes: boot.heap.used() as u64 + n_pages * PAGE_BYTES + slab::n_used_bytes(),
        n_idle_frames: boot.n_mapped_bytes / PAGE_BYTES
            + boot.n_mapped_bytes.div_ceil(paging::entry_bytes(2))
            + large.n_idle_frames()
            + slab::n_spares(),
    }
}

impl Boot {
    /// Maps `n_bytes` more (rounded to pages) behind the heap's end, as far as frames allow; false if it was less.
    fn grow(&mut self, n_bytes: u64) -> bool {
        let end = self.n_mapped_bytes + n_bytes.next_multiple_of(PAGE_BYTES);
        while self.n_mapped_bytes < end {
            if kernel_space::map_heap_page(HEAP + self.n_mapped_bytes).is_err() {
                return false;
            }
            self.n_mapped_bytes += PAGE_BYTES;
        }
        true
    }

    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        if let Ok(address) = self.heap.allocate_first_fit(layout) {
            return Some(address);
        }
        // Room for the block, its alignment and the hole headers around it.
        let n_needed = (layout.size() as u64)
            .checked_add(layout.align() as u64)?
            .checked_add(64)?;
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

/// Which allocator a block that is not of a slab is from, by its layout; only the boot's heap is known by the address.
#[derive(Clone, Copy)]
enum Source {
    Frame,
    /// So many pages.
    Large(u64),
    /// No block is so strictly aligned.
    Nobody,
}

impl Source {
    fn of(layout: Layout) -> Self {
        if layout.align() > PAGE {
            Self::Nobody
        } else if layout.size() <= PAGE {
            Self::Frame
        } else {
            Self::Large(layout.size().div_ceil(PAGE) as u64)
        }
    }
}

fn is_of_boot(block: NonNull<u8>) -> bool {
    (HEAP..super::large::LARGE).contains(&(block.addr().get() as u64))
}

impl KernelHeap {
    /// A block that is not of a slab, or null.
    #[inline(never)]
    fn allocate_pages(&self, layout: Layout) -> *mut u8 {
        let block = match Source::of(layout) {
            Source::Frame => self.allocate_frame(),
            Source::Large(n_pages) => self.allocate_large(layout, n_pages),
            Source::Nobody => None,
        };
        block.map_or(ptr::null_mut(), NonNull::as_ptr)
    }

    fn allocate_frame(&self) -> Option<NonNull<u8>> {
        let frame = frames::allocate().ok()?;
        self.n_frames.fetch_add(1, Ordering::Relaxed);
        NonNull::new(physical::pointer(frame.start_address()))
    }

    /// # Safety
    /// The block came from [`Self::allocate_pages`] with this layout, and nobody uses it any more.
    #[inline(never)]
    unsafe fn free_pages(&self, block: NonNull<u8>, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe {
            match Source::of(layout) {
                Source::Frame => self.free_frame(block),
                Source::Large(n_pages) => self.free_large(block, layout, n_pages),
                Source::Nobody => {}
            }
        }
    }

    /// # Safety
    /// The block came from [`Self::allocate_frame`], and nobody uses it any more.
    unsafe fn free_frame(&self, block: NonNull<u8>) {
        let address = PhysAddr::new(block.addr().get() as u64 - physical::DIRECT_MAP);
        // SAFETY: as the caller promises; the block is the frame at this address of the direct map.
        unsafe { frames::free(Frame::containing_address(address)) };
        self.n_frames.fetch_sub(1, Ordering::Relaxed);
    }

    fn allocate_large(&self, layout: Layout, n_pages: u64) -> Option<NonNull<u8>> {
        if self.is_booting.load(Ordering::Relaxed) {
            return self.boot.lock().allocate(layout);
        }
        let mut large = self.large.lock();
        let address = kernel_space::with_large(|tables| large.allocate(tables, n_pages))?;
        NonNull::new(address as *mut u8)
    }

    /// # Safety
    /// The block came from [`Self::allocate_large`] with so many pages and this layout, and nobody uses it any more.
    unsafe fn free_large(&self, block: NonNull<u8>, layout: Layout, n_pages: u64) {
        if is_of_boot(block) {
            // SAFETY: as the caller promises.
            return unsafe { self.boot.lock().heap.deallocate(block, layout) };
        }
        let mut large = self.large.lock();
        // SAFETY: as the caller promises.
        kernel_space::with_large(|tables| unsafe {
            large.free(tables, block.addr().get() as u64, n_pages)
        });
    }
}

// SAFETY: each allocator hands out disjoint parts of memory that is its alone, under a lock of its own; which one a block is from
// follows from its layout and address.
unsafe impl GlobalAlloc for KernelHeap {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match slab::class_of(layout) {
            Some(class) => slab::allocate(class),
            None => self.allocate_pages(layout),
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let Some(block) = NonNull::new(block) else {
            return;
        };
        // SAFETY: the caller returns a block of `alloc` with its layout, which says where it came from.
        unsafe {
            match slab::class_of(layout) {
                Some(class) => slab::free(class, block),
                None => self.free_pages(block, layout),
            }
        }
    }

    /// Lists grow by this: a large one keeps its frames and is mapped elsewhere, instead of being copied.
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, n_bytes: usize) -> *mut u8 {
        // SAFETY: the caller promises that `n_bytes` make a layout.
        let wanted = unsafe { Layout::from_size_align_unchecked(n_bytes, layout.align()) };
        let address = block.expose_provenance() as u64;
        match (Source::of(layout), Source::of(wanted)) {
            (Source::Large(n_before), Source::Large(n_after)) if address >= super::large::LARGE => {
                let mut large = self.large.lock();
                // SAFETY: the block is of `large`, and the caller does not use it any more if it gets another.
                let resized = kernel_space::with_large(|tables| unsafe {
                    large.resize(tables, address, n_before, n_after)
                });
                resized.map_or(ptr::null_mut(), |address| address as *mut u8)
            }
            // SAFETY: both blocks are as long as their layouts; the old one is the caller's to give up, once there is a new one.
            _ => unsafe {
                let new = self.alloc(wanted);
                if !new.is_null() {
                    ptr::copy_nonoverlapping(block, new, n_bytes.min(layout.size()));
                    self.dealloc(block, layout);
                }
                new
            },
        }
    }
}
