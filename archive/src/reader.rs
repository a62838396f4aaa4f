//! The reader: a cursor that walks over an archive, and the sound archive as a list of entries.

use crate::header::{self, ALIGNMENT, FILE_SIZE, Header, LINKS, TRAILER};
use crate::malformed::{Malformed, Reason};
use crate::{MODE_REGULAR_FILE, MODE_TYPE_MASK};

/// A sound archive.
#[derive(Clone, Copy, Debug)]
pub struct Archive<'a> {
    bytes: &'a [u8],
}

/// A member of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The name as it stands in the archive: never empty, without its final NUL.
    pub name: &'a str,
    /// File type ([`MODE_TYPE_MASK`]) and permission bits.
    pub mode: u32,
    /// The contents.
    pub bytes: &'a [u8],
}

impl Entry<'_> {
    /// Whether this is a regular file (and not, say, a directory or a symbolic link).
    pub const fn is_regular_file(&self) -> bool {
        self.mode & MODE_TYPE_MASK == MODE_REGULAR_FILE
    }
}

impl<'a> Archive<'a> {
    /// Checks a whole archive.
    ///
    /// `bytes` is the archive from its first header to its trailer; zeros may follow, as archivers round up.
    ///
    /// # Errors
    /// The first thing that is wrong in the first member that is wrong.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut cursor = Cursor { bytes, position: 0 };
        while cursor.next_entry()?.is_some() {}
        cursor.zeros(bytes.len() - cursor.position, "trailer")?;
        Ok(Self { bytes })
    }

    /// The members in their order in the archive, without the trailer.
    pub const fn entries(&self) -> Entries<'a> {
        Entries {
            cursor: Cursor {
                bytes: self.bytes,
                position: 0,
            },
        }
    }

    /// The first member of exactly this name.
    pub fn find(&self, name: &str) -> Option<Entry<'a>> {
        self.entries().find(|entry| entry.name == name)
    }
}

/// The members of an archive, in order.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        // `Archive::parse` took the same steps before, so there is no error to lose here. At the trailer the cursor
        // stays in front of it: an iterator that has ended stays ended.
        let mut ahead = self.cursor.clone();
        let entry = ahead.next_entry().ok().flatten()?;
        self.cursor = ahead;
        Some(entry)
    }
}

impl core::iter::FusedIterator for Entries<'_> {}

/// A place in an archive, always at most its length.
#[derive(Clone, Debug)]
struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    /// Reads the member that starts here; `None` if it is the trailer.
    fn next_entry(&mut self) -> Result<Option<Entry<'a>>, Malformed> {
        let Some((name, header)) = self.next_head()? else {
            return Ok(None);
        };
        let bytes = self.take(widen(header.n_bytes_file), "contents")?;
        self.padding()?;
        Ok(Some(Entry {
            name,
            mode: header.mode,
            bytes,
        }))
    }

    /// Reads what stands before the contents of the member that starts here; `None` if it is the trailer.
    fn next_head(&mut self) -> Result<Option<(&'a str, Header)>, Malformed> {
        let start = self.position;
        if start == self.bytes.len() {
            return Err(Malformed {
                offset: start,
                field: "trailer",
                reason: Reason::NoTrailer,
            });
        }
        let header = Header::parse(self.take_array("header")?, start)?;
        let name = self.name(header.n_bytes_name)?;
        self.padding()?;
        if name == TRAILER {
            return match header.n_bytes_file {
                0 => Ok(None),
                n_bytes => Err(header::malformed(
                    start,
                    FILE_SIZE,
                    Reason::TrailerHasContents { n_bytes },
                )),
            };
        }
        let is_regular_file = header.mode & MODE_TYPE_MASK == MODE_REGULAR_FILE;
        if is_regular_file && header.n_links > 1 {
            return Err(header::malformed(
                start,
                LINKS,
                Reason::HardLink {
                    n_links: header.n_links,
                },
            ));
        }
        Ok(Some((name, header)))
    }

    /// Reads a name of `n_bytes` with its final NUL, and further ones that may follow.
    fn name(&mut self, n_bytes: u32) -> Result<&'a str, Malformed> {
        let offset = self.position;
        let refuse = |reason| Malformed {
            offset,
            field: "name",
            reason,
        };
        let bytes = self.take(widen(n_bytes), "name")?;
        let Some(end) = bytes.iter().position(|byte| *byte == 0) else {
            let reason = if bytes.is_empty() {
                Reason::NameEmpty
            } else {
                Reason::NameNotTerminated
            };
            return Err(refuse(reason));
        };
        let (name, nuls) = bytes.split_at(end);
        if name.is_empty() {
            return Err(refuse(Reason::NameEmpty));
        }
        if nuls.iter().any(|byte| *byte != 0) {
            return Err(refuse(Reason::NameHasNul));
        }
        core::str::from_utf8(name).map_err(|_| refuse(Reason::NameNotUtf8))
    }

    /// Passes over the zeros up to the next aligned place.
    fn padding(&mut self) -> Result<(), Malformed> {
        self.zeros(
            self.position.next_multiple_of(ALIGNMENT) - self.position,
            "padding",
        )
    }

    /// Passes over `n_bytes` zeros.
    fn zeros(&mut self, n_bytes: usize, field: &'static str) -> Result<(), Malformed> {
        let start = self.position;
        match self
            .take(n_bytes, field)?
            .iter()
            .zip(start..)
            .find(|(byte, _)| **byte != 0)
        {
            None => Ok(()),
            Some((&value, offset)) => Err(Malformed {
                offset,
                field,
                reason: Reason::NotZero { value },
            }),
        }
    }

    /// Takes the next `n_bytes`.
    fn take(&mut self, n_bytes: usize, field: &'static str) -> Result<&'a [u8], Malformed> {
        let left = &self.bytes[self.position..];
        let taken = left.get(..n_bytes).ok_or(Malformed {
            offset: self.position,
            field,
            reason: Reason::Truncated {
                n_bytes_needed: n_bytes,
                n_bytes_left: left.len(),
            },
        })?;
        self.position += n_bytes;
        Ok(taken)
    }

    /// Takes the next `N` bytes.
    fn take_array<const N: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<&'a [u8; N], Malformed> {
        let left = &self.bytes[self.position..];
        let taken = left.first_chunk().ok_or(Malformed {
            offset: self.position,
            field,
            reason: Reason::Truncated {
                n_bytes_needed: N,
                n_bytes_left: left.len(),
            },
        })?;
        self.position += N;
        Ok(taken)
    }
}

/// A length of the format as a length in memory.
const fn widen(n_bytes: u32) -> usize {
    const { assert!(size_of::<usize>() >= size_of::<u32>()) };
    n_bytes as usize
}
