//! Threads of shuttle: schedules are chosen at random.

use std::sync::atomic::{AtomicBool, Ordering};

/// How often a thread looks before it gives up waiting.
pub(crate) const TRIES: usize = 4;

/// A flag in memory that threads share beside the core.
pub(crate) type Flag = shuttle::sync::atomic::AtomicBool;

/// Takes who waits at a peer, if he is not taken already.
pub(crate) fn take(is_taken: &AtomicBool) -> bool {
    !is_taken.swap(true, Ordering::AcqRel)
}

/// Lets another thread go on.
pub(crate) fn pause() {
    shuttle::thread::yield_now();
}

/// Runs all of them at the same time, to the end.
pub(crate) fn in_parallel(threads: Vec<Box<dyn FnOnce() + Send>>) {
    let threads: Vec<_> = threads.into_iter().map(shuttle::thread::spawn).collect();
    for thread in threads {
        thread.join().expect("a thread of the test failed");
    }
}
