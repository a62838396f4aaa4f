//! Why an archive is refused: the byte, the field and the reason.

use core::error::Error;
use core::fmt::{self, Display, Formatter};

/// What is wrong with an archive, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The first byte of the field that is wrong, counted from the start of the archive.
    pub offset: usize,
    /// The field, by its name in cpio(5), or the part of the member: `header`, `name`, `contents`, `padding`, `trailer`.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: Reason,
}

/// What can be wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The field runs past the end of the archive.
    Truncated {
        /// The length of the field in bytes.
        n_bytes_needed: usize,
        /// What the archive still has from the field's first byte on.
        n_bytes_left: usize,
    },
    /// The magic is not that of the "newc" format.
    NotNewc,
    /// A number has something else than eight hexadecimal digits.
    NotHexadecimal,
    /// A name without any character.
    NameEmpty,
    /// The name has no NUL within its length.
    NameNotTerminated,
    /// Something else than NULs follows the name's NUL.
    NameHasNul,
    /// The name is not UTF-8.
    NameNotUtf8,
    /// A regular file with several links: its contents may stand with another member.
    HardLink {
        /// The number of links.
        n_links: u32,
    },
    /// The trailer has contents.
    TrailerHasContents {
        /// Their length.
        n_bytes: u32,
    },
    /// A byte that must be zero is not.
    NotZero {
        /// Its value.
        value: u8,
    },
    /// The archive ends after a member, without a trailer.
    NoTrailer,
}

impl Display for Malformed {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "cpio archive, byte {}, {}: {}",
            self.offset, self.field, self.reason
        )
    }
}

impl Display for Reason {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated {
                n_bytes_needed,
                n_bytes_left,
            } => {
                write!(
                    f,
                    "needs {n_bytes_needed} bytes, but the archive ends after {n_bytes_left}"
                )
            }
            Self::NotNewc => f.write_str("is not 070701, the magic of the newc format"),
            Self::NotHexadecimal => f.write_str("is not a number of eight hexadecimal digits"),
            Self::NameEmpty => f.write_str("the name is empty"),
            Self::NameNotTerminated => f.write_str("the name does not end with a NUL"),
            Self::NameHasNul => f.write_str("the name has a NUL inside"),
            Self::NameNotUtf8 => f.write_str("the name is not UTF-8"),
            Self::HardLink { n_links } => {
                write!(
                    f,
                    "is {n_links} for a regular file, but hard links are not supported"
                )
            }
            Self::TrailerHasContents { n_bytes } => {
                write!(f, "is {n_bytes}, but the trailer has no contents")
            }
            Self::NotZero { value } => write!(f, "is {value:#04x} where only zeros may stand"),
            Self::NoTrailer => f.write_str("the archive ends without its trailer"),
        }
    }
}

impl Error for Malformed {}
