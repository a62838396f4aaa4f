//! Traps as values: why user mode stopped.

use super::context::{Next, UserContext};
use core::ptr::NonNull;

use super::vectors::{self, PAGE_FAULT};
use core::fmt;

/// Why user mode stopped, system calls apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// The program did something it cannot do.
    Fault(Fault),
    /// The time that `timer::arm_at` or the slice asked for has come (or a little before).
    Timer,
    /// A device; the vector of the interrupt.
    Interrupt(u8),
}

/// An exception in user mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which exception (SDM 3A table 6-1).
    pub vector: u8,
    /// Its error code; 0 if it has none.
    pub error_code: u64,
    /// The address that was touched, for a page fault; else that of the instruction.
    pub address: u64,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = vectors::name(self.vector);
        if self.vector == PAGE_FAULT {
            // Error code (SDM 3A 4.7): bit 0 protection, 1 write, 4 instruction fetch.
            let access = match self.error_code {
                code if code & 0x10 != 0 => "executing",
                code if code & 2 != 0 => "writing",
                _ => "reading",
            };
            let why = if self.error_code & 1 == 0 {
                "not mapped"
            } else {
                "not allowed"
            };
            write!(f, "{name} {access} {:#x} ({why})", self.address)
        } else {
            write!(
                f,
                "{name} at {:#x} (error code {:#x})",
                self.address, self.error_code
            )
        }
    }
}

/// How a system call leaves the kernel.
#[derive(Clone, Copy, Debug)]
pub enum Exit {
    /// To this context, or to nothing, which is idling.
    To(Next),
    /// To this one, which is in a system call and not the one that ran before.
    Switched(NonNull<UserContext>),
}
