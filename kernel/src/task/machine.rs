//! A thread's registers, as the portable kernel sees them.

#![allow(
    unsafe_code,
    reason = "the registers are written by the entry code, behind Rust's back"
)]

use core::cell::UnsafeCell;
use core::ptr::NonNull;

use omnibus_abi::{Errno, status};

use crate::arch::context::UserContext;
use crate::syscall::Arguments;

/// How a thread begins.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// First instruction.
    pub entry: u64,
    /// Stack pointer.
    pub stack: u64,
    /// Value of `rdi`.
    pub argument: u64,
    /// Base of thread-local storage.
    pub tls_base: u64,
}

/// See the module's documentation.
pub struct Machine(UnsafeCell<UserContext>);

// SAFETY: the registers of a thread are touched by one CPU at a time: the one that runs it, or that has just made it. A thread goes from one
// CPU to another through the locks of the scheduler.
unsafe impl Sync for Machine {}

impl Machine {
    /// Registers of a new thread.
    ///
    /// # Errors
    /// `EINVAL` if the entry or the base is not in the user half.
    pub fn new(start: Start) -> Result<Self, Errno> {
        let context = UserContext::new(start.entry, start.stack, start.argument);
        let mut context = context.map_err(|_| Errno::EINVAL)?;
        if start.tls_base != 0 {
            let set = context.set_fs_base(start.tls_base);
            set.map_err(|_| Errno::EINVAL)?;
        }
        Ok(Self(UnsafeCell::new(context)))
    }

    /// Where the entry code finds them.
    #[must_use]
    pub fn context(&self) -> NonNull<UserContext> {
        NonNull::from(self.get())
    }

    /// Number and arguments of the call that the thread makes.
    #[must_use]
    pub fn call(&self) -> (u64, Arguments) {
        let context = self.get();
        (context.call_number(), context.arguments())
    }

    /// Ends the call.
    pub fn set_result(&self, result: Result<u64, Errno>) {
        let (status, value) = status::encode(result);
        self.get().set_result(status, value);
    }

    /// Sets the base of thread-local storage.
    ///
    /// # Errors
    /// `EINVAL` if it is neither 0 nor in the user half.
    pub fn set_tls_base(&self, base: u64) -> Result<(), Errno> {
        self.get().set_fs_base(base).map_err(|_| Errno::EINVAL)
    }

    /// Address of the next instruction.
    #[must_use]
    pub fn instruction(&self) -> u64 {
        self.get().rip()
    }

    #[allow(
        clippy::mut_from_ref,
        reason = "the reference does not leave this module's functions"
    )]
    fn get(&self) -> &mut UserContext {
        // SAFETY: (1) only the CPU that runs the thread, or makes it, calls this; (2) while the kernel runs, the entry code does not touch the
        // context; (3) each reference ends within one function of this module, none of which calls another while it has it.
        unsafe { &mut *self.0.get() }
    }
}
