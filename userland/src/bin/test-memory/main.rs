//! Tests memory objects: the same pages in several tasks, rights, charges, taking them back; and capabilities in messages.
#![no_std]
#![no_main]

extern crate alloc;

mod lending;
mod objects;
mod sharer;
mod sharing;
mod travelling;

use omnibus_userland::abi::capability::account;
use omnibus_userland::abi::{CapabilityNumber, Kind};
use omnibus_userland::account::Account;
use omnibus_userland::actor::{Allowance, Director, Player};
use omnibus_userland::calls::{self, Result};
use omnibus_userland::suite::{self, Bench};
use omnibus_userland::{environment, program};

/// The suite, and the tasks that it shares memory with.
const PROGRAM: &str = "test-memory";

program!(main);

fn main() -> u8 {
    // Only a task that is shared with was given a peer.
    if environment::find(Kind::Peer).is_some() {
        return sharer::main();
    }
    suite::run(
        PROGRAM,
        &[
            objects::TESTS,
            sharing::TESTS,
            lending::TESTS,
            travelling::TESTS,
        ],
    )
}

/// A director of tasks to share with, whose accounts are carved out of the root account.
pub(crate) fn director(bench: &Bench) -> Result<Director> {
    let rights = account::CHARGE | account::INSPECT | account::CARVE;
    let number = calls::capability_copy(bench.account.number(), rights)?;
    Director::new(Account::from_capability(number), Some(bench.console))
}

/// Starts a task that does `what` with the memory object it is given.
pub(crate) fn share(
    director: &Director,
    what: &str,
    memory: CapabilityNumber,
    rights: u64,
) -> Result<Player> {
    let allowance = Allowance::default();
    director.cast_granting("sharer", PROGRAM, &[&what], allowance, &[(memory, rights)])
}
