//! A segment to load: which pages, with which rights, holding which bytes.
//!
//! To load one, map each of its [`pages`](Segment::pages) with its rights on a frame of zeros into which the
//! [`bytes_of_page`](Segment::bytes_of_page) were copied. Nothing of the file around them gets into memory.

use core::ops::Range;

use omnibus_abi::layout::PAGE_BYTES;

use crate::header::{PF_R, PF_W, PF_X, ProgramHeader};
use crate::refusal::{Reason, Refusal};

/// What a program may do with a page, besides nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Read only.
    Read,
    /// Read and write.
    ReadWrite,
    /// Read and execute.
    ReadExecute,
}

/// A segment of at least one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Segment<'a> {
    /// The address of its first byte; not always that of a page.
    pub address: u64,
    /// Its bytes from the file; zeros follow up to `n_bytes_memory`.
    pub bytes: &'a [u8],
    /// Its length in memory, at least 1 and at least that of `bytes`.
    pub n_bytes_memory: u64,
    /// The rights of all of its pages.
    pub rights: Rights,
}

impl<'a> Segment<'a> {
    /// Reads the segment that a header of type `PT_LOAD` describes and that lies in `addresses`.
    pub(crate) fn parse(
        file: &'a [u8],
        header: &ProgramHeader,
        addresses: &Range<u64>,
    ) -> Result<Self, Refusal> {
        let bytes = header.bytes(file)?;
        let ProgramHeader {
            vaddr: address,
            memsz: n_bytes_memory,
            flags,
            ..
        } = *header;
        let reason = match (flags & PF_R != 0, flags & PF_W != 0, flags & PF_X != 0) {
            _ if flags & !(PF_R | PF_W | PF_X) != 0 => Err(Reason::UnknownFlags),
            (_, true, true) => Err(Reason::WritableAndExecutable),
            (false, _, _) => Err(Reason::NotReadable),
            (true, false, false) => Ok(Rights::Read),
            (true, true, false) => Ok(Rights::ReadWrite),
            (true, false, true) => Ok(Rights::ReadExecute),
        };
        let rights = reason.map_err(|reason| header.refusal("p_flags", flags, reason))?;
        let end = address
            .checked_add(n_bytes_memory)
            .and_then(|end| end.checked_next_multiple_of(PAGE_BYTES));
        if page_of(address) < addresses.start || end.is_none_or(|end| end > addresses.end) {
            let Range { start, end } = *addresses;
            let reason = Reason::OutsideAddresses {
                n_bytes_memory,
                start,
                end,
            };
            return Err(header.refusal("p_vaddr", address, reason));
        }
        Ok(Self {
            address,
            bytes,
            n_bytes_memory,
            rights,
        })
    }

    /// The pages it lies on, as addresses: both ends are multiples of the page size, the end is exclusive.
    pub const fn pages(&self) -> Range<u64> {
        page_of(self.address)..(self.address + self.n_bytes_memory).next_multiple_of(PAGE_BYTES)
    }

    /// What the file puts on one of its pages: where on the page, in bytes from its start, and which bytes.
    ///
    /// `page` is the address of the page. The rest of the page is zero; of a page that is not the segment's, all is.
    pub fn bytes_of_page(&self, page: u64) -> (usize, &'a [u8]) {
        let start = page.max(self.address);
        let end = page
            .saturating_add(PAGE_BYTES)
            .min(self.address + self.bytes.len() as u64);
        if start >= end {
            return (0, &[]);
        }
        (
            (start - page) as usize,
            &self.bytes[(start - self.address) as usize..(end - self.address) as usize],
        )
    }

    /// Whether `n_bytes` from `address` all lie in it.
    pub(crate) fn contains(&self, address: u64, n_bytes: u64) -> bool {
        address
            .checked_sub(self.address)
            .and_then(|offset| offset.checked_add(n_bytes))
            .is_some_and(|end| end <= self.n_bytes_memory)
    }
}

/// The page that `address` lies on.
const fn page_of(address: u64) -> u64 {
    address - address % PAGE_BYTES
}
