//! A walk over an archive that lies elsewhere: headers and names are copied, contents are passed over.
//!
//! Whoever walks has not checked the archive before, and it may change under his feet: every step checks what it copied, and goes no
//! further than the archive's end.

use crate::header::{ALIGNMENT, Header, N_BYTES};
use crate::malformed::{Malformed, Reason};
use crate::reader::{Cursor, widen};
use crate::{MODE_REGULAR_FILE, MODE_TYPE_MASK};

/// Longest name that a walk reads, in bytes, with its NUL.
const NAME_BYTES_MAX: usize = 256;

/// A header, a name, and the padding behind it.
const HEAD_BYTES_MAX: usize = N_BYTES + NAME_BYTES_MAX + ALIGNMENT;

/// Where the contents of a member are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Their first byte, counted from the start of the archive.
    pub offset: usize,
    /// Their length.
    pub n_bytes: usize,
    /// Whether the member is a regular file.
    pub is_regular_file: bool,
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Walk<R> {
    read: R,
    n_bytes: usize,
    position: usize,
    head: [u8; HEAD_BYTES_MAX],
}

impl<R: FnMut(usize, &mut [u8])> Walk<R> {
    /// Over an archive of `n_bytes` bytes; `read` copies those from an offset on, never behind the end.
    pub const fn new(n_bytes: usize, read: R) -> Self {
        Self {
            read,
            n_bytes,
            position: 0,
            head: [0; HEAD_BYTES_MAX],
        }
    }

    /// The next member: its name, and where its contents are; `None` at the trailer.
    ///
    /// # Errors
    /// What is wrong with it; a name of more than 255 bytes is [`Reason::Truncated`].
    pub fn next_member(&mut self) -> Result<Option<(&str, Place)>, Malformed> {
        let start = self.position;
        let left = self.n_bytes - start;
        let head = &mut self.head[..left.min(HEAD_BYTES_MAX)];
        (self.read)(start, head);
        let mut cursor = Cursor {
            bytes: head,
            position: 0,
        };
        let (
            name,
            Header {
                mode, n_bytes_file, ..
            },
        ) = match cursor.next_head() {
            Ok(Some(head)) => head,
            Ok(None) => return Ok(None),
            Err(error) => {
                let offset = error.offset + start;
                return Err(Malformed { offset, ..error });
            }
        };
        let (offset, n_bytes) = (start + cursor.position, widen(n_bytes_file));
        let n_bytes_left = self.n_bytes - offset;
        if n_bytes.next_multiple_of(ALIGNMENT) > n_bytes_left {
            return Err(Malformed {
                offset,
                field: "contents",
                reason: Reason::Truncated {
                    n_bytes_needed: n_bytes,
                    n_bytes_left,
                },
            });
        }
        self.position = offset + n_bytes.next_multiple_of(ALIGNMENT);
        let place = Place {
            offset,
            n_bytes,
            is_regular_file: mode & MODE_TYPE_MASK == MODE_REGULAR_FILE,
        };
        Ok(Some((name, place)))
    }

    /// Where the contents of the first regular file of this name are.
    ///
    /// # Errors
    /// What is wrong with the archive before it.
    pub fn find(mut self, name: &str) -> Result<Option<Place>, Malformed> {
        while let Some((found, place)) = self.next_member()? {
            if found == name && place.is_regular_file {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }
}
