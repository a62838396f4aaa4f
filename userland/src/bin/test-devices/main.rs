//! Tests timers, I/O ports, interrupt lines, and drivers that use them.
#![no_std]
#![no_main]

extern crate alloc;

mod clock_chip;
mod consoles;
mod drivers;
mod interrupts;
mod ports;
mod stage;
mod timers;

use omnibus_userland::{environment, program, suite};

/// The suite, and a task that it makes.
const PROGRAM: &str = "test-devices";

program!(main);

fn main() -> u8 {
    if environment::arguments().next() == Some(interrupts::HOLDER) {
        return interrupts::hold();
    }
    let tests = [
        timers::TESTS,
        ports::TESTS,
        interrupts::TESTS,
        consoles::TESTS,
        drivers::TESTS,
    ];
    suite::run(PROGRAM, &tests)
}
