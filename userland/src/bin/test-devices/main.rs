//! Tests timers, I/O ports and interrupt lines.
#![no_std]
#![no_main]

extern crate alloc;

mod clock_chip;
mod interrupts;
mod ports;
mod timers;

use omnibus_userland::{environment, program, suite};

/// The suite, and a task that it makes.
const PROGRAM: &str = "test-devices";

program!(main);

fn main() -> u8 {
    if environment::arguments().next() == Some(interrupts::HOLDER) {
        return interrupts::hold();
    }
    suite::run(PROGRAM, &[timers::TESTS, ports::TESTS, interrupts::TESTS])
}
