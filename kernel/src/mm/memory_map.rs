//! Which physical memory is ours to give away: the RAM of the loader's map without everything that is in use already.
//!
//! A loader's map may be unsorted and may overlap itself; what is not RAM wins over what is. The result is a short sorted list of whole
//! frames. The first MiB is never part of it: firmware data and the loader's own structures live there.

use super::PAGE_BYTES;

/// How many separate stretches of memory are followed; QEMU's machines have fewer than ten.
pub const RANGES_MAX: usize = 64;

/// End of the memory that firmware and loader use, in bytes.
pub const LOW_MEMORY_END: u64 = 1 << 20;

/// A stretch of physical memory: from `start`, inclusive, to `end`, exclusive, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Range {
    /// First byte.
    pub start: u64,
    /// First byte behind it.
    pub end: u64,
}

impl Range {
    /// The range of `n_bytes` bytes from `start`; it ends with the address space at the latest.
    pub const fn new(start: u64, n_bytes: u64) -> Self {
        Self {
            start,
            end: start.saturating_add(n_bytes),
        }
    }

    /// Number of bytes.
    pub const fn n_bytes(self) -> u64 {
        self.end.saturating_sub(self.start)
    }
}

/// The map had more separate stretches than [`RANGES_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyRanges;

/// A sorted list of disjoint stretches of usable memory.
#[derive(Clone, Debug)]
pub struct MemoryMap {
    ranges: [Range; RANGES_MAX],
    n_ranges: usize,
}

impl Default for MemoryMap {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryMap {
    /// A map without memory.
    pub const fn new() -> Self {
        Self {
            ranges: [Range { start: 0, end: 0 }; RANGES_MAX],
            n_ranges: 0,
        }
    }

    /// The usable stretches, by ascending address.
    pub fn ranges(&self) -> &[Range] {
        &self.ranges[..self.n_ranges]
    }

    /// Number of usable bytes.
    pub fn n_bytes(&self) -> u64 {
        self.ranges().iter().map(|range| range.n_bytes()).sum()
    }

    /// First byte behind the last usable one; 0 without memory.
    pub fn end(&self) -> u64 {
        self.ranges().last().map_or(0, |range| range.end)
    }

    /// Adds RAM, rounded inwards to whole frames; what is there already is not added twice.
    ///
    /// # Errors
    /// [`TooManyRanges`]; the map is as before.
    pub fn add(&mut self, ram: Range) -> Result<(), TooManyRanges> {
        let start = ram.start.div_ceil(PAGE_BYTES).saturating_mul(PAGE_BYTES);
        let end = ram.end / PAGE_BYTES * PAGE_BYTES;
        if start >= end {
            return Ok(());
        }
        // All that the new range touches becomes part of it.
        let mut merged = Range { start, end };
        let first = self
            .ranges()
            .iter()
            .take_while(|range| range.end < start)
            .count();
        let n_touched = self.ranges()[first..]
            .iter()
            .take_while(|range| range.start <= end)
            .count();
        for range in &self.ranges[first..first + n_touched] {
            merged = Range {
                start: merged.start.min(range.start),
                end: merged.end.max(range.end),
            };
        }
        self.replace(first, n_touched, &[merged])
    }

    /// Takes memory away, rounded outwards to whole frames.
    ///
    /// # Errors
    /// [`TooManyRanges`] if a hole would split one range too many; the map is as before.
    pub fn remove(&mut self, used: Range) -> Result<(), TooManyRanges> {
        let start = used.start / PAGE_BYTES * PAGE_BYTES;
        let end = used.end.div_ceil(PAGE_BYTES).saturating_mul(PAGE_BYTES);
        if start >= end {
            return Ok(());
        }
        let first = self
            .ranges()
            .iter()
            .take_while(|range| range.end <= start)
            .count();
        let n_touched = self.ranges()[first..]
            .iter()
            .take_while(|range| range.start < end)
            .count();
        if n_touched == 0 {
            return Ok(());
        }
        let head = Range {
            start: self.ranges[first].start,
            end: start,
        };
        let tail = Range {
            start: end,
            end: self.ranges[first + n_touched - 1].end,
        };
        match (head.start < head.end, tail.start < tail.end) {
            (true, true) => self.replace(first, n_touched, &[head, tail]),
            (true, false) => self.replace(first, n_touched, &[head]),
            (false, true) => self.replace(first, n_touched, &[tail]),
            (false, false) => self.replace(first, n_touched, &[]),
        }
    }

