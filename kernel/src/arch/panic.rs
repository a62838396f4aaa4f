//! The end of the kernel: what a panic prints, and how the machine stops.

use super::report;
use crate::log;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, Ordering};

static IS_PANICKING: AtomicBool = AtomicBool::new(false);

/// Prints why the kernel cannot go on and ends the machine with a failing status.
pub fn die(info: &PanicInfo<'_>) -> ! {
    if IS_PANICKING.swap(true, Ordering::Relaxed) {
        // A panic while panicking: what has been printed is all there will be.
        report::exit(report::STATUS_KERNEL_PANIC)
    }
    report::first_cause(format_args!("kernel panic: {}", info.message()));
    log::print(format_args!("\nkernel panic: {info}\n"));
    report::exit(report::STATUS_KERNEL_PANIC)
}
