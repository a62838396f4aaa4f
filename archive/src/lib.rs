//! The initial RAM disk as a plain cpio archive of the "newc" format: reader for the kernel, writer for the host.
//!
//! An archive is a row of members and ends with a member named `TRAILER!!!`. A member is a header of 110 bytes in
//! ASCII, its name with a final NUL, and its contents; name and contents are each padded with zeros so that what
//! follows starts at a multiple of four bytes, counted from the start of the archive. There is no index: the reader
//! walks from header to header.
//!
//! A name may have more NULs than one, all counted in its length: so the writer makes the contents of an executable start at a multiple of
//! 4096 bytes, where they can be mapped. (Linux does it with `usr/gen_init_cpio -a` since 6.18.)
//!
//! The reader follows three rules:
//! 1. [`Archive::parse`] walks the whole archive once and either accepts all of it or names the first byte and the
//!    field that is wrong. An archive in hand is sound, so listing it and finding in it cannot fail.
//! 2. What it accepts has one reading. Hard links, whose contents stand with another member, are refused; after the
//!    trailer there is nothing but zeros.
//! 3. It borrows: names and contents are slices of the archive. It does not allocate and has no unsafe code.
//!
//! Dates, owners, inode and device numbers must be well formed and are otherwise not looked at.
//!
//! Format: cpio(5) of FreeBSD, "New ASCII Format", and Linux `Documentation/driver-api/early-userspace/buffer-format.rst`.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "write")]
extern crate alloc;

mod header;
mod malformed;
mod reader;
#[cfg(feature = "write")]
mod writer;

pub use malformed::{Malformed, Reason};
pub use reader::{Archive, Entries, Entry};
#[cfg(feature = "write")]
pub use writer::{NotWritable, Writer};

/// The bits of [`Entry::mode`] that tell the type of a file (`S_IFMT` of POSIX `<sys/stat.h>`).
pub const MODE_TYPE_MASK: u32 = 0o170_000;

/// The type of a regular file among [`MODE_TYPE_MASK`] (`S_IFREG`).
pub const MODE_REGULAR_FILE: u32 = 0o100_000;
