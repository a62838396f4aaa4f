//! The boot sequence, one line per stage.

#![no_std]
#![no_main]
#![deny(unsafe_code)]

use kernel::log::boot;
use kernel::{arch, mm};

/// Entered once by `arch::boot`, in long mode, on the boot stack, with interrupts off.
///
/// `start_info` is the physical address of the `hvm_start_info` that the PVH loader passed.
#[allow(
    unsafe_code,
    reason = "the boot assembly calls this symbol by name, and the stages are in order here"
)]
#[unsafe(no_mangle)]
extern "C" fn kernel_main(start_info: u64) -> ! {
    arch::serial::init();
    boot!(
        "Omnibus {}, a capability microkernel",
        env!("CARGO_PKG_VERSION")
    );
    // SAFETY: this is the first stage: one CPU runs, on the boot page tables, and the address is the loader's.
    unsafe { arch::start() };
    // SAFETY: as above.
    let information = unsafe { mm::start(start_info) };
    let _ = information;
    arch::exit(0)
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    arch::panic::die(info)
}
