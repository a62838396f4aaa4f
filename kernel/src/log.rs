//! The kernel's own lines on the console: one per stage of boot, and what ends it.

use core::fmt;

/// Writes formatted text to the console; the macros below are its callers.
pub fn print(arguments: fmt::Arguments<'_>) {
    // The console cannot fail: its writer always returns `Ok`.
    let _ = fmt::write(&mut Console, arguments);
}

/// Writes bytes of a task to the console, as they are.
pub fn write(bytes: &[u8]) {
    crate::arch::serial::write(bytes);
}

struct Console;

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        crate::arch::serial::write(text.as_bytes());
        Ok(())
    }
}

/// Prints one line of the kernel on the console.
#[macro_export]
macro_rules! boot_line {
    ($($argument:tt)*) => {
        $crate::log::print(::core::format_args!("kernel: {}\n", ::core::format_args!($($argument)*)))
    };
}

pub use boot_line as boot;
pub use boot_line as kernel;
