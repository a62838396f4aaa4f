//! Printing on the console: a line is one message, or one call, so that lines of different tasks never mix.
//!
//! A program prints on its session with whoever drives the console ([`mod@crate::console`]), if a boot plan gave it a handle for that. Without, or if
//! the driver has gone, it prints through the kernel, if it holds the capability; and if it does not, nowhere.

use crate::{calls, console};
use core::fmt::{self, Write};
use core::sync::atomic::{AtomicU64, Ordering};
use omnibus_abi::CapabilityNumber;

/// Bytes of a line that are printed in one call; a longer line is printed in pieces.
pub const LINE_BYTES: usize = console::PIECE_BYTES;

static CONSOLE: AtomicU64 = AtomicU64::new(0);

/// Chooses the console of the kernel that [`println!`](crate::println) prints on if there is no driver; at the start it is the first one granted.
pub fn set_kernel_console(console: CapabilityNumber) {
    CONSOLE.store(console.0, Ordering::Relaxed);
}

/// The console of the kernel; an invalid number if the task has none.
#[must_use]
pub fn kernel_console() -> CapabilityNumber {
    CapabilityNumber(CONSOLE.load(Ordering::Relaxed))
}

/// Collects text and hands it on in pieces of at most `LINE_BYTES`.
struct Buffer<F: FnMut(&[u8])> {
    bytes: [u8; LINE_BYTES],
    n_used: usize,
    sink: F,
}

impl<F: FnMut(&[u8])> Buffer<F> {
    const fn new(sink: F) -> Self {
        Self {
            bytes: [0; LINE_BYTES],
            n_used: 0,
            sink,
        }
    }

    fn flush(&mut self) {
        if self.n_used > 0 {
            (self.sink)(&self.bytes[..self.n_used]);
            self.n_used = 0;
        }
    }
}

impl<F: FnMut(&[u8])> Write for Buffer<F> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for &byte in text.as_bytes() {
            if self.n_used == LINE_BYTES {
                self.flush();
            }
            self.bytes[self.n_used] = byte;
            self.n_used += 1;
        }
        Ok(())
    }
}

/// Prints `arguments` in one piece if they fit in [`LINE_BYTES`]. A task without a console prints nothing.
pub fn print(arguments: fmt::Arguments<'_>) {
    let mut buffer = Buffer::new(|bytes| {
        if console::own(|console| console.write(bytes)).is_err() {
            // Nobody is left to tell that the console is gone.
            let _ = calls::debug_print(kernel_console(), bytes);
        }
    });
    let _ = buffer.write_fmt(arguments);
    buffer.flush();
}

/// Prints a line.
#[macro_export]
macro_rules! println {
    () => { $crate::print::print(format_args!("\n")) };
    ($($argument:tt)*) => { $crate::print::print(format_args!("{}\n", format_args!($($argument)*))) };
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line goes out in one piece, however many pieces it was formatted from.
    #[test]
    fn run_a_line_is_one_call() {
        let mut calls: Vec<Vec<u8>> = Vec::new();
        let mut buffer = Buffer::new(|bytes: &[u8]| calls.push(bytes.to_vec()));
        writeln!(buffer, "{:>4} and {:?}", 2, Some(3)).unwrap();
        buffer.flush();
        assert_eq!(calls, [b"   2 and Some(3)\n".to_vec()]);
    }

    /// A line longer than the buffer loses nothing.
    #[test]
    fn run_a_long_line_is_whole() {
        let text = "0123456789".repeat(500);
        let mut printed = Vec::new();
        let mut buffer = Buffer::new(|bytes: &[u8]| printed.extend_from_slice(bytes));
        buffer.write_str(&text).unwrap();
        buffer.flush();
        assert_eq!(printed, text.as_bytes());
    }
}
