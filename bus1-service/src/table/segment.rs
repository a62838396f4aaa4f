//! A segment of an id table: slots, and what remains of them while there is no memory for them.

use alloc::vec::Vec;

use super::{NONE, Object};
use crate::System;
use crate::mem::Packed;
use crate::mutant::{self, Mutant};

pub(super) struct Slot<S: System> {
    pub(super) generation: u32,
    /// While it is free, the next free slot of its segment, if any, as an offset. While it is used, [`NONE`] unless it is on a chain; then the
    /// next there, or the end.
    pub(super) next: u32,
    pub(super) object: Option<Packed<Object<S>>>,
}

/// A segment. Without memory it is *absent*: all that is kept of its slots is the generation they begin with when they come back.
pub(super) struct Segment<S: System> {
    /// Those that were ever given out since the segment has this memory.
    pub(super) slots: Vec<Slot<S>>,
    /// Slots there is memory for.
    pub(super) n_slots: u32,
    /// Slots that are reserved, used, or used up.
    n_used: u32,
    first_free: u32,
    /// The generation of slots that are given out for the first time: above all that a slot of the segment ever had before.
    floor: u32,
    /// The greatest generation that a slot has.
    greatest: u32,
    /// The next segment on the stack of those that may have room, and whether it is on it.
    pub(super) next_open: u32,
    pub(super) is_open: bool,
    /// The next segment on the stack of those that may be empty, and whether it is on it; or on that of the absent ones.
    pub(super) next_idle: u32,
    pub(super) is_idle: bool,
}

impl<S: System> Segment<S> {
    /// A segment with this memory.
    pub(super) fn new(slots: Vec<Slot<S>>, n_slots: u32) -> Segment<S> {
        Segment {
            slots,
            n_slots,
            n_used: 0,
            first_free: NONE,
            floor: 0,
            greatest: 0,
            next_open: NONE,
            is_open: false,
            next_idle: NONE,
            is_idle: false,
        }
    }

    /// Whether it has memory, and nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.n_slots > 0 && self.n_used == 0
    }

    /// Gives a slot out: its offset and generation. `None` if there is none.
    pub(super) fn reserve(&mut self) -> Option<(u32, u32)> {
        let offset = self.first_free;
        let given = if let Some(slot) = self.slots.get_mut(offset as usize) {
            self.first_free = core::mem::replace(&mut slot.next, NONE);
            (offset, slot.generation)
        } else {
            let offset = u32::try_from(self.slots.len()).ok()?;
            if offset >= self.n_slots {
                return None;
            }
            // Within the capacity, which is `n_slots` at least.
            self.slots.push(Slot {
                generation: self.floor,
                next: NONE,
                object: None,
            });
            (offset, self.floor)
        };
        self.n_used = self.n_used.saturating_add(1);
        Some(given)
    }

    /// Takes a slot back that holds nothing, to be given out again under another id. `false` if its generations are used up: then it
    /// never is.
    pub(super) fn recycle(&mut self, offset: u32) -> bool {
        let Some(slot) = self.slots.get_mut(offset as usize) else {
            return false;
        };
        let step = u32::from(!mutant::is(Mutant::IdsRecur));
        let Some(generation) = slot.generation.checked_add(step) else {
            return false;
        };
        slot.generation = generation;
        self.greatest = self.greatest.max(generation);
        self.put_back(offset)
    }

    /// Takes a slot back that holds nothing, to be given out again under the same id. `false` if there is none.
    pub(super) fn put_back(&mut self, offset: u32) -> bool {
        let Some(slot) = self.slots.get_mut(offset as usize) else {
            return false;
        };
        slot.next = core::mem::replace(&mut self.first_free, offset);
        self.n_used = self.n_used.saturating_sub(1);
        true
    }

    /// Takes the memory out of an empty segment.
    pub(super) fn vacate(&mut self) -> Vec<Slot<S>> {
        self.floor = self.greatest;
        self.first_free = NONE;
        self.n_slots = 0;
        core::mem::take(&mut self.slots)
    }
}
