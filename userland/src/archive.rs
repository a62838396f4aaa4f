//! An archive of files as a memory object, such as the first task is given.
//!
//! It is mapped executable, although nothing is executed where it is mapped: the kernel then lets nobody have it writable
//! (`ETXTBSY`), so that files can be lent as slices and checked where they are. Programs are mapped from it, too: who may start programs is
//! who has been given an archive.

use crate::calls::{self, Result};
use crate::environment::{self, CAPABILITY};
use crate::loader::{NoProgram, Program};
use crate::lock::Mutex;
use crate::memory::{Mapping, Memory};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;
use omnibus_abi::native::{VM_EXECUTE, VM_READ};
use omnibus_abi::{CapabilityNumber, Errno, Kind};

/// The rights that an archive needs; those of a capability are the bits of a mapping's.
pub const RIGHTS: u64 = VM_READ | VM_EXECUTE;

/// What a task calls the archive that it was given.
pub const NAME: &str = "archive";

/// A file, by where its name and its contents are.
#[derive(Debug)]
struct File {
    name: String,
    contents: Range<usize>,
}

/// An archive in this task's memory.
#[derive(Debug)]
pub struct Archive {
    memory: Memory,
    mapping: Mapping,
    files: Vec<File>,
}

static GIVEN: Mutex<Option<&'static Archive>> = Mutex::new(None);

impl Archive {
    /// The archive that this task was given: what it knows as [`NAME`], or else the first memory object among its capabilities. It is
    /// mapped once.
    ///
    /// # Errors
    /// `EBADF`: it was given none. Those of [`Self::new`].
    pub fn given() -> Result<&'static Self> {
        let mut given = GIVEN.lock();
        if let Some(archive) = *given {
            return Ok(archive);
        }
        let named = environment::number_of(CAPABILITY, NAME).map(CapabilityNumber);
        let number = named.or_else(|| environment::find(Kind::Memory));
        // Who else uses the number may drop it.
        let own = calls::capability_copy(number.ok_or(Errno::EBADF)?, RIGHTS)?;
        let memory = Memory::from_capability(own);
        let archive: &'static Self = Box::leak(Box::new(Self::new(memory)?));
        *given = Some(archive);
        Ok(archive)
    }

    /// The archive in `memory`, with [`RIGHTS`]. If somebody takes the object back, the next look at it ends this task.
    ///
    /// # Errors
    /// `EINVAL`: it is no archive. `ETXTBSY`: somebody may write to it. Those of [`Memory::map`].
    pub fn new(memory: Memory) -> Result<Self> {
        let mapping = memory.map(RIGHTS)?;
        let bytes = mapping.constant();
        let archive = omnibus_archive::Archive::parse(bytes).map_err(|_| Errno::EINVAL)?;
        let regular = archive.entries().filter(|entry| entry.is_regular_file());
        let files = regular.map(|entry| {
            let start = entry.bytes.as_ptr().addr() - bytes.as_ptr().addr();
            File {
                name: entry.name.into(),
                contents: start..start + entry.bytes.len(),
            }
        });
        let files = files.collect();
        Ok(Self {
            memory,
            mapping,
            files,
        })
    }

    /// The capability, for a task that is to have the archive, too.
    #[must_use]
    pub const fn number(&self) -> CapabilityNumber {
        self.memory.number()
    }

    /// The names of the files, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.name.as_str())
    }

    /// The contents of the first file of this name.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        let file = self.files.iter().find(|file| file.name == name)?;
        self.mapping.constant().get(file.contents.clone())
    }

    /// The program of this name.
    ///
    /// # Errors
    /// [`NoProgram`].
    pub fn program(&self, name: &str) -> core::result::Result<Program<'_>, NoProgram> {
        let file = self.file(name).ok_or(NoProgram::NotFound)?;
        let start = file.as_ptr().addr() as u64 - self.mapping.address();
        Program::parse(file)
            .map(|program| program.at(&self.memory, start))
            .map_err(NoProgram::Refused)
    }
}
