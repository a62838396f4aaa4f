//! Data that lies outside a lock and is reached only with the lock's key.
//!
//! The state of a node is under the lock of its owner, half of a handle's under its holder's and half under the lock of the
//! owner of its node (decision 0012). So the data lies in the objects, and the lock elsewhere: [`KeyedMutex::lock`] gives
//! out the one [`Key`] of that lock, and [`LockedBy::get`] compares it with the lock that the data names. A wrong key is a
//! mistake of this crate, never of a caller, and stops the program.

use core::cell::UnsafeCell;
use core::marker::PhantomData;

use crate::System;
use crate::sync::{Guard, Mutex};

use super::Ref;

/// The proof that a thread holds the lock at an address. There is one per held lock; it cannot be kept or sent elsewhere.
pub(crate) struct Key {
    lock: usize,
    _of_this_thread: PhantomData<*mut ()>,
}

/// A lock that also opens data lying elsewhere.
pub(crate) struct KeyedMutex<S, T> {
    inner: Mutex<S, T>,
}

/// The right to use what a keyed lock guards.
pub(crate) struct KeyedGuard<'a, S, T> {
    guard: Guard<'a, S, T>,
    key: Key,
}

impl<S: System, T> KeyedMutex<S, T> {
    pub(crate) fn new(value: T) -> KeyedMutex<S, T> {
        KeyedMutex {
            inner: Mutex::new(value),
        }
    }

    pub(crate) fn lock(&self) -> KeyedGuard<'_, S, T> {
        let guard = self.inner.lock();
        KeyedGuard {
            guard,
            key: Key {
                lock: self.address(),
                _of_this_thread: PhantomData,
            },
        }
    }

    fn address(&self) -> usize {
        core::ptr::from_ref(self).addr()
    }
}

impl<S, T> KeyedGuard<'_, S, T> {
    /// What lies in the lock, and the key to what lies elsewhere.
    pub(crate) fn parts(&mut self) -> (&mut T, &mut Key) {
        (&mut self.guard, &mut self.key)
    }
}

/// Something that names one lock for life.
///
/// # Safety
/// `lock_address` gives the address of the same [`KeyedMutex`] as long as the value exists, and keeps that lock alive and
/// unmoved.
pub(super) unsafe trait NamesLock {
    fn lock_address(&self) -> usize;
}

/// An object with a keyed lock in it.
///
/// # Safety
/// `keyed_lock` always gives the same field of the object.
pub(super) unsafe trait HasLock {
    type System: System;
    type State;
    fn keyed_lock(&self) -> &KeyedMutex<Self::System, Self::State>;
}

// SAFETY: the pointer keeps the object alive; the object is never moved, since `Ref::get_mut` is not used on objects with locks
// after their first clone, and the field is always the same.
unsafe impl<T: HasLock> NamesLock for Ref<T> {
    fn lock_address(&self) -> usize {
        self.keyed_lock().address()
    }
}

/// A `T` under the lock that `O` names.
pub(crate) struct LockedBy<O, T> {
    owner: O,
    value: UnsafeCell<T>,
}

// SAFETY: `&LockedBy` gives `&O`, and `&mut T` to one thread at a time: the one that holds the lock.
unsafe impl<O: Sync, T: Send> Sync for LockedBy<O, T> {}

impl<O, T> LockedBy<O, T> {
    pub(crate) fn new(owner: O, value: T) -> LockedBy<O, T> {
        LockedBy {
            owner,
            value: UnsafeCell::new(value),
        }
    }

    /// What names the lock.
    pub(crate) fn owner(&self) -> &O {
        &self.owner
    }

    /// The value, for the only one that has the object at all.
    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

#[expect(
    private_bounds,
    reason = "which objects name a lock is decided in this directory"
)]
impl<O: NamesLock, T> LockedBy<O, T> {
    /// The value, for the holder of the lock.
    #[inline]
    pub(crate) fn get<'a>(&'a self, key: &'a mut Key) -> &'a mut T {
        assert!(
            key.lock == self.owner.lock_address(),
            "state of an object was reached for under the lock of another"
        );
        // SAFETY: (1) the key proves that this thread holds the lock which guards the value, so no other thread has a
        // reference to it. (2) The key is borrowed as long as the reference lives and there is one key per held lock, so this
        // thread has no other reference to it.
        unsafe { &mut *self.value.get() }
    }
}
