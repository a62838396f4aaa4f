//! The template of thread-local storage.
//!
//! Every thread gets an area of its own, which the program's runtime fills from the template: the template itself is
//! part of a loaded segment, so no loader has to copy it.

use omnibus_abi::layout::PAGE_BYTES;

use crate::header::ProgramHeader;
use crate::refusal::{Reason, Refusal};

/// What the thread-local storage of each thread starts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The address of the template. Means nothing if the template is empty.
    pub address: u64,
    /// The length of the template in bytes, at most `n_bytes_memory`.
    pub n_bytes_template: u64,
    /// The length of a thread's area in bytes: the template, then zeros. At most the limit for a whole program.
    pub n_bytes_memory: u64,
    /// The alignment of the area in bytes, a power of two between 1 and that of a page.
    pub n_bytes_alignment: u64,
}

impl Tls {
    /// Reads what a header of type `PT_TLS` describes. Whether its template is loaded remains to be checked.
    pub(crate) fn parse(
        file: &[u8],
        header: &ProgramHeader,
        n_bytes_limit: u64,
    ) -> Result<Self, Refusal> {
        header.bytes(file)?;
        let above =
            |field, value, limit| Err(header.refusal(field, value, Reason::AboveLimit { limit }));
        if header.align > PAGE_BYTES {
            return above("p_align", header.align, PAGE_BYTES);
        }
        if header.memsz > n_bytes_limit {
            return above("p_memsz", header.memsz, n_bytes_limit);
        }
        Ok(Self {
            address: header.vaddr,
            n_bytes_template: header.filesz,
            n_bytes_memory: header.memsz,
            n_bytes_alignment: header.align.max(1),
        })
    }
}
