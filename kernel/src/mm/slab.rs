//! Small blocks of kernel memory: frames cut into blocks of one size.
//!
//! A *slab* is a frame, reached through the direct map: a header, then blocks of the size of its class. A class knows
//! its slabs that have a free block; a full slab is on no list and comes back with the first block that is returned to it.
//!
//! 1. Giving out and taking back take constant time, whatever is in use and however often it was (ORD-8).
//! 2. The slab of a block is found by rounding its address down: a block needs no header of its own.
//! 3. A slab in which nothing is used is given back to the frame allocator, but for one spare in each class, which saves an
//!    object that comes and goes from taking a frame each time. If there is no other slab with a free block, it stays where it is.
//!    Spares count as free ([`n_spares`]).
//!
//! A block comes and goes with every message, and mostly it is that of the message before: what is done for that is short, and what
//! concerns whole slabs is apart from it.

#![allow(unsafe_code, reason = "an allocator hands out raw memory")]

use super::frames::{self, Frame};
use super::{PAGE_BYTES, physical};
use core::alloc::Layout;
use core::ptr::{self, NonNull};
use spin::Mutex;
use x86_64::PhysAddr;

/// Bytes of the header, which keeps blocks aligned as their size allows.
const HEADER_BYTES: usize = 64;

/// Bytes of a slab.
const SLAB_BYTES: usize = PAGE_BYTES as usize;

/// Block sizes. Those that are multiples of 64 serve alignments up to 64, those of 32 up to 32, all of them 16.
const SIZES: [usize; 15] = [
    32, 48, 64, 96, 128, 160, 192, 256, 320, 448, 576, 768, 1344, 2016, 4032,
];

/// What block sizes are multiples of, and the alignment that every block has.
const GRAIN: usize = 16;

/// The class of a block of so many grains.
const CLASS_OF_GRAINS: [u8; SIZES[SIZES.len() - 1] / GRAIN + 1] = {
    let mut classes = [0; SIZES[SIZES.len() - 1] / GRAIN + 1];
    let (mut grains, mut class) = (0, 0);
    while grains < classes.len() {
        if grains * GRAIN > SIZES[class] {
            class += 1;
        }
        classes[grains] = class as u8;
        grains += 1;
    }
    classes
};

#[repr(C)]
struct Header {
    previous: *mut Header,
    next: *mut Header,
    /// Returned blocks.
    free: *mut Free,
    /// Offset of the first block that was never given out.
    fresh: usize,
    n_used: usize,
    /// Physical address of the frame.
    frame: u64,
}

const _: () = assert!(size_of::<Header>() <= HEADER_BYTES);

struct Free {
    next: *mut Free,
}

/// The slabs of one block size.
struct Class {
    /// Slabs with a free block and a used one, or one slab without a used block.
    partial: *mut Header,
    /// A slab without a used block, or null.
    spare: *mut Header,
    n_used: usize,
    /// Bytes of a block.
    size: usize,
    /// Blocks that a slab holds.
    n_blocks: usize,
}

// SAFETY: the pointers lead to slabs that belong to the class alone.
unsafe impl Send for Class {}

/// One more than there are sizes, so that a class is known to have its place: in the last there is no block.
const N_CLASSES: usize = SIZES.len().next_power_of_two();

static CLASSES: [Mutex<Class>; N_CLASSES] = {
    let mut classes = [const { Mutex::new(Class::new(SLAB_BYTES)) }; N_CLASSES];
    let mut index = 0;
    while index < SIZES.len() {
        classes[index] = Mutex::new(Class::new(SIZES[index]));
        index += 1;
    }
    classes
};

/// The class whose blocks fit `layout`; `None` if it is too large or too strictly aligned.
#[inline(always)]
pub fn class_of(layout: Layout) -> Option<usize> {
    if layout.align() > GRAIN {
        return class_of_aligned(layout);
    }
    let class = CLASS_OF_GRAINS.get(layout.size().div_ceil(GRAIN))?;
    Some(usize::from(*class))
}