    /// Takes `n_bytes` (a multiple of the frame size) from the first range that has them; `None` if none has.
    pub fn carve(&mut self, n_bytes: u64) -> Option<Range> {
        let range = *self
            .ranges()
            .iter()
            .find(|range| range.n_bytes() >= n_bytes)?;
        let carved = Range::new(range.start, n_bytes);
        // Shortening a range at its start never needs a further one.
        self.remove(carved).ok()?;
        Some(carved)
    }

    fn replace(&mut self, first: usize, n_old: usize, new: &[Range]) -> Result<(), TooManyRanges> {
        let n_ranges = self.n_ranges - n_old + new.len();
        if n_ranges > RANGES_MAX {
            return Err(TooManyRanges);
        }
        self.ranges
            .copy_within(first + n_old..self.n_ranges, first + new.len());
        self.ranges[first..first + new.len()].copy_from_slice(new);
        self.n_ranges = n_ranges;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: u64 = PAGE_BYTES;

    fn range(start: u64, end: u64) -> Range {
        Range {
            start: start * PAGE,
            end: end * PAGE,
        }
    }

    /// Against a plain array of "is this frame usable": 20,000 random additions and removals agree with it.
    #[test]
    fn agrees_with_one_flag_per_frame() {
        let mut seed = 1_u64;
        let mut random = move |bound: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % bound
        };
        let mut map = MemoryMap::new();
        let mut flags = [false; 128];
        for _ in 0..20_000 {
            let start = random(128);
            let end = (start + random(12)).min(128);
            let is_added = random(2) == 0;
            let done = if is_added {
                map.add(range(start, end))
            } else {
                map.remove(range(start, end))
            };
            if done.is_ok() {
                flags[start as usize..end as usize].fill(is_added);
            }
            let mut got = [false; 128];
            let mut last_end = 0;
            for (i, range) in map.ranges().iter().enumerate() {
                assert!(
                    range.start < range.end && (i == 0 || last_end < range.start),
                    "sorted, disjoint, merged: {map:?}"
                );
                last_end = range.end;
                got[(range.start / PAGE) as usize..(range.end / PAGE) as usize].fill(true);
            }
            assert_eq!(got, flags);
        }
    }

    /// RAM shrinks to whole frames, used memory grows to whole frames.
    #[test]
    fn rounds_so_that_no_partial_frame_is_usable() {
        let mut map = MemoryMap::new();
        map.add(Range {
            start: 1,
            end: 10 * PAGE + 4095,
        })
        .unwrap();
        assert_eq!(map.ranges(), [range(1, 10)]);
        map.remove(Range {
            start: 4 * PAGE + 4095,
            end: 5 * PAGE + 1,
        })
        .unwrap();
        assert_eq!(map.ranges(), [range(1, 4), range(6, 10)]);
    }

    /// One stretch more than fit is refused and changes nothing.
    #[test]
    fn too_many_ranges_are_refused() {
        let mut map = MemoryMap::new();
        for i in 0..RANGES_MAX as u64 {
            map.add(range(4 * i, 4 * i + 3)).unwrap();
        }
        let before = map.ranges().to_vec();
        assert_eq!(map.add(range(1000, 1001)), Err(TooManyRanges));
        assert_eq!(map.remove(range(1, 2)), Err(TooManyRanges));
        assert_eq!(map.ranges(), before);
    }

    /// Ranges at the very end of the address space neither wrap nor panic.
    #[test]
    fn the_end_of_the_address_space_does_not_wrap() {
        let mut map = MemoryMap::new();
        map.add(Range::new(u64::MAX - 3 * PAGE, u64::MAX)).unwrap();
        map.remove(Range::new(u64::MAX - PAGE, u64::MAX)).unwrap();
        assert!(map.end() <= u64::MAX - PAGE);
    }

    /// Carving takes from the first stretch that is long enough.
    #[test]
    fn carving_takes_the_first_fit() {
        let mut map = MemoryMap::new();
        map.add(range(1, 2)).unwrap();
        map.add(range(5, 9)).unwrap();
        assert_eq!(map.carve(2 * PAGE), Some(range(5, 7)));
        assert_eq!(map.ranges(), [range(1, 2), range(7, 9)]);
        assert_eq!(map.carve(3 * PAGE), None);
    }
}
