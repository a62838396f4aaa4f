//! Memory objects: pages that several tasks may map, the same pages.
//!
//! What is mapped may be changed by others at any time, so it is not lent as a slice: [`Mapping::read`] and [`Mapping::write`] copy. Only what
//! is executable is constant ([`Mapping::constant`]). Who
//! holds the right REVOKE can take the pages away: an access then faults, and ends the task. So a mapping is for memory whose
//! revoker one trusts, or for a task that may end.

use crate::account::Account;
use crate::bus::Handle;
use crate::calls::{self, Result};
use crate::capability::{Owned, owns_capability};
use crate::raw;
use crate::task::Task;
use alloc::vec::Vec;
use omnibus_abi::Call;
use omnibus_abi::native::{MemoryInfo, MemoryMap, VM_EXECUTE, VM_READ};

/// A memory object, as far as the rights of its capability go.
#[derive(Debug)]
pub struct Memory(Owned);

owns_capability!(Memory);

impl Memory {
    /// A new object of zeroed pages; `n_bytes` is a multiple of the page size.
    ///
    /// # Errors
    /// Those of [`calls::memory_new`].
    pub fn new(account: &Account, n_bytes: u64) -> Result<Self> {
        calls::memory_new(account.number(), n_bytes).map(Self::from_capability)
    }

    /// Another capability to the same object, with these rights.
    ///
    /// # Errors
    /// `EPERM`: a right that this one does not have. `EDQUOT`, `ENOMEM`.
    pub fn copy(&self, rights: u64) -> Result<Self> {
        self.0.copy(rights).map(Self)
    }

    /// Its number, length, and how often it is mapped.
    ///
    /// # Errors
    /// `ESTALE`: it was taken back.
    pub fn info(&self) -> Result<MemoryInfo> {
        calls::memory_info(self.number())
    }

    /// Takes it back: it is unmapped everywhere, and every other capability to it is dead.
    ///
    /// # Errors
    /// `EPERM`: no right REVOKE. `ESTALE`: somebody else took it back.
    pub fn revoke(&self) -> Result<()> {
        calls::memory_revoke(self.number())
    }

    /// Has a message sent through `handle` when somebody has taken it back: an [`omnibus_abi::native::MemoryRevoked`].
    ///
    /// # Errors
    /// `ESTALE`: it was taken back. `EBADRQC`: the handle's node is gone. `EDQUOT`, `ENOMEM`.
    pub fn watch(&self, handle: &Handle) -> Result<()> {
        calls::memory_watch(self.number(), handle.peer().number(), handle.id())
    }

    /// Maps all of it where the kernel finds room, with these `VM_*` rights.
    ///
    /// # Errors
    /// Those of [`calls::memory_map`].
    pub fn map(&self, rights: u64) -> Result<Mapping> {
        self.map_part(0, self.info()?.n_bytes, rights)
    }

    /// Maps `n_bytes` of it from byte `offset` on where the kernel finds room, with these `VM_*` rights.
    ///
    /// # Errors
    /// Those of [`calls::memory_map`].
    pub fn map_part(&self, offset: u64, n_bytes: u64, rights: u64) -> Result<Mapping> {
        let map = MemoryMap {
            memory: self.number().0,
            offset,
            n_bytes,
            rights,
            ..MemoryMap::default()
        };
        let address = calls::memory_map(&map)?;
        Ok(Mapping {
            address,
            n_bytes,
            rights,
        })
    }

    /// Maps `n_bytes` of it from byte `offset` on into another task (right MAP) at `address`, where they stay until they are unmapped or
    /// the task ends.
    ///
    /// # Errors
    /// Those of [`calls::memory_map`].
    pub fn map_part_into(
        &self,
        task: &Task,
        address: u64,
        [offset, n_bytes]: [u64; 2],
        rights: u64,
    ) -> Result<u64> {
        calls::memory_map(&MemoryMap {
            flags: 0,
            memory: self.number().0,
            task: task.number().0,
            address,
            offset,
            n_bytes,
            rights,
        })
    }

