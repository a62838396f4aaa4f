//! What the root account may hold: as much as the machine can back.
//!
//! The maxima of all accounts add up to what is set aside for them at boot (ACC-7), and they are worth something only if the
//! memory is there: then whoever asks for too much is told `EDQUOT`, by his own account, and nobody causes `ENOMEM` for another. So
//! the root's maxima are those of the specification, or less on a machine that has less:
//!
//! | of the free frames | back |
//! |---|---|
//! | one in 32 | what nobody is charged for: page tables of the heap, spare blocks, parts of frames that slabs cannot use |
//! | a quarter of the others | objects, [`OBJECT_BYTES`] each |
//! | a quarter | bytes of payload, [`BYTE_BYTES`] for each |
//! | the rest | frames |
//!
//! The kernel word `overcommit=N` lets it hold N times as many objects and bytes, still no more than the specification says: then whoever fills
//! the machine is told `ENOMEM`, which nobody else can bring about. It is for seeing what becomes of a machine without memory.
//!
//! An object is a peer, a node, a handle, a message without its payload, a task, a thread, an account, with all that the kernel keeps for
//! it: none takes more than half of what is counted, and the other half is for slabs that are in use only in part.

use crate::mm::PAGE_BYTES;
use crate::service::{Amounts, BYTES, FRAMES, OBJECTS};

/// Maxima of the specification (`docs/model.md`, section 8).
const OBJECTS_MAX: u64 = 1 << 20;
const BYTES_MAX: u64 = 1 << 30;

/// Bytes of memory that stand behind an object.
const OBJECT_BYTES: u64 = 1024;

/// Bytes of memory that stand behind a byte of payload: one that is a little longer than a page takes two.
const BYTE_BYTES: u64 = 2;

/// Maxima of the root account on a machine with so many free frames, with `overcommit` times as many objects and bytes as these back.
#[must_use]
pub fn maxima(n_free_frames: u64, overcommit: u64) -> Amounts {
    let n_frames = n_free_frames - n_free_frames.div_ceil(32);
    let quarter_bytes = n_frames / 4 * PAGE_BYTES;
    let n_objects = OBJECTS_MAX.min(quarter_bytes / OBJECT_BYTES);
    let n_bytes = BYTES_MAX.min(quarter_bytes / BYTE_BYTES);
    let mut maxima = [0; 3];
    maxima[OBJECTS] = OBJECTS_MAX.min(n_objects.saturating_mul(overcommit));
    maxima[BYTES] = BYTES_MAX.min(n_bytes.saturating_mul(overcommit));
    maxima[FRAMES] = n_frames - backing_frames(n_objects, n_bytes);
    maxima
}

/// Frames that stand behind so many objects and bytes.
fn backing_frames(n_objects: u64, n_bytes: u64) -> u64 {
    (n_objects * OBJECT_BYTES + n_bytes * BYTE_BYTES).div_ceil(PAGE_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames of so many MiB.
    const fn frames_of(n_mib: u64) -> u64 {
        (n_mib << 20) / PAGE_BYTES
    }

    /// What the maxima stand for fits the machine, with a reserve, and they are those of the specification where the memory is there.
    #[test]
    fn acc_7_maxima_are_backed() {
        for n_mib in [0, 1, 30, 124, 508, 4090, 16 << 10, 1 << 20] {
            let n_free = frames_of(n_mib);
            let maxima = maxima(n_free, 1);
            let n_backed = maxima[FRAMES] + backing_frames(maxima[OBJECTS], maxima[BYTES]);
            assert!(n_backed <= n_free - n_free / 32, "{n_mib} MiB: {maxima:?}");
            assert!(
                maxima[FRAMES] >= n_free * 31 / 32 / 2,
                "{n_mib} MiB: {maxima:?}"
            );
        }
        assert_eq!(
            maxima(frames_of(16 << 10), 1)[..2],
            [OBJECTS_MAX, BYTES_MAX]
        );
        assert_eq!(maxima(frames_of(128), 1), [31_744, 16_252_928, 15_872]);
    }

    /// What is overcommitted is objects and bytes, up to the specification's; frames are never more than there are.
    #[test]
    fn overcommit_leaves_frames_alone() {
        let n_free = frames_of(128);
        let [objects, bytes, frames] = maxima(n_free, 1);
        assert_eq!(maxima(n_free, 3), [objects * 3, bytes * 3, frames]);
        assert_eq!(maxima(n_free, u64::MAX), [OBJECTS_MAX, BYTES_MAX, frames]);
    }
}
