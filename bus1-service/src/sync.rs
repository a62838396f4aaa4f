//! The one place where locks and atomics come from, so that a model checker can take them over.
//!
//! Locks are granted in order of arrival (ORD-6). Rules for their use: one lock at a time, ever; no allocation, no callback and
//! no dropping of a last reference to an account under one; a section is of bounded length.

#[cfg(feature = "loom")]
use loom::sync as imp;
#[cfg(feature = "shuttle")]
use shuttle::sync as imp;

#[cfg(not(any(feature = "loom", feature = "shuttle")))]
use core::sync as imp;

pub(crate) use imp::atomic::{AtomicU64, Ordering};

/// A lock that is granted in order of arrival.
pub(crate) struct Mutex<T> {
    #[cfg(not(any(feature = "loom", feature = "shuttle")))]
    inner: spin::mutex::TicketMutex<T>,
    #[cfg(any(feature = "loom", feature = "shuttle"))]
    inner: imp::Mutex<T>,
}

/// The right to use what the lock guards.
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
pub(crate) type Guard<'a, T> = spin::mutex::TicketMutexGuard<'a, T>;
/// The right to use what the lock guards.
#[cfg(any(feature = "loom", feature = "shuttle"))]
pub(crate) type Guard<'a, T> = imp::MutexGuard<'a, T>;

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Mutex<T> {
        #[cfg(not(any(feature = "loom", feature = "shuttle")))]
        return Mutex {
            inner: spin::mutex::TicketMutex::new(value),
        };
        #[cfg(any(feature = "loom", feature = "shuttle"))]
        return Mutex {
            inner: imp::Mutex::new(value),
        };
    }

    pub(crate) fn lock(&self) -> Guard<'_, T> {
        record(core::ptr::from_ref(self).addr());
        #[cfg(not(any(feature = "loom", feature = "shuttle")))]
        return self.inner.lock();
        // A poisoned lock means that a checker's thread has panicked: the state is looked at no more.
        #[cfg(any(feature = "loom", feature = "shuttle"))]
        return self
            .inner
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
    }
}

/// Lets another thread go on, while waiting for one that is half-way.
pub(crate) fn relax() {
    #[cfg(feature = "loom")]
    loom::thread::yield_now();
    #[cfg(feature = "shuttle")]
    shuttle::thread::yield_now();
    #[cfg(not(any(feature = "loom", feature = "shuttle")))]
    core::hint::spin_loop();
}

/// Tells the test build that a lock or an atomic at this address is about to be written (ORD-7).
#[inline(always)]
pub(crate) fn record(_address: usize) {
    #[cfg(feature = "record")]
    crate::record::note(_address);
}