    /// Copies all of it out.
    ///
    /// # Errors
    /// Those of [`calls::memory_map`].
    pub fn read_all(&self) -> Result<Vec<u8>> {
        let mapping = self.map(VM_READ)?;
        let mut bytes = alloc::vec![0; mapping.n_bytes() as usize];
        mapping.read(0, &mut bytes);
        Ok(bytes)
    }

    /// Maps all of it into another task (right MAP) at `address`, where it stays until it is unmapped or the task ends.
    ///
    /// # Errors
    /// Those of [`calls::memory_map`].
    pub fn map_into(&self, task: &Task, address: u64, rights: u64) -> Result<u64> {
        self.map_part_into(task, address, [0, self.info()?.n_bytes], rights)
    }
}

/// A memory object, or a part of it, in this task's memory. Unmapped on drop.
#[derive(Debug)]
pub struct Mapping {
    address: u64,
    n_bytes: u64,
    rights: u64,
}

impl Mapping {
    /// Address of its first byte.
    #[must_use]
    pub const fn address(&self) -> u64 {
        self.address
    }

    /// Its length in bytes.
    #[must_use]
    pub const fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    /// Copies bytes out, from byte `offset` on.
    ///
    /// # Panics
    /// If they are not all in the mapping, or it cannot be read.
    pub fn read(&self, offset: u64, bytes: &mut [u8]) {
        self.check(offset, bytes.len(), VM_READ);
        let from = (self.address + offset) as *const u8;
        // SAFETY: `from` is in the mapping, which is readable; `bytes` is ours alone.
        unsafe { copy(from, bytes.as_mut_ptr(), bytes.len()) };
    }

    /// Copies bytes in, from byte `offset` on.
    ///
    /// # Panics
    /// If they are not all in the mapping, or it cannot be written.
    pub fn write(&self, offset: u64, bytes: &[u8]) {
        self.check(offset, bytes.len(), omnibus_abi::native::VM_WRITE);
        let to = (self.address + offset) as *mut u8;
        // SAFETY: `to` is in the mapping, which is writable; nothing of this program lies there.
        unsafe { copy(bytes.as_ptr(), to, bytes.len()) };
    }

    /// The bytes of a mapping that can be executed, and that nobody can change therefore.
    ///
    /// # Panics
    /// If it cannot be executed.
    #[must_use]
    pub fn constant(&self) -> &[u8] {
        self.check(0, 0, VM_EXECUTE);
        // SAFETY: the mapping is readable as long as `self` is there, or faults if the object was taken back. The kernel maps no page
        // writable, for anybody, that is mapped executable (`ETXTBSY` of memory_map), so these bytes do not change.
        unsafe { core::slice::from_raw_parts(self.address as *const u8, self.n_bytes as usize) }
    }

    fn check(&self, offset: u64, n_bytes: usize, right: u64) {
        let end = offset.checked_add(n_bytes as u64);
        assert!(
            end.is_some_and(|end| end <= self.n_bytes),
            "{n_bytes} bytes at {offset} are not in a mapping of {} bytes",
            self.n_bytes
        );
        assert!(self.rights & right != 0, "the mapping lacks a right");
    }
}

/// Copies words, then the bytes that are left (Intel SDM, Vol. 2, MOVS). Other tasks may change the mapped side meanwhile: for the
/// compiler this is an instruction that moves bytes it knows nothing of, not an access of the language that could race.
///
/// # Safety
/// `n_bytes` can be read at `from` and written at `to`; the two do not overlap.
unsafe fn copy(from: *const u8, to: *mut u8, n_bytes: usize) {
    // SAFETY: the caller's promise. The direction flag is clear, as the System V ABI has it.
    unsafe {
        core::arch::asm!(
            "rep movsq",
            "mov rcx, {rest}",
            "rep movsb",
            rest = in(reg) n_bytes % 8,
            inout("rcx") n_bytes / 8 => _,
            inout("rsi") from => _,
            inout("rdi") to => _,
            options(nostack, preserves_flags),
        );
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: nothing of this program lies there. It may be gone already, if the object was taken back: addresses that the kernel
        // chose are not soon chosen again.
        let _ = unsafe { raw::call(Call::MemoryUnmap, [0, self.address]) };
    }
}
