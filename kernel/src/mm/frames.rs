//! The frame allocator: who may use which 4 KiB of physical memory.
//!
//! A frame is *fresh* (never given out: the ranges of the memory map from `fresh` on), *in use*, or *returned* (given out once and given
//! back). Returned frames form a list whose links are written in the frames themselves, so giving out and taking back take constant time
//! and the allocator needs no memory but one bit per frame. The bit says "in use": giving back what is not in use is an error of the kernel
//! that would end in two owners of one frame, so it stops the kernel.

#![allow(
    unsafe_code,
    reason = "the list of returned frames is written in the frames themselves"
)]

use super::PAGE_BYTES;
use super::memory_map::{MemoryMap, RANGES_MAX, Range};
use super::physical;
use spin::Mutex;
use x86_64::PhysAddr;
use x86_64::structures::paging::{PhysFrame, Size4KiB};

/// 4 KiB of physical memory.
pub type Frame = PhysFrame<Size4KiB>;

/// No frame is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfFrames;

/// How many frames there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counts {
    /// Frames under this allocator.
    pub n_total: u64,
    /// Frames that can be given out.
    pub n_free: u64,
}

impl Counts {
    /// Frames that are given out.
    pub const fn n_used(self) -> u64 {
        self.n_total - self.n_free
    }
}

/// Ends the list of returned frames; frame 0 lies in low memory and is never given out.
const END_OF_LIST: u64 = 0;

/// See the module's documentation.
pub struct FrameAllocator {
    ranges: [Range; RANGES_MAX],
    n_ranges: usize,
    /// The range that fresh frames come from, and the address of the next one.
    range: usize,
    fresh: u64,
    /// Address of the frame returned last.
    returned: u64,
    counts: Counts,
    in_use: &'static mut [u64],
}

impl FrameAllocator {
    const fn empty() -> Self {
        Self {
            ranges: [Range { start: 0, end: 0 }; RANGES_MAX],
            n_ranges: 0,
            range: 0,
            fresh: 0,
            returned: END_OF_LIST,
            counts: Counts {
                n_total: 0,
                n_free: 0,
            },
            in_use: &mut [],
        }
    }

    /// Bytes (whole frames) of the flags that [`FrameAllocator::new`] needs for `map`.
    pub fn flag_bytes(map: &MemoryMap) -> u64 {
        (map.end() / PAGE_BYTES)
            .div_ceil(64)
            .saturating_mul(8)
            .next_multiple_of(PAGE_BYTES)
    }

    /// An allocator of all frames of `map`, all free.
    ///
    /// # Panics
    /// If `in_use` has not a bit for every frame of the map.
    pub fn new(map: &MemoryMap, in_use: &'static mut [u64]) -> Self {
        assert!(
            in_use.len() as u64 >= (map.end() / PAGE_BYTES).div_ceil(64),
            "too few flags for the memory map"
        );
        in_use.fill(0);
        let mut allocator = Self::empty();
        allocator.ranges[..map.ranges().len()].copy_from_slice(map.ranges());
        allocator.n_ranges = map.ranges().len();
        allocator.fresh = map.ranges().first().map_or(0, |range| range.start);
        let n_total = map.n_bytes() / PAGE_BYTES;
        allocator.counts = Counts {
            n_total,
            n_free: n_total,
        };
        allocator.in_use = in_use;
        allocator
    }

    /// Gives out a frame; its contents are whatever they were. Low addresses come first.
    ///
    /// # Errors
    /// [`OutOfFrames`]
    ///
    /// # Safety
    /// Every frame of the map is in the direct map and unused by others.
    pub unsafe fn allocate(&mut self) -> Result<Frame, OutOfFrames> {
        let address = if self.returned != END_OF_LIST {
            let address = self.returned;
            // SAFETY: a returned frame belongs to the allocator; `free` wrote the link there.
            self.returned = unsafe { physical::pointer::<u64>(PhysAddr::new(address)).read() };
            address
        } else {
            self.take_fresh()?
        };
        self.counts.n_free -= 1;
        let (word, bit) = flag(address);
        self.in_use[word] |= bit;
        Ok(Frame::containing_address(PhysAddr::new(address)))
    }

    fn take_fresh(&mut self) -> Result<u64, OutOfFrames> {
        while self.range < self.n_ranges {
            if self.fresh < self.ranges[self.range].end {
                let address = self.fresh;
                self.fresh += PAGE_BYTES;
                return Ok(address);
            }
            self.range += 1;
            if self.range < self.n_ranges {
                self.fresh = self.ranges[self.range].start;
            }
        }
        Err(OutOfFrames)
    }

    /// Takes a frame back.
    ///
    /// # Panics
    /// If the frame is not in use.
    ///
    /// # Safety
    /// Nobody uses the frame any more.
    pub unsafe fn free(&mut self, frame: Frame) {
        let address = frame.start_address().as_u64();
        let (word, bit) = flag(address);
        let is_in_use = self.in_use.get(word).is_some_and(|flags| flags & bit != 0);
        assert!(
            is_in_use,
            "frame {address:#x} was given back but is not in use"
        );
        self.in_use[word] &= !bit;
        // SAFETY: the frame is in the direct map, and it belongs to the allocator from here on.
        unsafe { physical::pointer::<u64>(frame.start_address()).write(self.returned) };
        self.returned = address;
        self.counts.n_free += 1;
    }

