//! The id table of a peer: from an id to the object it names, in constant time (OBJ-4).
//!
//! Slots are *free*, *reserved* (an id is promised, nothing answers to it yet) or *used*. Rules:
//! 1. An id is slot index and generation; a slot's generation grows when it is freed, and a slot whose generation is used up is
//!    never given out again, so a managed id never recurs.
//! 2. A slot never moves. The table grows by segments, doubling up to 256 slots and of 256 slots from there on; a segment's
//!    memory is taken outside the lock ([`Table::growth`]) and hung in under it ([`Table::grow`]).
//! 3. Freeing and filling need no memory: a reserved slot can always be filled.

use alloc::vec::Vec;

use crate::handle::Handle;
use crate::mem::{Packed, Ref};
use crate::mutant::{self, Mutant};
use crate::node::Node;
use crate::{Error, Id, System};

/// What an id may name.
pub(crate) enum Object<S: System> {
    Node(Ref<Node<S>>),
    Handle(Ref<Handle<S>>),
}

struct Slot<S: System> {
    generation: u32,
    /// The next free slot while this one is free.
    next_free: u32,
    object: Option<Packed<Object<S>>>,
}

/// Width of the slot index in an id; bits 0 (managed) and 61 to 63 (flags of nodes) are not part of index or generation.
const INDEX_BITS: u32 = 28;
const INDEX_MASK: u64 = (1 << INDEX_BITS) - 1;
/// Beyond this the table grows no more: its last segment ends before the index space does.
const INDEX_MAX: u64 = INDEX_MASK - REGULAR as u64;
const GENERATION_SHIFT: u32 = INDEX_BITS + 1;
/// Slots of the first segment; the next are 4, 8, 16, … 128, and then 256 each.
const FIRST: u32 = 4;
const REGULAR: u32 = 256;
/// How many segments lie before the regular ones: 4, 4, 8, 16, 32, 64, 128.
const N_GROWING: u32 = 7;
const NONE: u32 = u32::MAX;

/// The id table of a peer.
pub(crate) struct Table<S: System> {
    segments: Vec<Vec<Slot<S>>>,
    first_free: u32,
    n_free: u32,
    /// Slots that were ever given out; those behind are memory without content.
    n_made: u32,
    /// Slots there is memory for.
    capacity: u32,
}

/// Memory for a table to grow into, taken outside the lock.
pub(crate) struct Growth<S: System> {
    /// The capacity of the table that asked for it.
    capacity: u32,
    segment: Vec<Slot<S>>,
    /// A larger list of segments, if the old one is full.
    segments: Option<Vec<Vec<Slot<S>>>>,
}

/// How much a table must grow.
#[derive(Clone, Copy)]
pub(crate) struct Need {
    capacity: u32,
    n_segments: Option<usize>,
}

/// The segment of a slot, and the place in it.
const fn place(index: u32) -> (usize, usize) {
    match index.checked_ilog2() {
        Some(_) if index >= REGULAR => (
            (index / REGULAR).saturating_add(N_GROWING - 1) as usize,
            (index % REGULAR) as usize,
        ),
        // Segment 1 holds slots 4 to 7, segment 2 slots 8 to 15, …
        Some(log2) if index >= FIRST => (
            log2.saturating_sub(1) as usize,
            index.saturating_sub(1 << log2) as usize,
        ),
        _ => (0, index as usize),
    }
}

/// The size of the segment that begins at slot `capacity`.
const fn segment_len(capacity: u32) -> u32 {
    if capacity < FIRST {
        FIRST
    } else if capacity < REGULAR {
        capacity
    } else {
        REGULAR
    }
}

impl Need {
    /// Takes the memory.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], also when the id space is exhausted.
    pub(crate) fn take<S: System>(self) -> Result<Growth<S>, Error> {
        if u64::from(self.capacity) > INDEX_MAX {
            return Err(Error::OutOfMemory);
        }
        let mut segment = Vec::new();
        segment
            .try_reserve_exact(segment_len(self.capacity) as usize)
            .map_err(|_| Error::OutOfMemory)?;
        let segments = match self.n_segments {
            None => None,
            Some(n_segments) => {
                let mut segments = Vec::new();
                segments
                    .try_reserve_exact(n_segments)
                    .map_err(|_| Error::OutOfMemory)?;
                Some(segments)
            }
        };
        Ok(Growth {
            capacity: self.capacity,
            segment,
            segments,
        })
    }
}

