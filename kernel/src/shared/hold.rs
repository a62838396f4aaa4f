//! A hold keeps an object in use, as capabilities and messages do; other pointers to it do not. With the last hold the use ends.

use core::ops::Deref;
use core::sync::atomic::{AtomicU64, Ordering};

use super::Ref;

/// How many hold an object; part of the object.
#[derive(Debug)]
pub struct Holds(AtomicU64);

impl Holds {
    /// One: to be put in a [`Hold`] at once.
    #[must_use]
    pub const fn one() -> Self {
        Self(AtomicU64::new(1))
    }

    /// How many hold it now.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// An object whose use ends with its last hold.
pub trait Held: Sized {
    /// Where its holds are counted.
    fn holds(&self) -> &Holds;

    /// The last hold is gone. Called once, without any lock.
    fn end(object: &Ref<Self>);
}

/// See the module's documentation.
pub struct Hold<T: Held>(Ref<T>);

impl<T: Held> Hold<T> {
    /// The first hold of an object that was just made, with [`Holds::one`].
    #[must_use]
    pub fn first(object: Ref<T>) -> Self {
        Self(object)
    }
}

impl<T: Held> Deref for Hold<T> {
    type Target = Ref<T>;

    fn deref(&self) -> &Ref<T> {
        &self.0
    }
}

impl<T: Held> Clone for Hold<T> {
    fn clone(&self) -> Self {
        self.0.holds().0.fetch_add(1, Ordering::Relaxed);
        Self(self.0.clone())
    }
}

impl<T: Held> Drop for Hold<T> {
    fn drop(&mut self) {
        if self.0.holds().0.fetch_sub(1, Ordering::AcqRel) == 1 {
            T::end(&self.0);
        }
    }
}
