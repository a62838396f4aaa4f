//! The suites of tests inside the guest: every program whose name starts with `test-`, each in a boot of its own.

use std::io::Write;
use std::time::Duration;

use anyhow::{Result, anyhow};

use super::protocol::Listener;
use super::tally::{Outcome, Tally};
use crate::cli::{Options, TestOptions};
use crate::guest::{self, Boot};
use crate::image::{self, Program};
use crate::machine::Machine;
use crate::words::{self, Setting};

/// What stands before the ids of tests on the default machine.
pub(crate) const PREFIX: &str = "qemu.";

/// How long a suite may run, unless the user says otherwise.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(180);

/// Suites that count instructions: their machine does, so that what they count is the same in every run. They run on the
/// default machine only, because the others would show nothing more.
const COUNTING: [&str; 2] = ["test-latency", "test-shares"];

/// The suite of level-triggered lines: its machine has a device with one.
const OF_LEVELS: &str = "test-level-lines";

/// The boots of all suites on `machine`, which is the default one or not.
pub(crate) fn all<'a>(
    machine: &'a Machine,
    prefix: &'a str,
    test: &TestOptions,
    options: &Options,
) -> Vec<Suite<'a>> {
    let mut suites = Vec::new();
    for program in image::suites() {
        let mut suite = Suite {
            program,
            machine: machine.clone(),
            prefix,
            settings: options.word.clone(),
            time_limit: options.time_limit().unwrap_or(TIME_LIMIT),
            is_long: test.long,
        };
        if COUNTING.contains(&program.name) {
            if prefix != PREFIX {
                continue;
            }
            suite.machine.is_counting_instructions = true;
        }
        suite.machine.has_pci_serial_port = program.name == OF_LEVELS;
        suites.push(suite);
    }
    suites
}

/// A boot of one suite.
#[derive(Debug)]
pub(crate) struct Suite<'a> {
    /// The suite.
    pub(crate) program: &'static Program,
    /// What it runs on.
    pub(crate) machine: Machine,
    /// What stands before the ids of its tests.
    pub(crate) prefix: &'a str,
    /// Kernel words.
    pub(crate) settings: Vec<Setting>,
    /// Its time limit.
    pub(crate) time_limit: Duration,
    /// Whether long tests have their full length.
    pub(crate) is_long: bool,
}

impl Suite<'_> {
    /// Boots the suite and counts its tests. The suite is told the filter, so that it can leave out what is not wanted.
    ///
    /// # Errors
    /// If the host cannot do its part.
    pub(crate) fn test(&self, tally: &mut Tally) -> Result<()> {
        // What is written in C prints for people unless it is told otherwise; the others know nothing else.
        let mut arguments = vec!["--protocol".to_owned()];
        if let Some(filter) = tally.filter().filter(|_| !self.is_wanted_whole(tally)) {
            let filter = behind(self.prefix, filter);
            arguments.extend(["--filter".to_owned(), filter.to_owned()]);
        }
        if self.is_long {
            arguments.push("--long".to_owned());
        }
        let mut listener = Listener::new(self.program.name);
        let count = |tally: &mut Tally, outcome: Outcome| -> Result<()> {
            let id = format!("{}{}", self.prefix, outcome.id);
            if tally.is_selected(&id)
                || self.is_wanted_whole(tally)
                || outcome.id == self.program.name
            {
                tally.add(&Outcome { id, ..outcome })?;
            }
            Ok(())
        };
        let words = words::command_line(self.program.name, &arguments, &self.settings)?;
        let boot = Boot {
            machine: self.machine.clone(),
            kernel: image::kernel_for(&words),
            initrd: Some(image::initrd()),
            words,
            time_limit: Some(self.time_limit),
            is_debugged: false,
        };
        eprintln!(
            "{}{}: booting on {}",
            self.prefix, self.program.name, self.machine
        );
        let run = guest::run(&boot, &mut |line| {
            writeln!(std::io::stderr(), "  | {line}")?;
            listener
                .take(line)
                .map_or(Ok(()), |outcome| count(tally, outcome))
        })?;
        for outcome in listener.end_of_run(run.failure().as_deref()) {
            count(tally, outcome)?;
        }
        Ok(())
    }

    /// Whether the filter names the suite itself, and so all of its tests.
    fn is_wanted_whole(&self, tally: &Tally) -> bool {
        tally.is_selected(&format!("{}{}", self.prefix, self.program.name))
    }
}

/// What of `filter` an id must contain so that `filter` is found in `prefix` with the id behind it.
fn behind<'a>(prefix: &str, filter: &'a str) -> &'a str {
    let n_overlapping = (0..=filter.len()).rev().find(|&n_bytes| {
        filter
            .get(..n_bytes)
            .is_some_and(|start| prefix.ends_with(start))
    });
    n_overlapping.map_or(filter, |n_bytes| &filter[n_bytes..])
}

/// The tests of a suite, as id and sentence, from a boot that announces them and runs none.
///
/// # Errors
/// If the host cannot do its part or the suite fails.
pub(crate) fn list(program: &Program, machine: &Machine) -> Result<Vec<(String, String)>> {
    let mut tests = Vec::new();
    let boot = Boot {
        machine: machine.clone(),
        kernel: image::kernel(),
        initrd: Some(image::initrd()),
        words: words::command_line(program.name, &["--list".to_owned()], &[])?,
        time_limit: Some(TIME_LIMIT),
        is_debugged: false,
    };
    let run = guest::run(&boot, &mut |line| {
        let test = line
            .strip_prefix("test ")
            .and_then(|rest| rest.split_once(" | "));
        tests.extend(test.map(|(id, sentence)| (id.to_owned(), sentence.to_owned())));
        Ok(())
    })?;
    match run.failure() {
        Some(failure) => Err(anyhow!(
            "{} did not list its tests: {failure}",
            program.name
        )),
        None => Ok(tests),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A filter may begin inside the prefix; the suite is asked for the rest.
    #[test]
    fn a_filter_may_begin_in_the_prefix() {
        assert_eq!(behind("qemu.", "snd-4"), "snd-4");
        assert_eq!(behind("qemu.", "qemu.snd-4"), "snd-4");
        assert_eq!(behind("qemu[pc-128-max-1].", "max-1].snd"), "snd");
        assert_eq!(behind("qemu.", "mu."), "");
    }
}
