//! Of the kernel that is built to be broken (feature `sabotage`): one queue puts messages with several receivers, those that
//! carry no handles, in an order of its own, so that the tour can show that it notices. The only global state of the crate, and of that build alone.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

static IS_BROKEN: AtomicBool = AtomicBool::new(false);

/// Address of the queue that breaks the order; 0 before the first message with several receivers.
static VICTIM: AtomicUsize = AtomicUsize::new(0);

/// Breaks ORD-4 from here on.
pub fn break_order() {
    IS_BROKEN.store(true, Ordering::Relaxed);
}

/// Whether the queue at this address puts what comes last first. The first one that is asked is the one.
pub(crate) fn is_last_first(queue: usize) -> bool {
    if !IS_BROKEN.load(Ordering::Relaxed) {
        return false;
    }
    let chosen = VICTIM.compare_exchange(0, queue, Ordering::Relaxed, Ordering::Relaxed);
    chosen.map_or_else(|victim| victim == queue, |_| true)
}
