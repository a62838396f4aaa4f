//! The machine's counters.

use core::fmt;

use super::Cursor;
use crate::mm::frames;

pub(super) fn line(out: &mut impl fmt::Write) -> Result<Cursor, fmt::Error> {
    let frames = frames::counts();
    let (n_heap_bytes, n_idle_frames) = heap();
    writeln!(
        out,
        "machine frames {} used {} heap_bytes {}",
        frames.n_total,
        frames.n_used() - n_idle_frames,
        n_heap_bytes,
    )?;
    if let Some(n_interrupted) = n_interrupted() {
        writeln!(out, "machine interrupted {n_interrupted}")?;
    }
    Ok(Cursor::Task(None))
}

/// In the test mode in which every instruction is interrupted: how many were.
#[cfg(not(test))]
fn n_interrupted() -> Option<u64> {
    use crate::arch::slice;
    slice::is_on().then(slice::n_interrupted)
}

#[cfg(test)]
fn n_interrupted() -> Option<u64> {
    None
}

/// Bytes in use on the heap, and frames that it has and nobody holds: those come and go as it likes.
#[cfg(not(test))]
fn heap() -> (u64, u64) {
    let heap = crate::mm::heap::statistics();
    (heap.n_used_bytes, heap.n_idle_frames)
}

/// On the host the heap is the test's.
#[cfg(test)]
fn heap() -> (u64, u64) {
    (0, 0)
}
