//! Says who it is and what it was given: the smallest program.
#![no_std]
#![no_main]

use omnibus_userland::{environment, println, program};

program!(main);

fn main() {
    println!("hello from task {}", environment::task_number());
    for argument in environment::arguments() {
        println!("  argument {argument:?}");
    }
    for (name, value) in environment::variables() {
        println!("  variable {name}={value}");
    }
    for capability in environment::capabilities() {
        println!("  capability {capability:?}");
    }
}
