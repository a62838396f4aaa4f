//! Greets everybody who is named.
#![no_std]
#![no_main]

use omnibus_userland::{environment, println, program};

program!(main);

fn main() {
    println!("hello from task {}", environment::task_number());
    for name in environment::arguments() {
        println!("hello, {name}");
    }
}
