//! Counts of an object for pointers that are still to be made.

use core::mem::ManuallyDrop;
use core::ops::Deref;

use crate::{Kind, Ref};

/// A pointer to an object, and counts for more of them: whoever is about to make many counts once.
pub struct Stock<T, K: Kind> {
    object: Ref<T, K>,
    n_counts: usize,
}

impl<T, K: Kind> Stock<T, K> {
    /// `object`, without further counts.
    #[must_use]
    pub fn new(object: Ref<T, K>) -> Self {
        Self {
            object,
            n_counts: 0,
        }
    }

    /// `object` and counts that its users have given up for the stock.
    ///
    /// # Safety
    /// The caller owns `n_counts` counts of the object that no pointer stands for.
    #[must_use]
    pub unsafe fn with_counts(object: Ref<T, K>, n_counts: usize) -> Self {
        Self { object, n_counts }
    }

    /// Takes `n` counts more, all at once.
    pub fn fill_up(&mut self, n: usize) {
        if n > 0 {
            self.object.take_counts(n);
            self.n_counts = self.n_counts.saturating_add(n);
        }
    }

    /// A pointer to the object: from the stock, as long as that lasts.
    #[inline]
    #[must_use]
    pub fn take(&mut self) -> Ref<T, K> {
        match self.n_counts.checked_sub(1) {
            Some(n_counts) => {
                self.n_counts = n_counts;
                // SAFETY: this value owned one count more, and no pointer stood for it.
                unsafe { Ref::from_raw(self.object.as_raw()) }
            }
            None => self.object.clone(),
        }
    }

    /// The pointer to the object itself. It is the only one as long as no other was made.
    pub fn object_mut(&mut self) -> &mut Ref<T, K> {
        &mut self.object
    }

    /// The pointer; counts that are left are given back.
    #[inline]
    #[must_use]
    pub fn into_one(self) -> Ref<T, K> {
        let mut stock = ManuallyDrop::new(self);
        stock.give_back();
        // SAFETY: the pointer is moved out of a value that is never dropped.
        unsafe { core::ptr::read(&stock.object) }
    }

    #[inline]
    fn give_back(&mut self) {
        if self.n_counts > 0 {
            // SAFETY: this value owns so many counts beside its pointer.
            unsafe { self.object.give_counts(self.n_counts) };
            self.n_counts = 0;
        }
    }
}

impl<T, K: Kind> Deref for Stock<T, K> {
    type Target = Ref<T, K>;

    #[inline]
    fn deref(&self) -> &Ref<T, K> {
        &self.object
    }
}

impl<T, K: Kind> Drop for Stock<T, K> {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl<T, K: Kind> IntoIterator for Stock<T, K> {
    type Item = Ref<T, K>;
    type IntoIter = Pointers<T, K>;

    #[inline]
    fn into_iter(self) -> Pointers<T, K> {
        let stock = ManuallyDrop::new(self);
        Pointers {
            // SAFETY: the pointer is moved out of a value that is never dropped.
            object: ManuallyDrop::new(unsafe { core::ptr::read(&stock.object) }),
            n_left: stock.n_counts.saturating_add(1),
        }
    }
}

/// The pointers of a stock: the one to the object itself, and one for each count.
pub struct Pointers<T, K: Kind> {
    /// Counted as long as any are left.
    object: ManuallyDrop<Ref<T, K>>,
    n_left: usize,
}

impl<T, K: Kind> Iterator for Pointers<T, K> {
    type Item = Ref<T, K>;

    #[inline]
    fn next(&mut self) -> Option<Ref<T, K>> {
        self.n_left = self.n_left.checked_sub(1)?;
        // SAFETY: this value owned a count more, and no pointer stood for it.
        Some(unsafe { Ref::from_raw(self.object.as_raw()) })
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.n_left, Some(self.n_left))
    }
}

impl<T, K: Kind> ExactSizeIterator for Pointers<T, K> {}

impl<T, K: Kind> Drop for Pointers<T, K> {
    #[inline]
    fn drop(&mut self) {
        if let Some(last) = self.next()
            && self.n_left > 0
        {
            // SAFETY: this value owns so many counts beside that of `last`.
            unsafe { last.give_counts(self.n_left) };
        }
    }
}
