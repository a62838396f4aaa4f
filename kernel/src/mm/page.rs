//! A frame with one owner: first the kernel, which may fill it, then the address space that maps it. A frame of a memory object stays
//! the object's, whoever maps it.

#![allow(unsafe_code, reason = "frames are given back and filled by address")]

use super::PAGE_BYTES;
use super::address_space::{AddressSpace, MapError, Rights};
use super::frames::{self, Frame, OutOfFrames};
use super::physical;

/// A frame that nobody maps. Dropping it gives the frame back.
#[derive(Debug)]
pub struct Page(Frame);

impl Page {
    /// A frame full of zeros.
    ///
    /// # Errors
    /// [`OutOfFrames`]
    pub fn new() -> Result<Self, OutOfFrames> {
        frames::allocate_zeroed().map(Self)
    }

    /// Its bytes.
    pub fn bytes_mut(&mut self) -> &mut [u8; PAGE_BYTES as usize] {
        // SAFETY: the frame came from the allocator, so it is in the direct map; it is ours alone until it is mapped, which takes the `Page`.
        unsafe { physical::bytes(self.0) }
    }

    /// The frame, for spaces that share it. Whoever keeps the page keeps it until none of them maps the frame.
    #[must_use]
    pub fn frame(&self) -> Frame {
        self.0
    }

    /// Maps it at the page that begins at `address`.
    ///
    /// # Errors
    /// [`MapError`]; the frame is given back then.
    pub fn map(
        self,
        space: &mut AddressSpace,
        address: u64,
        rights: Rights,
    ) -> Result<(), MapError> {
        space.map(address, self.0, rights)?;
        core::mem::forget(self);
        Ok(())
    }

    /// Takes the page that begins at `address` out of `space`; `None` if nothing is mapped there.
    #[must_use]
    pub fn unmap(space: &mut AddressSpace, address: u64) -> Option<Self> {
        space.unmap(address).map(Self)
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // SAFETY: the frame is ours alone and no page table maps it: it was never mapped, or `unmap` took it out and flushed it, or it is
        // of a memory object, which keeps its pages until it has no mapping.
        unsafe { frames::free(self.0) }
    }
}

/// Takes `space` apart, looking at about `n_entries` page-table entries; true when nothing is left.
pub fn tear_down(space: &mut AddressSpace, n_entries: usize) -> bool {
    space.tear_down(n_entries, &mut |frame| drop(Page(frame)))
}
