//! Does to the CPU what a hostile program can do: each attack in a task of its own, beside a task that must not notice.
//!
//! An attack is a few instructions that either end their task by a known exception at a known place, or change nothing for
//! anyone. What is behind each is told where the attacks are listed; manual sections are those of the Intel SDM.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

extern crate alloc;

#[macro_use]
mod attack;
#[allow(unsafe_code, reason = "attacks are assembly")]
mod entering;
#[allow(unsafe_code, reason = "attacks are assembly")]
mod exceptions;
#[allow(unsafe_code, reason = "attacks are assembly")]
mod privileged;
#[allow(
    unsafe_code,
    reason = "calls made by number, and threads of a few instructions"
)]
mod registers;

use omnibus_userland::{environment, program, suite};

fn main() -> u8 {
    let mut arguments = environment::arguments();
    match (arguments.next(), arguments.next()) {
        (Some("--bystander"), _) => registers::watch(),
        (Some("--attack"), Some(name)) => attack::run(name),
        _ => suite::run(
            attack::PROGRAM,
            &[
                entering::TESTS,
                exceptions::TESTS,
                privileged::TESTS,
                registers::TESTS,
            ],
        ),
    }
}

program!(main);
