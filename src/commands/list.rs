//! `list`: the programs of the image and the tests, each with its sentence.

use std::io::{self, Write};

use anyhow::Result;

use crate::cli::Options;
use crate::image;
use crate::testing::{self, c_cases, compare_cases, host, page, readme, shell_cases, suites};

/// Prints what contains `filter`, until there is nobody left to read it: `list | head` is not an error.
///
/// # Errors
/// If the host cannot do its part.
pub(crate) fn list(filter: Option<&str>, options: &Options) -> Result<()> {
    match print_all(filter, options) {
        Err(error) if is_broken_pipe(&error) => Ok(()),
        result => result,
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// The tests of a suite are known to the suite alone, so each one is booted and asked.
fn print_all(filter: Option<&str>, options: &Options) -> Result<()> {
    let mut stdout = io::stdout().lock();
    let mut print = |kind: &str, id: &str, sentence: &str| -> io::Result<()> {
        let line = format!("{kind}  {id} | {sentence}");
        if filter.is_some_and(|filter| !line.contains(filter)) {
            return Ok(());
        }
        writeln!(stdout, "{line}")
    };
    for program in image::PROGRAMS {
        print("program", program.name, program.sentence)?;
    }
    for (id, sentence) in host::list(testing::root())? {
        print("test", &id, &sentence)?;
    }
    for (id, sentence) in [page::TEST, readme::TEST] {
        print("test", id, sentence)?;
    }
    for case in testing::cases() {
        print("test", case.id, case.sentence)?;
    }
    let lists = c_cases::LIST.into_iter().chain(compare_cases::LIST);
    for (id, sentence) in lists.chain(shell_cases::LIST) {
        print("test", id, sentence)?;
    }
    for suite in image::suites() {
        for (id, sentence) in suites::list(suite, &options.machine())? {
            print("test", &format!("{}{id}", suites::PREFIX), &sentence)?;
        }
    }
    Ok(())
}