#[cold]
fn class_of_aligned(layout: Layout) -> Option<usize> {
    let fits = |&size: &usize| size >= layout.size() && size.is_multiple_of(layout.align());
    let is_aligned = layout.align() <= HEADER_BYTES;
    SIZES.iter().position(fits).filter(|_| is_aligned)
}

/// Bytes that a list of `n_bytes` takes in the kernel's heap: a block of its class, or whole pages.
#[must_use]
pub const fn block_bytes(n_bytes: usize) -> usize {
    let grains = n_bytes.div_ceil(GRAIN);
    match grains {
        0 => 0,
        grains if grains < CLASS_OF_GRAINS.len() => SIZES[CLASS_OF_GRAINS[grains] as usize],
        _ => n_bytes.next_multiple_of(SLAB_BYTES),
    }
}

/// Gives out a block of class `class`; null if there is no frame for a new slab.
#[inline(always)]
pub fn allocate(class: usize) -> *mut u8 {
    let usual = CLASSES[class % N_CLASSES].lock().allocate_again();
    match usual {
        Some(block) => block.as_ptr(),
        None => allocate_any(class),
    }
}

#[inline(never)]
fn allocate_any(class: usize) -> *mut u8 {
    let block = CLASSES[class % N_CLASSES].lock().allocate();
    block.map_or(ptr::null_mut(), NonNull::as_ptr)
}

/// Takes a block back.
///
/// # Safety
/// The block came from [`allocate`] of the same class and nobody uses it any more.
#[inline(always)]
pub unsafe fn free(class: usize, block: NonNull<u8>) {
    // SAFETY: as the caller promises.
    unsafe {
        let is_free = CLASSES[class % N_CLASSES].lock().free_again(block);
        if !is_free {
            free_any(class, block);
        }
    }
}

/// # Safety
/// That of [`free`].
#[inline(never)]
unsafe fn free_any(class: usize, block: NonNull<u8>) {
    // SAFETY: as the caller promises.
    unsafe { CLASSES[class % N_CLASSES].lock().free(block) }
}

/// Bytes given out, with rounding.
pub fn n_used_bytes() -> u64 {
    let n_used_bytes = |class: &Mutex<Class>| {
        let class = class.lock();
        (class.size * class.n_used) as u64
    };
    CLASSES.iter().map(n_used_bytes).sum()
}

/// Frames kept although nothing in them is used.
pub fn n_spares() -> u64 {
    CLASSES.iter().map(|class| class.lock().n_spares()).sum()
}

/// The slab that a block lies in.
fn slab_of(block: NonNull<u8>) -> *mut Header {
    let slab = block
        .as_ptr()
        .map_addr(|address| address & !(SLAB_BYTES - 1));
    slab.cast()
}

/// Blocks that a slab holds.
const fn n_blocks(size: usize) -> usize {
    (SLAB_BYTES - HEADER_BYTES) / size
}

impl Class {
    const fn new(size: usize) -> Self {
        Self {
            partial: ptr::null_mut(),
            spare: ptr::null_mut(),
            n_used: 0,
            size,
            n_blocks: n_blocks(size),
        }
    }

    /// A block that was returned, if the first slab has one and another beside it.
    #[inline(always)]
    fn allocate_again(&mut self) -> Option<NonNull<u8>> {
        // SAFETY: slabs on the list belong to the class, which is locked.
        let header = unsafe { self.partial.as_mut() }?;
        let free = NonNull::new(header.free)?;
        if header.n_used + 1 == self.n_blocks {
            return None;
        }
        // SAFETY: a returned block holds a link.
        header.free = unsafe { free.as_ref() }.next;
        header.n_used += 1;
        self.n_used += 1;
        Some(free.cast())
    }

