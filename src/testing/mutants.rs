//! `test --mutants [FILES]`: cargo-mutants changes the core in every way it knows, one change at a time, and the tests must notice.
//!
//! Four passes, each with its own tests and over what the one before did not notice: the corpus of the fuzz target, the tests of one
//! rule each, long programs, the model checker. What survives them must be listed, with a reason, in `docs/mutants.md`, and what is listed must
//! survive: so the list and the run agree.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use super::child;
use super::host::cargo;
use super::tally::Tally;

/// The id of the run.
pub(crate) const ID: &str = "mutants.core";
/// What it shows.
pub(crate) const SENTENCE: &str = "Whatever cargo-mutants changes in the core is noticed by a test, or listed with the reason why not.";

/// The files that all are.
pub(crate) const ALL: &str = "all";

/// What changes the core, as it is installed.
const INSTALL: &str = "cargo install cargo-mutants --version 27.1.0 --locked";
/// What is changed.
const SOURCE: &str = "bus1-service/src";
/// The list.
const LIST: &str = "docs/mutants.md";
/// What was done, below the root.
const OUTPUT: &str = "target/mutants";
/// What is built, below the root. All passes share it, and the next run: only the core and what is over it is built again for each.
const BUILT: &str = "target/mutants-built";
/// The passes: what cargo-mutants is told, and when the tests of one mutant are ended, in seconds. That counts as noticed, since it hangs:
/// their ordinary time is a tenth of it.
const PASSES: [(&str, &str); 4] = [
    (".cargo/mutants.toml", "10"),
    (".cargo/mutants-rules.toml", "60"),
    (".cargo/mutants-programs.toml", "150"),
    (".cargo/mutants-threads.toml", "300"),
];
/// Builds fast, and tests what is built (`Cargo.toml`).
const PROFILE: &str = "mutants";
/// A whole run takes an hour or two.
const TIME_LIMIT: Duration = Duration::from_secs(12 * 3600);

/// Exit codes of cargo-mutants for runs that went to their end: all noticed, some missed, some hung.
const RAN: [&str; 3] = ["exit status: 0", "exit status: 2", "exit status: 3"];

/// Runs over the files of the core whose path contains `files`, if that is selected.
///
/// # Errors
/// If a file cannot be read or cargo cannot be started.
pub(crate) fn run(root: &Path, files: &str, tally: &mut Tally) -> Result<()> {
    tally.judge(ID, SENTENCE, || failure(root, files))
}

