//! The one place that knows how structures grow (STR-3).
//!
//! A caller passes a structure with the size it was compiled for. Below the first version: `EINVAL`.
//! Between that and today's: what is missing counts as 0. Larger: `E2BIG` unless the tail is zero, and
//! above [`STRUCTURE_BYTES_MAX`] in any case. What is written is cut to the caller's size, and a tail
//! that today's version does not know is written as zero. Array elements follow the same rule, each at
//! a distance of the passed size.

use omnibus_abi::limits::STRUCTURE_BYTES_MAX;
use omnibus_abi::{Errno, Structure};

use super::user::{ReadClaim, UserMemory, WriteClaim};

/// A size passed by the caller that was checked against the versions of `S`.
#[derive(Debug)]
pub struct SizeOf<S> {
    n_bytes: u64,
    structure: core::marker::PhantomData<S>,
}

impl<S> Clone for SizeOf<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for SizeOf<S> {}

impl<S: Structure> SizeOf<S> {
    /// Checks a passed size.
    ///
    /// # Errors
    /// `EINVAL` below the first version, `E2BIG` above [`STRUCTURE_BYTES_MAX`].
    pub fn new(n_bytes: u64) -> Result<Self, Errno> {
        if n_bytes < S::FIRST_BYTES {
            Err(Errno::EINVAL)
        } else if n_bytes > STRUCTURE_BYTES_MAX {
            Err(Errno::E2BIG)
        } else {
            Ok(Self {
                n_bytes,
                structure: core::marker::PhantomData,
            })
        }
    }

    /// The size, in bytes.
    #[must_use]
    pub fn n_bytes(self) -> u64 {
        self.n_bytes
    }

    /// Reads one structure at `address`.
    ///
    /// # Errors
    /// `EFAULT`; `E2BIG` for a tail that is not zero.
    pub fn read(self, memory: &impl UserMemory, address: u64) -> Result<S, Errno> {
        let claim = ReadClaim::new(address, self.n_bytes)?;
        self.read_claim(memory, claim)
    }

    fn read_claim(self, memory: &impl UserMemory, mut claim: ReadClaim) -> Result<S, Errno> {
        let mut words = S::Words::default();
        let known = words.as_mut();
        let n_known = (self.n_bytes / 8).min(known.len() as u64);
        let known = known.get_mut(..n_known as usize).ok_or(Errno::EINVAL)?;
        claim.split_front(n_known * 8).read_words(memory, known)?;
        if !claim.is_zero(memory)? {
            return Err(Errno::E2BIG);
        }
        Ok(S::from_words(words))
    }

    /// Claims one structure at `address` for writing.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn claim(self, address: u64) -> Result<OutArray<S>, Errno> {
        self.claim_array(address, 1)
    }

    /// Claims an array of `n_entries` at `address` for reading.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn read_array(self, address: u64, n_entries: u64) -> Result<InArray<S>, Errno> {
        let n_bytes = n_entries.checked_mul(self.n_bytes).ok_or(Errno::EFAULT)?;
        let claim = ReadClaim::new(address, n_bytes)?;
        Ok(InArray {
            size: self,
            claim,
            n_left: n_entries,
        })
    }

    /// Claims an array of `n_entries` at `address` for writing.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn claim_array(self, address: u64, n_entries: u64) -> Result<OutArray<S>, Errno> {
        let n_bytes = n_entries.checked_mul(self.n_bytes).ok_or(Errno::EFAULT)?;
        let claim = WriteClaim::new(address, n_bytes)?;
        Ok(OutArray { size: self, claim })
    }
}

/// An array in user memory that is read from its beginning to its end, once.
#[derive(Debug)]
pub struct InArray<S> {
    size: SizeOf<S>,
    claim: ReadClaim,
    n_left: u64,
}

impl<S: Structure> InArray<S> {
    /// Reads all entries, the words of each that today knows, one behind the other, into `words`.
    ///
    /// # Errors
    /// `EFAULT`; `E2BIG` for a tail that is not zero; `EMSGSIZE` if there is no room.
    pub fn read_all<'a>(
        mut self,
        memory: &impl UserMemory,
        words: &'a mut [u64],
    ) -> Result<&'a [u64], Errno> {
        let n_words = S::Words::default().as_ref().len();
        let words = words.get_mut(..n_words * self.n_left as usize);
        let words = words.ok_or(Errno::EMSGSIZE)?;
        if self.size.n_bytes == 8 * n_words as u64 {
            self.claim.read_words(memory, words)?;
            return Ok(words);
        }
        for part in words.chunks_mut(n_words) {
            if let Some(entry) = self.next(memory)? {
                part.copy_from_slice(entry.to_words().as_ref());
            }
        }
        Ok(words)
    }

    /// Reads the next entry; `None` at the end.
    ///
    /// # Errors
    /// `EFAULT`; `E2BIG` for a tail that is not zero.
    pub fn next(&mut self, memory: &impl UserMemory) -> Result<Option<S>, Errno> {
        if self.n_left == 0 {
            return Ok(None);
        }
        self.n_left -= 1;
        let entry = self.claim.split_front(self.size.n_bytes);
        self.size.read_claim(memory, entry).map(Some)
    }
}

