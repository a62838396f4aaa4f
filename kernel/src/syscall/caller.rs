//! Who calls: the thread, its memory, and a place for what a call reads in one go.

use alloc::collections::TryReserveError;
use alloc::vec::Vec;

use bus1_service::Id;
use omnibus_abi::limits::{DATA_VECTORS_MAX, PRINT_BYTES_MAX};
use omnibus_abi::{CapabilityNumber, Errno};

use super::machine_memory::MachineMemory;
use super::user::ReadClaim;
use crate::cap::{Capability, Object, select};
use crate::service::{account::AccountObject, peer::Hold};
use crate::shared::Ref;
use crate::task::{task::Task, thread::Thread};

/// Words of [`Scratch`]: the most ids of one release.
pub const SCRATCH_WORDS: usize = omnibus_abi::limits::IDS_MAX as usize;

/// Memory of the CPU that a call may use until interrupts are on again. It is set aside at boot, so RELEASE and RECV cannot
/// fail for want of memory (REL-3, ACC-3).
#[derive(Default)]
pub struct Scratch {
    /// For arrays of words: [`SCRATCH_WORDS`].
    pub words: Vec<u64>,
    /// For data vectors, which SEND reads before its other arrays and keeps after them: two words for each of [`DATA_VECTORS_MAX`].
    pub vectors: Vec<u64>,
    /// For arrays of ids: [`SCRATCH_WORDS`].
    pub ids: Vec<Id>,
    /// For bytes on their way out: [`PRINT_BYTES_MAX`].
    pub bytes: Vec<u8>,
}

impl Scratch {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            words: Vec::new(),
            vectors: Vec::new(),
            ids: Vec::new(),
            bytes: Vec::new(),
        }
    }

    /// Takes the memory.
    ///
    /// # Errors
    /// There is none.
    pub fn set_up(&mut self) -> Result<(), TryReserveError> {
        fill(&mut self.words, SCRATCH_WORDS, 0)?;
        fill(&mut self.vectors, 2 * DATA_VECTORS_MAX as usize, 0)?;
        fill(&mut self.ids, SCRATCH_WORDS, Id::INVALID)?;
        fill(&mut self.bytes, PRINT_BYTES_MAX as usize, 0)
    }
}

fn fill<T: Clone>(list: &mut Vec<T>, length: usize, value: T) -> Result<(), TryReserveError> {
    list.try_reserve_exact(length)?;
    list.resize(length, value);
    Ok(())
}

/// The calling thread, while its call runs on this CPU.
pub struct Caller<'a> {
    /// The thread.
    pub thread: &'a Ref<Thread>,
    /// Its task's memory, which is active.
    pub memory: MachineMemory<'a>,
    /// See [`Scratch`].
    pub scratch: &'a mut Scratch,
}

impl Caller<'_> {
    /// The calling task.
    #[must_use]
    pub fn task(&self) -> &Ref<Task> {
        &self.thread.task
    }

    /// What `number` names, if it is what `select` wants and has `right`.
    ///
    /// # Errors
    /// `EBADF`, `EOPNOTSUPP`, `EPERM`, in this order.
    pub fn look_up<T: Clone>(
        &self,
        number: u64,
        right: u64,
        select: impl for<'b> FnOnce(&'b Object) -> Option<&'b T>,
    ) -> Result<T, Errno> {
        let capabilities = self.task().capabilities.lock();
        capabilities
            .look_up(CapabilityNumber(number), right, select)
            .cloned()
    }

    /// A peer with `right`; it stays open while the call runs (CLO-5).
    ///
    /// # Errors
    /// `EBADF`, `EOPNOTSUPP`, `EPERM`.
    pub fn peer(&self, number: u64, right: u64) -> Result<Hold, Errno> {
        self.look_up(number, right, select::peer)
    }

    /// An account with `right`.
    ///
    /// # Errors
    /// `EBADF`, `EOPNOTSUPP`, `EPERM`.
    pub fn account(&self, number: u64, right: u64) -> Result<Ref<AccountObject>, Errno> {
        self.look_up(number, right, select::account)
    }

    /// Reads `n_ids` ids at `address` into the scratch, all of them before any is looked up (REL-1, SND-5).
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn read_ids(&mut self, address: u64, n_ids: u64) -> Result<&[Id], Errno> {
        let claim = ReadClaim::new(address, n_ids * 8)?;
        let Scratch { words, ids, .. } = &mut *self.scratch;
        let words = words.get_mut(..n_ids as usize).ok_or(Errno::EMSGSIZE)?;
        let ids = ids.get_mut(..n_ids as usize).ok_or(Errno::EMSGSIZE)?;
        claim.read_words(&self.memory, words)?;
        for (id, word) in ids.iter_mut().zip(words) {
            *id = Id::from_u64(*word);
        }
        Ok(ids)
    }

    /// Checks for one of the kernel's own objects with `right`.
    ///
    /// # Errors
    /// `EBADF`, `EOPNOTSUPP`, `EPERM`.
    pub fn check(
        &self,
        number: u64,
        right: u64,
        select: impl FnOnce(&Object) -> Option<()>,
    ) -> Result<(), Errno> {
        let capabilities = self.task().capabilities.lock();
        capabilities.look_up(CapabilityNumber(number), right, select)
    }

    /// Puts a capability with every right into the caller's table.
    ///
    /// # Errors
    /// `EDQUOT`, `ENOMEM`.
    pub fn install(&self, object: Object) -> Result<u64, Errno> {
        let number = self.task().insert(Capability::full(object))?;
        Ok(number.0)
    }
}
