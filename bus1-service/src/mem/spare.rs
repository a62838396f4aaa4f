//! Counts of an object that lie ready: what is given out and taken back under a lock needs no atomic operation.
//!
//! A [`Spare`] is part of what is locked, often of the object itself, which it keeps alive: who ends the object's use drains it.

use core::marker::PhantomData;

use super::Key;
use super::counted::{Block, Ref, Stock, from_address, into_address};

/// Counts of one object at a time.
pub(crate) struct Spare<T: Block> {
    /// The address of the object, if there are any.
    address: usize,
    n_counts: usize,
    _owns: PhantomData<fn() -> Ref<T>>,
}

impl<T: Block> Spare<T> {
    pub(crate) const fn new() -> Spare<T> {
        Spare {
            address: 0,
            n_counts: 0,
            _owns: PhantomData,
        }
    }

    /// A pointer to `object`.
    #[inline]
    pub(crate) fn take(&mut self, object: &Ref<T>) -> Ref<T> {
        if self.n_counts == 0 || self.address != object.address() {
            return object.clone();
        }
        self.n_counts = self.n_counts.saturating_sub(1);
        // SAFETY: a count of this object was given up to this value, and is taken back by lowering the number.
        unsafe { from_address(self.address) }
    }

    /// `n` pointers to `object`, at least one.
    #[inline]
    pub(crate) fn take_stock(&mut self, object: &Ref<T>, n: usize) -> Stock<T> {
        let first = self.take(object);
        let n_more = n.saturating_sub(1);
        let n_ready = if self.address == object.address() {
            self.n_counts.min(n_more)
        } else {
            0
        };
        self.n_counts = self.n_counts.saturating_sub(n_ready);
        // SAFETY: as in `take`.
        let mut stock = unsafe { Stock::<T>::with_counts(first, n_ready) };
        stock.fill_up(n_more.saturating_sub(n_ready));
        stock
    }

    /// Takes `pointer` back into the spare counts that `place` finds with its key. Gives it back if there are none, or those are of another
    /// object.
    #[inline(always)]
    #[must_use]
    pub(crate) fn give(
        pointer: Ref<T>,
        key: &mut Key,
        place: for<'a> fn(&'a T, &'a mut Key) -> Option<&'a mut Spare<T>>,
    ) -> Option<Ref<T>> {
        match place(&pointer, key) {
            Some(spare) if spare.n_counts == 0 || spare.address == pointer.address() => {
                spare.address = pointer.address();
                spare.n_counts = spare.n_counts.saturating_add(1);
                let _ = into_address(pointer);
                None
            }
            _ => Some(pointer),
        }
    }

    /// Keeps `pointer` for the next; gives one back that is not kept, to be dropped outside the lock, if there is one of another object.
    #[inline(always)]
    #[must_use]
    pub(crate) fn keep(&mut self, pointer: Ref<T>) -> Option<Ref<T>> {
        if self.n_counts == 0 || self.address == pointer.address() {
            self.n_counts = self.n_counts.saturating_add(1);
            self.address = into_address(pointer);
            return None;
        }
        Some(self.keep_instead(pointer))
    }

    /// What was used last is kept.
    #[inline(never)]
    fn keep_instead(&mut self, pointer: Ref<T>) -> Ref<T> {
        if self.n_counts > 1 {
            return pointer;
        }
        let before = core::mem::replace(&mut self.address, into_address(pointer));
        // SAFETY: as in `take`: it was the only count of that object, and is not kept any more.
        unsafe { from_address(before) }
    }

    /// Lets go of those of `object`, which ends its use.
    pub(crate) fn forget(&mut self, object: &Ref<T>) {
        if self.address == object.address() {
            self.drain();
        }
    }

    /// Lets go of all. Called where somebody else has a pointer to the object still.
    pub(crate) fn drain(&mut self) {
        if self.n_counts > 0 {
            let n_others = self.n_counts.saturating_sub(1);
            self.n_counts = 0;
            // SAFETY: as in `take`; the others were given up too.
            drop(unsafe { Stock::<T>::with_counts(from_address::<T>(self.address), n_others) });
        }
    }
}

#[cfg(test)]
mod tests;
