//! Looking after the faults of another task: a pager's side.
//!
//! A thread that faults stands still until it is answered, while the others of its task run on. One fault of a task is told at a time.
//! A system call that meets memory which it cannot use stands there as well, and is made again.

use crate::bus::Handle;
use crate::calls::{self, Result};
use crate::task::Task;
use omnibus_abi::native::{FAULT_CONTINUE, FAULT_END, FAULT_IN_CALL, FAULT_RETRY};

pub use omnibus_abi::native::{Fault, Registers};

/// Vector of a page fault.
pub const PAGE_FAULT: u64 = 14;

/// Reads a fault from the payload of the message that tells of it.
#[must_use]
pub fn of_message(payload: &[u8]) -> Option<Fault> {
    // A later kernel may tell more behind it (STR-3).
    let (words, _) = payload.as_chunks::<8>();
    let words: &[[u8; 8]; Fault::SIZE as usize / 8] = words.first_chunk()?;
    Some(Fault::from_words(words.map(u64::from_le_bytes)))
}

/// True if the thread is in a system call.
#[must_use]
pub const fn is_in_call(fault: &Fault) -> bool {
    fault.flags & FAULT_IN_CALL != 0
}

impl Task {
    /// Has its faults sent through `handle`, of which the kernel keeps a copy, instead of ending it.
    ///
    /// # Errors
    /// `EPERM`: no right FAULTS. `EBADRQC`: the handle's node is gone. `ESRCH`: it has ended. `EBUSY`: a fault waits for its answer. `EDQUOT`,
    /// `ENOMEM`.
    pub fn send_faults(&self, handle: &Handle) -> Result<()> {
        calls::task_faults(self.number(), handle.peer().number(), handle.id())
    }

    /// The registers of the thread that stands at `fault`.
    ///
    /// # Errors
    /// `EPERM`: no right FAULTS. `ESRCH`: it does not stand there any more.
    pub fn registers(&self, fault: &Fault) -> Result<Registers> {
        calls::fault_read(self.number(), fault.number)
    }

    /// Lets the thread that stands at `fault` try again what it did.
    ///
    /// # Errors
    /// `EPERM`: no right FAULTS. `ESRCH`: it does not stand there any more.
    pub fn retry(&self, fault: &Fault) -> Result<()> {
        self.answer(fault, FAULT_RETRY, &Registers::default())
    }

    /// Lets the thread that stands at `fault` go on in user mode with these registers.
    ///
    /// # Errors
    /// `EPERM`: no right FAULTS. `EINVAL`: a register that cannot be. `ESRCH`: it does not stand there any more.
    pub fn go_on(&self, fault: &Fault, registers: &Registers) -> Result<()> {
        self.answer(fault, FAULT_CONTINUE, registers)
    }

    /// Ends the task with `fault`, as if nobody had been told.
    ///
    /// # Errors
    /// `EPERM`: no right FAULTS. `ESRCH`: the thread does not stand there any more.
    pub fn end_with(&self, fault: &Fault) -> Result<()> {
        self.answer(fault, FAULT_END, &Registers::default())
    }

    fn answer(&self, fault: &Fault, answer: u64, registers: &Registers) -> Result<()> {
        calls::fault_answer(self.number(), fault.number, answer, registers)
    }
}
