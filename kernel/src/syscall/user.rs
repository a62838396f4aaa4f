//! User memory as claims.
//!
//! An address from a program is a claim, not a pointer: it has a range and an intent, and the range
//! is checked when the claim is made, which is the moment the order of checks says `EFAULT` (ERR-2).
//! Access goes through [`UserMemory`]; a bad page is a value, [`Fault`], that unwinds the call before
//! it changed anything, so a call may be abandoned at any access and started again from its beginning.
//! Each input is read once (STR-1): a claim for reading is used up by the read.

use omnibus_abi::{Errno, layout};

/// An access that the caller's address space does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault;

impl From<Fault> for Errno {
    /// ERR-3.
    fn from(Fault: Fault) -> Self {
        Self::EFAULT
    }
}

/// Memory of the calling task, as the hardware lets it be accessed.
///
/// Ranges are checked by the claims; implementations answer for the pages.
pub trait UserMemory {
    /// Fills `into` from `address`.
    ///
    /// # Errors
    /// [`Fault`] if a byte cannot be read by the task; `into` is then undefined.
    fn read(&self, address: u64, into: &mut [u8]) -> Result<(), Fault>;

    /// Fills `into` with little-endian words from `address`, at any alignment.
    ///
    /// # Errors
    /// As for [`Self::read`].
    fn read_words(&self, address: u64, into: &mut [u64]) -> Result<(), Fault>;

    /// Copies `from` to `address`.
    ///
    /// # Errors
    /// [`Fault`] if a byte cannot be written by the task; some may have been.
    fn write(&self, address: u64, from: &[u8]) -> Result<(), Fault>;

    /// Copies the words of `from` to `address`, little endian, at any alignment.
    ///
    /// # Errors
    /// As for [`Self::write`].
    fn write_words(&self, address: u64, from: &[u64]) -> Result<(), Fault>;

    /// Tells whether `n_bytes` from `address` can be written, without writing.
    ///
    /// # Errors
    /// [`Fault`] if a byte cannot be written by the task.
    fn probe_write(&self, address: u64, n_bytes: u64) -> Result<(), Fault>;
}

/// Bytes of a tail that are looked at per access to user memory.
const TAIL_AT_ONCE: usize = 64;

/// A range that the caller claims is readable.
#[derive(Debug)]
pub struct ReadClaim {
    address: u64,
    n_bytes: u64,
}

impl ReadClaim {
    /// Claims `n_bytes` from `address`. An empty range is fine anywhere (STR-1).
    ///
    /// # Errors
    /// [`Fault`] if the range leaves the user half or wraps.
    pub fn new(address: u64, n_bytes: u64) -> Result<Self, Fault> {
        check(address, n_bytes).map(|()| Self { address, n_bytes })
    }

    /// Splits off the first `n_bytes`, or all there is.
    #[must_use]
    pub fn split_front(&mut self, n_bytes: u64) -> Self {
        let n_bytes = n_bytes.min(self.n_bytes);
        let front = Self {
            address: self.address,
            n_bytes,
        };
        self.address += n_bytes;
        self.n_bytes -= n_bytes;
        front
    }

    /// Reads the whole range into the front of `into`, which must have room.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn read(self, memory: &impl UserMemory, into: &mut [u8]) -> Result<(), Fault> {
        match into.get_mut(..self.n_bytes as usize) {
            Some([]) => Ok(()),
            Some(into) => memory.read(self.address, into),
            None => Err(Fault),
        }
    }

    /// Reads words until `into` is full; the range must have as many.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn read_words(self, memory: &impl UserMemory, into: &mut [u64]) -> Result<(), Fault> {
        match into.len() as u64 * 8 {
            0 => Ok(()),
            n_bytes if n_bytes <= self.n_bytes => memory.read_words(self.address, into),
            _ => Err(Fault),
        }
    }

    /// Reads the rest of the range and tells whether it is all zero.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn is_zero(mut self, memory: &impl UserMemory) -> Result<bool, Fault> {
        if self.n_bytes == 0 {
            return Ok(true);
        }
        let mut bytes = [0; TAIL_AT_ONCE];
        let mut is_zero = true;
        while self.n_bytes > 0 {
            let n_bytes = self.n_bytes.min(bytes.len() as u64);
            let bytes = bytes.get_mut(..n_bytes as usize).ok_or(Fault)?;
            self.split_front(n_bytes).read(memory, bytes)?;
            is_zero &= bytes.iter().all(|&byte| byte == 0);
        }
        Ok(is_zero)
    }
}

