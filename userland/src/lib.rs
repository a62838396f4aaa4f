//! Runtime library of Omnibus programs: from the kernel's first instruction to `main`, a heap,
//! printing, panics, threads, and the objects of bus1 as values that release on drop.
//!
//! Three layers, each built on the one before:
//! * [`raw`]: the system-call instruction;
//! * [`calls`]: each call of [`omnibus_abi::Call`] as a safe function over slices;
//! * [`bus`], [`task`], [`account`], [`thread`], [`mod@wait`], …: objects, named like std's where std has them.
//!
//! # Writing a program
//!
//! A program is a file `src/bin/NAME.rs` and its entry in `Cargo.toml`. The first sentence of its comment is what the host
//! tool lists; [`program!`] names its `main`. `./run-qemu.sh run NAME ARGUMENTS` boots and starts it. `src/bin/letter.rs`
//! is one of twenty lines that uses bus1.
//!
//! Unsafe code is in the modules that say so below, and nowhere else.
#![cfg_attr(not(test), no_std)]
#![deny(unsafe_code)]

extern crate alloc;

pub mod account;
pub mod actor;
pub mod archive;
pub mod bench_server;
pub mod boot;
pub mod bus;
pub mod calls;
pub mod capability;
pub mod check;
pub mod console;
pub mod device;
pub mod driver;
pub mod entry;
#[allow(unsafe_code)]
pub mod environment;
pub mod fault;
#[cfg(not(test))]
#[allow(unsafe_code)]
mod heap;
#[cfg(not(test))]
pub mod hostile;
pub mod loader;
#[allow(unsafe_code)]
pub mod lock;
#[allow(unsafe_code)]
pub mod memory;
#[cfg(not(test))]
mod panic;
pub mod part;
pub mod port;
pub mod print;
#[allow(unsafe_code)]
pub mod raw;

pub mod service;
pub mod shell;
#[cfg(not(test))]
#[allow(unsafe_code)]
mod start;
pub mod suite;
pub mod task;
#[allow(unsafe_code)]
pub mod thread;
pub mod time;
pub mod timer;
pub mod wait;

pub use omnibus_abi as abi;
