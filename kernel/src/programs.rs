//! The programs of the initial RAM disk, by name.

use omnibus_abi::Errno;
use omnibus_abi::layout::{MAP_START, USER_START};
use omnibus_archive::Archive;
use omnibus_elf_loader::{Image, Limits, Refusal};
use spin::Once;

static ARCHIVE: Once<Archive<'static>> = Once::new();

/// Most program headers of a program.
const PROGRAM_HEADERS_MAX: u16 = 32;

/// Most bytes that a program's segments take.
const PROGRAM_BYTES_MAX: u64 = 64 << 20;

/// Makes the members of `archive` the programs that can be started. Once, at boot.
pub fn install(archive: Archive<'static>) {
    ARCHIVE.call_once(|| archive);
}

/// The contents of the member of this name.
#[must_use]
pub fn file(name: &str) -> Option<&'static [u8]> {
    let entry = ARCHIVE.get()?.find(name)?;
    entry.is_regular_file().then_some(entry.bytes)
}

/// Why a name is not that of a program.
#[derive(Debug)]
pub enum NoProgram {
    /// There is no such file.
    NotFound,
    /// The file cannot be loaded.
    Refused(Refusal),
}

impl From<NoProgram> for Errno {
    fn from(reason: NoProgram) -> Self {
        match reason {
            NoProgram::NotFound => Self::ENOENT,
            NoProgram::Refused(_) => Self::ENOEXEC,
        }
    }
}

/// The program of this name.
///
/// # Errors
/// [`NoProgram`].
pub fn find(name: &[u8]) -> Result<Image<'static>, NoProgram> {
    let name = core::str::from_utf8(name).map_err(|_| NoProgram::NotFound)?;
    let file = file(name).ok_or(NoProgram::NotFound)?;
    let limits = Limits {
        addresses: USER_START..MAP_START,
        n_program_headers: PROGRAM_HEADERS_MAX,
        n_bytes_memory: PROGRAM_BYTES_MAX,
    };
    Image::parse(file, &limits).map_err(NoProgram::Refused)
}
