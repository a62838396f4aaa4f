//! The one place where locks and atomics come from, so that a model checker can take them over.
//!
//! Locks are granted in order of arrival (ORD-6). Rules for their use: who holds one waits for no other, but may try others, three at most; no
//! allocation, no callback and no dropping of a last reference to an account under one; a section is of bounded length.

use core::marker::PhantomData;

use crate::System;

#[cfg(feature = "loom")]
use loom::sync as imp;
#[cfg(feature = "shuttle")]
use shuttle::sync as imp;

#[cfg(not(any(feature = "loom", feature = "shuttle")))]
use core::sync as imp;

pub(crate) use imp::atomic::{AtomicU64, Ordering};

/// Tries of a held lock between two times that another thread is let run ([`System::N_TRIES_BEFORE_LINE`]).
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
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
                if n_tries % N_SPINS == N_SPINS - 1 {
                    S::relax();
                } else {
                    core::hint::spin_loop();
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
