//! Pieces of memory in the form the kernel wants them, like std's of the same names.

use core::marker::PhantomData;
use omnibus_abi::bus1::IoVec;

/// Bytes to be sent.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct IoSlice<'a>(IoVec, PhantomData<&'a [u8]>);

impl<'a> IoSlice<'a> {
    /// The bytes as one piece.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        let vector = IoVec {
            base: bytes.as_ptr() as u64,
            length: bytes.len() as u64,
        };
        Self(vector, PhantomData)
    }

    /// How many bytes.
    #[must_use]
    pub fn n_bytes(&self) -> u64 {
        self.0.length
    }
}

/// Room for bytes to be received.
#[repr(transparent)]
pub struct IoSliceMut<'a>(IoVec, PhantomData<&'a mut [u8]>);

impl<'a> IoSliceMut<'a> {
    /// The room as one piece.
    #[must_use]
    pub fn new(bytes: &'a mut [u8]) -> Self {
        let vector = IoVec {
            base: bytes.as_mut_ptr() as u64,
            length: bytes.len() as u64,
        };
        Self(vector, PhantomData)
    }

    /// How many bytes fit.
    #[must_use]
    pub fn n_bytes(&self) -> u64 {
        self.0.length
    }
}
