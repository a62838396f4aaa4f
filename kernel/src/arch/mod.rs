//! The machine: everything that knows it is an x86_64 PC. Unsafe code and assembly live here and in the memory modules.
//!
//! Manual sections are those of the Intel 64 and IA-32 Architectures Software Developer's Manual (SDM) unless said otherwise.

#![allow(
    unsafe_code,
    reason = "this is one of the places where unsafe code may be"
)]

#[cfg(not(test))]
mod boot;
#[cfg(not(test))]
pub mod cpu;
#[cfg(not(test))]
mod memory_functions;
pub mod panic;
pub mod report;
pub mod serial;

pub use report::exit;

/// Checks the CPU and switches on what it has. Ends the machine, naming the feature, if it lacks a required one.
///
/// # Safety
/// Called once at boot, on the boot page tables, before anything else.
#[cfg(not(test))]
pub unsafe fn start() {
    // SAFETY: as the caller promises.
    match unsafe { cpu::init() } {
        Ok(features) => crate::log::boot!("cpu {features}"),
        Err(cpu::Missing(name)) => {
            report::refuse(format_args!("the CPU lacks the required feature {name}"))
        }
    }
}
