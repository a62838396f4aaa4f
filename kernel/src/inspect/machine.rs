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
    if let Some(n_interrupted) = n_interrupted() {
        writeln!(out, "machine interrupted {n_interrupted}")?;
    }
    Ok(Cursor::Task(0))
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

#[cfg(not(test))]
fn heap_bytes() -> u64 {
    crate::mm::heap::statistics().n_used_bytes
}

/// On the host the heap is the test's.
#[cfg(test)]
fn heap_bytes() -> u64 {
    0
}
