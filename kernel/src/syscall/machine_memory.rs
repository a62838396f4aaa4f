//! The calling task's memory on the machine: through its own mapping, with the hardware's checks.

use omnibus_abi::layout::PAGE_BYTES;

use super::user::{Fault, UserMemory};
use crate::mm::user;
use crate::task::thread::Thread;
use crate::trace::{Event, trace};

/// Memory of the task of a thread whose address space is active. What cannot be used is noted in the thread ([`Thread::missed`]).
pub struct MachineMemory<'a>(pub &'a Thread);

impl MachineMemory<'_> {
    fn missed(&self, fault: user::Fault) -> Fault {
        let user::Fault { address, is_write } = fault;
        let thread = self.0.number;
        trace!(Event::Missed { thread, address });
        self.0.missed.note(address, is_write);
        Fault
    }
}

impl UserMemory for MachineMemory<'_> {
    fn read(&self, address: u64, into: &mut [u8]) -> Result<(), Fault> {
        user::copy_from_user(into, address).map_err(|fault| self.missed(fault))
    }

    fn read_words(&self, address: u64, into: &mut [u64]) -> Result<(), Fault> {
        user::copy_words_from_user(into, address).map_err(|fault| self.missed(fault))
    }

    fn write(&self, address: u64, from: &[u8]) -> Result<(), Fault> {
        user::copy_to_user(address, from).map_err(|fault| self.missed(fault))
    }

    fn write_words(&self, address: u64, from: &[u64]) -> Result<(), Fault> {
        user::copy_words_to_user(address, from).map_err(|fault| self.missed(fault))
    }

    fn probe_write(&self, address: u64, n_bytes: u64) -> Result<(), Fault> {
        let first = address & !(PAGE_BYTES - 1);
        let pages = (first..address + n_bytes).step_by(PAGE_BYTES as usize);
        match self.0.task.space.find_unwritable(pages) {
            None => Ok(()),
            Some(page) => Err(self.missed(user::Fault {
                address: page.max(address),
                is_write: true,
            })),
        }
    }
}
