//! Threads of loom: every order in which they take locks and touch atomics is tried, up to a bound.

use std::sync::atomic::AtomicBool;

/// A thread that does not find what it waits for ends: in another order it finds it.
pub(crate) const TRIES: usize = 1;

/// A flag in memory that threads share beside the core.
pub(crate) type Flag = loom::sync::atomic::AtomicBool;

/// Takes somebody who waits at a peer. There are as many as are asked for: from the step of the core that gives one of them his message until
/// that is on the record nothing else runs, so the record is in the order of the core.
pub(crate) fn take(_is_taken: &AtomicBool) -> bool {
    true
}

/// Lets another thread go on.
pub(crate) fn pause() {
    loom::thread::yield_now();
}

/// Runs all of them at the same time, to the end; the first one here.
pub(crate) fn in_parallel(threads: Vec<Box<dyn FnOnce() + Send>>) {
    let mut threads = threads.into_iter();
    let first = threads.next();
    let others: Vec<_> = threads.map(loom::thread::spawn).collect();
    if let Some(first) = first {
        first();
    }
    for other in others {
        other.join().expect("a thread of the test failed");
    }
}
