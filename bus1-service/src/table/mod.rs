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
//! 5. Whoever frees ids gives memory back that is not needed for others ([`Table::take_empty`]), outside the lock: of the segments in
//!    which nothing is used, one stays, so that a peer at the edge of a segment does not take memory and give it back each time, and
//!    the first, which is small as long as the peer is. Of the others a generation remains, above all that their slots had ([`Directory`]).
//! 6. The table of a closed peer is given back segment by segment. Whoever is still promised an id of it, by a message on its way
//!    that will be dropped, gets [`Id::INVALID`], which may be filled and freed without effect.

mod directory;
mod segment;

use alloc::vec::Vec;

use crate::handle::Handle;
use crate::mem::{Packed, Ref};
use crate::node::Node;
use crate::{Error, Id, System};

use directory::{Block, Directory, REGULAR};
use segment::{Segment, Slot};

/// What an id may name.
pub(crate) enum Object<S: System> {
    Node(Ref<Node<S>>),
    Handle(Ref<Handle<S>>),
}

/// A piece of a table that is given back.
pub(crate) enum Piece<S: System> {
    /// A segment, and the list of its block if no other has memory.
    Segment {
        _slots: Vec<Slot<S>>,
        _list: Vec<Segment<S>>,
    },
    /// The list of blocks.
    Blocks { _list: Vec<Block<S>> },
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
/// No slot: beyond every index.
const NONE: u32 = u32::MAX;
/// The end of a chain of used slots, or of idle segments.
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
    segments: Directory<S>,
    /// The list of segments that have room.
    first_open: u32,
    /// The stack of segments that may be empty.
    first_idle: u32,
    named: Chain,
    /// The handle that was used last ([`Table::recent`]), and its id. It is in its slot too, so this pointer is never the last.
    recent_id: Id,
    recent: Option<Ref<Handle<S>>>,
    /// Slots that can be reserved.
    n_free: u32,
    /// Segments that have memory and nothing in it.
    n_empty: u32,
    /// The peer is closed.
    is_closed: bool,
}

/// Memory for a table to grow into, taken outside the lock.
pub(crate) struct Growth<S: System> {
    need: Need,
    slots: Vec<Slot<S>>,
    /// Longer lists of segments and blocks, if the old ones are full.
    segments: Vec<Segment<S>>,
    blocks: Vec<Block<S>>,
}

/// Where a table must grow.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Need {
    /// The segment that is to have memory, new, absent, or the first, and for how many slots.
    segment: u32,
    n_slots: u32,
    /// How long the list of segments of its block must become, and that of blocks, if they are full.
    n_segments: usize,
    n_blocks: usize,
}

/// The segment of a slot, and the place in it.
#[inline]
const fn place(index: u32) -> (u32, u32) {
    (index / REGULAR, index % REGULAR)
}

impl Need {
    /// Takes the memory.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], also when the id space is exhausted.
    pub(crate) fn take<S: System>(self) -> Result<Growth<S>, Error> {
        if u64::from(self.segment).saturating_mul(u64::from(REGULAR)) > INDEX_MAX {
            return Err(Error::OutOfMemory);
        }
        let (mut slots, mut segments, mut blocks) = (Vec::new(), Vec::new(), Vec::new());
        slots
            .try_reserve_exact(self.n_slots as usize)
            .and_then(|()| segments.try_reserve_exact(self.n_segments))
            .and_then(|()| blocks.try_reserve_exact(self.n_blocks))
            .map_err(|_| Error::OutOfMemory)?;
        Ok(Growth {
            need: self,
            slots,
            segments,
            blocks,
        })
    }
}

impl<S: System> Table<S> {
    pub(crate) const fn new() -> Table<S> {
        Table {
            segments: Directory::new(),
            first_open: NONE,
            first_idle: END,
            named: Chain::EMPTY,
            recent_id: Id::INVALID,
            recent: None,
            n_free: 0,
            n_empty: 0,
            is_closed: false,
        }
    }

    /// What must be set aside so that `n` slots can be reserved; `None` if they can be already.
    pub(crate) fn growth(&self, n: u32) -> Option<Need> {
        if self.n_free >= n || self.is_closed {
            return None;
        }
        Some(self.segments.need())
    }

    /// Hangs in what was set aside, if the table still grows there; gives back what is left over, to be dropped outside the lock.
    #[must_use]
    pub(crate) fn grow(&mut self, mut growth: Growth<S>) -> Growth<S> {
        if growth.need != self.segments.need() || self.is_closed {
            return growth;
        }
        let Need {
            segment: index,
            n_slots,
            ..
        } = growth.need;
        let had_room = self.has_room(index);
        let n_before = self.segments.grow(&mut growth);
        self.n_free = self.n_free.saturating_add(n_slots.saturating_sub(n_before));
        self.n_empty = self.n_empty.saturating_add(u32::from(n_before == 0));
        if !had_room {
            self.open(index);
        }
        self.idle(index);
        growth
    }

    fn has_room(&self, index: u32) -> bool {
        self.segments.get(index).is_some_and(Segment::has_room)
    }

    /// A segment has room now: it is the first of the list.
    fn open(&mut self, index: u32) {
        let next = core::mem::replace(&mut self.first_open, index);
        if let Some(segment) = self.segments.get_mut(index) {
            segment.next_open = next;
        }
        if next != NONE
            && let Some(next) = self.segments.get_mut(next)
        {
            next.previous_open = index;
        }
    }

    /// A segment has no room any more.
    fn close(&mut self, index: u32) {
        let Some(segment) = self.segments.get(index) else {
            return;
        };
        let (previous, next) = (segment.previous_open, segment.next_open);
        if self.first_open == index {
            self.first_open = next;
            return;
        }
        if let Some(previous) = self.segments.get_mut(previous) {
            previous.next_open = next;
        }
        if let Some(next) = self.segments.get_mut(next) {
            next.previous_open = previous;
        }
    }

