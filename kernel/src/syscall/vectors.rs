//! Data vectors: where a message's payload lies in the caller's memory.
//!
//! SEND needs them twice, to check their sum early and to copy late, and inputs are read once. They are read into the CPU's scratch, which
//! is enough for RECV, since it copies at once; SEND keeps them when all that comes before `EDQUOT` has been checked (SND-5), a few in the
//! call itself, many in memory that is paid for ([`super::paid`]).

use alloc::vec::Vec;

use omnibus_abi::Errno;
use omnibus_abi::limits::DATA_VECTORS_MAX;

use super::user::{Fault, ReadClaim, UserMemory, WriteClaim};

/// A vector: address and length.
pub type Vector = [u64; 2];

/// Vectors kept in the call itself.
const INLINE: usize = 4;

enum Kept {
    Few([Vector; INLINE], usize),
    Many(Vec<Vector>),
}

/// Vectors, and how far they have been copied.
pub struct Vectors {
    kept: Kept,
    index: usize,
    /// Bytes done of the vector at `index`.
    n_done: u64,
}

/// Reads an array of vectors into `words`; their sum.
///
/// # Errors
/// `EINVAL` for too many; `EFAULT`; `EINVAL` if the sum overflows.
pub fn read_array(
    memory: &impl UserMemory,
    address: u64,
    n_vectors: u64,
    words: &mut [u64],
) -> Result<u64, Errno> {
    if n_vectors > DATA_VECTORS_MAX {
        return Err(Errno::EINVAL);
    }
    let words = words
        .get_mut(..2 * n_vectors as usize)
        .ok_or(Errno::EINVAL)?;
    ReadClaim::new(address, n_vectors * 16)?.read_words(memory, words)?;
    let (pairs, _) = words.as_chunks::<2>();
    let mut lengths = pairs.iter().map(|&[_, length]| length);
    lengths
        .try_fold(0_u64, u64::checked_add)
        .ok_or(Errno::EINVAL)
}

impl Vectors {
    /// Bytes of the list that `n_vectors` are kept in.
    #[must_use]
    pub const fn n_list_bytes(n_vectors: usize) -> usize {
        if n_vectors <= INLINE {
            0
        } else {
            n_vectors * size_of::<Vector>()
        }
    }

    /// Keeps vectors that were read by [`read_array`].
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn keep(words: &[u64]) -> Result<Self, Errno> {
        let (vectors, _) = words.as_chunks::<2>();
        let kept = if vectors.len() <= INLINE {
            let mut few = [[0; 2]; INLINE];
            for (to, from) in few.iter_mut().zip(vectors) {
                *to = *from;
            }
            Kept::Few(few, vectors.len())
        } else {
            let mut many = Vec::new();
            many.try_reserve_exact(vectors.len())
                .map_err(|_| Errno::ENOMEM)?;
            many.extend_from_slice(vectors);
            Kept::Many(many)
        };
        Ok(Self {
            kept,
            index: 0,
            n_done: 0,
        })
    }

    /// Fills `into` with the next bytes.
    ///
    /// # Errors
    /// [`Fault`], also if there are not as many.
    pub fn copy_in(&mut self, memory: &impl UserMemory, into: &mut [u8]) -> Result<(), Fault> {
        let vectors = match &self.kept {
            Kept::Few(few, n_vectors) => few.get(..*n_vectors).unwrap_or_default(),
            Kept::Many(many) => many,
        };
        let mut left = into;
        while !left.is_empty() {
            let &[base, length] = vectors.get(self.index).ok_or(Fault)?;
            let n_bytes = (length - self.n_done).min(left.len() as u64);
            if n_bytes == 0 {
                self.index += 1;
                self.n_done = 0;
                continue;
            }
            let (piece, rest) = left.split_at_mut(n_bytes as usize);
            let address = base.checked_add(self.n_done).ok_or(Fault)?;
            ReadClaim::new(address, n_bytes)?.read(memory, piece)?;
            self.n_done += n_bytes;
            left = rest;
        }
        Ok(())
    }

