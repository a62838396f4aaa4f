//! The id table of a peer: from an id to the object it names, in constant time (OBJ-4).
//!
//! Slots are *free*, *reserved* (an id is promised, nothing answers to it yet) or *used*. Rules:
//! 1. An id is slot index and generation; a slot's generation grows when it is freed, and a slot whose generation is used up is
//!    never given out again, so a managed id never recurs.
//! 2. The table is made of segments of 256 slots, the first of which grows by doubling. Memory is taken outside the lock
//!    ([`Table::growth`]) and hung in under it ([`Table::grow`]).
//! 3. Freeing and filling need no memory: a reserved slot can always be filled.
//! 4. A used slot may be *named*, by the one release that is open: then it is on a [`Chain`] through the slots themselves. So all the
//!    ids of the largest RELEASE are checked and named in one section (OBJ-8, REL-1), and the objects are not touched for that. Names
//!    that nothing came of are taken back slot by slot, later; if such a slot is freed meanwhile, its next use waits until then.
//! 5. The table of a closed peer is given back segment by segment. Whoever is still promised an id of it, by a message on its way
//!    that will be dropped, gets [`Id::INVALID`], which may be filled and freed without effect.

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
    /// While it is free, the next free slot, if any. While it is used, [`NONE`] unless it is on a chain; then the next there, or [`END`].
    next: u32,
    object: Option<Packed<Object<S>>>,
}

/// A piece of a table that is given back; the last one comes with the list of segments.
pub(crate) struct Segment<S: System> {
    _slots: Vec<Slot<S>>,
    _segments: Vec<Vec<Slot<S>>>,
}

/// Why ids cannot be named together (REL-1), and the place among them that shows it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Misnamed {
    /// This one names nothing.
    Unknown(usize),
    /// All name something, and this one the same as one before it.
    Twice(usize),
}

/// Width of the slot index in an id; bits 0 (managed) and 61 to 63 (flags of nodes) are not part of index or generation.
const INDEX_BITS: u32 = 28;
const INDEX_MASK: u64 = (1 << INDEX_BITS) - 1;
/// Beyond this the table grows no more: its last segment ends before the index space does.
const INDEX_MAX: u64 = INDEX_MASK - REGULAR as u64;
const GENERATION_SHIFT: u32 = INDEX_BITS + 1;
/// Slots of a segment; the first has as many in the end, and [`FIRST`] to begin with.
const REGULAR: u32 = 256;
const FIRST: u32 = 4;
/// No slot: beyond every index.
const NONE: u32 = u32::MAX;
/// The end of a chain of used slots.
const END: u32 = NONE - 1;

/// Slots in use, one behind the other: a slot is on one chain at most.
#[derive(Clone, Copy)]
pub(crate) struct Chain {
    first: u32,
}

impl Chain {
    pub(crate) const EMPTY: Chain = Chain { first: END };

    /// The chain that `id` is on, from there on.
    pub(crate) fn from(id: Id) -> Chain {
        Chain { first: index(id) }
    }
}

/// The id table of a peer.
pub(crate) struct Table<S: System> {
    segments: Vec<Vec<Slot<S>>>,
    first_free: u32,
    named: Chain,
    n_free: u32,
    /// Slots that were ever given out; those behind are memory without content.
    n_made: u32,
    /// Slots there is memory for.
    capacity: u32,
    /// The peer is closed.
    is_closed: bool,
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
#[inline]
const fn place(index: u32) -> (usize, usize) {
    ((index / REGULAR) as usize, (index % REGULAR) as usize)
}

/// The size of the segment to be made for a table of `capacity` slots.
fn segment_len(capacity: u32) -> u32 {
    if capacity < REGULAR {
        capacity.saturating_mul(2).max(FIRST)
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
            named: Chain::EMPTY,
            n_free: 0,
            n_made: 0,
            capacity: 0,
            is_closed: false,
        }
    }

    /// What must be set aside so that `n` slots can be reserved; `None` if they can be already.
    pub(crate) fn growth(&self, n: u32) -> Option<Need> {
        let n_available = self
            .n_free
            .saturating_add(self.capacity.saturating_sub(self.n_made));
        if n_available >= n || self.is_closed {
            return None;
        }
        let is_added = self.is_segment_added();
        let is_full = self.segments.len() == self.segments.capacity();
        let n_segments =
            (is_added && is_full).then(|| self.segments.len().saturating_mul(2).max(1));
        Some(Need {
            capacity: self.capacity,
            n_segments,
        })
    }

    /// Whether the next segment comes behind the others, and does not replace the first.
    fn is_segment_added(&self) -> bool {
        self.capacity == 0 || self.capacity >= REGULAR
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
        let n_slots = segment_len(self.capacity);
        if self.is_segment_added() {
            // Within its capacity: the list of segments was measured with the same `capacity` of the table.
            self.segments.push(core::mem::take(&mut growth.segment));
            self.capacity = self.capacity.saturating_add(n_slots);
        } else if let Some(first) = self.segments.first_mut() {
            // Within its capacity, which is twice that of the old one.
            growth.segment.append(first);
            core::mem::swap(first, &mut growth.segment);
            self.capacity = n_slots;
        }
        growth
    }

