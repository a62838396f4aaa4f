//! Tests inside the guest: a program that is a list of tests, each with an id and one sentence,
//! and the lines by which the host tool follows them:
//!
//! | line | meaning |
//! |---|---|
//! | `test ID \| SENTENCE` | this test begins |
//! | `pass ID` | it held |
//! | `fail ID \| REASON` | it did not |
//! | `quiet` | until this test ends, a line of the kernel makes it fail |
//! | `suite-done PROGRAM N` | the suite is over; N tests ended, one way or the other |
//!
//! Arguments: `--list` announces the tests and runs none; `--filter TEXT` runs those whose id
//! contains it; `--long` gives long tests their full length. Others mean nothing here: `--protocol` asks the suite in C for these
//! lines.

pub mod devices;
pub mod wire;

use crate::account::Account;
use crate::archive::Archive;
use crate::calls::Result;
use crate::check::Outcome;
use crate::{environment, println};
use alloc::vec::Vec;
use omnibus_abi::native::AccountClaim;
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

/// What one account holds in another: number of the holder, objects, bytes.
pub type Holding = (u64, u64, u64);

impl Bench {
    /// Who holds how many objects and bytes of the root account.
    ///
    /// Only this is the same again when everything is given back: how much of what a claimant
    /// claimed it keeps at hand depends on the way there.
    ///
    /// # Errors
    /// Those of reading an account.
    pub fn holdings(&self) -> Result<Vec<Holding>> {
        holdings(&self.account)
    }
}

/// Who holds how many objects and bytes of `account`.
///
/// # Errors
/// Those of reading an account.
pub fn holdings(account: &Account) -> Result<Vec<Holding>> {
    let held = |claim: AccountClaim| {
        (
            claim.claimant,
            claim.objects_claimed - claim.objects_available,
            claim.bytes_claimed - claim.bytes_available,
        )
    };
    Ok(account.claims()?.into_iter().map(held).collect())
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

/// Tells the host tool that the kernel must print nothing until this test ends.
pub fn expect_a_quiet_kernel() {
    println!("quiet");
}

/// Defines tests as functions of a [`Bench`], each with its sentence as a comment, and lists them as
/// `TESTS`. A test's id is its name with hyphens for underscores.
#[macro_export]
macro_rules! tests {
    ($($(#[doc = $sentence:literal])+ fn $name:ident($bench:pat) $body:block)*) => {
        $($(#[doc = $sentence])+ fn $name($bench: &$crate::suite::Bench) -> $crate::check::Outcome $body)*

        pub(crate) const TESTS: &[$crate::suite::Test] = &[$($crate::suite::Test {
            name: stringify!($name),
            sentence: concat!($($sentence),+),
            run: $name,
        }),*];
    };
}

/// Makes the program a suite of this name, of these lists of tests.
#[macro_export]
macro_rules! suite {
    ($program:literal; $($tests:path),+) => {
        fn run_suite() -> u8 {
            $crate::suite::run($program, &[$($tests),+])
        }

        $crate::program!(run_suite);
    };
}

/// Runs the tests that the arguments choose, and returns the exit status: 0 if all of them held.
#[must_use]
pub fn run(program: &str, tests: &[&[Test]]) -> u8 {
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
    // Mapped before any test counts what is held.
    Archive::given().expect("the first task has the archive");
    let (mut n_ended, mut n_failed) = (0, 0);
    for test in tests.iter().copied().flatten() {
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