    /// Reads the next `n_bytes` as [`Self::copy_in`] does, by way of `room`, and keeps nothing.
    ///
    /// # Errors
    /// [`Fault`], also if there are not as many.
    pub fn read_past(
        &mut self,
        memory: &impl UserMemory,
        n_bytes: usize,
        room: &mut [u8],
    ) -> Result<(), Fault> {
        let mut n_left = n_bytes;
        while n_left > 0 {
            let n_now = n_left.min(room.len());
            let piece = room.get_mut(..n_now).filter(|piece| !piece.is_empty());
            self.copy_in(memory, piece.ok_or(Fault)?)?;
            n_left -= n_now;
        }
        Ok(())
    }
}

/// Copies `from` out over vectors that were read by [`read_array`].
///
/// # Errors
/// [`Fault`], also if it does not fit.
pub fn copy_out(memory: &impl UserMemory, words: &[u64], from: &[u8]) -> Result<(), Fault> {
    let (vectors, _) = words.as_chunks::<2>();
    let mut vectors = vectors.iter();
    let mut left = from;
    while !left.is_empty() {
        let &[base, length] = vectors.next().ok_or(Fault)?;
        let n_bytes = length.min(left.len() as u64);
        let (piece, rest) = left.split_at(n_bytes as usize);
        WriteClaim::new(base, n_bytes)?.write_at(memory, 0, piece)?;
        left = rest;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syscall::user::fake::Fake;

    fn kept(vectors: &[Vector]) -> Vectors {
        let mut few = [[0; 2]; INLINE];
        few[..vectors.len()].copy_from_slice(vectors);
        Vectors {
            kept: Kept::Few(few, vectors.len()),
            index: 0,
            n_done: 0,
        }
    }

    /// Too many vectors are EINVAL, and so is a sum that overflows.
    #[test]
    fn str_2_vectors_have_bounds() {
        let memory = Fake::of_words(&[1, u64::MAX, 1, 1]);
        let mut words = [0; 4096];
        let mut read = |n| read_array(&memory, Fake::BASE, n, &mut words);
        assert_eq!(read(DATA_VECTORS_MAX + 1), Err(Errno::EINVAL));
        assert_eq!(read(2), Err(Errno::EINVAL));
        assert_eq!(read(3), Err(Errno::EFAULT));
        assert_eq!(read(1), Ok(u64::MAX));
    }

    /// Only the first bytes of the vectors are read, piece by piece, each once, and memory behind them is not touched.
    #[test]
    fn snd_1_only_the_payload_is_read() {
        let memory = Fake::new((0..32).collect());
        let mut vectors = kept(&[[Fake::BASE + 8, 3], [1, 0], [Fake::BASE, 4], [9, 1 << 60]]);
        let (mut first, mut second) = ([0; 2], [0; 5]);
        vectors.copy_in(&memory, &mut first).unwrap();
        vectors.copy_in(&memory, &mut second).unwrap();
        assert_eq!((first, second), ([8, 9], [10, 0, 1, 2, 3]));
        let n_reads: u32 = memory.n_reads.borrow().iter().sum();
        assert_eq!(n_reads, 7);
    }

    /// A payload that nobody gets is read all the same, each byte once, and found missing where it is.
    #[test]
    fn snd_3_a_payload_for_nobody_is_validated() {
        let memory = Fake::new((0..32).collect());
        let mut vectors = kept(&[[Fake::BASE, 32], [1, 8]]);
        let mut room = [0; 5];
        vectors.read_past(&memory, 32, &mut room).unwrap();
        assert!(memory.n_reads.borrow().iter().all(|&n_reads| n_reads == 1));
        assert_eq!(vectors.read_past(&memory, 1, &mut room), Err(Fault));
        assert_eq!(vectors.read_past(&memory, 1, &mut []), Err(Fault));
    }

    /// A received payload fills the vectors in order, and bytes behind it are untouched.
    #[test]
    fn rcv_3_bytes_behind_the_payload_are_untouched() {
        let memory = Fake::new(std::vec![0xff; 16]);
        let words = [Fake::BASE, 2, Fake::BASE + 4, 0, Fake::BASE + 8, 8];
        copy_out(&memory, &words, &[1, 2, 3]).unwrap();
        let mut expected = [0xff; 16];
        expected[..2].copy_from_slice(&[1, 2]);
        expected[8] = 3;
        assert_eq!(memory.bytes.borrow()[..], expected);
    }
}
