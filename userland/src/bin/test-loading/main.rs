//! Tests tasks that programs make: loaded by the runtime library, given capabilities, started, watched, confined.
#![no_std]
#![no_main]

extern crate alloc;

mod confined;
mod ends;
mod loaded;
mod stage;
mod unstarted;

use omnibus_userland::{environment, program, suite};

/// The suite, and some of the tasks that it makes.
const PROGRAM: &str = "test-loading";

program!(main);

fn main() -> u8 {
    if environment::arguments().next() == Some(unstarted::CREATOR) {
        return unstarted::create();
    }
    // Whoever has a console is not confined.
    if environment::capabilities().is_empty() {
        return confined::main();
    }
    let tests = [
        loaded::TESTS,
        ends::TESTS,
        unstarted::TESTS,
        confined::TESTS,
    ];
    suite::run(PROGRAM, &tests)
}
