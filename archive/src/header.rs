//! The header of a member: the magic `070701` and thirteen numbers of eight hexadecimal digits each, no separators.

use crate::malformed::{Malformed, Reason};

/// The magic of the "newc" format. (`070702` is its variant with checksums, which this crate does not read.)
pub(crate) const MAGIC: &[u8; 6] = b"070701";

/// Hexadecimal digits in a number.
const N_DIGITS: usize = 8;

/// The numbers, in their order in the file, by their names in cpio(5).
const FIELDS: [&str; 13] = [
    "c_ino",
    "c_mode",
    "c_nlink",
    "c_uid",
    "c_gid",
    "c_mtime",
    "c_filesize",
    "c_devmajor",
    "c_devminor",
    "c_rdevmajor",
    "c_rdevminor",
    "c_namesize",
    "c_check",
];

/// Bytes in a header.
pub(crate) const N_BYTES: usize = MAGIC.len() + FIELDS.len() * N_DIGITS;

/// Everything that follows a header is aligned to this many bytes.
pub(crate) const ALIGNMENT: usize = 4;

/// Contents of executables are aligned to this many bytes by the writer: a page of memory.
#[cfg(feature = "write")]
pub(crate) const EXECUTABLE_ALIGNMENT: usize = 4096;

/// The name of the member that ends an archive.
pub(crate) const TRAILER: &str = "TRAILER!!!";

/// What the reader uses of a header and the writer varies.
pub(crate) struct Header {
    /// Inode number; only the writer looks at it.
    #[cfg_attr(not(feature = "write"), expect(dead_code))]
    pub(crate) inode: u32,
    /// Type and permission bits.
    pub(crate) mode: u32,
    /// How many members share these contents.
    pub(crate) n_links: u32,
    /// Length of the contents, without padding.
    pub(crate) n_bytes_file: u32,
    /// Length of the name with its final NUL, without padding.
    pub(crate) n_bytes_name: u32,
}

/// The place of `c_nlink` among the numbers.
pub(crate) const LINKS: usize = 2;

/// The place of `c_filesize` among the numbers.
pub(crate) const FILE_SIZE: usize = 6;

/// The report that a number is wrong: the one at place `index` in the header that starts at byte `start`.
pub(crate) fn malformed(start: usize, index: usize, reason: Reason) -> Malformed {
    Malformed {
        offset: start + MAGIC.len() + index * N_DIGITS,
        field: FIELDS[index],
        reason,
    }
}

impl Header {
    /// Reads a header that starts at byte `start` of the archive.
    pub(crate) fn parse(bytes: &[u8; N_BYTES], start: usize) -> Result<Self, Malformed> {
        let (magic, digits) = bytes.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(Malformed {
                offset: start,
                field: "c_magic",
                reason: Reason::NotNewc,
            });
        }
        let mut numbers = [0; FIELDS.len()];
        for (index, digits) in digits.chunks(N_DIGITS).enumerate() {
            numbers[index] =
                number_of(digits).ok_or(malformed(start, index, Reason::NotHexadecimal))?;
        }
        let [
            inode,
            mode,
            n_links,
            _,
            _,
            _,
            n_bytes_file,
            _,
            _,
            _,
            _,
            n_bytes_name,
            _,
        ] = numbers;
        Ok(Self {
            inode,
            mode,
            n_links,
            n_bytes_file,
            n_bytes_name,
        })
    }

    /// Writes a header whose remaining numbers (owner, date, devices, checksum) are 0.
    #[cfg(feature = "write")]
    pub(crate) fn write(&self, out: &mut alloc::vec::Vec<u8>) {
        let Self {
            inode,
            mode,
            n_links,
            n_bytes_file,
            n_bytes_name,
        } = *self;
        out.extend_from_slice(MAGIC);
        for number in [
            inode,
            mode,
            n_links,
            0,
            0,
            0,
            n_bytes_file,
            0,
            0,
            0,
            0,
            n_bytes_name,
            0,
        ] {
            out.extend_from_slice(alloc::format!("{number:08X}").as_bytes());
        }
    }
}

/// The value of hexadecimal digits of either case. `None` on anything else; a sign, too, is not a digit.
fn number_of(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number: u32, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        number.checked_mul(16)?.checked_add(digit)
    })
}
