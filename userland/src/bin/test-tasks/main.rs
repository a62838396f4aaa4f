//! Tests tasks, threads, capabilities, memory, waiting, the scheduler and the runtime library.
#![no_std]
#![no_main]

extern crate alloc;

mod capabilities;
mod memory;
mod runtime;
mod scheduler;
mod tasks;
mod threads;
mod waiting;

use omnibus_userland::abi::capability::account;
use omnibus_userland::account::Account;
use omnibus_userland::actor::Director;
use omnibus_userland::calls::{self, Result};
use omnibus_userland::suite;
use omnibus_userland::suite::Bench;

suite!(
    "test-tasks";
    capabilities::TESTS,
    waiting::TESTS,
    threads::TESTS,
    memory::TESTS,
    tasks::TESTS,
    runtime::TESTS,
    scheduler::TESTS
);

/// A director of puppets whose accounts are carved out of the root account.
pub(crate) fn director(bench: &Bench) -> Result<Director> {
    let rights = account::CHARGE | account::INSPECT | account::CARVE;
    let number = calls::capability_copy(bench.account.number(), rights)?;
    Director::new(Account::from_capability(number), Some(bench.console))
}
