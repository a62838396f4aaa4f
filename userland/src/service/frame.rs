//! What is in a message of a session: a word, a sequence number, and fields.
//!
//! The word of a request is its operation, that of a reply an error number or 0. A reply has the sequence number of its request. Numbers
//! are little endian; strings have their length before them, in 32 bits.

use crate::calls::Result;
use alloc::vec::Vec;
use omnibus_abi::Errno;

/// The operation that opens a session; those of the services begin behind it.
pub const OPEN: u32 = 0;

/// The sequence number of a reply to a request that could not be read.
pub const UNREAD: u32 = u32::MAX;

/// Most bytes of a request or a reply.
pub const FRAME_BYTES_MAX: usize = 4096;

/// A message in the making.
#[derive(Clone, Debug)]
pub struct Frame(Vec<u8>);

impl Frame {
    /// A message without fields.
    #[must_use]
    pub fn new(word: u32, sequence: u32) -> Self {
        let mut bytes = word.to_le_bytes().to_vec();
        bytes.extend_from_slice(&sequence.to_le_bytes());
        Self(bytes)
    }

    /// Adds a number.
    #[must_use]
    pub fn number(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    /// Adds bytes.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0
            .extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    /// Adds a string.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    /// Whether bytes of this length can still be added.
    #[must_use]
    pub fn has_room_for(&self, n_bytes: usize) -> bool {
        self.0.len() + size_of::<u32>() + n_bytes <= FRAME_BYTES_MAX
    }

    /// The payload.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The fields of a message that came in, taken one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// Word, sequence number, and the fields.
    ///
    /// # Errors
    /// `EINVAL`: it is too short.
    pub fn of(payload: &'a [u8]) -> Result<(u32, u32, Self)> {
        let mut fields = Self(payload);
        let word = u32::from_le_bytes(fields.take()?);
        let sequence = u32::from_le_bytes(fields.take()?);
        Ok((word, sequence, fields))
    }

    /// A number.
    ///
    /// # Errors
    /// `EINVAL`: there is none.
    pub fn number(&mut self) -> Result<u64> {
        self.take().map(u64::from_le_bytes)
    }

    /// Bytes.
    ///
    /// # Errors
    /// `EINVAL`: there are none, or less than their length says.
    pub fn bytes(&mut self) -> Result<&'a [u8]> {
        let n_bytes = u32::from_le_bytes(self.take()?) as usize;
        let (bytes, rest) = self.0.split_at_checked(n_bytes).ok_or(Errno::EINVAL)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// A string.
    ///
    /// # Errors
    /// `EINVAL`: there is none, or it is not UTF-8.
    pub fn text(&mut self) -> Result<&'a str> {
        core::str::from_utf8(self.bytes()?).map_err(|_| Errno::EINVAL)
    }

    /// Whether everything was taken.
    #[must_use]
    pub const fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    /// Refuses what was not taken.
    ///
    /// # Errors
    /// `EINVAL`: there is more.
    pub const fn end(self) -> Result<()> {
        match self.0 {
            [] => Ok(()),
            _ => Err(Errno::EINVAL),
        }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Errno::EINVAL)?;
        self.0 = rest;
        Ok(*taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fields come out as they went in, in their order.
    #[test]
    fn svc_fields_come_back() {
        let frame = Frame::new(7, 9).text("é").number(u64::MAX).bytes(&[]);
        let (word, sequence, mut fields) = Fields::of(frame.as_bytes()).unwrap();
        assert_eq!((word, sequence), (7, 9));
        assert_eq!(fields.text(), Ok("é"));
        assert_eq!(fields.number(), Ok(u64::MAX));
        assert_eq!(fields.bytes(), Ok(&[][..]));
        assert!(fields.is_at_end());
        assert_eq!(fields.end(), Ok(()));
    }

    /// Whatever is cut off, too long or no text is EINVAL, and so is what is left over.
    #[test]
    fn svc_bad_fields_are_refused() {
        let frame = Frame::new(1, 2).text("four").number(5);
        let whole = frame.as_bytes();
        for end in 0..whole.len() {
            let read = Fields::of(&whole[..end])
                .and_then(|(_, _, mut fields)| Ok((fields.text()?, fields.number()?)));
            assert_eq!(read, Err(Errno::EINVAL), "{end} bytes");
        }
        let (_, _, fields) = Fields::of(whole).unwrap();
        assert_eq!(fields.end(), Err(Errno::EINVAL));
        let long = [&whole[..8], &u32::MAX.to_le_bytes(), b"x"].concat();
        assert_eq!(Fields::of(&long).unwrap().2.bytes(), Err(Errno::EINVAL));
        let bad = Frame::new(1, 2).bytes(&[0xff]);
        assert_eq!(
            Fields::of(bad.as_bytes()).unwrap().2.text(),
            Err(Errno::EINVAL)
        );
    }
}