fn failure(root: &Path, files: &str) -> Result<Option<String>> {
    let version = Command::new("cargo")
        .args(["mutants", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !version.is_ok_and(|status| status.success()) {
        return Ok(Some(format!("there is no cargo-mutants; type: {INSTALL}")));
    }
    let chosen = chosen(root, files)?;
    if chosen.is_empty() {
        return Ok(Some(format!(
            "no file in {SOURCE} has \"{files}\" in its path"
        )));
    }
    let output = root.join(OUTPUT);
    if output.exists() {
        fs::remove_dir_all(&output)
            .with_context(|| format!("cannot remove {}", output.display()))?;
    }
    for (config, time_limit_s) in PASSES {
        if let Some(failure) = pass(root, config, time_limit_s, &chosen)?
            && !RAN.iter().any(|code| failure.ends_with(code))
        {
            return Ok(Some(format!("cargo mutants with {config} {failure}")));
        }
        keep_hung(&output)?;
    }
    let missed = output.join("mutants.out/missed.txt");
    let missed =
        fs::read_to_string(&missed).with_context(|| format!("cannot read {}", missed.display()))?;
    let survivors = missed.lines().filter_map(without_place).collect();
    let list =
        fs::read_to_string(root.join(LIST)).with_context(|| format!("cannot read {LIST}"))?;
    let listed = listed(&list)
        .into_iter()
        .filter(|(file, _)| chosen.iter().any(|chosen| chosen.ends_with(file)))
        .collect();
    Ok(disagreement(&survivors, &listed))
}

/// Counts what hung as noticed, so that the next pass leaves it out.
fn keep_hung(output: &Path) -> Result<()> {
    let [hung, caught] =
        ["timeout.txt", "caught.txt"].map(|name| output.join("mutants.out").join(name));
    let hung = fs::read(&hung).with_context(|| format!("cannot read {}", hung.display()))?;
    let mut file = File::options()
        .append(true)
        .open(&caught)
        .with_context(|| format!("cannot open {}", caught.display()))?;
    file.write_all(&hung)
        .with_context(|| format!("cannot write {}", caught.display()))
}

/// One pass over what the passes before did not notice.
fn pass(
    root: &Path,
    config: &str,
    time_limit_s: &str,
    files: &[PathBuf],
) -> Result<Option<String>> {
    let mut command = cargo(root, &["mutants", "--package", "bus1-service", "--iterate"]);
    command
        .env("CARGO_TARGET_DIR", root.join(BUILT))
        .args(["--baseline", "skip", "--timeout", time_limit_s])
        .args(["--profile", PROFILE])
        .args(["--config", config, "--output", OUTPUT])
        // Whether a test fails is enough; the smallest program that does is not looked for.
        .env("PROPTEST_MAX_SHRINK_ITERS", "0");
    for file in files {
        command.arg("--file").arg(file);
    }
    eprintln!("{ID}: cargo mutants --config {config}");
    child::run(command, TIME_LIMIT, |line| {
        eprintln!("{line}");
        Ok(())
    })
}

/// The source files, relative to the root, whose path contains `files`.
fn chosen(root: &Path, files: &str) -> Result<Vec<PathBuf>> {
    let mut chosen = Vec::new();
    let mut folders = vec![PathBuf::from(SOURCE)];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(root.join(&folder))
            .with_context(|| format!("cannot list {}", folder.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot list {}", folder.display()))?;
            let path = folder.join(entry.file_name());
            let is_chosen = files == ALL || path.to_string_lossy().contains(files);
            if root.join(&path).is_dir() {
                folders.push(path);
            } else if is_chosen {
                chosen.push(path);
            }
        }
    }
    chosen.sort();
    Ok(chosen)
}

/// A file below the source's folder, and what was changed in it.
type Mutant = (String, String);

/// A line of cargo-mutants, `FILE:LINE:COLUMN: CHANGE`, without the place, which moves with every edit.
fn without_place(line: &str) -> Option<Mutant> {
    let (place, change) = line.split_once(": ")?;
    let file = place.split(':').next()?;
    let file = file.strip_prefix(SOURCE)?.strip_prefix('/')?;
    Some((file.to_owned(), change.to_owned()))
}

/// The rows of the list: "| `FILE` | `CHANGE` | reason |".
fn listed(list: &str) -> BTreeSet<Mutant> {
    let rows = list.lines().filter_map(|line| {
        let (file, rest) = line.strip_prefix("| `")?.split_once("` | `")?;
        let (change, reason) = rest.split_once("` | ")?;
        (!reason.trim_matches([' ', '|']).is_empty())
            .then(|| (file.to_owned(), change.replace("\\|", "|")))
    });
    rows.collect()
}

/// What survived and is not listed, and what is listed and did not survive.
fn disagreement(survivors: &BTreeSet<Mutant>, listed: &BTreeSet<Mutant>) -> Option<String> {
    let say = |what: &str, mutants: Vec<&Mutant>| {
        let lines = mutants
            .into_iter()
            .map(|(file, change)| format!("{what}: {file}: {change}"));
        lines.collect::<Vec<_>>()
    };
    let mut lines = say("nobody noticed", survivors.difference(listed).collect());
    let stale = listed.difference(survivors).collect();
    lines.extend(say("listed, but noticed or gone", stale));
    (!lines.is_empty()).then(|| lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Survivors are matched with the list by file and change; either side's surplus is a failure.
    #[test]
    fn list_and_run_must_agree() {
        let line = "bus1-service/src/send/mod.rs:7:9: replace | with ^ in f -> u8";
        let survivor = without_place(line).unwrap();
        assert_eq!(survivor.0, "send/mod.rs");
        let list = "| file | change | why |\n|---|---|---|\n| `send/mod.rs` | `replace \\| with ^ in f -> u8` | same |\n";
        let survivors = BTreeSet::from([survivor]);
        assert_eq!(disagreement(&survivors, &listed(list)), None);
        let surplus = disagreement(&survivors, &BTreeSet::new()).unwrap();
        assert!(surplus.starts_with("nobody noticed: send/mod.rs: replace |"));
        let stale = disagreement(&BTreeSet::new(), &listed(list)).unwrap();
        assert!(stale.starts_with("listed, but noticed or gone"), "{stale}");
        assert!(
            listed("| `a.rs` | `x` | |").is_empty(),
            "a reason is asked for"
        );
    }

    /// The second pass brings every file of tests of one rule each.
    #[test]
    fn every_rule_is_one_program() {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("bus1-service/tests");
        let program = fs::read_to_string(tests.join("every_rule/main.rs")).unwrap();
        let names = fs::read_dir(tests).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let missing: Vec<_> = names
            .filter(|name| name.starts_with("rules_"))
            .filter(|name| !program.contains(&format!("\"../{name}\"")))
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    /// The list of this repository has rows, each for a file that there is.
    #[test]
    fn listed_files_exist() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let rows = listed(&fs::read_to_string(root.join(LIST)).unwrap());
        assert!(!rows.is_empty());
        for (file, _) in rows {
            assert!(root.join(SOURCE).join(&file).exists(), "{file}");
        }
    }
}
