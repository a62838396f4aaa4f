//! Real threads.

use std::sync::atomic::{AtomicBool, Ordering};

/// How often a thread looks before it gives up waiting.
pub(crate) const TRIES: usize = 100_000;

/// A flag in memory that threads share beside the core.
pub(crate) type Flag = std::sync::atomic::AtomicBool;

/// Takes who waits at a peer, if he is not taken already.
pub(crate) fn take(is_taken: &AtomicBool) -> bool {
    !is_taken.swap(true, Ordering::AcqRel)
}

/// Lets another thread go on.
pub(crate) fn pause() {
    std::thread::yield_now();
}

/// Runs all of them at the same time, to the end.
pub(crate) fn in_parallel(threads: Vec<Box<dyn FnOnce() + Send>>) {
    let barrier = std::sync::Barrier::new(threads.len());
    std::thread::scope(|scope| {
        for (number, thread) in threads.into_iter().enumerate() {
            let barrier = &barrier;
            scope.spawn(move || {
                crate::before_thread(number);
                barrier.wait();
                thread();
            });
        }
    });
}
