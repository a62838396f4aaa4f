//! A segment of an id table: slots, those that are free in a chain.

use alloc::vec::Vec;

use super::{NONE, Object};
use crate::System;
use crate::mem::Packed;
use crate::mutant::{self, Mutant};

pub(crate) struct Slot<S: System> {
    pub(super) generation: u32,
    /// While it is free, the next free slot of its segment, if any, as an offset. While it is used, [`NONE`] unless it is on a chain; then the
    /// next there, or the end.
    pub(super) next: u32,
    pub(super) object: Option<Packed<Object<S>>>,
}

/// A segment. Without memory it is *absent*, and nothing it says is of use but the link to the next one.
pub(crate) struct Segment<S: System> {
    /// Those that were ever given out since the segment has this memory.
    pub(super) slots: Vec<Slot<S>>,
    /// Slots there is memory for.
    pub(super) n_slots: u32,
    /// Slots that are reserved, used, or used up.
    n_used: u32,
    first_free: u32,
    /// The generation of slots that are given out for the first time.
    floor: u32,
    /// The greatest generation that a slot has.
    pub(super) greatest: u32,
    /// Its neighbours on the list of segments with room; that before the first is whichever was there once.
    pub(super) previous_open: u32,
    pub(super) next_open: u32,
    /// [`NONE`] unless it is on the stack of those that may be empty; then the next there, or [`END`](super::END). If it is absent, the next
    /// absent one of its block.
    pub(super) next_idle: u32,
}

impl<S: System> Segment<S> {
    /// A segment with this memory, whose slots begin with the generation `floor`.
    pub(super) const fn new(slots: Vec<Slot<S>>, n_slots: u32, floor: u32) -> Segment<S> {
        Segment {
            slots,
            n_slots,
            n_used: 0,
            first_free: NONE,
            floor,
            greatest: floor,
            previous_open: NONE,
            next_open: NONE,
            next_idle: NONE,
        }
    }

    /// Whether a slot can be given out.
    pub(super) fn has_room(&self) -> bool {
        self.n_used < self.n_slots
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

    /// Takes out what a slot holds, and the slot back, to be given out again under another id; whether it can be: not if it is on a chain,
    /// and never again if its generations are used up.
    #[inline]
    pub(super) fn take(&mut self, offset: u32) -> (Option<Packed<Object<S>>>, bool) {
        let Some(slot) = self.slots.get_mut(offset as usize) else {
            return (None, false);
        };
        let object = slot.object.take();
        let step = u32::from(!mutant::is(Mutant::IdsRecur));
        let next = slot.generation.checked_add(step);
        let (Some(generation), NONE) = (next, slot.next) else {
            return (object, false);
        };
        slot.generation = generation;
        slot.next = core::mem::replace(&mut self.first_free, offset);
        self.greatest = self.greatest.max(generation);
        self.n_used = self.n_used.saturating_sub(1);
        (object, true)
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

    /// Takes the memory out.
    pub(super) fn vacate(&mut self) -> Vec<Slot<S>> {
        self.n_slots = 0;
        core::mem::take(&mut self.slots)
    }
}
