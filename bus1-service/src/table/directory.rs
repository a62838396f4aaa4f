//! The segments of an id table, by their number.
//!
//! They come in blocks, the first of which lies in the table. A block in which no segment has memory has none either: of it a few
//! words remain, with the generation that its slots begin with when it comes back. So what a peer holds pays for the list of its
//! segments too, however much it held before.

use alloc::vec::Vec;

use super::segment::Segment;
use super::{Growth, NONE, Need, Piece};
use crate::System;

/// Slots of a segment; the first has as many in the end, and [`FIRST`] to begin with.
pub(super) const REGULAR: u32 = 256;
pub(super) const FIRST: u32 = 4;
/// Segments of a block.
pub(super) const PER_BLOCK: u32 = 64;

/// Some segments: those with memory, and those that had some since the block has its own, which are *absent*.
pub(crate) struct Block<S: System> {
    pub(super) segments: Vec<Segment<S>>,
    /// Segments that have memory.
    n_present: u32,
    /// The stack of those that are absent, by their places in the block.
    first_absent: u32,
    /// The next block on the stack of those that lack a segment.
    next_lacking: u32,
    /// The generation of slots that are given out for the first time: above all that an absent segment ever had before.
    floor: u32,
}

/// The segments of an id table.
pub(super) struct Directory<S: System> {
    first: Block<S>,
    others: Vec<Block<S>>,
    /// The stack of the blocks with less segments than [`PER_BLOCK`].
    first_lacking: u32,
}

/// The block of a segment, and the place in it.
#[inline(always)]
const fn place(number: u32) -> (u32, u32) {
    (number / PER_BLOCK, number % PER_BLOCK)
}

/// The number of the segment at this place of a block.
const fn number(block: u32, place: u32) -> u32 {
    block.saturating_mul(PER_BLOCK).saturating_add(place)
}

/// How long a list must become for one more element, if there is to be one; 0 if it is long enough.
fn longer<T>(list: &Vec<T>, is_new: bool) -> usize {
    if is_new && list.len() == list.capacity() {
        list.len().saturating_mul(2).max(1)
    } else {
        0
    }
}

/// Puts the elements of `list` into `longer`, which has room, and lets them change places.
fn move_into<T>(list: &mut Vec<T>, longer: &mut Vec<T>) {
    longer.append(list);
    core::mem::swap(list, longer);
}

impl<S: System> Block<S> {
    /// A block without segments, and the next one of those that lack some.
    const fn new(next_lacking: u32) -> Block<S> {
        Block {
            segments: Vec::new(),
            n_present: 0,
            first_absent: NONE,
            next_lacking,
            floor: 0,
        }
    }
}

impl<S: System> Directory<S> {
    pub(super) const fn new() -> Directory<S> {
        Directory {
            first: Block::new(NONE),
            others: Vec::new(),
            first_lacking: 0,
        }
    }

    /// All blocks.
    #[cfg(test)]
    pub(super) fn blocks(&self) -> impl Iterator<Item = &Block<S>> {
        core::iter::once(&self.first).chain(&self.others)
    }

    #[inline(always)]
    fn block(&self, index: u32) -> Option<&Block<S>> {
        match index.checked_sub(1) {
            None => Some(&self.first),
            Some(other) => self.others.get(other as usize),
        }
    }

    #[inline(always)]
    fn block_mut(&mut self, index: u32) -> Option<&mut Block<S>> {
        match index.checked_sub(1) {
            None => Some(&mut self.first),
            Some(other) => self.others.get_mut(other as usize),
        }
    }

    /// The segment with this number; `None` if there is none, or no memory for what is known about it.
    #[inline(always)]
    pub(super) fn get(&self, number: u32) -> Option<&Segment<S>> {
        let (block, place) = place(number);
        self.block(block)?.segments.get(place as usize)
    }

    /// The same, to be changed.
    #[inline(always)]
    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut Segment<S>> {
        let (block, place) = place(number);
        self.block_mut(block)?.segments.get_mut(place as usize)
    }

    /// Whether no segment has this number, which nothing is known about, or a greater one.
    pub(super) fn ends_before(&self, number: u32) -> bool {
        let (block, _) = place(number);
        block as usize >= self.others.len()
    }

