//! The second channel: what the guest reports to the tool that started it, apart from the console.
//!
//! QEMU's debug console (port 0xe9) takes text lines. Exactly one of them is `status N`, 0 to 255, and it alone decides the exit code;
//! `first-cause …` names what went wrong first. The exit port (`isa-debug-exit` at 0xf4) then ends QEMU.

use core::fmt::{self, Write as _};
use core::sync::atomic::{AtomicBool, Ordering};
use x86_64::instructions::port::Port;

/// QEMU `isa-debugcon`: every byte written goes to its character device.
const DEBUG_CONSOLE: u16 = 0xe9;
/// QEMU `isa-debug-exit` (iobase=0xf4): a write of `v` ends QEMU with code `2 v + 1`.
const EXIT: u16 = 0xf4;

/// The kernel itself failed: it panicked, or refused to start. The first cause says why.
pub const STATUS_KERNEL_FAILED: u8 = 101;
/// The first task faulted or was killed, or could not be started; the first cause says which.
pub const STATUS_FIRST_TASK: u8 = 102;

static HAS_FIRST_CAUSE: AtomicBool = AtomicBool::new(false);

struct DebugConsole;

impl fmt::Write for DebugConsole {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            // SAFETY: the debug console only collects bytes; where there is none, the write goes nowhere.
            unsafe { Port::<u8>::new(DEBUG_CONSOLE).write(byte) }
        }
        Ok(())
    }
}

/// Writes one line on the second channel; a line feed is added.
pub fn line(arguments: fmt::Arguments<'_>) {
    let _ = DebugConsole.write_fmt(arguments);
    let _ = DebugConsole.write_str("\n");
}

/// Reports the first cause of a failure; later calls say nothing, since what follows a failure is seldom its cause.
pub fn first_cause(arguments: fmt::Arguments<'_>) {
    if !HAS_FIRST_CAUSE.swap(true, Ordering::Relaxed) {
        line(format_args!("first-cause {arguments}"));
    }
}

/// Reports `status` (0 = all is well) and ends the machine.
pub fn exit(status: u8) -> ! {
    line(format_args!("status {status}"));
    // SAFETY: ends QEMU; where the port does not exist nothing happens and the CPU stops below.
    unsafe { Port::<u8>::new(EXIT).write(status) }
    halt()
}

/// Stops this CPU for good.
pub fn halt() -> ! {
    loop {
        x86_64::instructions::interrupts::disable();
        x86_64::instructions::hlt();
    }
}

/// Ends the machine because it, or what the loader passed, is not fit for the kernel: `cause` says what is missing.
pub fn refuse(cause: fmt::Arguments<'_>) -> ! {
    first_cause(cause);
    crate::log::print(format_args!("kernel: cannot start: {cause}\n"));
    exit(STATUS_KERNEL_FAILED)
}

/// Ends the machine because the first task failed: `cause` says how.
pub fn fail(cause: fmt::Arguments<'_>) -> ! {
    first_cause(cause);
    crate::log::print(format_args!("kernel: {cause}\n"));
    exit(STATUS_FIRST_TASK)
}
