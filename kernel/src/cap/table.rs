//! The table behind capability numbers.
//!
//! A *slot* is free, used or retired. Every use has a generation, which is part of the number, so a
//! number that was given up never names what came after it:
//!
//! ```text
//!          insert                    remove, generation + 1
//!   free ─────────> used(object) ───────────────────────────> free
//!                        └── remove in the last generation ──> retired (never used again)
//! ```
//!
//! 1. Generations start at 1, so 0 is never a number.
//! 2. Look-up, insertion and removal take constant time.
//! 3. Slots come in chunks, allocated when the free list is empty; a chunk stays until the table goes.
//!    Who asks for a chunk pays for it first ([`Table::needs_chunk`], [`Table::grow`]).

use alloc::vec::Vec;
use core::fmt;

use omnibus_abi::CapabilityNumber;

use crate::sabotage::{self, Promise};

/// Slots of a chunk: with the kernel's objects a chunk takes one frame.
pub const CHUNK_SLOTS: usize = 128;

/// Most slots of one table.
pub const SLOTS_MAX: usize = 1 << 16;

/// End of the free list.
const NONE: u32 = u32::MAX;

/// No memory for a chunk, or no slot left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no room in the capability table ({SLOTS_MAX} slots)")
    }
}

enum Slot<T> {
    /// Free; the next use has this generation.
    Free { generation: u32, next: u32 },
    /// In use.
    Used { generation: u32, value: T },
    /// Every generation is used up.
    Retired,
}

/// A table of `T`, named by numbers with generations.
pub struct Table<T> {
    chunks: Vec<Vec<Slot<T>>>,
    first_free: u32,
    n_free: usize,
    n_used: usize,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Table<T> {
    /// An empty table. Allocates nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            chunks: Vec::new(),
            first_free: NONE,
            n_free: 0,
            n_used: 0,
        }
    }

    /// Slots in use.
    #[must_use]
    pub fn n_used(&self) -> usize {
        self.n_used
    }

    /// Chunks allocated.
    #[must_use]
    pub fn n_chunks(&self) -> usize {
        self.chunks.len()
    }

    /// True if `n_slots` insertions need another chunk first.
    #[must_use]
    pub fn needs_chunk(&self, n_slots: usize) -> bool {
        self.n_free < n_slots
    }

    /// Adds a chunk of free slots.
    ///
    /// # Errors
    /// [`Full`] if there is no memory, or the table has [`SLOTS_MAX`] slots. Nothing changed then.
    pub fn grow(&mut self) -> Result<(), Full> {
        let base = self.chunks.len() * CHUNK_SLOTS;
        if base >= SLOTS_MAX {
            return Err(Full);
        }
        self.chunks.try_reserve(1).map_err(|_| Full)?;
        let mut chunk = Vec::new();
        chunk.try_reserve_exact(CHUNK_SLOTS).map_err(|_| Full)?;
        for index in base..base + CHUNK_SLOTS {
            let is_last = index + 1 == base + CHUNK_SLOTS;
            chunk.push(Slot::Free {
                generation: 1,
                next: if is_last {
                    self.first_free
                } else {
                    index as u32 + 1
                },
            });
        }
        self.chunks.push(chunk);
        self.first_free = base as u32;
        self.n_free += CHUNK_SLOTS;
        Ok(())
    }

    /// Puts `value` into a free slot.
    ///
    /// # Errors
    /// The value itself if no slot is free: [`Self::grow`] first.
    pub fn insert(&mut self, value: T) -> Result<CapabilityNumber, T> {
        let index = self.first_free;
        let Some(slot) = slot_mut(&mut self.chunks, index) else {
            return Err(value);
        };
        let Slot::Free { generation, next } = *slot else {
            return Err(value);
        };
        *slot = Slot::Used { generation, value };
        self.first_free = next;
        self.n_free -= 1;
        self.n_used += 1;
        Ok(CapabilityNumber::new(generation, index))
    }

    /// What `number` names; `None` if its slot is empty or of another generation.
    #[must_use]
    pub fn get(&self, number: CapabilityNumber) -> Option<&T> {
        let index = number.slot() as usize;
        match self
            .chunks
            .get(index / CHUNK_SLOTS)?
            .get(index % CHUNK_SLOTS)?
        {
            Slot::Used { generation, value }
                if *generation == number.generation() || sabotage::breaks(Promise::Generations) =>
            {
                Some(value)
            }
            _ => None,
        }
    }

    /// What `number` names, to be changed; `None` as for [`Self::get`].
    pub fn get_mut(&mut self, number: CapabilityNumber) -> Option<&mut T> {
        match slot_mut(&mut self.chunks, number.slot())? {
            Slot::Used { generation, value } if *generation == number.generation() => Some(value),
            _ => None,
        }
    }

    /// Empties the slot that `number` names and returns what was in it.
    pub fn remove(&mut self, number: CapabilityNumber) -> Option<T> {
        let index = number.slot();
        let first_free = self.first_free;
        let slot = slot_mut(&mut self.chunks, index)?;
        match slot {
            Slot::Used { generation, .. } if *generation == number.generation() => {}
            _ => return None,
        }
        let emptied = match number.generation().checked_add(1) {
            Some(generation) => Slot::Free {
                generation,
                next: first_free,
            },
            None => Slot::Retired,
        };
        if matches!(emptied, Slot::Free { .. }) {
            self.first_free = index;
            self.n_free += 1;
        }
        self.n_used -= 1;
        match core::mem::replace(slot, emptied) {
            Slot::Used { value, .. } => Some(value),
            Slot::Free { .. } | Slot::Retired => None,
        }
    }

    /// The first used slot at or after slot number `from`.
    #[must_use]
    pub fn next_used(&self, from: u32) -> Option<(CapabilityNumber, &T)> {
        (from as usize..self.chunks.len() * CHUNK_SLOTS).find_map(|index| {
            match self
                .chunks
                .get(index / CHUNK_SLOTS)?
                .get(index % CHUNK_SLOTS)?
            {
                Slot::Used { generation, value } => {
                    Some((CapabilityNumber::new(*generation, index as u32), value))
                }
                Slot::Free { .. } | Slot::Retired => None,
            }
        })
    }

    /// One step of taking the table apart, last slot first; looks at no more than a chunk.
    pub fn dismantle(&mut self) -> Dismantled<T> {
        let Some(chunk) = self.chunks.last_mut() else {
            return Dismantled::Nothing;
        };
        self.first_free = NONE;
        self.n_free = 0;
        while let Some(slot) = chunk.pop() {
            if let Slot::Used { value, .. } = slot {
                self.n_used -= 1;
                return Dismantled::Value(value);
            }
        }
        self.chunks.pop();
        Dismantled::Chunk
    }
}

