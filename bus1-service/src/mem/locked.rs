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

use super::{Block, Ref};

/// The proof that a thread holds the lock at an address. There is one per held lock; it cannot be kept or sent elsewhere.
pub(crate) struct Key {
    lock: usize,
    _of_this_thread: PhantomData<*mut ()>,
}

impl Key {
    /// Ends the program if this is not the key of the lock at `address`.
    #[inline(always)]
    fn check(&self, address: usize) {
        assert!(
            self.lock == address,
            "state of an object was reached for under the lock of another"
        );
    }
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

    #[inline]
    pub(crate) fn lock(&self) -> KeyedGuard<'_, S, T> {
        self.keyed(self.inner.lock())
    }

    /// The lock, if it is free and nobody stands in line for it.
    #[inline(always)]
    pub(crate) fn try_lock(&self) -> Option<KeyedGuard<'_, S, T>> {
        Some(self.keyed(self.inner.try_lock()?))
    }

    #[inline(always)]
    fn keyed<'a>(&self, guard: Guard<'a, S, T>) -> KeyedGuard<'a, S, T> {
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
    #[inline]
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

/// An object that names a second lock, with a value under it.
///
/// # Safety
/// `second_lock_address` as [`NamesLock::lock_address`]; `under_second` always gives the same field of the object, and no other
/// implementation gives it.
pub(crate) unsafe trait NamesTwo {
    type Value;
    fn second_lock_address(&self) -> usize;
    fn under_second(&self) -> &LockedToo<Self::Value>;
}

/// A value under the second lock of the object it lies in.
pub(crate) struct LockedToo<T> {
    value: UnsafeCell<T>,
}

// SAFETY: `&LockedToo` gives nothing by itself; `under_second_lock` gives `&mut T` to one thread at a time.
unsafe impl<T: Send> Sync for LockedToo<T> {}

impl<T> LockedToo<T> {
    pub(crate) fn new(value: T) -> LockedToo<T> {
        LockedToo {
            value: UnsafeCell::new(value),
        }
    }
}

/// What an object has under its second lock, for the holder of that lock.
#[inline]
pub(crate) fn under_second_lock<'a, O: NamesTwo>(
    object: &'a O,
    key: &'a mut Key,
) -> &'a mut O::Value {
    key.check(object.second_lock_address());
    // SAFETY: as in [`LockedBy::get`].
    unsafe { &mut *object.under_second().value.get() }
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
unsafe impl<T: HasLock + Block> NamesLock for Ref<T> {
    #[inline]
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

    /// What named the lock.
    #[inline(always)]
    pub(crate) fn into_owner(self) -> O {
        self.owner
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
        key.check(self.owner.lock_address());
        // SAFETY: (1) the key proves that this thread holds the lock which guards the value, so no other thread has a
        // reference to it. (2) The key is borrowed as long as the reference lives and there is one key per held lock, so this
        // thread has no other reference to it.
        unsafe { &mut *self.value.get() }
    }

    /// The value and that of another object under the same lock, both at once.
    #[inline(always)]
    pub(crate) fn get_with<'a, P: NamesLock, U>(
        &'a self,
        other: &'a LockedBy<P, U>,
        key: &'a mut Key,
    ) -> (&'a mut T, &'a mut U) {
        let (value, beside) = (self.value.get(), other.value.get());
        assert!(value.addr() != beside.addr(), "two states overlap");
        key.check(self.owner.lock_address());
        key.check(other.owner.lock_address());
        // SAFETY: as in `get`, for each, and one key lends both. The values do not overlap: they are not the same, and if one lay in the
        // other, the way to it would have led through `get` of that other, with the key, which is here.
        unsafe { (&mut *value, &mut *beside) }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use super::*;

    pub(in crate::mem) struct Host;

    impl System for Host {
        type Watch = ();
        type Object = core::convert::Infallible;
        type Amounts = [u64; 2];
    }

    /// A lock of the test's own.
    pub(in crate::mem) struct Owner(pub(in crate::mem) Arc<KeyedMutex<Host, ()>>);

    // SAFETY: the counted pointer is never changed, and keeps the lock where it is.
    unsafe impl NamesLock for Owner {
        fn lock_address(&self) -> usize {
            self.0.address()
        }
    }

    /// What is under one lock is opened by the key of that lock, and the program ends before another's opens it.
    #[test]
    #[should_panic(expected = "under the lock of another")]
    fn a_key_opens_what_its_own_lock_guards() {
        let [own, other] = [(); 2].map(|()| Arc::new(KeyedMutex::new(())));
        let state = LockedBy::new(Owner(own.clone()), 7);
        assert_eq!(*state.get(own.lock().parts().1), 7);
        let _ = state.get(other.lock().parts().1);
    }

    /// A free lock is given out at once, with its key; one that is held is not waited for.
    #[test]
    fn a_lock_is_tried_once() {
        let lock = Arc::new(KeyedMutex::new(()));
        let state = LockedBy::new(Owner(lock.clone()), 7);
        let mut guard = lock.try_lock().expect("it is free");
        assert_eq!(*state.get(guard.parts().1), 7);
        assert!(lock.try_lock().is_none());
        drop(guard);
        assert!(lock.try_lock().is_some());
    }
}