impl<S: System> Table<S> {
    pub(crate) const fn new() -> Table<S> {
        Table {
            segments: Vec::new(),
            first_free: NONE,
            n_free: 0,
            n_made: 0,
            capacity: 0,
        }
    }

    /// What must be set aside so that `n` slots can be reserved; `None` if they can be already.
    pub(crate) fn growth(&self, n: u32) -> Option<Need> {
        let n_available = self
            .n_free
            .saturating_add(self.capacity.saturating_sub(self.n_made));
        if n_available >= n {
            return None;
        }
        let is_full = self.segments.len() == self.segments.capacity();
        let n_segments = is_full.then(|| self.segments.len().saturating_mul(2).max(1));
        Some(Need {
            capacity: self.capacity,
            n_segments,
        })
    }

    /// Hangs in what was set aside, if the table still needs it; gives back what is left over, to be dropped outside the lock.
    #[must_use]
    pub(crate) fn grow(&mut self, mut growth: Growth<S>) -> Growth<S> {
        if growth.capacity != self.capacity {
            return growth;
        }
        if let Some(mut segments) = growth.segments.take() {
            segments.append(&mut self.segments);
            growth.segments = Some(core::mem::replace(&mut self.segments, segments));
        }
        let segment = core::mem::take(&mut growth.segment);
        self.capacity = self.capacity.saturating_add(segment_len(self.capacity));
        // Within its capacity: the list of segments was measured with the same `capacity` of the table.
        self.segments.push(segment);
        growth
    }

    /// Promises an id; `None` if there is no slot ([`Table::growth`]).
    pub(crate) fn reserve(&mut self) -> Option<Id> {
        if self.first_free != NONE {
            let index = self.first_free;
            let slot = self.slot_mut(index)?;
            let generation = slot.generation;
            self.first_free = slot.next_free;
            self.n_free = self.n_free.saturating_sub(1);
            return Some(id(index, generation));
        }
        if self.n_made == self.capacity {
            return None;
        }
        let index = self.n_made;
        let (segment, _) = place(index);
        // Within the capacity of the segment: slots are made in order.
        self.segments.get_mut(segment)?.push(Slot {
            generation: 0,
            next_free: NONE,
            object: None,
        });
        self.n_made = self.n_made.saturating_add(1);
        Some(id(index, 0))
    }

    /// Lets a promised id name `object`.
    pub(crate) fn fill(&mut self, id: Id, object: Object<S>) {
        if let Some(slot) = self.slot_mut(index(id)) {
            slot.object = Some(Packed::new(object));
        }
    }

    /// Takes an id back for good; what it named is to be dropped outside the lock.
    #[must_use]
    pub(crate) fn free(&mut self, id: Id) -> Option<Packed<Object<S>>> {
        let index = index(id);
        let next_free = self.first_free;
        let slot = self.slot_mut(index)?;
        let object = slot.object.take();
        let step = u32::from(!mutant::is(Mutant::IdsRecur));
        match slot.generation.checked_add(step) {
            Some(generation) => {
                slot.generation = generation;
                slot.next_free = next_free;
                self.first_free = index;
                self.n_free = self.n_free.saturating_add(1);
            }
            // Used up: the slot is never given out again.
            None => slot.next_free = NONE,
        }
        object
    }

    /// What `id` names.
    #[inline]
    pub(crate) fn get(&self, id: Id) -> Option<&Packed<Object<S>>> {
        let slot = self.slot(index(id))?;
        (self::id(index(id), slot.generation) == id)
            .then_some(slot.object.as_ref())
            .flatten()
    }

    /// What the slot `index` holds, and whether there is such a slot; for walks over all objects.
    pub(crate) fn at(&self, index: u32) -> Option<Option<&Packed<Object<S>>>> {
        self.slot(index).map(|slot| slot.object.as_ref())
    }

    #[inline]
    fn slot(&self, index: u32) -> Option<&Slot<S>> {
        let (segment, offset) = place(index);
        self.segments.get(segment)?.get(offset)
    }

    fn slot_mut(&mut self, index: u32) -> Option<&mut Slot<S>> {
        let (segment, offset) = place(index);
        self.segments.get_mut(segment)?.get_mut(offset)
    }
}

fn id(index: u32, generation: u32) -> Id {
    Id::from_u64(u64::from(generation) << GENERATION_SHIFT | u64::from(index) << 1 | 1)
}

/// The slot that an id would lie in, if it were one of this table.
fn index(id: Id) -> u32 {
    (id.as_u64() >> 1 & INDEX_MASK) as u32
}
