//! `test --fuzz SECONDS`: the fuzz target of the core, built with coverage instrumentation and run beside its model.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use super::child;
use super::host::cargo;
use super::tally::Tally;

/// The id of the run.
pub(crate) const ID: &str = "fuzz.core";
/// What it shows.
pub(crate) const SENTENCE: &str = "Whatever a coverage-guided fuzzer tries for the time given, the core does what its model does.";

/// Where what was built and found is kept, below the root.
const FOLDER: &str = "target/fuzz";
/// The corpus that the ordinary tests replay.
const CORPUS: &str = "bus1-checkers/fuzz/corpus";
/// Instrumentation works on stable compilers, but only for the target and not for what builds it: so the target is named.
const TARGET: &str = "x86_64-unknown-linux-gnu";
/// The longest program that is tried, in bytes: longer ones are slower and reach nothing new.
const MAX_LEN: u32 = 384;
/// How long the build may take.
const BUILD_TIME_LIMIT: Duration = Duration::from_secs(1800);
/// What the engine may need beyond its time, to read the corpus and to end.
const SLACK: Duration = Duration::from_secs(300);
/// Lines that a failure repeats.
const N_LINES_REPEATED: usize = 30;

/// What the compiler is asked for: counters on every edge, and the operands of comparisons (LLVM, "SanitizerCoverage").
const FLAGS: &str = "-Dwarnings -Cpasses=sancov-module -Ccodegen-units=1 \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Fuzzes for `n_seconds`, if that is selected.
///
/// # Errors
/// If cargo or the target cannot be started.
pub(crate) fn run(root: &Path, n_seconds: u32, tally: &mut Tally) -> Result<()> {
    tally.judge(ID, SENTENCE, || match build(root)? {
        None => fuzz(root, n_seconds),
        failure => Ok(failure),
    })
}

fn build(root: &Path) -> Result<Option<String>> {
    let compiler = Command::new("c++")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if !compiler.is_ok_and(|status| status.success()) {
        let missing = "the engine, libFuzzer, is in C++ and there is no `c++`; on Debian, as root, type: apt-get install g++";
        return Ok(Some(missing.to_owned()));
    }
    let mut command = cargo(root, &["build", "--locked", "--profile", "fuzz"]);
    command
        .args(["-p", "bus1-fuzz", "--features", "libfuzzer"])
        .args(["--target", TARGET, "--target-dir", FOLDER])
        .env("RUSTFLAGS", FLAGS);
    eprintln!("{ID}: cargo build");
    child::run(command, BUILD_TIME_LIMIT, |line| {
        eprintln!("{line}");
        Ok(())
    })
}

fn fuzz(root: &Path, n_seconds: u32) -> Result<Option<String>> {
    let folder = root.join(FOLDER);
    let found = folder.join("corpus");
    fs::create_dir_all(&found).with_context(|| format!("cannot make {}", found.display()))?;
    let mut command = Command::new(folder.join(TARGET).join("fuzz/bus1-fuzz"));
    // What is found goes to the first folder; the second is only read.
    command
        .current_dir(root)
        .arg(&found)
        .arg(CORPUS)
        .arg(format!("-max_total_time={n_seconds}"))
        .arg(format!("-max_len={MAX_LEN}"))
        .arg(format!("-artifact_prefix={FOLDER}/"))
        .arg("-print_final_stats=1");
    let time_limit = Duration::from_secs(u64::from(n_seconds)) + SLACK;
    let mut tail = Vec::new();
    let failure = child::run(command, time_limit, |line| {
        eprintln!("{line}");
        tail.push(line.to_owned());
        if tail.len() > N_LINES_REPEATED {
            tail.remove(0);
        }
        Ok(())
    })?;
    Ok(failure.map(|failure| {
        format!(
            "{failure}; a program that was found is in {FOLDER}/, and `cargo test -p bus1-fuzz` replays it from {CORPUS}/\n{}",
            tail.join("\n")
        )
    }))
}
