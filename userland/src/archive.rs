//! An archive of files as a memory object, such as the first task is given: files are copied out by name.

use crate::calls::Result;
use crate::memory::{Mapping, Memory};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use omnibus_abi::Errno;
use omnibus_abi::native::VM_READ;
use omnibus_archive::Walk;

/// An archive in this task's memory.
#[derive(Debug)]
pub struct Archive(Mapping);

impl Archive {
    /// The archive in `memory` (right READ), of which the caller trusts whoever may take it back.
    ///
    /// # Errors
    /// Those of [`Memory::map`].
    pub fn new(memory: &Memory) -> Result<Self> {
        memory.map(VM_READ).map(Self)
    }

    /// The contents of the first file of this name.
    ///
    /// # Errors
    /// `ENOENT`: there is none, or the archive is none.
    pub fn read(&self, name: &str) -> Result<Vec<u8>> {
        let place = self.walk().find(name).map_err(|_| Errno::ENOENT)?;
        let place = place.ok_or(Errno::ENOENT)?;
        let mut bytes = vec![0; place.n_bytes];
        self.0.read(place.offset as u64, &mut bytes);
        Ok(bytes)
    }

    /// The names of the files, in their order; up to the first fault, if the archive is none.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut walk = self.walk();
        let mut names = Vec::new();
        while let Ok(Some((name, place))) = walk.next_member() {
            if place.is_regular_file {
                names.push(name.into());
            }
        }
        names
    }

    fn walk(&self) -> Walk<impl FnMut(usize, &mut [u8])> {
        let n_bytes = self.0.n_bytes() as usize;
        Walk::new(n_bytes, |offset, bytes: &mut [u8]| {
            self.0.read(offset as u64, bytes);
        })
    }
}