    fn allocate(&mut self) -> Option<NonNull<u8>> {
        if self.partial.is_null() {
            let slab = self.take_slab()?;
            self.link(slab);
        }
        let slab = self.partial;
        // SAFETY: slabs on the list belong to the class, which is locked; a slab on it has a free block: a returned one, or one behind
        // `fresh`, which is inside the frame because fewer than `n_blocks` are used.
        let block = unsafe {
            let header = &mut *slab;
            header.n_used += 1;
            let block = match NonNull::new(header.free) {
                Some(free) => {
                    header.free = free.as_ref().next;
                    free.cast()
                }
                None => {
                    let block = slab.cast::<u8>().add(header.fresh);
                    header.fresh += self.size;
                    NonNull::new_unchecked(block)
                }
            };
            if header.n_used == self.n_blocks {
                self.unlink(slab);
            }
            block
        };
        self.n_used += 1;
        Some(block)
    }

    /// Takes a block back, if its slab is on the list, and stays there. False, with nothing changed, if not.
    ///
    /// # Safety
    /// The block came from this class and nobody uses it any more.
    #[inline(always)]
    unsafe fn free_again(&mut self, block: NonNull<u8>) -> bool {
        // SAFETY: (1) the block lies in a frame that begins with the header of its slab; (2) the slab belongs to this class, which is
        // locked; (3) the block is unused, at least 32 bytes long and 16-aligned, so it can hold a link.
        unsafe {
            let header = &mut *slab_of(block);
            let n_used = header.n_used;
            if n_used == self.n_blocks || (n_used == 1 && !self.may_stay(header)) {
                return false;
            }
            block.cast::<Free>().write(Free { next: header.free });
            header.free = block.as_ptr().cast();
            header.n_used = n_used - 1;
        }
        self.n_used -= 1;
        true
    }

    /// # Safety
    /// The block came from this class and nobody uses it any more.
    unsafe fn free(&mut self, block: NonNull<u8>) {
        let slab = slab_of(block);
        // SAFETY: as in `free_again`.
        unsafe {
            let header = &mut *slab;
            block.cast::<Free>().write(Free { next: header.free });
            header.free = block.as_ptr().cast();
            if header.n_used == self.n_blocks {
                self.link(slab);
            }
            header.n_used -= 1;
            if header.n_used == 0 && !self.may_stay(header) {
                self.unlink(slab);
                self.give_back(slab);
            }
        }
        self.n_used -= 1;
    }

    /// Whether a slab on the list, of which nothing is used any more, is the spare where it is: there is no other.
    #[inline(always)]
    fn may_stay(&self, header: &Header) -> bool {
        header.previous.is_null() && header.next.is_null() && self.spare.is_null()
    }

    fn n_spares(&self) -> u64 {
        // SAFETY: a slab on the list belongs to the class, which is locked.
        let first = unsafe { self.partial.as_ref() };
        let is_idle = first.is_some_and(|first| first.n_used == 0);
        u64::from(is_idle) + u64::from(!self.spare.is_null())
    }

    /// A slab without a used block.
    fn take_slab(&mut self) -> Option<*mut Header> {
        if !self.spare.is_null() {
            return Some(core::mem::replace(&mut self.spare, ptr::null_mut()));
        }
        let frame = frames::allocate().ok()?;
        let slab = physical::pointer::<Header>(frame.start_address());
        // SAFETY: the frame was just given to us, it is in the direct map, and a header fits.
        unsafe {
            slab.write(Header {
                previous: ptr::null_mut(),
                next: ptr::null_mut(),
                free: ptr::null_mut(),
                fresh: HEADER_BYTES,
                n_used: 0,
                frame: frame.start_address().as_u64(),
            });
        }
        Some(slab)
    }

    /// Keeps an unused slab as the spare, or frees its frame.
    ///
    /// # Safety
    /// The slab belongs to the class, is on no list, and has no used block.
    unsafe fn give_back(&mut self, slab: *mut Header) {
        if self.spare.is_null() {
            self.spare = slab;
            return;
        }
        // SAFETY: the header says which frame it lies in; nothing refers to the frame any more, as the caller promises.
        unsafe {
            let frame = Frame::containing_address(PhysAddr::new((*slab).frame));
            frames::free(frame);
        }
    }

