//! Of the test build (feature `record`): the addresses of the locks, atomics and counts that a thread writes (ORD-7).

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

std::thread_local! {
    static WRITTEN: RefCell<Option<BTreeSet<usize>>> = const { RefCell::new(None) };
    static N_NOTED: Cell<u64> = const { Cell::new(0) };
}

/// Does `work` and returns the addresses of all that it wrote and others may write: locks, words of transactions, counts.
pub fn written(work: impl FnOnce()) -> BTreeSet<usize> {
    WRITTEN.with(|written| written.replace(Some(BTreeSet::new())));
    work();
    WRITTEN.with(RefCell::take).unwrap_or_default()
}

/// Does `work` and returns how many atomic operations it did that write: on locks, words of transactions, counts.
pub fn count(work: impl FnOnce()) -> u64 {
    let n_before = N_NOTED.get();
    work();
    N_NOTED.get().saturating_sub(n_before)
}

pub(crate) fn note(address: usize) {
    N_NOTED.set(N_NOTED.get().saturating_add(1));
    WRITTEN.with(|written| {
        if let Ok(mut written) = written.try_borrow_mut()
            && let Some(written) = written.as_mut()
        {
            written.insert(address);
        }
    });
}