    /// Where memory is hung in next.
    pub(super) fn need(&self) -> Need {
        if let Some(first) = self.get(0)
            && first.n_slots < REGULAR
        {
            return Need {
                segment: 0,
                n_slots: first.n_slots.saturating_mul(2),
                n_segments: 0,
                n_blocks: 0,
            };
        }
        // Their number fits: it is bounded by the indexes.
        let new = (self.others.len() as u32).saturating_add(1);
        let (block, place, n_segments) = match self.block(self.first_lacking) {
            None => (new, 0, 1),
            Some(block) if block.first_absent != NONE => {
                (self.first_lacking, block.first_absent, 0)
            }
            Some(block) => {
                let place = block.segments.len() as u32;
                (self.first_lacking, place, longer(&block.segments, true))
            }
        };
        let segment = number(block, place);
        Need {
            segment,
            n_slots: if segment == 0 { FIRST } else { REGULAR },
            n_segments,
            n_blocks: longer(&self.others, block == new),
        }
    }

    /// Hangs in what was set aside for [`Directory::need`], which is the same still; what is left over stays in `growth`. How many slots there
    /// were before.
    pub(super) fn grow(&mut self, growth: &mut Growth<S>) -> u32 {
        let Need {
            segment, n_slots, ..
        } = growth.need;
        if let Some(first) = self.get_mut(segment)
            && first.n_slots > 0
        {
            move_into(&mut first.slots, &mut growth.slots);
            return core::mem::replace(&mut first.n_slots, n_slots);
        }
        if growth.need.n_blocks > 0 {
            move_into(&mut self.others, &mut growth.blocks);
        }
        let (index, place) = place(segment);
        if index as usize > self.others.len() {
            // Within the capacity: the list is not full, or longer now.
            self.others.push(Block::new(self.first_lacking));
            self.first_lacking = index;
        }
        let Some(block) = self.block_mut(index) else {
            return 0;
        };
        if growth.need.n_segments > 0 {
            move_into(&mut block.segments, &mut growth.segments);
        }
        let slots = core::mem::take(&mut growth.slots);
        let segment = Segment::new(slots, n_slots, block.floor);
        match block.segments.get_mut(place as usize) {
            // Within the capacity, too.
            None => block.segments.push(segment),
            Some(absent) => {
                block.first_absent = absent.next_idle;
                *absent = segment;
            }
        }
        block.n_present = block.n_present.saturating_add(1);
        if block.n_present == PER_BLOCK {
            // It was the first of those that lack one.
            self.first_lacking = block.next_lacking;
        }
        0
    }

    /// Takes the memory of an empty segment that is not the first, and that of its block if no other has any; `None` if there is none.
    pub(super) fn vacate(&mut self, number: u32) -> Option<Piece<S>> {
        let (index, place) = place(number);
        let first_lacking = self.first_lacking;
        let block = self.block_mut(index)?;
        let segment = block.segments.get_mut(place as usize)?;
        block.floor = block.floor.max(segment.greatest);
        segment.next_idle = core::mem::replace(&mut block.first_absent, place);
        let slots = segment.vacate();
        let was_full = block.n_present == PER_BLOCK;
        block.n_present = block.n_present.saturating_sub(1);
        let mut list = Vec::new();
        if block.n_present == 0 {
            block.first_absent = NONE;
            list = core::mem::take(&mut block.segments);
        }
        if was_full {
            block.next_lacking = first_lacking;
            self.first_lacking = index;
        }
        Some(Piece::Segment {
            _slots: slots,
            _list: list,
        })
    }

    /// Takes a segment out, the last one first, and the list of its block with the last of that; in the end the list of blocks. `None` if there
    /// is nothing left.
    pub(super) fn pop(&mut self) -> Option<Piece<S>> {
        let is_last = self.others.is_empty();
        let block = self.others.last_mut().unwrap_or(&mut self.first);
        let last = block.segments.pop();
        if is_last && last.is_none() {
            let list = core::mem::take(&mut self.others);
            return (list.capacity() > 0).then_some(Piece::Blocks { _list: list });
        }
        let mut list = Vec::new();
        if block.segments.is_empty() {
            list = core::mem::take(&mut block.segments);
            self.others.pop();
        }
        Some(Piece::Segment {
            _slots: last.map_or(Vec::new(), |last| last.slots),
            _list: list,
        })
    }
}
