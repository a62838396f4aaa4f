//! Into another address space: bytes go to the frames of its pages, through the direct map, while the space that they come from is
//! active. So they are copied once, and no space has to be switched for it.

#![allow(
    unsafe_code,
    reason = "the frames of a page are reached by physical address"
)]

use core::marker::PhantomData;

use omnibus_abi::layout::{PAGE_BYTES, is_user_range};

use super::address_space::{AddressSpace, Rights};
use super::physical;
use super::user::{self, Fault};

/// Memory of a space that may be written there, in up to `N` pages.
pub struct Room<'a, const N: usize> {
    /// Where each page is in the direct map; only those that the memory is in mean anything.
    pages: [*mut u8; N],
    /// Where in the first page it begins.
    offset: usize,
    n_bytes: usize,
    /// The pages stay mapped as long as the space cannot be changed.
    _space: PhantomData<&'a AddressSpace>,
}

impl<'a, const N: usize> Room<'a, N> {
    /// The `n_bytes` at `address`; `None` if the user may not write all of them, or they are in more than `N` pages.
    #[must_use]
    pub fn find(space: &'a AddressSpace, address: u64, n_bytes: usize) -> Option<Self> {
        let mut pages = [core::ptr::null_mut(); N];
        let offset = (address % PAGE_BYTES) as usize;
        if !is_user_range(address, n_bytes as u64) || offset + n_bytes > N * PAGE_BYTES as usize {
            return None;
        }
        let mut at = address - offset as u64;
        let n_pages = (offset + n_bytes).div_ceil(PAGE_BYTES as usize);
        for page in pages.iter_mut().take(n_pages) {
            let (frame, rights) = space.translate(at)?;
            if rights != Rights::ReadWrite {
                return None;
            }
            *page = physical::pointer(frame.start_address());
            at += PAGE_BYTES;
        }
        Some(Self {
            pages,
            offset,
            n_bytes,
            _space: PhantomData,
        })
    }

    /// Fills it with what the active space has at `from`: all of it, or nothing if a page cannot be read there.
    ///
    /// # Errors
    /// [`Fault`]; if a page vanishes during the copy, which takes another CPU, part of the room may have been written.
    pub fn fill_from_user(&self, from: u64) -> Result<(), Fault> {
        user::check(from, self.n_bytes, false)?;
        let end = from + self.n_bytes as u64;
        // The first page is read before anything is written.
        let mut page = (from & !(PAGE_BYTES - 1)) + PAGE_BYTES;
        while page < end {
            user::read_u64(page)?;
            page += PAGE_BYTES;
        }
        let mut from = from;
        self.pieces(|to, n_bytes| {
            // SAFETY: as `pieces` says.
            unsafe { user::copy_from_user_to(to, from, n_bytes)? };
            from += n_bytes as u64;
            Ok(())
        })
    }

    /// Fills it with the first of `bytes`, of which there are enough.
    ///
    /// # Errors
    /// [`Fault`] if there are not.
    pub fn fill(&self, bytes: &[u8]) -> Result<(), Fault> {
        let mut left = bytes;
        self.pieces(|to, n_bytes| {
            let (piece, rest) = left.split_at_checked(n_bytes).ok_or(Fault {
                address: 0,
                is_write: false,
            })?;
            // SAFETY: as `pieces` says; a piece of the kernel's memory does not overlap a user's frame.
            unsafe { to.copy_from_nonoverlapping(piece.as_ptr(), n_bytes) };
            left = rest;
            Ok(())
        })
    }

    /// Calls `copy` for each piece in turn: so many bytes in the direct map, which no reference of the kernel's leads to, in the frame of a
    /// page that the space keeps mapped. What the user's own threads do with them meanwhile is up to them, as with any memory of theirs.
    fn pieces(
        &self,
        mut copy: impl FnMut(*mut u8, usize) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let (mut offset, mut n_left) = (self.offset, self.n_bytes);
        for page in &self.pages {
            if n_left == 0 {
                break;
            }
            let n_bytes = n_left.min(PAGE_BYTES as usize - offset);
            copy(page.wrapping_add(offset), n_bytes)?;
            n_left -= n_bytes;
            offset = 0;
        }
        Ok(())
    }
}
