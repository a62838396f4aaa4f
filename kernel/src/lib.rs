//! The Omnibus microkernel.
//!
//! The kernel is a function of a trap: user mode enters it by a system call, an interrupt or a fault, the handler decides which
//! context runs next, and the machine resumes that. There is one kernel stack per CPU, interrupts are off, nothing in here is ever
//! preempted. This crate is everything but the boot sequence (`main.rs`); what does not touch the machine is tested on the host.

#![cfg_attr(not(test), no_std)]
#![deny(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod acpi;
#[macro_use]
pub mod log;

pub mod arch;
pub mod cap;
pub mod cpu;
pub mod device;
#[cfg(not(test))]
pub mod fast;
pub mod inspect;
pub mod lock;
pub mod memory;
pub mod mm;
pub mod programs;
pub mod sabotage;
pub mod service;
pub mod shared;
pub mod symbols;
pub mod syscall;
pub mod task;
pub mod time;
pub mod trace;
#[cfg(not(test))]
pub mod trap;
pub mod words;
