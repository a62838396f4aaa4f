//! The first instructions of a program. Not part of the host's tests, which have a start of their own.

use crate::{environment, task};
use core::arch::naked_asm;
use omnibus_abi::native::Startup;

unsafe extern "Rust" {
    /// The program, as [`program!`] defines it.
    safe fn omnibus_main() -> u8;
}

/// First instruction of a program. The kernel passes the startup block's address in `rdi` and a
/// stack pointer in `rsp`; the frame chain ends here.
#[unsafe(no_mangle)]
#[unsafe(naked)]
extern "C" fn _start(startup: &'static Startup) -> ! {
    naked_asm!(
        "xor ebp, ebp",
        "and rsp, -16",
        "call {}",
        "ud2",
        sym start,
    )
}

extern "C" fn start(startup: &'static Startup) -> ! {
    environment::initialise(startup);
    task::exit(omnibus_main())
}

omnibus_memory_functions::export!();