/// A range that the caller claims is writable.
#[derive(Clone, Copy, Debug)]
pub struct WriteClaim {
    address: u64,
    n_bytes: u64,
}

impl WriteClaim {
    /// Claims `n_bytes` from `address`. An empty range is fine anywhere (STR-1).
    ///
    /// # Errors
    /// [`Fault`] if the range leaves the user half or wraps.
    pub fn new(address: u64, n_bytes: u64) -> Result<Self, Fault> {
        check(address, n_bytes).map(|()| Self { address, n_bytes })
    }

    /// Bytes of the range.
    #[must_use]
    pub fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    /// Tells now whether a later write can succeed; nothing is written.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn probe(&self, memory: &impl UserMemory) -> Result<(), Fault> {
        if self.n_bytes == 0 {
            return Ok(());
        }
        memory.probe_write(self.address, self.n_bytes)
    }

    /// Writes `from` at `offset` bytes into the range.
    ///
    /// # Errors
    /// [`Fault`], also if it does not fit.
    pub fn write_at(
        &self,
        memory: &impl UserMemory,
        offset: u64,
        from: &[u8],
    ) -> Result<(), Fault> {
        if from.is_empty() {
            return Ok(());
        }
        let n_bytes = from.len() as u64;
        let end = offset.checked_add(n_bytes).ok_or(Fault)?;
        if end > self.n_bytes {
            return Err(Fault);
        }
        memory.write(self.address + offset, from)
    }

    /// Writes words at `offset` bytes into the range.
    ///
    /// # Errors
    /// [`Fault`], also if they do not fit.
    pub fn write_words_at(
        &self,
        memory: &impl UserMemory,
        offset: u64,
        from: &[u64],
    ) -> Result<(), Fault> {
        let end = offset.checked_add(from.len() as u64 * 8).ok_or(Fault)?;
        match end {
            _ if from.is_empty() => Ok(()),
            end if end <= self.n_bytes => memory.write_words(self.address + offset, from),
            _ => Err(Fault),
        }
    }
}

fn check(address: u64, n_bytes: u64) -> Result<(), Fault> {
    if layout::is_user_range(address, n_bytes) {
        Ok(())
    } else {
        Err(Fault)
    }
}

#[cfg(test)]
pub(crate) mod fake {
    //! A small user memory that counts how often each byte was read.

    use super::{Fault, UserMemory};
    use std::{cell::RefCell, vec, vec::Vec};

    /// Memory from [`Fake::BASE`], everything else unmapped.
    pub(crate) struct Fake {
        pub(crate) bytes: RefCell<Vec<u8>>,
        pub(crate) n_reads: RefCell<Vec<u32>>,
        pub(crate) is_writable: bool,
    }

    impl Fake {
        pub(crate) const BASE: u64 = 0x40_0000;

        pub(crate) fn new(bytes: Vec<u8>) -> Self {
            Self {
                n_reads: RefCell::new(vec![0; bytes.len()]),
                bytes: RefCell::new(bytes),
                is_writable: true,
            }
        }

        pub(crate) fn of_words(words: &[u64]) -> Self {
            Self::new(words.iter().flat_map(|word| word.to_le_bytes()).collect())
        }

        fn range(&self, address: u64, n_bytes: usize) -> Result<core::ops::Range<usize>, Fault> {
            let start = address.checked_sub(Self::BASE).ok_or(Fault)? as usize;
            let end = start + n_bytes;
            if end <= self.bytes.borrow().len() {
                Ok(start..end)
            } else {
                Err(Fault)
            }
        }
    }

