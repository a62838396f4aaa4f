//! The writer, for the host: the same members in the same order give the same bytes, on any machine at any time.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::error::Error;
use core::fmt::{self, Display, Formatter};

use crate::header::{ALIGNMENT, EXECUTABLE_ALIGNMENT, Header, N_BYTES, TRAILER};

/// The permissions to execute a file (`S_IXUSR`, `S_IXGRP`, `S_IXOTH` of POSIX `<sys/stat.h>`).
const MODE_EXECUTE: u32 = 0o111;

/// An archive being written. Dates, owners and devices are 0; inode numbers count up from 1.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
    names: BTreeSet<String>,
}

impl Writer {
    /// An archive without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a member behind those already there.
    ///
    /// `name` is the name as the reader will find it, `mode` the file type and permission bits (see
    /// [`MODE_REGULAR_FILE`](crate::MODE_REGULAR_FILE)), `bytes` the contents, below 4 GiB. Those of a file that may be executed start at
    /// a multiple of 4096 bytes.
    ///
    /// # Errors
    /// What the format or the reader could not take; the archive is then unchanged.
    pub fn add(&mut self, name: &str, mode: u32, bytes: &[u8]) -> Result<(), NotWritable> {
        let refuse = |reason| NotWritable {
            name: name.to_owned(),
            reason,
        };
        if name.is_empty() || name.contains('\0') {
            return Err(refuse("the name is empty or has a NUL inside"));
        }
        if name == TRAILER {
            return Err(refuse(
                "the name is that of the trailer, which ends an archive",
            ));
        }
        if self.names.contains(name) {
            return Err(refuse("the archive already has a member of this name"));
        }
        let n_bytes_file =
            u32::try_from(bytes.len()).map_err(|_| refuse("the contents are not below 4 GiB"))?;
        let inode = u32::try_from(self.names.len() + 1)
            .map_err(|_| refuse("the archive has 2^32 members"))?;
        let alignment = if mode & MODE_EXECUTE == 0 {
            1
        } else {
            EXECUTABLE_ALIGNMENT
        };
        let start_name = self.bytes.len() + N_BYTES;
        let end_name = (start_name + name.len() + 1).next_multiple_of(alignment);
        let n_bytes_name = u32::try_from(end_name - start_name)
            .map_err(|_| refuse("the name is not below 4 GiB"))?;

        self.names.insert(name.to_owned());
        self.member(
            &Header {
                inode,
                mode,
                n_links: 1,
                n_bytes_file,
                n_bytes_name,
            },
            name,
            bytes,
        );
        Ok(())
    }

    /// Writes the trailer and hands out the archive.
    pub fn finish(mut self) -> Vec<u8> {
        const N_BYTES_NAME: u32 = TRAILER.len() as u32 + 1;
        let header = Header {
            inode: 0,
            mode: 0,
            n_links: 1,
            n_bytes_file: 0,
            n_bytes_name: N_BYTES_NAME,
        };
        self.member(&header, TRAILER, &[]);
        self.bytes
    }

    fn member(&mut self, header: &Header, name: &str, bytes: &[u8]) {
        header.write(&mut self.bytes);
        let end_name = self.bytes.len() + header.n_bytes_name as usize;
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.resize(end_name, 0);
        self.pad();
        self.bytes.extend_from_slice(bytes);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes
            .resize(self.bytes.len().next_multiple_of(ALIGNMENT), 0);
    }
}

/// A member that cannot be written, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotWritable {
    /// The member's name.
    pub name: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Display for NotWritable {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "cpio archive, member {:?}: {}", self.name, self.reason)
    }
}

impl Error for NotWritable {}
