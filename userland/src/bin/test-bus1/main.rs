//! Tests the rules of bus1, sections 1 to 8, through real system calls.
#![no_std]
#![no_main]

extern crate alloc;

mod accounts;
mod close;
mod errors;
mod long;
mod loose;
mod notify;
mod objects;
mod order;
mod receive;
mod release;
mod send;
mod short;
mod structures;
mod transfer;
mod waiting;

use omnibus_userland::suite;

suite!(
    "test-bus1";
    objects::TESTS,
    structures::TESTS,
    errors::TESTS,
    transfer::TESTS,
    release::TESTS,
    send::TESTS,
    short::TESTS,
    long::TESTS,
    receive::TESTS,
    waiting::TESTS,
    notify::TESTS,
    order::TESTS,
    close::TESTS,
    accounts::TESTS
);
