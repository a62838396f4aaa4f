//! `test`: the host's checks and tests, then everything that needs a boot.

mod boot_cases;
pub(crate) mod c_cases;
mod case;
pub(crate) mod child;
pub(crate) mod compare_cases;
mod failure_cases;
mod fuzz;
pub(crate) mod host;
mod kernel_cases;
mod libtest;
mod matrix;
pub(crate) mod mutants;
pub(crate) mod page;
mod protocol;
mod pseudo_terminal;
pub(crate) mod readme;
mod sentences;
pub(crate) mod shell_cases;
pub(crate) mod suites;
mod tally;
mod tiny_guest;
mod tool_cases;
mod tour_cases;

use std::path::Path;

use anyhow::Result;

use crate::cli::{Options, TestOptions};
use case::Case;
use tally::Tally;

/// Every test with a boot of its own.
pub(crate) fn cases() -> impl Iterator<Item = &'static Case> {
    [
        tool_cases::CASES,
        kernel_cases::CASES,
        failure_cases::CASES,
        tour_cases::CASES,
        boot_cases::CASES,
    ]
    .into_iter()
    .flatten()
}

/// The workspace's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs the tests and returns the exit code: 0 if all passed, else 1.
///
/// # Errors
/// If the host cannot do its part.
pub(crate) fn run(test: &TestOptions, options: &Options) -> Result<u8> {
    let mut tally = Tally::new(test.filter.clone(), Box::new(std::io::stdout()));
    host::run(root(), test.long, &mut tally)?;
    if let Some(n_seconds) = test.fuzz {
        fuzz::run(root(), n_seconds, &mut tally)?;
    }
    if let Some(files) = &test.mutants {
        mutants::run(root(), files, &mut tally)?;
    }
    let machine = options.machine();
    page::run(root(), &mut tally)?;
    readme::run(root(), &mut tally)?;
    for case in cases() {
        case.test(&machine, &mut tally)?;
    }
    c_cases::run(&machine, &mut tally)?;
    compare_cases::run(options, &mut tally)?;
    shell_cases::run(&mut tally)?;
    let matrix = matrix::machines(test.matrix, &machine);
    let prefixes = matrix.iter().map(matrix::prefix);
    let machines = [(suites::PREFIX.to_owned(), &machine)]
        .into_iter()
        .chain(prefixes.zip(&matrix));
    for (prefix, machine) in machines {
        if prefix != suites::PREFIX {
            tour_cases::HOLDS.test_as(&prefix, machine, &mut tally)?;
        }
        for suite in suites::all(machine, &prefix, test, options) {
            suite.test(&mut tally)?;
        }
    }
    Ok(u8::from(!tally.finish()?))
}
