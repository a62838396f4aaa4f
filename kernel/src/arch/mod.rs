//! The machine: everything that knows it is an x86_64 PC. Unsafe code and assembly live here and in the memory modules.
//!
//! Manual sections are those of the Intel 64 and IA-32 Architectures Software Developer's Manual (SDM) unless said otherwise. Modules
//! that need the linker script or the entry code exist only outside host tests.

#![allow(
    unsafe_code,
    reason = "this is one of the places where unsafe code may be"
)]

pub mod apic;
#[cfg(not(test))]
mod boot;
pub mod context;
#[cfg(not(test))]
pub mod cpu;
#[cfg(not(test))]
mod dispatch;
#[cfg(not(test))]
pub mod entry;
#[cfg(not(test))]
mod fail_on_purpose;
#[cfg(not(test))]
mod gdt;
#[cfg(not(test))]
mod idt;
pub mod ioapic;
#[cfg(not(test))]
mod memory_functions;
#[cfg(not(test))]
pub mod panic;
#[cfg(not(test))]
pub mod percpu;
pub mod port;
pub mod report;
pub mod serial;
#[cfg(not(test))]
pub mod slice;
pub mod timer;
pub mod trap;
pub mod vectors;

pub use report::exit;

#[cfg(not(test))]
pub use dispatch::{first_thread, set_up_cpu, take_interrupts};
#[cfg(not(test))]
mod start;
#[cfg(not(test))]
pub use start::{
    count_cpus, forget_current, leave_boot_stack, run, start_cpu, start_devices, start_traps,
};
