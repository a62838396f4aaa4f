//! Tests level-triggered interrupt lines, with a serial port on PCI: it asserts its line until its interrupt is identified.
//!
//! The host tool gives the machine of this suite such a card; on a machine without one every test fails and says so.
#![no_std]
#![no_main]

extern crate alloc;

mod card;
mod levels;
mod pci;

use omnibus_userland::suite;

suite!("test-level-lines"; levels::TESTS);