    /// How many frames there are.
    pub fn counts(&self) -> Counts {
        self.counts
    }
}

/// Where the flag of the frame at `address` is: index of the word, mask.
const fn flag(address: u64) -> (usize, u64) {
    let number = address / PAGE_BYTES;
    ((number / 64) as usize, 1 << (number % 64))
}

static FRAMES: Mutex<FrameAllocator> = Mutex::new(FrameAllocator::empty());

/// Makes `allocator` the one that the functions below use. Called once, at boot.
pub fn install(allocator: FrameAllocator) {
    *FRAMES.lock() = allocator;
}

/// Gives out a frame; its contents are whatever they were.
///
/// # Errors
/// [`OutOfFrames`]
pub fn allocate() -> Result<Frame, OutOfFrames> {
    // SAFETY: the memory map was made of RAM that nothing else uses, and the direct map covers it.
    unsafe { FRAMES.lock().allocate() }
}

/// Gives out a frame full of zeros.
///
/// # Errors
/// [`OutOfFrames`]
pub fn allocate_zeroed() -> Result<Frame, OutOfFrames> {
    let frame = allocate()?;
    // SAFETY: the frame was just given to us.
    unsafe { physical::zero(frame) };
    Ok(frame)
}

/// Takes a frame back.
///
/// # Panics
/// If the frame is not in use: the caller gave it back twice, or it never came from here.
///
/// # Safety
/// Nobody uses the frame any more, and no page table maps it.
pub unsafe fn free(frame: Frame) {
    // SAFETY: as the caller promises.
    unsafe { FRAMES.lock().free(frame) }
}

/// How many frames there are.
pub fn counts() -> Counts {
    FRAMES.lock().counts()
}

#[cfg(test)]
pub mod tests_support {
    //! One emulated machine for all tests of this process; a test that counts frames holds its lock.
    use super::*;
    use std::sync::{Mutex, MutexGuard, Once, PoisonError};

    /// Sets the machine's memory up once and keeps other tests away from it.
    pub fn machine() -> MutexGuard<'static, ()> {
        static READY: Once = Once::new();
        static ALONE: Mutex<()> = Mutex::new(());
        let guard = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        READY.call_once(|| {
            let mut map = MemoryMap::new();
            map.add(Range {
                start: PAGE_BYTES,
                end: physical::tests_support::ARENA_BYTES,
            })
            .unwrap();
            let flags = vec![0; FrameAllocator::flag_bytes(&map) as usize / 8];
            install(FrameAllocator::new(&map, flags.leak()));
        });
        guard
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allocator(ranges: &[(u64, u64)]) -> FrameAllocator {
        let mut map = MemoryMap::new();
        for &(start, end) in ranges {
            map.add(Range {
                start: start * PAGE_BYTES,
                end: end * PAGE_BYTES,
            })
            .unwrap();
        }
        FrameAllocator::new(
            &map,
            vec![0; FrameAllocator::flag_bytes(&map) as usize / 8].leak(),
        )
    }

    /// Every frame of every range is given out exactly once, then there are none; all can come back and go out again.
    #[test]
    fn gives_out_every_frame_once() {
        let _machine = tests_support::machine();
        let mut frames = allocator(&[(8000, 8010), (8020, 8021), (8100, 8105)]);
        for _ in 0..3 {
            let mut got: Vec<u64> = Vec::new();
            // SAFETY: no other test uses these frames: the machine is locked.
            while let Ok(frame) = unsafe { frames.allocate() } {
                got.push(frame.start_address().as_u64() / PAGE_BYTES);
            }
            assert_eq!(
                frames.counts(),
                Counts {
                    n_total: 16,
                    n_free: 0
                }
            );
            for &number in &got {
                // SAFETY: the frame was given out above and is not used.
                unsafe {
                    frames.free(Frame::containing_address(PhysAddr::new(
                        number * PAGE_BYTES,
                    )))
                };
            }
            got.sort_unstable();
            let expected: Vec<u64> = (8000..8010).chain(8020..8021).chain(8100..8105).collect();
            assert_eq!(got, expected);
            assert_eq!(frames.counts().n_used(), 0);
        }
    }

    /// A frame that is given back twice stops the kernel instead of getting two owners.
    #[test]
    #[should_panic(expected = "0x1f40000 was given back but is not in use")]
    fn a_double_free_is_caught() {
        let _machine = tests_support::machine();
        let mut frames = allocator(&[(8000, 8010)]);
        // SAFETY: the machine is locked, so these frames are unused.
        unsafe {
            let frame = frames.allocate().unwrap();
            frames.free(frame);
            frames.free(frame);
        }
    }

    /// A frame outside the memory map cannot be given back.
    #[test]
    #[should_panic(expected = "not in use")]
    fn a_foreign_frame_is_refused() {
        let mut frames = allocator(&[(8000, 8010)]);
        // SAFETY: it is refused before anything is written.
        unsafe { frames.free(Frame::containing_address(PhysAddr::new(9000 * 4096))) };
    }
}
