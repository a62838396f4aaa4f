//! The calling task's memory on the machine: through its own mapping, with the hardware's checks.

use omnibus_abi::layout::PAGE_BYTES;

use super::user::{Fault, UserMemory};
#[cfg(not(test))]
use crate::mm::user;
use crate::task::space::Space;

/// Memory of the task whose address space is active.
pub struct MachineMemory<'a>(pub &'a Space);

#[cfg(not(test))]
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

    fn write(&self, address: u64, from: &[u8]) -> Result<(), Fault> {
        user::copy_to_user(address, from).map_err(Fault::from)
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

/// On the host no address space is active.
#[cfg(test)]
mod user {
    use super::Fault;

    pub(super) struct NoSpace;

    impl From<NoSpace> for Fault {
        fn from(NoSpace: NoSpace) -> Self {
            Self
        }
    }

    pub(super) fn copy_from_user(_: &mut [u8], _: u64) -> Result<(), NoSpace> {
        Err(NoSpace)
    }

    pub(super) fn copy_to_user(_: u64, _: &[u8]) -> Result<(), NoSpace> {
        Err(NoSpace)
    }
}
