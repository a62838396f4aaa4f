//! Real threads.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

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

/// Whose turn it is to be made last.
static TURN: AtomicUsize = AtomicUsize::new(0);

/// Runs all of them at the same time, to the end. They take turns at being made last, for who comes last to the barrier is
/// the first to leave it.
pub(crate) fn in_parallel(mut threads: Vec<Box<dyn FnOnce() + Send>>) {
    let turn = TURN.fetch_add(1, Ordering::Relaxed) % threads.len().max(1);
    threads.rotate_left(turn);
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
