//! Tests what the registers hold behind a system call: the sentences of the ABI, one by one.
#![no_std]
#![no_main]

mod registers;

omnibus_userland::suite!("test-machine"; registers::TESTS);
