//! The C interface from outside: programs in C that the machine's compiler makes, booted like a user's.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::tally::Tally;
use crate::guest::{self, Boot};
use crate::machine::Machine;
use crate::scratch::ScratchDirectory;
use crate::verdict::Run;
use crate::{c_flags, commands, image, words};

/// How long a guest may run.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// How lines of the kernel's own begin on the console.
const KERNEL: &str = "kernel:";

/// The tests, as id and sentence.
pub(crate) const LIST: [(&str, &str); 4] = [
    (
        "c.library",
        "The C library of Omnibus answers as that of the machine does, line by line.",
    ),
    (
        "c.letter",
        "A C program that knows nothing of Omnibus is compiled by `cc`, runs, and sends a message.",
    ),
    (
        "c.status",
        "A program of two files is compiled, and what its `main` returns is the exit code.",
    ),
    (
        "c.memory",
        "On a machine with less memory than quotas every call in C that needs some says ENOMEM, and every other one works.",
    ),
];

/// The conformance suite, and its cases for a machine whose quotas promise more than there is.
const SUITE: &str = "test-c-interface";
const OVERCOMMITTED: &str = "--overcommitted";

/// Runs the selected tests.
///
/// # Errors
/// If the host cannot do its part.
pub(crate) fn run(machine: &Machine, tally: &mut Tally) -> Result<()> {
    let [library, letter, status, memory] = LIST;
    tally.judge(library.0, library.1, || compare_libraries(machine))?;
    tally.judge(letter.0, letter.1, || {
        let source = sdk().join("examples/letter.c");
        let (code, console) = compile_and_boot(&[source], machine)?;
        let is_read = console.contains(&"Ben reads: Dear Ben, this is a message.".to_owned());
        Ok((code != 0 || !is_read).then(|| format!("status {code}, console {console:?}")))
    })?;
    tally.judge(status.0, status.1, || {
        let directory = ScratchDirectory::new()?;
        let sources = [
            (
                "main.c",
                "int status(void);\nint main(void) { return status(); }\n",
            ),
            ("status.c", "int status(void) { return 7; }\n"),
        ]
        .map(|(name, text)| (directory.path().join(name), text));
        for (file, text) in &sources {
            fs::write(file, text).context("cannot write a program")?;
        }
        let (code, _) = compile_and_boot(&sources.map(|(file, _)| file), machine)?;
        Ok((code != 7).then(|| format!("status {code} instead of 7")))
    })?;
    tally.judge(memory.0, memory.1, || run_out_of_memory(machine))
}

/// The cases that a small machine with large quotas does not hold.
fn run_out_of_memory(machine: &Machine) -> Result<Option<String>> {
    let machine = Machine {
        memory_mib: 128,
        ..machine.clone()
    };
    let overcommit = "overcommit=64".parse().map_err(anyhow::Error::msg)?;
    let words = words::command_line(SUITE, &[OVERCOMMITTED.to_owned()], &[overcommit])?;
    let (run, console) = boot_words(words, image::initrd(), &machine)?;
    let failed = console.iter().find(|line| line.starts_with("FAILED"));
    Ok(failed.cloned().or_else(|| run.failure()))
}

fn sdk() -> PathBuf {
    super::root().join("sdk/c")
}

/// The first line in which the two libraries differ.
fn compare_libraries(machine: &Machine) -> Result<Option<String>> {
    let directory = ScratchDirectory::new()?;
    let program = directory.path().join("library");
    let mut command = c_flags::compiler();
    command
        .arg("-D_GNU_SOURCE")
        .arg(c_flags::flags(&sdk(), "program"))
        .args(c_files(&sdk().join("library"))?)
        .args(["-lpthread", "-o"])
        .arg(&program);
    complete(&mut command)?;
    let expected = complete(&mut Command::new(&program))?;
    let (run, seen) = boot("c-library", image::initrd(), machine)?;
    if let Some(failure) = run.failure() {
        return Ok(Some(failure));
    }
    let mut expected = expected.lines();
    for line in seen {
        let wanted = expected.next();
        if wanted != Some(&line) {
            return Ok(Some(format!(
                "here: {line}\nthere: {}",
                wanted.unwrap_or("nothing")
            )));
        }
    }
    Ok(expected.next().map(|line| format!("missing: {line}")))
}

/// The C files of a folder, sorted.
fn c_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = fs::read_dir(folder)
        .and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.path()))
                .collect::<Result<Vec<_>, _>>()
        })
        .with_context(|| format!("cannot list {}", folder.display()))?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "c"));
    files.sort();
    Ok(files)
}

/// Runs a command to its end, and returns what it printed.
fn complete(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    if !output.status.success() {
        bail!(
            "{} failed: {}",
            command.get_program().display(),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    String::from_utf8(output.stdout).context("what a program printed is not UTF-8")
}

/// Compiles a program as `cc` does and boots it as `run` does. Returns the exit code and the program's lines.
fn compile_and_boot(sources: &[PathBuf], machine: &Machine) -> Result<(u8, Vec<String>)> {
    let directory = ScratchDirectory::new()?;
    let program = directory.path().join("program.elf");
    let mut arguments: Vec<OsString> = sources.iter().map(OsString::from).collect();
    arguments.extend(["-O2", "-Wall", "-Werror", "-o"].map(OsString::from));
    arguments.push(program.clone().into());
    let code = commands::cc::compile(&arguments)?;
    if code != 0 {
        bail!("the compiler refused {}", sources[0].display());
    }
    let path = program.to_str().context("a path is not UTF-8")?;
    let task = image::first_task(path, directory.path())?;
    let (run, console) = boot(&task.name, task.initrd, machine)?;
    Ok((run.exit_code(), console))
}

/// Boots a program as `run` does; returns how it ended, and the lines that are not the kernel's.
fn boot(program: &str, initrd: PathBuf, machine: &Machine) -> Result<(Run, Vec<String>)> {
    let (first, arguments) = image::way_to(program, &[]);
    boot_words(
        words::command_line(&first, &arguments, &[])?,
        initrd,
        machine,
    )
}

/// The same with these kernel words.
fn boot_words(words: String, initrd: PathBuf, machine: &Machine) -> Result<(Run, Vec<String>)> {
    let boot = Boot {
        machine: machine.clone(),
        kernel: image::kernel(),
        initrd: Some(initrd),
        words,
        time_limit: Some(TIME_LIMIT),
        is_debugged: false,
    };
    let mut console = Vec::new();
    let run = guest::run(&boot, &mut |line| {
        if !line.starts_with(KERNEL) {
            console.push(line.to_owned());
        }
        Ok(())
    })?;
    Ok((run, console))
}