    /// Promises an id; `None` if there is no slot ([`Table::growth`]).
    pub(crate) fn reserve(&mut self) -> Option<Id> {
        if self.is_closed {
            return Some(Id::INVALID);
        }
        if self.first_free != NONE {
            let index = self.first_free;
            let slot = self.slot_mut(index)?;
            let generation = slot.generation;
            self.first_free = core::mem::replace(&mut slot.next, NONE);
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
            next: NONE,
            object: None,
        });
        self.n_made = self.n_made.saturating_add(1);
        Some(id(index, 0))
    }

    /// Takes back a promise that nobody was told of: the id may be promised again.
    pub(crate) fn cancel(&mut self, id: Id) {
        let index = index(id);
        let first_free = self.first_free;
        if let Some(slot) = self.slot_mut(index) {
            slot.next = first_free;
            self.first_free = index;
            self.n_free = self.n_free.saturating_add(1);
        }
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
        let slot = self.slot_mut(index)?;
        let object = slot.object.take();
        if slot.next == NONE {
            self.recycle(index);
        }
        object
    }

    /// Lets a slot that holds nothing be given out again, under another id.
    fn recycle(&mut self, index: u32) {
        let first_free = self.first_free;
        let Some(slot) = self.slot_mut(index) else {
            return;
        };
        let step = u32::from(!mutant::is(Mutant::IdsRecur));
        // Used up: the slot is never given out again.
        let Some(generation) = slot.generation.checked_add(step) else {
            return;
        };
        slot.generation = generation;
        slot.next = first_free;
        self.first_free = index;
        self.n_free = self.n_free.saturating_add(1);
    }

    /// What `id` names.
    #[inline]
    pub(crate) fn get(&self, id: Id) -> Option<&Packed<Object<S>>> {
        let slot = self.slot(index(id))?;
        (self::id(index(id), slot.generation) == id)
            .then_some(slot.object.as_ref())
            .flatten()
    }

    /// Names what `ids` name, for a release. Nothing may be named yet.
    ///
    /// # Errors
    /// All are checked for being known before any is for being named twice (REL-1). What was named until then still is: it is to be
    /// taken off the chain, and nothing else to be done about it.
    pub(crate) fn name(&mut self, ids: &[Id]) -> Result<(), Misnamed> {
        let mut twice = None;
        for (place, &id) in ids.iter().enumerate() {
            let (index, first) = (index(id), self.named.first);
            let slot = self
                .slot_mut(index)
                .filter(|slot| slot.object.is_some() && self::id(index, slot.generation) == id);
            match slot {
                Some(slot) if slot.next == NONE => {
                    slot.next = first;
                    self.named.first = index;
                }
                Some(_) => twice = twice.or(Some(place)),
                None => return Err(Misnamed::Unknown(place)),
            }
        }
        twice.map_or(Ok(()), |place| Err(Misnamed::Twice(place)))
    }

    /// Whether `id`, which names something, is named by a release.
    pub(crate) fn is_named(&self, id: Id) -> bool {
        self.slot(index(id)).is_some_and(|slot| slot.next != NONE)
    }

    /// Takes a slot off the chain of those that are named; its index. `None` if there is none.
    pub(crate) fn pop_named(&mut self) -> Option<u32> {
        let mut named = self.named;
        let index = self.pop(&mut named);
        self.named = named;
        index
    }

    /// Puts a used slot, which is on no chain, first on `chain`.
    pub(crate) fn push(&mut self, chain: &mut Chain, index: u32) {
        if let Some(slot) = self.slot_mut(index) {
            slot.next = core::mem::replace(&mut chain.first, index);
        }
    }

    /// Takes the first slot off `chain`; its index.
    pub(crate) fn pop(&mut self, chain: &mut Chain) -> Option<u32> {
        let index = chain.first;
        let slot = self.slot_mut(index)?;
        chain.first = core::mem::replace(&mut slot.next, NONE);
        if slot.object.is_none() {
            self.recycle(index);
        }
        Some(index)
    }

    /// What the first slot of `chain` holds; it is the next one's turn then.
    pub(crate) fn next(&self, chain: &mut Chain) -> Option<&Packed<Object<S>>> {
        let slot = self.slot(chain.first)?;
        chain.first = slot.next;
        slot.object.as_ref()
    }

    /// Takes a segment out of the table of a closed peer; `None` if there is none left.
    pub(crate) fn shrink(&mut self) -> Option<Segment<S>> {
        self.is_closed = true;
        let slots = self.segments.pop()?;
        let is_last = self.segments.is_empty();
        Some(Segment {
            _slots: slots,
            _segments: if is_last {
                core::mem::take(&mut self.segments)
            } else {
                Vec::new()
            },
        })
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

    #[inline]
    fn slot_mut(&mut self, index: u32) -> Option<&mut Slot<S>> {
        let (segment, offset) = place(index);
        self.segments.get_mut(segment)?.get_mut(offset)
    }
}

#[inline]
fn id(index: u32, generation: u32) -> Id {
    Id::from_u64(u64::from(generation) << GENERATION_SHIFT | u64::from(index) << 1 | 1)
}

/// The slot that an id would lie in, if it were one of this table.
fn index(id: Id) -> u32 {
    (id.as_u64() >> 1 & INDEX_MASK) as u32
}
