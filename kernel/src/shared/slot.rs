//! A place for one counted pointer, filled and emptied without a lock.
//!
//! Whoever takes the pointer out owns its count, and nobody else gets it.

use core::marker::PhantomData;
use core::ptr::{NonNull, null_mut};
use core::sync::atomic::{AtomicPtr, Ordering};

use super::Ref;

/// See the module's documentation.
pub struct Slot<T> {
    raw: AtomicPtr<()>,
    _content: PhantomData<Ref<T>>,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Slot<T> {
    /// Empty.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            raw: AtomicPtr::new(null_mut()),
            _content: PhantomData,
        }
    }

    /// Puts `content` in; false, with nothing changed, if something is there.
    #[inline]
    pub fn put(&self, content: &Ref<T>) -> bool {
        let raw = content.clone().into_raw();
        let put = self.raw.compare_exchange(
            null_mut(),
            raw.as_ptr(),
            Ordering::AcqRel,
            Ordering::Relaxed,
        );
        if put.is_err() {
            // SAFETY: it came from `into_raw` just now, and nobody else has it.
            drop(unsafe { Ref::<T>::from_raw(raw) });
        }
        put.is_ok()
    }

    /// Puts `content` into an empty slot that nobody else fills. Otherwise the count of what was there is lost, and nothing worse.
    #[inline(always)]
    pub fn fill(&self, content: Ref<T>) {
        self.raw
            .store(content.into_raw().as_ptr(), Ordering::Release);
    }

    /// Takes what is in it.
    #[inline]
    pub fn take(&self) -> Option<Ref<T>> {
        let raw = NonNull::new(self.raw.swap(null_mut(), Ordering::AcqRel))?;
        // SAFETY: `put` took it from `into_raw` of the same `T`, and the exchange gave it to this caller alone.
        Some(unsafe { Ref::from_raw(raw) })
    }

    /// Takes `content` out, if that is what is in it.
    #[inline]
    pub fn take_back(&self, content: &Ref<T>) {
        let raw = content.as_raw();
        let taken = self.raw.compare_exchange(
            raw.as_ptr(),
            null_mut(),
            Ordering::AcqRel,
            Ordering::Relaxed,
        );
        if taken.is_ok() {
            // SAFETY: as in `take`.
            drop(unsafe { Ref::<T>::from_raw(raw) });
        }
    }
}

impl<T> Drop for Slot<T> {
    fn drop(&mut self) {
        drop(self.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

    /// A slot holds one count, gives it to one taker, and gives it back when it is dropped.
    #[test]
    fn shared_slots_hold_one_count() {
        let witness = Rc::new(());
        let make = || Ref::try_new(witness.clone()).unwrap_or_else(|_| unreachable!());
        let (first, second) = (make(), make());
        let slot = Slot::new();
        assert!(slot.put(&first) && !slot.put(&second));
        slot.take_back(&second);
        assert!(slot.take().is_some_and(|content| content.ptr_eq(&first)));
        assert!(slot.take().is_none() && slot.put(&second));
        slot.take_back(&second);
        assert!(slot.take().is_none() && slot.put(&second));
        drop((first, second));
        assert_eq!(Rc::strong_count(&witness), 2);
        drop(slot);
        assert_eq!(Rc::strong_count(&witness), 1);
    }
}
