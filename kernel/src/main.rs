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
    // SAFETY: each stage is called once, in this order, on the one CPU that runs; the address is the loader's.
    unsafe {
        arch::start_cpu();
        mm::start(start_info);
        arch::start_traps();
        arch::leave_boot_stack(kernel_stages)
    }
}

/// The rest of the boot sequence, on the kernel stack.
#[allow(unsafe_code, reason = "the last stage never returns")]
extern "C" fn kernel_stages(_: u64) -> ! {
    let Some(information) = mm::boot_information() else {
        panic!("memory is set up before the stack")
    };
    arch::panic::set_symbols(kernel::symbols::of_initrd(information.initrd));
    arch::panic::set_activity(|out| kernel::cpu::DOING.describe(out));
    arch::count_cpus(information);
    arch::start_devices(information);
    arch::set_up_cpu();
    mm::heap::boot_is_over();
    kernel::task::first::boot(information.words, information.initrd);
    // SAFETY: the last stage, on the kernel stack; a thread that runs is kept by its CPU.
    unsafe { arch::run(arch::first_thread()) }
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    arch::panic::die(info)
}
