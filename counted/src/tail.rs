//! Bytes behind a value, in the same block of memory: the payload of a message.
//!
//! They are written once, from the front, by whoever has the only pointer to the block, and only what is written is ever read:
//! nothing is made zero that is overwritten anyway.

use core::mem::MaybeUninit;
use core::ptr::NonNull;

/// How many bytes lie behind a value.
///
/// # Safety
/// `n_bytes` never changes.
pub unsafe trait Extent: Send + Sync {
    /// Number of bytes, written or not.
    fn n_bytes(&self) -> usize;
}

/// No bytes behind the value.
pub struct NoBytes;

/// Bytes behind the value, of which the first so many are written.
pub struct Bytes {
    n_bytes: usize,
    n_written: usize,
}

// SAFETY: always the same.
unsafe impl Extent for NoBytes {
    #[inline(always)]
    fn n_bytes(&self) -> usize {
        0
    }
}

// SAFETY: set when the block is made and never again.
unsafe impl Extent for Bytes {
    #[inline(always)]
    fn n_bytes(&self) -> usize {
        self.n_bytes
    }
}

impl Bytes {
    #[inline]
    pub(crate) fn new(n_bytes: usize) -> Bytes {
        Bytes {
            n_bytes,
            n_written: 0,
        }
    }

    #[inline]
    pub(crate) fn n_written(&self) -> usize {
        self.n_written
    }
}

/// Bytes of a message that fills all registers there are for one.
const WHOLE_BYTES: usize = 64;

/// The right to write the bytes behind a value.
pub struct Fill<'a> {
    start: NonNull<u8>,
    bytes: &'a mut Bytes,
}

impl<'a> Fill<'a> {
    /// # Safety
    /// At `start` lie `bytes.n_bytes` bytes, the first `bytes.n_written` of them written, which are the caller's alone for `'a`.
    #[inline]
    pub(crate) unsafe fn new(start: NonNull<u8>, bytes: &'a mut Bytes) -> Fill<'a> {
        Fill { start, bytes }
    }

    /// Appends `piece`; what there is no room for is left out.
    #[inline(always)]
    pub fn extend(&mut self, piece: &[u8]) {
        // What is sent most is as long as all registers of a message: then the length is known, and nothing is called.
        if let (Some(to), Ok(from)) = (
            self.rest().first_chunk_mut::<WHOLE_BYTES>(),
            <&[u8; WHOLE_BYTES]>::try_from(piece),
        ) {
            to.write_copy_of_slice(from);
            self.bytes.n_written = self.bytes.n_written.saturating_add(WHOLE_BYTES);
        } else {
            self.extend_by_any(piece);
        }
    }

    /// The same for any length; apart, so that the other is not made one with it again.
    #[inline(never)]
    fn extend_by_any(&mut self, piece: &[u8]) {
        let rest = self.rest();
        let n_bytes = rest.len().min(piece.len());
        if let (Some(to), Some(from)) = (rest.get_mut(..n_bytes), piece.get(..n_bytes)) {
            to.write_copy_of_slice(from);
            self.bytes.n_written = self.bytes.n_written.saturating_add(n_bytes);
        }
    }

    /// The bytes up to and with byte `n_bytes`, or all if there are fewer; those not written yet are zero.
    #[must_use]
    pub fn zeroed(mut self, n_bytes: usize) -> &'a mut [u8] {
        let n_more = n_bytes
            .min(self.bytes.n_bytes)
            .saturating_sub(self.bytes.n_written);
        for byte in self.rest().iter_mut().take(n_more) {
            byte.write(0);
        }
        self.bytes.n_written = self.bytes.n_written.saturating_add(n_more);
        // SAFETY: so many bytes are written, and the caller's alone for 'a.
        unsafe { core::slice::from_raw_parts_mut(self.start.as_ptr(), self.bytes.n_written) }
    }

    /// The bytes that are not written yet.
    #[inline]
    fn rest(&mut self) -> &mut [MaybeUninit<u8>] {
        let n_left = self.bytes.n_bytes.saturating_sub(self.bytes.n_written);
        // SAFETY: n_written is at most n_bytes, and so many bytes lie at `start`, which are this value's alone.
        unsafe {
            let rest = self.start.add(self.bytes.n_written).cast();
            core::slice::from_raw_parts_mut(rest.as_ptr(), n_left)
        }
    }
}
