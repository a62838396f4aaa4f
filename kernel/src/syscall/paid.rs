//! Who pays for the memory that a call keeps from one batch to the next.
//!
//! What a call keeps beyond its fixed parts are lists, as long as the arrays that it was given. A thread makes one call at a time, and what
//! a thread costs covers [`CALL_BYTES`] of lists, so that ordinary calls pay nothing and `wait` never does. The lists of a longer
//! call are paid for in frames by the calling task, before they are taken and until the call is over.
//!
//! `EDQUOT` comes late in the order of errors (SND-5, TRA-4), but the lists are taken before: a call that is refused here looks
//! its ids up without a list, to see whether one of them is the first cause.

use omnibus_abi::Errno;
use omnibus_abi::layout::PAGE_BYTES;

use crate::mm::slab::block_bytes;
use crate::service::{self, Charge};
use crate::task::thread::{CALL_BYTES, Thread};

/// The memory is paid for as long as this lives.
#[derive(Default)]
pub struct Paid(#[expect(dead_code, reason = "gives the charge back when dropped")] Option<Charge>);

/// Pays for lists of so many bytes each.
///
/// # Errors
/// `EDQUOT`, `ENOMEM`.
pub fn pay<const N: usize>(thread: &Thread, lists: [usize; N]) -> Result<Paid, Errno> {
    match n_frames(&lists) {
        0 => Ok(Paid(None)),
        n_frames => Ok(Paid(Some(thread.task.charge(service::frames(n_frames))?))),
    }
}

/// Frames to be paid for lists of so many bytes each.
fn n_frames(lists: &[usize]) -> u64 {
    let n_bytes: usize = lists.iter().map(|&n_bytes| block_bytes(n_bytes)).sum();
    if n_bytes <= CALL_BYTES {
        return 0;
    }
    (n_bytes as u64).div_ceil(PAGE_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lists that fit what the thread costs are free; beyond, all of their blocks are paid for, rounded up to frames.
    #[test]
    fn long_lists_are_paid_for_in_frames() {
        assert_eq!(n_frames(&[]), 0);
        assert_eq!(n_frames(&[0, 4032, 2016]), 0);
        assert_eq!(n_frames(&[0, 4032, 2017]), 2);
        assert_eq!(n_frames(&[4097]), 2);
        assert_eq!(n_frames(&[4096, 4096, 1]), 3);
    }
}
