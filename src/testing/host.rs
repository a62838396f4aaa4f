//! The host's part of `test`: formatting, lints, and the tests of every crate of the workspace.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::child;
use super::libtest::{Line, Reader};
use super::sentences;
use super::tally::{Outcome, Tally};
use super::{fuzz, mutants};

/// A check that cargo makes of the whole workspace.
struct Check {
    id: &'static str,
    sentence: &'static str,
    arguments: &'static [&'static str],
    time_limit: Duration,
}

const CHECKS: [Check; 2] = [
    Check {
        id: "host.format",
        sentence: "Every file is formatted as rustfmt has it.",
        arguments: &["fmt", "--all", "--check"],
        time_limit: Duration::from_secs(120),
    },
    Check {
        id: "host.lints",
        sentence: "Clippy has no warning about any target of any crate.",
        arguments: &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ],
        time_limit: Duration::from_secs(900),
    },
];

/// What `cargo test` as a whole is called.
const SUITE_ID: &str = "host.tests";
const SUITE_SENTENCE: &str = "All tests of the workspace build and run to their end.";
const SUITE_TIME_LIMIT: Duration = Duration::from_secs(1800);

/// The variable that asks tests for their long form: how many times longer they are. What they do with it is theirs.
const LONG_VARIABLE: &str = "OMNIBUS_LONG";
/// The factor that `--long` stands for.
const LONG_FACTOR: &str = "100";
/// How long the long form may take: it is for nights.
const LONG_TIME_LIMIT: Duration = Duration::from_secs(12 * 3600);

/// The checks and tests of the host, as `id` and sentence, that `list` shows.
pub(crate) fn list(root: &Path) -> Result<BTreeMap<String, String>> {
    let mut list = sentences::of_workspace(root)?;
    list.extend(
        CHECKS
            .iter()
            .map(|check| (check.id.to_owned(), check.sentence.to_owned())),
    );
    for (id, sentence) in [(fuzz::ID, fuzz::SENTENCE), (mutants::ID, mutants::SENTENCE)] {
        list.insert(id.to_owned(), sentence.to_owned());
    }
    Ok(list)
}

/// Runs the selected checks and tests, in their long form if `is_long`.
///
/// # Errors
/// If cargo cannot be started or standard output is gone.
pub(crate) fn run(root: &Path, is_long: bool, tally: &mut Tally) -> Result<()> {
    for check in &CHECKS {
        tally.judge(check.id, check.sentence, || {
            eprintln!("{}: cargo {}", check.id, check.arguments.join(" "));
            child::run(cargo(root, check.arguments), check.time_limit, |line| {
                eprintln!("{line}");
                Ok(())
            })
        })?;
    }
    run_tests(root, is_long, tally)
}

fn run_tests(root: &Path, is_long: bool, tally: &mut Tally) -> Result<()> {
    let sentences = sentences::of_workspace(root)?;
    if !sentences.keys().any(|id| tally.is_selected(id)) && !tally.is_selected(SUITE_ID) {
        return Ok(());
    }
    let mut command = cargo(root, &["test", "--workspace", "--locked", "--no-fail-fast"]);
    // libtest knows a test's name without its crate. Where the filter reaches into the crate, all tests run and are chosen here.
    if let Some(filter) = tally.filter()
        && sentences
            .keys()
            .filter(|id| tally.is_selected(id))
            .all(|id| without_crate(id).contains(filter))
        && !tally.is_selected(SUITE_ID)
    {
        command.arg("--").arg(filter);
    }
    eprintln!("{SUITE_ID}: cargo test");
    let mut time_limit = SUITE_TIME_LIMIT;
    if is_long {
        command.env(LONG_VARIABLE, LONG_FACTOR);
        time_limit = LONG_TIME_LIMIT;
    }
    let mut reader = Reader::default();
    let mut n_failed = 0;
    let failure = child::run(command, time_limit, |line| {
        match reader.take(line) {
            Line::Frame => {}
            Line::Other => eprintln!("{line}"),
            Line::Test(test) if !tally.is_selected(&test.id) && !tally.is_selected(SUITE_ID) => {}
            Line::Test(test) => {
                n_failed += usize::from(test.failure.is_some());
                let sentence = sentences.get(&test.id).cloned().unwrap_or_default();
                tally.add(&Outcome {
                    id: test.id,
                    sentence,
                    failure: test.failure.map(ToOwned::to_owned),
                })?;
            }
        }
        Ok(())
    })?;
    // Cargo fails when a test does, which has been counted; alone, its failure is one of building or of a crash.
    if tally.is_selected(SUITE_ID) || (failure.is_some() && n_failed == 0) {
        let failure = failure.filter(|_| n_failed == 0);
        tally.add(&Outcome {
            id: SUITE_ID.to_owned(),
            sentence: SUITE_SENTENCE.to_owned(),
            failure,
        })?;
    }
    Ok(())
}

/// A test's name as libtest has it.
fn without_crate(id: &str) -> &str {
    id.split_once("::").map_or(id, |(_, name)| name)
}

/// A cargo that works on the workspace at `root`, the same one that built this tool if cargo runs it.
pub(super) fn cargo(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).args(arguments);
    command
}
