//! Why a file is refused: the header, the field, its value and the reason.

use core::error::Error;
use core::fmt::{self, Display, Formatter};

/// What is wrong with a file, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The part of the file.
    pub place: Place,
    /// The field, by its name in the ELF specification, or what was measured (`size`, `memory`).
    pub field: &'static str,
    /// Its value in the file.
    pub value: u64,
    /// What is wrong with it.
    pub reason: Reason,
}

/// The part of a file that a refusal speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The file as a whole.
    File,
    /// The header at its start.
    FileHeader,
    /// A program header, by its place in the table, from 0.
    ProgramHeader(usize),
}

/// What can be wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Only one value, or a few, can be accepted.
    NotExpected {
        /// Those values and what they mean.
        expected: &'static str,
    },
    /// The bytes that the field points at are not all in the file.
    OutsideFile {
        /// How many they are.
        n_bytes: u64,
        /// The length of the file.
        n_bytes_file: u64,
    },
    /// Above what [`Limits`](crate::Limits) grant.
    AboveLimit {
        /// The largest value granted.
        limit: u64,
    },
    /// No program header asks to load anything.
    NothingToLoad,
    /// A type of program header that only dynamically linked programs have.
    Dynamic,
    /// More bytes in the file than in memory.
    AboveMemorySize {
        /// `p_memsz`.
        n_bytes_memory: u64,
    },
    /// The segment's pages do not lie in the addresses that [`Limits`](crate::Limits) grant.
    OutsideAddresses {
        /// The length of the segment in memory.
        n_bytes_memory: u64,
        /// The first address granted.
        start: u64,
        /// The end of the addresses granted, exclusive.
        end: u64,
    },
    /// The segment does not start above the pages of the one before it.
    NotAbove {
        /// The end of those pages, exclusive.
        end: u64,
    },
    /// Neither 0 nor a power of two.
    NotPowerOfTwo,
    /// Address and file offset differ in their place relative to the alignment.
    NotCongruent {
        /// `p_offset`.
        offset: u64,
        /// `p_align`.
        n_bytes_alignment: u64,
    },
    /// Flags other than read, write and execute.
    UnknownFlags,
    /// Pages that would be writable and executable.
    WritableAndExecutable,
    /// Pages without read access, which x86-64 cannot have.
    NotReadable,
    /// A stack that would be executable.
    ExecutableStack,
    /// A second header where at most one has a meaning.
    Second,
    /// The template of thread-local storage is not loaded by one segment.
    NotLoaded {
        /// Its length in bytes.
        n_bytes: u64,
    },
    /// The entry point is not in an executable segment.
    NotExecutable,
}

impl Display for Refusal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ELF {}: {} is {:#x}: {}",
            self.place, self.field, self.value, self.reason
        )
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => f.write_str("file"),
            Self::FileHeader => f.write_str("file header"),
            Self::ProgramHeader(index) => write!(f, "program header {index}"),
        }
    }
}

impl Display for Reason {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotExpected { expected } => write!(f, "must be {expected}"),
            Self::OutsideFile {
                n_bytes,
                n_bytes_file,
            } => {
                write!(
                    f,
                    "{n_bytes:#x} bytes from there are not inside the file of {n_bytes_file:#x} bytes"
                )
            }
            Self::AboveLimit { limit } => write!(f, "more than the limit of {limit:#x}"),
            Self::NothingToLoad => f.write_str("none of these is a segment to load"),
            Self::Dynamic => {
                f.write_str("the program is linked dynamically; link it with -static -no-pie")
            }
            Self::AboveMemorySize { n_bytes_memory } => {
                write!(f, "more than p_memsz, which is {n_bytes_memory:#x}")
            }
            Self::OutsideAddresses {
                n_bytes_memory,
                start,
                end,
            } => {
                write!(
                    f,
                    "the pages of {n_bytes_memory:#x} bytes from there are not between {start:#x} and {end:#x}"
                )
            }
            Self::NotAbove { end } => {
                write!(
                    f,
                    "its page is not above the pages of the segment before it, which end at {end:#x}"
                )
            }
            Self::NotPowerOfTwo => f.write_str("neither 0 nor a power of two"),
            Self::NotCongruent {
                offset,
                n_bytes_alignment,
            } => {
                write!(
                    f,
                    "differs from p_offset, {offset:#x}, modulo p_align, {n_bytes_alignment:#x}"
                )
            }
            Self::UnknownFlags => f.write_str("has flags other than read, write and execute"),
            Self::WritableAndExecutable => {
                f.write_str("its pages would be writable and executable")
            }
            Self::NotReadable => {
                f.write_str("its pages would not be readable, which x86-64 cannot do")
            }
            Self::ExecutableStack => {
                f.write_str("the stack would be executable; link with -z noexecstack")
            }
            Self::Second => f.write_str("there is already one of this type"),
            Self::NotLoaded { n_bytes } => {
                write!(
                    f,
                    "the template of {n_bytes:#x} bytes from there is not in one loaded segment"
                )
            }
            Self::NotExecutable => f.write_str("not in an executable segment"),
        }
    }
}

impl Error for Refusal {}
