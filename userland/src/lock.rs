//! A lock between threads of one task, which run one at a time or in parallel but always at one
//! priority: a thread that has to wait lets the others run.

use core::cell::UnsafeCell;
use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicBool, Ordering};

/// Mutual exclusion. Unlike std's it knows no poisoning: a panic ends the task.
pub struct Mutex<T: ?Sized> {
    is_locked: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached only through a guard, and there is one guard at a time.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}

impl<T> Mutex<T> {
    /// An open lock around `value`.
    pub const fn new(value: T) -> Self {
        Self {
            is_locked: AtomicBool::new(false),
            value: UnsafeCell::new(value),
        }
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Waits until nobody else holds the lock, and takes it.
    pub fn lock(&self) -> Guard<'_, T> {
        while self.is_locked.swap(true, Ordering::Acquire) {
            crate::calls::yield_now();
        }
        Guard(self)
    }
}

/// Holds a [`Mutex`] until dropped.
pub struct Guard<'a, T: ?Sized>(&'a Mutex<T>);

impl<T: ?Sized> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard is the only one.
        unsafe { &*self.0.value.get() }
    }
}

impl<T: ?Sized> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard is the only one, and borrowed mutably.
        unsafe { &mut *self.0.value.get() }
    }
}

impl<T: ?Sized> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        self.0.is_locked.store(false, Ordering::Release);
    }
}
