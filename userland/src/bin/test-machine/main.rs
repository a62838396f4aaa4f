//! Tests the machine's borders: what user code must not do, what it may do and the kernel must survive, and what the registers hold after
//! a system call.
#![no_std]
#![no_main]

mod borders;
mod hazards;
mod registers;

use omnibus_userland::check::Outcome;
use omnibus_userland::suite;
use omnibus_userland::suite::Bench;
use omnibus_userland::task::{Command, Ending};

use omnibus_userland::abi::capability::console;

suite!("test-machine"; borders::TESTS, hazards::TESTS, registers::TESTS);

/// How a task ends that does `what`.
fn ending_of(bench: &Bench, what: &str) -> Outcome<Ending> {
    let daredevil = Command::new("daredevil")
        .argument(what)
        .grant(bench.console, console::WRITE);
    Ok(daredevil.spawn(&bench.account)?.wait()?)
}

/// Passes if a task that does `what` ends by exception `vector`, and a task that does nothing wrong runs as before.
fn faults(bench: &Bench, what: &str, vector: u64) -> Outcome {
    match ending_of(bench, what)? {
        Ending::Faulted { vector: found, .. } if found == vector => {
            survives(bench, "flags-direction")
        }
        other => Err(omnibus_userland::check::Failure::new(format_args!(
            "{what}: {other:?} instead of vector {vector}"
        ))),
    }
}

/// Passes if a task that does `what` ends by a page fault at `address`.
fn page_faults(bench: &Bench, what: &str, address: u64) -> Outcome {
    let found = ending_of(bench, what)?;
    omnibus_userland::check_eq!(
        found,
        Ending::Faulted {
            vector: 14,
            address
        },
        "{what}"
    );
    Ok(())
}

/// Passes if a task that does `what` finds all well.
fn survives(bench: &Bench, what: &str) -> Outcome {
    omnibus_userland::check_eq!(ending_of(bench, what)?, Ending::Exited(0), "{what}");
    Ok(())
}
