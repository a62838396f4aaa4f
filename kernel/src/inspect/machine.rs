//! The machine's counters.

use core::fmt;

use super::Cursor;
use crate::mm::frames;

pub(super) fn line(out: &mut impl fmt::Write) -> Result<Cursor, fmt::Error> {
    let frames = frames::counts();
    writeln!(
        out,
        "machine frames {} used {} heap_bytes {}",
        frames.n_total,
        frames.n_used(),
        heap_bytes()
    )?;
    Ok(Cursor::Task(0))
}

#[cfg(not(test))]
fn heap_bytes() -> u64 {
    crate::mm::heap::statistics().n_used_bytes
}

/// On the host the heap is the test's.
#[cfg(test)]
fn heap_bytes() -> u64 {
    0
}