/// An array in user memory (or one structure) that is only written.
#[derive(Clone, Copy, Debug)]
pub struct OutArray<S> {
    size: SizeOf<S>,
    claim: WriteClaim,
}

impl<S: Structure> OutArray<S> {
    /// Tells now whether later writes can succeed.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn probe(&self, memory: &impl UserMemory) -> Result<(), Errno> {
        Ok(self.claim.probe(memory)?)
    }

    /// Writes entry `index`, cut to the caller's size, the tail that today does not know as zero.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn write(&self, memory: &impl UserMemory, index: u64, entry: S) -> Result<(), Errno> {
        let words = entry.to_words();
        let words = words.as_ref();
        let start = index * self.size.n_bytes;
        let n_known = (self.size.n_bytes / 8).min(words.len() as u64);
        let known = words.get(..n_known as usize).ok_or(Errno::EINVAL)?;
        self.claim.write_words_at(memory, start, known)?;
        let n_tail = self.size.n_bytes - n_known * 8;
        if n_tail == 0 {
            return Ok(());
        }
        let zero = [0; STRUCTURE_BYTES_MAX as usize];
        let zero = zero.get(..n_tail as usize).ok_or(Errno::EINVAL)?;
        Ok(self.claim.write_at(memory, start + n_known * 8, zero)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syscall::user::fake::Fake;
    use omnibus_abi::bus1::{Metadata, Transfer};

    /// A structure smaller than its first version is `EINVAL`, a huge one `E2BIG`.
    #[test]
    fn str_3_sizes_have_bounds() {
        for n_bytes in [0, 1, 15] {
            assert_eq!(SizeOf::<Transfer>::new(n_bytes).unwrap_err(), Errno::EINVAL);
        }
        for n_bytes in [STRUCTURE_BYTES_MAX + 1, u64::MAX] {
            assert_eq!(SizeOf::<Transfer>::new(n_bytes).unwrap_err(), Errno::E2BIG);
        }
    }

    /// A larger structure with a zero tail is taken, with any other tail refused by `E2BIG`.
    #[test]
    fn str_3_tails_must_be_zero() {
        let memory = Fake::of_words(&[1, 2, 0, 0, 1]);
        for (n_bytes, expected) in [
            (16, Ok(Transfer { flags: 1, id: 2 })),
            (17, Ok(Transfer { flags: 1, id: 2 })),
            (32, Ok(Transfer { flags: 1, id: 2 })),
            (33, Err(Errno::E2BIG)),
            (40, Err(Errno::E2BIG)),
            (48, Err(Errno::EFAULT)),
        ] {
            let size = SizeOf::<Transfer>::new(n_bytes).unwrap();
            assert_eq!(size.read(&memory, Fake::BASE), expected, "{n_bytes}");
        }
    }

    /// Each byte of an input is read once, tail included.
    #[test]
    fn str_1_inputs_are_read_once() {
        let memory = Fake::of_words(&[1, 2, 0, 3, 4, 0]);
        let size = SizeOf::<Transfer>::new(24).unwrap();
        let mut array = size.read_array(Fake::BASE, 2).unwrap();
        assert_eq!(array.next(&memory).unwrap().unwrap().id, 2);
        assert_eq!(array.next(&memory).unwrap().unwrap().id, 4);
        assert_eq!(array.next(&memory).unwrap(), None);
        assert!(memory.n_reads.borrow().iter().all(|&n| n == 1));
    }

    /// Output behind today's version is zero, and nothing behind the passed size is touched.
    #[test]
    fn str_3_outputs_fill_the_passed_size() {
        let memory = Fake::new(std::vec![0xff; 48]);
        let size = SizeOf::<Metadata>::new(37).unwrap();
        let out = size.claim(Fake::BASE).unwrap();
        let metadata = Metadata {
            flags: 0,
            id: 5,
            account: 6,
        };
        out.write(&memory, 0, metadata).unwrap();
        let bytes = memory.bytes.borrow();
        assert_eq!((bytes[8], bytes[16]), (5, 6));
        assert!(bytes[24..37].iter().all(|&byte| byte == 0));
        assert!(bytes[37..].iter().all(|&byte| byte == 0xff));
        assert!(memory.n_reads.borrow().iter().all(|&n| n == 0));
    }

    /// An array whose size overflows is `EFAULT`.
    #[test]
    fn err_3_array_sizes_may_not_wrap() {
        let size = SizeOf::<Transfer>::new(16).unwrap();
        assert_eq!(
            size.read_array(Fake::BASE, 1 << 60).unwrap_err(),
            Errno::EFAULT
        );
        assert_eq!(
            size.claim_array(Fake::BASE, u64::MAX).unwrap_err(),
            Errno::EFAULT
        );
    }
}
