//! Of the test build (feature `record`): the addresses of the locks, atomics and counts that a thread writes (ORD-7).

use std::cell::RefCell;
use std::collections::BTreeSet;

std::thread_local! {
    static WRITTEN: RefCell<Option<BTreeSet<usize>>> = const { RefCell::new(None) };
}

/// Does `work` and returns the addresses of all that it wrote and others may write: locks, words of transactions, counts.
pub fn written(work: impl FnOnce()) -> BTreeSet<usize> {
    WRITTEN.with(|written| written.replace(Some(BTreeSet::new())));
    work();
    WRITTEN.with(RefCell::take).unwrap_or_default()
}

pub(crate) fn note(address: usize) {
    WRITTEN.with(|written| {
        if let Ok(mut written) = written.try_borrow_mut()
            && let Some(written) = written.as_mut()
        {
            written.insert(address);
        }
    });
}
