//! Tests faults that reach a program: pages that are filled on demand, registers, answers of every kind, pagers that go away.
#![no_std]
#![no_main]

extern crate alloc;

mod answers;
mod client;
mod ends;
mod paging;
mod stage;
mod transfers;

use omnibus_userland::{environment, program, suite};

/// The suite, and the tasks whose faults it looks after.
const PROGRAM: &str = "test-faults";

program!(main);

fn main() -> u8 {
    if environment::arguments().next() == Some(client::FLAG) {
        return client::main();
    }
    let tests = [paging::TESTS, answers::TESTS, ends::TESTS, transfers::TESTS];
    suite::run(PROGRAM, &tests)
}
