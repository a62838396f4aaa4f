//! The Omnibus microkernel.
//!
//! The kernel is a function of a trap: user mode enters it by a system call, an interrupt or a fault, the handler decides which
//! context runs next, and the machine resumes that. There is one kernel stack per CPU, interrupts are off, nothing in here is ever
//! preempted. This crate is everything but the boot sequence (`main.rs`); what does not touch the machine is tested on the host.

#![cfg_attr(not(test), no_std)]
#![deny(unsafe_code)]

extern crate alloc;

pub mod arch;
#[macro_use]
pub mod log;
pub mod mm;
pub mod symbols;
#[cfg(not(test))]
pub mod trap;
pub mod words;
