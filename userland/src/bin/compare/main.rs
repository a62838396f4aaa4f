//! The Omnibus side of the comparison with Linux: runs every experiment and tells what it saw.
//!
//! Which experiments there are, with which parameters, and the lines that tell of them are in [`omnibus_compare`], which the Linux
//! side shares. Arguments: the experiments to run; all, if none is named; and `quick`, for a few rounds of each, whose figures mean nothing.
#![no_std]
#![no_main]

extern crate alloc;

mod cost;
mod semantics;
mod teller;

use omnibus_userland::abi::Kind;
use omnibus_userland::account::Account;
use omnibus_userland::bench_server::Host;
use omnibus_userland::check::Outcome;
use omnibus_userland::{environment, println, program};
use teller::Teller;

program!(main);

fn main() -> u8 {
    let find = |kind| environment::find(kind).expect("the first task has one of every kind");
    let account = Account::from_capability(find(Kind::Account));
    let host = Host {
        account: &account,
        console: find(Kind::Console),
    };
    match run(host) {
        Ok(()) => 0,
        Err(failure) => {
            println!("error: {failure}");
            1
        }
    }
}

fn run(host: Host<'_>) -> Outcome {
    let mut teller = Teller::new(environment::arguments().collect());
    cost::run(&mut teller, host)?;
    semantics::run(&mut teller, host)?;
    teller.finish();
    Ok(())
}