/// What a step of [`Table::dismantle`] found.
#[derive(Debug, PartialEq, Eq)]
pub enum Dismantled<T> {
    /// This was in a slot.
    Value(T),
    /// A chunk was empty and is freed.
    Chunk,
    /// Nothing is left.
    Nothing,
}

fn slot_mut<T>(chunks: &mut [Vec<Slot<T>>], index: u32) -> Option<&mut Slot<T>> {
    let index = index as usize;
    chunks
        .get_mut(index / CHUNK_SLOTS)?
        .get_mut(index % CHUNK_SLOTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table<u32> {
        let mut table = Table::new();
        table.grow().unwrap();
        table
    }

    /// A number stops naming anything when its slot is emptied, also after the slot is used again.
    #[test]
    fn cap_stale_numbers_name_nothing() {
        let mut table = table();
        let old = table.insert(1).unwrap();
        assert_eq!(table.remove(old), Some(1));
        let new = table.insert(2).unwrap();
        assert_eq!(new.slot(), old.slot());
        assert_eq!((table.get(old), table.get(new)), (None, Some(&2)));
        assert_eq!(table.remove(old), None);
        assert_eq!(table.get(new), Some(&2));
    }

    /// Generations start at 1, so 0 names nothing in a full table.
    #[test]
    fn cap_zero_names_nothing() {
        let mut table = table();
        let number = table.insert(1).unwrap();
        assert_eq!(number, CapabilityNumber::new(1, 0));
        assert_eq!(table.get(CapabilityNumber(0)), None);
        assert_eq!(table.get(CapabilityNumber::INVALID), None);
    }

    /// A slot whose last generation is used up is retired: it is never used again.
    #[test]
    fn cap_used_up_slots_retire() {
        let mut table = table();
        table.chunks[0][0] = Slot::Free {
            generation: u32::MAX,
            next: 1,
        };
        let last = table.insert(7).unwrap();
        assert_eq!(last.generation(), u32::MAX);
        assert_eq!(table.remove(last), Some(7));
        for _ in 1..CHUNK_SLOTS {
            assert_ne!(table.insert(8).unwrap().slot(), last.slot());
        }
        assert_eq!(table.insert(9), Err(9));
        assert_eq!(table.get(last), None);
    }

    /// A table grows a chunk at a time, never moves what is in it, and ends at its bound.
    #[test]
    fn cap_tables_grow_to_their_bound() {
        let mut table = Table::new();
        assert_eq!(table.insert(0), Err(0));
        let mut numbers = Vec::new();
        for value in 0..SLOTS_MAX {
            if table.needs_chunk(1) {
                table.grow().unwrap();
            }
            numbers.push(table.insert(value).unwrap());
        }
        assert_eq!(table.grow(), Err(Full));
        assert_eq!(table.n_used(), SLOTS_MAX);
        assert_eq!(table.n_chunks(), SLOTS_MAX / CHUNK_SLOTS);
        for (value, &number) in numbers.iter().enumerate() {
            assert_eq!(table.get(number), Some(&value));
        }
    }

    /// Taking a table apart yields everything in it once and leaves no chunk.
    #[test]
    fn cap_dismantling_yields_everything() {
        let mut table = Table::new();
        let mut expected = Vec::new();
        for value in 0..300_u32 {
            if table.needs_chunk(1) {
                table.grow().unwrap();
            }
            let number = table.insert(value).unwrap();
            if value % 3 == 0 {
                table.remove(number);
            } else {
                expected.push(value);
            }
        }
        let n_allocated = table.n_chunks();
        assert!(n_allocated > 1);
        let mut found = Vec::new();
        let mut n_chunks = 0;
        loop {
            match table.dismantle() {
                Dismantled::Value(value) => found.push(value),
                Dismantled::Chunk => n_chunks += 1,
                Dismantled::Nothing => break,
            }
        }
        assert_eq!(n_chunks, n_allocated);
        found.sort_unstable();
        assert_eq!(found, expected);
        assert_eq!((table.n_used(), table.n_chunks()), (0, 0));
    }

    /// Walking a table visits every used slot in the order of the slots.
    #[test]
    fn cap_walk_is_in_slot_order() {
        let mut table = table();
        let numbers: Vec<_> = (0..10).map(|v| table.insert(v).unwrap()).collect();
        table.remove(numbers[4]);
        let mut seen = Vec::new();
        let mut from = 0;
        while let Some((number, &value)) = table.next_used(from) {
            seen.push(value);
            from = number.slot() + 1;
        }
        assert_eq!(seen, [0, 1, 2, 3, 5, 6, 7, 8, 9]);
    }
}
