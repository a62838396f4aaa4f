//! A sound executable, and the limits it was held to.

use core::ops::Range;

use crate::header::{
    FileHeader, PF_X, PT_DYNAMIC, PT_GNU_STACK, PT_INTERP, PT_LOAD, PT_TLS, ProgramHeader,
    RawProgramHeader,
};
use crate::refusal::{Place, Reason, Refusal};
use crate::segment::{Rights, Segment};
use crate::tls::Tls;

/// What a program may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The addresses its pages must lie in. Both ends are multiples of the page size, the end is exclusive.
    pub addresses: Range<u64>,
    /// How many program headers, of whatever type, it may have. They bound the time that parsing takes.
    pub n_program_headers: u16,
    /// How many bytes the pages of all its segments may take; also the limit of its thread-local storage.
    pub n_bytes_memory: u64,
}

/// A sound executable.
#[derive(Clone, Debug)]
pub struct Image<'a> {
    file: &'a [u8],
    program_headers: &'a [RawProgramHeader],
    addresses: Range<u64>,
    entry: u64,
    n_bytes_memory: u64,
    tls: Option<Tls>,
}

impl<'a> Image<'a> {
    /// Checks a whole executable.
    ///
    /// `file` is the file from its first byte to its last.
    ///
    /// # Errors
    /// The first thing that is wrong: in the file header, then in each program header in turn, then what is missing or
    /// does not fit together.
    pub fn parse(file: &'a [u8], limits: &Limits) -> Result<Self, Refusal> {
        let header = FileHeader::parse(file)?;
        let refuse = |field, value, reason| Refusal {
            place: Place::FileHeader,
            field,
            value,
            reason,
        };
        let limit = limits.n_program_headers.into();
        if header.n_program_headers > limit {
            return Err(refuse(
                "e_phnum",
                header.n_program_headers,
                Reason::AboveLimit { limit },
            ));
        }
        let mut image = Image {
            file,
            program_headers: header.program_headers(file)?,
            addresses: limits.addresses.clone(),
            entry: header.entry,
            n_bytes_memory: 0,
            tls: None,
        };
        image.check_program_headers(limits.n_bytes_memory)?;
        if image.n_bytes_memory == 0 {
            return Err(refuse(
                "e_phnum",
                header.n_program_headers,
                Reason::NothingToLoad,
            ));
        }
        let is_code = |segment: &Segment<'_>| segment.rights == Rights::ReadExecute;
        if !image
            .segments()
            .any(|segment| is_code(&segment) && segment.contains(image.entry, 1))
        {
            return Err(refuse("e_entry", image.entry, Reason::NotExecutable));
        }
        Ok(image)
    }

    /// Checks every program header and learns what they come to.
    fn check_program_headers(&mut self, n_bytes_limit: u64) -> Result<(), Refusal> {
        let mut end_of_pages = 0;
        let mut tls_header = None;
        for header in self.headers() {
            match header.type_ {
                // It asks for nothing, so it does not matter where.
                PT_LOAD if header.memsz == 0 && header.filesz == 0 => {}
                PT_LOAD => {
                    let segment = Segment::parse(self.file, &header, &self.addresses)?;
                    let pages = segment.pages();
                    if pages.start < end_of_pages {
                        return Err(header.refusal(
                            "p_vaddr",
                            header.vaddr,
                            Reason::NotAbove { end: end_of_pages },
                        ));
                    }
                    end_of_pages = pages.end;
                    // Pages of different segments are disjoint, so the sum is below the end of the last one.
                    self.n_bytes_memory += pages.end - pages.start;
                    if self.n_bytes_memory > n_bytes_limit {
                        return Err(Refusal {
                            place: Place::File,
                            field: "memory",
                            value: self.n_bytes_memory,
                            reason: Reason::AboveLimit {
                                limit: n_bytes_limit,
                            },
                        });
                    }
                }
                PT_INTERP | PT_DYNAMIC => {
                    return Err(header.refusal("p_type", header.type_, Reason::Dynamic));
                }
                PT_GNU_STACK if header.flags & PF_X != 0 => {
                    return Err(header.refusal("p_flags", header.flags, Reason::ExecutableStack));
                }
                PT_TLS if self.tls.is_some() => {
                    return Err(header.refusal("p_type", header.type_, Reason::Second));
                }
                PT_TLS => {
                    self.tls = Some(Tls::parse(self.file, &header, n_bytes_limit)?);
                    tls_header = Some(header);
                }
                _ => {}
            }
        }
        match tls_header {
            Some(tls)
                if tls.filesz > 0
                    && !self
                        .segments()
                        .any(|segment| segment.contains(tls.vaddr, tls.filesz)) =>
            {
                Err(tls.refusal(
                    "p_vaddr",
                    tls.vaddr,
                    Reason::NotLoaded {
                        n_bytes: tls.filesz,
                    },
                ))
            }
            _ => Ok(()),
        }
    }

    fn headers(&self) -> impl Iterator<Item = ProgramHeader> + use<'a> {
        self.program_headers
            .iter()
            .enumerate()
            .map(ProgramHeader::read)
    }

    /// The segments to load, in ascending order of their addresses; no two share a page.
    pub fn segments(&self) -> impl Iterator<Item = Segment<'a>> + use<'a> {
        let Self {
            file, addresses, ..
        } = self.clone();
        let to_load = self
            .headers()
            .filter(|header| header.type_ == PT_LOAD && header.memsz > 0);
        // `parse` took the same step before, so there is no error to lose here.
        to_load.filter_map(move |header| Segment::parse(file, &header, &addresses).ok())
    }

    /// The address of the first instruction; it lies in an executable segment.
    pub const fn entry(&self) -> u64 {
        self.entry
    }

    /// The memory that the pages of all segments take, in bytes.
    pub const fn n_bytes_memory(&self) -> u64 {
        self.n_bytes_memory
    }

    /// The template of thread-local storage, if the program has any.
    pub const fn tls(&self) -> Option<Tls> {
        self.tls
    }
}
