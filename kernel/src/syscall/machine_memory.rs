//! The calling task's memory on the machine: through its own mapping, with the hardware's checks.

use omnibus_abi::layout::PAGE_BYTES;

use super::user::{Fault, UserMemory};
use crate::mm::user;
use crate::task::space::Space;

/// Memory of the task whose address space is active.
pub struct MachineMemory<'a>(pub &'a Space);

impl From<user::Fault> for Fault {
    fn from(fault: user::Fault) -> Self {
        crate::trace!(fault, address = fault.address, is_write = fault.is_write);
        Self
    }
}

impl UserMemory for MachineMemory<'_> {
    fn read(&self, address: u64, into: &mut [u8]) -> Result<(), Fault> {
        user::copy_from_user(into, address).map_err(Fault::from)
    }

    fn read_words(&self, address: u64, into: &mut [u64]) -> Result<(), Fault> {
        user::copy_words_from_user(into, address).map_err(Fault::from)
    }

    fn write(&self, address: u64, from: &[u8]) -> Result<(), Fault> {
        user::copy_to_user(address, from).map_err(Fault::from)
    }

    fn write_words(&self, address: u64, from: &[u64]) -> Result<(), Fault> {
        user::copy_words_to_user(address, from).map_err(Fault::from)
    }

    fn probe_write(&self, address: u64, n_bytes: u64) -> Result<(), Fault> {
        let first = address & !(PAGE_BYTES - 1);
        let pages = (first..address + n_bytes).step_by(PAGE_BYTES as usize);
        if self.0.are_writable(pages) {
            Ok(())
        } else {
            Err(Fault)
        }
    }
}
