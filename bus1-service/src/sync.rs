//! The one place where locks and atomics come from, so that a model checker can take them over.
//!
//! Locks are granted in order of arrival (ORD-6). Rules for their use: who holds one waits for no other, but may try others, three at most; no
//! allocation, no callback and no dropping of a last reference to an account under one; a section is of bounded length.

use core::marker::PhantomData;
use core::ops::Range;

use crate::System;

#[cfg(feature = "loom")]
use loom::sync as imp;
#[cfg(feature = "shuttle")]
use shuttle::sync as imp;

#[cfg(not(any(feature = "loom", feature = "shuttle")))]
use core::sync as imp;

pub(crate) use imp::atomic::{AtomicU64, Ordering};

/// Tries of a lock with a short wait behind each; who holds it still after them may have been preempted. For a checker a wait is no longer than
/// any step, and one more try is as good as many; loom would try every order of it.
const N_SHORT_WAITS: u32 = if cfg!(feature = "loom") {
    0
} else if cfg!(feature = "shuttle") {
    1
} else {
    6
};
/// Turns of a short wait. Whoever has the lock does many things meanwhile, and what it guards stays in the caches of one processor
/// (docs/performance.md has what other lengths came to).
const N_SPINS: u32 = 128;

/// A lock that is granted in order of arrival.
pub(crate) struct Mutex<S, T> {
    #[cfg(not(any(feature = "loom", feature = "shuttle")))]
    inner: spin::mutex::TicketMutex<T, Relax<S>>,
    #[cfg(any(feature = "loom", feature = "shuttle"))]
    inner: imp::Mutex<T>,
    _system: PhantomData<fn() -> S>,
}

/// Waits as the embedding system says.
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
pub(crate) struct Relax<S>(PhantomData<fn() -> S>);

#[cfg(not(any(feature = "loom", feature = "shuttle")))]
impl<S: System> spin::RelaxStrategy for Relax<S> {
    fn relax() {
        S::relax();
    }
}

/// The right to use what the lock guards.
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
pub(crate) type Guard<'a, S, T> = spin::mutex::TicketMutexGuard<'a, T, Relax<S>>;
/// The right to use what the lock guards.
#[cfg(any(feature = "loom", feature = "shuttle"))]
pub(crate) struct Guard<'a, S, T>(imp::MutexGuard<'a, T>, PhantomData<S>);

#[cfg(any(feature = "loom", feature = "shuttle"))]
impl<S, T> core::ops::Deref for Guard<'_, S, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
impl<S, T> core::ops::DerefMut for Guard<'_, S, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<S: System, T> Mutex<S, T> {
    pub(crate) fn new(value: T) -> Mutex<S, T> {
        #[cfg(not(any(feature = "loom", feature = "shuttle")))]
        let inner = spin::mutex::TicketMutex::new(value);
        #[cfg(any(feature = "loom", feature = "shuttle"))]
        let inner = imp::Mutex::new(value);
        Mutex {
            inner,
            _system: PhantomData,
        }
    }

    /// The lock, if it is free and nobody stands in line: it is not waited for, and nobody is overtaken.
    #[inline(always)]
    pub(crate) fn try_lock(&self) -> Option<Guard<'_, S, T>> {
        record(core::ptr::from_ref(self).addr());
        #[cfg(not(any(feature = "loom", feature = "shuttle")))]
        return self.inner.try_lock();
        #[cfg(any(feature = "loom", feature = "shuttle"))]
        self.inner
            .try_lock()
            .ok()
            .map(|guard| Guard(guard, PhantomData))
    }

    pub(crate) fn lock(&self) -> Guard<'_, S, T> {
        record(core::ptr::from_ref(self).addr());
        #[cfg(not(any(feature = "loom", feature = "shuttle")))]
        {
            for n_tries in 0..S::N_TRIES_BEFORE_LINE {
                if let Some(guard) = self.inner.try_lock() {
                    return guard;
                }
                if short_waits().contains(&n_tries) {
                    wait_shortly();
                } else {
                    S::relax();
                }
            }
            self.inner.lock()
        }
        // A poisoned lock means that a checker's thread has panicked: the state is looked at no more.
        #[cfg(any(feature = "loom", feature = "shuttle"))]
        Guard(
            self.inner
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
            PhantomData,
        )
    }
}

/// Why what is done only while all locks for it are free was not done. Nothing has happened.
#[derive(Clone, Copy)]
pub(crate) enum Missed {
    /// A lock is another's for now.
    Held,
    /// It needs more than what is done so.
    Unusual,
}

/// The numbers of the tries behind which [`wait_shortly`] is for.
pub(crate) fn short_waits() -> Range<u32> {
    0..N_SHORT_WAITS
}

/// Waits before one more try of a lock that another has, with no lock held.
pub(crate) fn wait_shortly() {
    (0..N_SPINS).for_each(|_| core::hint::spin_loop());
}

/// Lets another thread go on, while waiting for one that is half-way.
pub(crate) fn relax<S: System>() {
    let _: PhantomData<S> = PhantomData;
    #[cfg(feature = "loom")]
    loom::thread::yield_now();
    #[cfg(feature = "shuttle")]
    shuttle::thread::yield_now();
    #[cfg(not(any(feature = "loom", feature = "shuttle")))]
    S::relax();
}

/// Tells the test build that a lock or an atomic at this address is about to be written (ORD-7).
#[inline(always)]
pub(crate) fn record(_address: usize) {
    #[cfg(feature = "record")]
    crate::record::note(_address);
}
