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
mod memory_functions;
pub mod panic;
pub mod report;
pub mod serial;

pub use report::exit;