    fn link(&mut self, slab: *mut Header) {
        // SAFETY: the slab belongs to the class and is on no list; so does the first of the list, which is alone if nothing in it is used.
        unsafe {
            if let Some(first) = self.partial.as_mut()
                && first.n_used == 0
            {
                self.partial = ptr::null_mut();
                self.give_back(first);
            }
            (*slab).previous = ptr::null_mut();
            (*slab).next = self.partial;
            if let Some(first) = self.partial.as_mut() {
                first.previous = slab;
            }
        }
        self.partial = slab;
    }

    fn unlink(&mut self, slab: *mut Header) {
        // SAFETY: the slab is on the list of the class, and its neighbours are, too.
        unsafe {
            let (previous, next) = ((*slab).previous, (*slab).next);
            match previous.as_mut() {
                Some(previous) => previous.next = next,
                None => self.partial = next,
            }
            if let Some(next) = next.as_mut() {
                next.previous = previous;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mm::frames::tests_support::machine;
    use std::collections::HashSet;
    use std::vec::Vec;

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    /// Every size up to the largest block, at every alignment up to 64, gets a block that fits and is aligned.
    #[test]
    fn slab_blocks_fit_their_layout() {
        let _machine = machine();
        for size in (1..=4032).step_by(37).chain(SIZES) {
            for align in [1, 8, 16, 32, 64] {
                let Some(class) = class_of(layout(size, align)) else {
                    assert!(size > 4032 - 64, "{size} at {align}");
                    continue;
                };
                assert!(SIZES[class] >= size);
                let blocks: Vec<_> = (0..3)
                    .map(|_| NonNull::new(allocate(class)).unwrap())
                    .collect();
                for block in &blocks {
                    assert!(
                        block.addr().get().is_multiple_of(align),
                        "{size} at {align}"
                    );
                    // SAFETY: the block is ours and as long as its class.
                    unsafe { block.write_bytes(0xa5, SIZES[class]) };
                }
                // SAFETY: they are given back once.
                blocks
                    .into_iter()
                    .for_each(|block| unsafe { free(class, block) });
            }
        }
        assert_eq!(class_of(layout(4033, 8)), None);
        assert_eq!(class_of(layout(64, 128)), None);
    }

    /// Blocks in use never overlap, and when all are back every frame is, but for the spares.
    #[test]
    fn slab_blocks_are_disjoint_and_frames_come_back() {
        let _machine = machine();
        let n_used = || frames::counts().n_used() - n_spares();
        let (before, bytes) = (n_used(), n_used_bytes());
        let mut random = 88_172_645_463_325_252_u64;
        let mut blocks: Vec<(usize, NonNull<u8>)> = Vec::new();
        let mut starts = HashSet::new();
        for _ in 0..20_000 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            if blocks.len() < 500 && random.is_multiple_of(2) {
                let class = random as usize / 2 % SIZES.len();
                let block = NonNull::new(allocate(class)).unwrap();
                let start = block.addr().get();
                let overlaps = |&(other, at): &(usize, NonNull<u8>)| {
                    let at = at.addr().get();
                    start < at + SIZES[other] && at < start + SIZES[class]
                };
                assert!(starts.insert(start) && !blocks.iter().any(overlaps));
                blocks.push((class, block));
            } else if let Some(index) = (random as usize / 2).checked_rem(blocks.len()) {
                let (class, block) = blocks.swap_remove(index);
                starts.remove(&block.addr().get());
                // SAFETY: it is given back once.
                unsafe { free(class, block) };
            }
        }
        for (class, block) in blocks {
            // SAFETY: it is given back once.
            unsafe { free(class, block) };
        }
        assert_eq!((n_used(), n_used_bytes()), (before, bytes));
    }
}