    /// A segment may be empty. The first is never taken out.
    fn idle(&mut self, index: u32) {
        if index > 0
            && let Some(segment) = self.segments.get_mut(index)
            && segment.is_empty()
            && segment.next_idle == NONE
        {
            segment.next_idle = core::mem::replace(&mut self.first_idle, index);
        }
    }

    /// Promises an id; `None` if there is no slot ([`Table::growth`]).
    pub(crate) fn reserve(&mut self) -> Option<Id> {
        if self.is_closed {
            return Some(Id::INVALID);
        }
        let index = self.first_open;
        let segment = self.segments.get_mut(index)?;
        let was_empty = segment.is_empty();
        let (offset, generation) = segment.reserve()?;
        if !segment.has_room() {
            self.first_open = segment.next_open;
        }
        self.n_free = self.n_free.saturating_sub(1);
        self.n_empty = self.n_empty.saturating_sub(u32::from(was_empty));
        let index = index.saturating_mul(REGULAR).saturating_add(offset);
        Some(id(index, generation))
    }

    /// Takes the memory of a segment in which nothing is used, if there is more than one, to be dropped outside the lock.
    #[inline(always)]
    #[must_use]
    pub(crate) fn take_empty(&mut self) -> Option<Piece<S>> {
        if self.n_empty > 1 {
            self.take_idle()
        } else {
            None
        }
    }

    /// The memory of the first segment on the stack of those that may be empty in which nothing is used.
    #[cold]
    fn take_idle(&mut self) -> Option<Piece<S>> {
        loop {
            let index = self.first_idle;
            let segment = self.segments.get_mut(index)?;
            self.first_idle = core::mem::replace(&mut segment.next_idle, NONE);
            // It may be in use again.
            if segment.is_empty() {
                self.n_free = self.n_free.saturating_sub(segment.n_slots);
                self.n_empty = self.n_empty.saturating_sub(1);
                self.close(index);
                return self.segments.vacate(index);
            }
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
        self.forget_if_recent(id);
        self.take_back(index(id), Segment::take)?
    }

    /// Lets a slot that was freed while it was named be given out again.
    #[cold]
    fn recycle(&mut self, index: u32) {
        self.take_back(index, Segment::take);
    }

    /// Takes back a promise that nobody was told of: the id may be promised again.
    pub(crate) fn cancel(&mut self, id: Id) {
        self.take_back(index(id), |segment, offset| ((), segment.put_back(offset)));
    }

    /// Does with a slot what `take_back` does with its segment and the place there; that says whether the slot can be given out again.
    #[inline(always)]
    fn take_back<R>(
        &mut self,
        index: u32,
        take_back: impl FnOnce(&mut Segment<S>, u32) -> (R, bool),
    ) -> Option<R> {
        let (index, offset) = place(index);
        let segment = self.segments.get_mut(index)?;
        let had_room = segment.has_room();
        let (taken, is_free) = take_back(segment, offset);
        if is_free {
            let is_empty = segment.is_empty();
            self.n_free = self.n_free.saturating_add(1);
            if !had_room {
                self.open(index);
            }
            if is_empty {
                self.n_empty = self.n_empty.saturating_add(1);
                self.idle(index);
            }
        }
        Some(taken)
    }

    /// What `id` names.
    #[inline]
    pub(crate) fn get(&self, id: Id) -> Option<&Packed<Object<S>>> {
        let slot = self.slot(index(id))?;
        (self::id(index(id), slot.generation) == id)
            .then_some(slot.object.as_ref())
            .flatten()
    }

    /// The handle that `id` names, if it is the one that was kept last: as valid as it was then.
    #[inline(always)]
    pub(crate) fn recent(&self, id: Id) -> Option<&Ref<Handle<S>>> {
        if id == self.recent_id {
            self.recent.as_ref()
        } else {
            None
        }
    }

    /// Keeps the handle that `id` names for the next use.
    pub(crate) fn keep_recent(&mut self, id: Id, handle: &Ref<Handle<S>>) {
        self.recent_id = id;
        self.recent = Some(handle.clone());
    }

    /// What `id` names is valid no more.
    #[inline(always)]
    pub(crate) fn forget_if_recent(&mut self, id: Id) {
        if id == self.recent_id {
            self.forget_recent();
        }
    }

    /// The handle that was kept may be valid no more.
    pub(crate) fn forget_recent(&mut self) {
        self.recent_id = Id::INVALID;
        self.recent = None;
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
    pub(crate) fn shrink(&mut self) -> Option<Piece<S>> {
        self.is_closed = true;
        self.segments.pop()
    }

    /// What the slot `index` holds, and whether there may be such a slot; for walks over all objects.
    pub(crate) fn at(&self, index: u32) -> Option<Option<&Packed<Object<S>>>> {
        let (segment, offset) = place(index);
        match self.segments.get(segment) {
            Some(segment) => Some(
                segment
                    .slots
                    .get(offset as usize)
                    .and_then(|slot| slot.object.as_ref()),
            ),
            None if self.segments.ends_before(segment) => None,
            None => Some(None),
        }
    }

    #[inline]
    fn slot(&self, index: u32) -> Option<&Slot<S>> {
        let (segment, offset) = place(index);
        let segment = self.segments.get(segment)?;
        segment.slots.get(offset as usize)
    }

    #[inline]
    fn slot_mut(&mut self, index: u32) -> Option<&mut Slot<S>> {
        let (segment, offset) = place(index);
        let segment = self.segments.get_mut(segment)?;
        segment.slots.get_mut(offset as usize)
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

#[cfg(test)]
mod tests;