    impl UserMemory for Fake {
        fn read(&self, address: u64, into: &mut [u8]) -> Result<(), Fault> {
            let range = self.range(address, into.len())?;
            into.copy_from_slice(&self.bytes.borrow()[range.clone()]);
            self.n_reads.borrow_mut()[range]
                .iter_mut()
                .for_each(|n| *n += 1);
            Ok(())
        }

        fn read_words(&self, address: u64, into: &mut [u64]) -> Result<(), Fault> {
            let mut bytes = vec![0; into.len() * 8];
            self.read(address, &mut bytes)?;
            for (word, bytes) in into.iter_mut().zip(bytes.as_chunks().0) {
                *word = u64::from_le_bytes(*bytes);
            }
            Ok(())
        }

        fn write_words(&self, address: u64, from: &[u64]) -> Result<(), Fault> {
            let bytes: Vec<u8> = from.iter().flat_map(|word| word.to_le_bytes()).collect();
            self.write(address, &bytes)
        }

        fn write(&self, address: u64, from: &[u8]) -> Result<(), Fault> {
            self.probe_write(address, from.len() as u64)?;
            let range = self.range(address, from.len())?;
            self.bytes.borrow_mut()[range].copy_from_slice(from);
            Ok(())
        }

        fn probe_write(&self, address: u64, n_bytes: u64) -> Result<(), Fault> {
            self.range(address, n_bytes as usize)?;
            if self.is_writable { Ok(()) } else { Err(Fault) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{fake::Fake, *};

    /// A claim outside the user half, or that wraps, is refused before any access.
    #[test]
    fn err_3_claims_stay_in_the_user_half() {
        for (address, n_bytes) in [
            (0, 1),
            (layout::USER_START - 1, 2),
            (layout::USER_END - 1, 2),
            (0xffff_8000_0000_0000, 8),
            (u64::MAX, 1),
            (u64::MAX - 7, 16),
            (layout::USER_START, u64::MAX),
        ] {
            assert!(ReadClaim::new(address, n_bytes).is_err(), "{address:#x}");
            assert!(WriteClaim::new(address, n_bytes).is_err(), "{address:#x}");
        }
    }

    /// An empty range is fine anywhere and is never accessed.
    #[test]
    fn str_1_empty_ranges_are_not_looked_at() {
        let memory = Fake::new(std::vec![]);
        for address in [0, 1, u64::MAX, 0xffff_8000_0000_0000] {
            ReadClaim::new(address, 0)
                .unwrap()
                .read(&memory, &mut [])
                .unwrap();
            let claim = WriteClaim::new(address, 0).unwrap();
            claim.probe(&memory).unwrap();
            claim.write_at(&memory, 0, &[]).unwrap();
        }
    }

    /// Words come in and go out in little-endian order, at any alignment, across the pieces.
    #[test]
    fn str_1_words_are_little_endian_at_any_alignment() {
        let memory = Fake::new(std::vec![0; 400]);
        let words: std::vec::Vec<u64> = (0..40).map(|i| i * 0x0102_0304_0506_0708).collect();
        let claim = WriteClaim::new(Fake::BASE + 3, 320).unwrap();
        claim.write_words_at(&memory, 0, &words).unwrap();
        assert_eq!(memory.bytes.borrow()[3 + 8], 8);
        let mut back = [0; 40];
        let claim = ReadClaim::new(Fake::BASE + 3, 320).unwrap();
        claim.read_words(&memory, &mut back).unwrap();
        assert_eq!(words, back);
        assert!(memory.n_reads.borrow().iter().all(|&n| n <= 1));
    }

    /// A write never leaves its claim.
    #[test]
    fn err_3_writes_stay_in_their_claim() {
        let memory = Fake::new(std::vec![0; 64]);
        let claim = WriteClaim::new(Fake::BASE, 16).unwrap();
        assert_eq!(claim.write_at(&memory, 9, &[1; 8]), Err(Fault));
        assert_eq!(claim.write_at(&memory, u64::MAX, &[1; 8]), Err(Fault));
        assert!(memory.bytes.borrow().iter().all(|&byte| byte == 0));
    }
}
