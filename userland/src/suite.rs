//! Tests inside the guest: a program that is a list of tests, each with an id and one sentence,
//! and the lines by which the host tool follows them:
//!
//! | line | meaning |
//! |---|---|
//! | `test ID \| SENTENCE` | this test begins |
//! | `pass ID` | it held |
//! | `fail ID \| REASON` | it did not |
//! | `suite-done PROGRAM N` | the suite is over; N tests ended, one way or the other |
//!
//! Arguments: `--list` announces the tests and runs none; `--filter TEXT` runs those whose id
//! contains it; `--long` gives long tests their full length.

use crate::account::Account;
use crate::check::Outcome;
use crate::{environment, println};
use alloc::vec::Vec;
use omnibus_abi::{CapabilityNumber, Kind};

/// What every test may use: the capabilities of the first task.
#[derive(Debug)]
pub struct Bench {
    /// The root account.
    pub account: Account,
    /// The console.
    pub console: CapabilityNumber,
    /// The kernel as a whole.
    pub system: CapabilityNumber,
    /// This task.
    pub task: CapabilityNumber,
    /// Whether long tests have their full length.
    pub is_long: bool,
}

/// One test.
#[derive(Clone, Copy, Debug)]
pub struct Test {
    /// Name of the function: the id with underscores for hyphens.
    pub name: &'static str,
    /// What it shows.
    pub sentence: &'static str,
    /// The test.
    pub run: fn(&Bench) -> Outcome,
}

/// Defines a suite: its name, and tests as functions of a [`Bench`], each with its sentence as a
/// comment. A test's id is its name with hyphens for underscores.
#[macro_export]
macro_rules! suite {
    ($program:literal; $($(#[doc = $sentence:literal])+ fn $name:ident($bench:ident) $body:block)*) => {
        $($(#[doc = $sentence])+ fn $name($bench: &$crate::suite::Bench) -> $crate::check::Outcome $body)*

        fn run_suite() -> u8 {
            $crate::suite::run($program, &[$($crate::suite::Test {
                name: stringify!($name),
                sentence: concat!($($sentence),+),
                run: $name,
            }),*])
        }

        $crate::program!(run_suite);
    };
}

/// Runs the tests that the arguments choose, and returns the exit status: 0 if all of them held.
#[must_use]
pub fn run(program: &str, tests: &[Test]) -> u8 {
    let arguments: Vec<_> = environment::arguments().collect();
    let filter = option(&arguments, "--filter").unwrap_or("");
    let is_listing = arguments.contains(&"--list");
    let find = |kind| environment::find(kind).expect("the first task has one of every kind");
    let bench = Bench {
        account: Account::from_capability(find(Kind::Account)),
        console: find(Kind::Console),
        system: find(Kind::System),
        task: find(Kind::Task),
        is_long: arguments.contains(&"--long"),
    };
    let (mut n_ended, mut n_failed) = (0, 0);
    for test in tests {
        let id = test.name.replace('_', "-");
        if !id.contains(filter) {
            continue;
        }
        println!("test {id} | {}", test.sentence.trim());
        if is_listing {
            continue;
        }
        n_ended += 1;
        match (test.run)(&bench) {
            Ok(()) => println!("pass {id}"),
            Err(reason) => {
                n_failed += 1;
                println!("fail {id} | {reason}");
            }
        }
    }
    println!("suite-done {program} {n_ended}");
    u8::from(n_failed > 0)
}

/// The argument after `name`.
fn option<'a>(arguments: &[&'a str], name: &str) -> Option<&'a str> {
    let position = arguments.iter().position(|argument| *argument == name)?;
    arguments.get(position + 1).copied()
}

#[cfg(test)]
mod tests {
    use super::option;

    /// An option's value is the argument after it.
    #[test]
    fn run_options_have_the_next_argument() {
        assert_eq!(
            option(&["--long", "--filter", "snd"], "--filter"),
            Some("snd")
        );
        assert_eq!(option(&["--filter"], "--filter"), None);
        assert_eq!(option(&[], "--filter"), None);
    }
}
