//! `bench`: what the kernel's calls cost, measured inside QEMU; with `--host`, what the bus1 core costs without a kernel ([`host`]).
//!
//! The machine counts instructions, so that a figure is the same in every run; the program `bench` of the image makes the experiments and
//! tells the figures on the console. They are printed beside those of other systems ([`targets`]), written and drawn below
//! `target/bench`, and compared with the figures that the repository keeps ([`kept`]).

mod host;
mod kept;
mod plot;
mod table;
mod targets;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use crate::cli::{BenchOptions, Options};
use crate::guest::{self, Boot};
use crate::machine::Machine;
use crate::{image, words};

/// The program of the image that measures.
const PROGRAM: &str = "bench";

/// The CPU that figures are taken on. With ERMS a `rep movsb` counts one instruction for each byte, which no CPU takes.
pub(crate) const CPU: &str = "max,-erms,-fsrm";

/// How long the suite may take, unless the user says otherwise.
const TIME_LIMIT: Duration = Duration::from_secs(180);

/// What a run of the suite told.
#[derive(Debug, Default, PartialEq, Eq)]
struct Measured {
    /// Cost of a round by id, in the order of the suite.
    figures: Vec<(String, u64)>,
    /// Cost of an echo by its size in bytes.
    sizes: Vec<(u64, u64)>,
}

/// Measures, prints, writes, compares. The exit code is 1 if a figure is not the one that is kept.
///
/// # Errors
/// If the host cannot do its part, or the guest does not tell every figure.
pub(crate) fn run(bench: &BenchOptions, options: &Options) -> Result<u8> {
    if bench.host {
        return host::run();
    }
    let measured = measure(bench, options)?;
    let mut stdout = std::io::stdout().lock();
    table::print(&mut stdout, &measured.figures, bench.wall)?;
    if bench.wall {
        return Ok(0);
    }
    let folder = target_folder();
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let file = folder.join("ipc.csv");
    fs::write(&file, kept::csv(&measured.figures))
        .with_context(|| format!("cannot write {}", file.display()))?;
    plot::draw(&measured, &folder)?;
    if bench.only.is_some() {
        return Ok(0);
    }
    match &bench.accept {
        Some(reason) => kept::accept(&measured.figures, reason).map(|()| 0),
        None => kept::compare(&mut stdout, &measured.figures),
    }
}

fn measure(bench: &BenchOptions, options: &Options) -> Result<Measured> {
    let mut arguments = Vec::new();
    if let Some(only) = &bench.only {
        arguments.extend(["--only".to_owned(), only.clone()]);
    }
    if bench.wall {
        arguments.push("--wall".to_owned());
    }
    let machine = Machine {
        cpu: CPU.to_owned(),
        is_counting_instructions: !bench.wall,
        ..options.machine()
    };
    eprintln!("measuring on {machine}");
    let boot = Boot {
        machine,
        kernel: options.kernel.clone().unwrap_or_else(image::kernel),
        initrd: Some(options.initrd.clone().unwrap_or_else(image::initrd)),
        words: words::command_line(PROGRAM, &arguments, &options.word)?,
        time_limit: Some(options.time_limit().unwrap_or(TIME_LIMIT)),
        is_debugged: false,
    };
    let mut lines = Vec::new();
    let run = guest::run(&boot, &mut |line| {
        lines.push(line.to_owned());
        Ok(())
    })?;
    if let Some(failure) = run.failure() {
        let last = run.tail.lines().last().unwrap_or("nothing").to_owned();
        bail!("the measurement failed: {failure}; the console ended with: {last}");
    }
    heard(&lines)
}

/// Reads the suite's lines; other lines are for people.
fn heard(lines: &[String]) -> Result<Measured> {
    let mut measured = Measured::default();
    let mut n_announced = None;
    for line in lines {
        let words = line.split(' ').collect::<Vec<_>>();
        let number = |word: &str| {
            word.parse::<u64>()
                .map_err(|_| anyhow!("the suite said \"{line}\", which has no number"))
        };
        match *words.as_slice() {
            ["figure", id, cost] => measured.figures.push((id.to_owned(), number(cost)?)),
            ["size", n_bytes, cost] => measured.sizes.push((number(n_bytes)?, number(cost)?)),
            ["bench-done", n_told] => n_announced = Some(number(n_told)?),
            _ => {}
        }
    }
    let n_heard = (measured.figures.len() + measured.sizes.len()) as u64;
    if n_announced != Some(n_heard) {
        bail!("the suite told {n_heard} figures, and said at its end: {n_announced:?}");
    }
    Ok(measured)
}

/// Where results go: beside what was built.
fn target_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target")
        .join("bench")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(lines: &[&str]) -> Result<Measured> {
        heard(&lines.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    /// Figures and sizes are taken from between other lines of the console.
    #[test]
    fn figures_are_heard() {
        let lines = ["kernel: x", "figure a 7", "size 64 900", "bench-done 2"];
        let measured = said(&lines).unwrap();
        assert_eq!(measured.figures, [("a".to_owned(), 7)]);
        assert_eq!(measured.sizes, [(64, 900)]);
    }

    /// A suite that fell silent, or lost a figure on the way, measured nothing.
    #[test]
    fn silence_is_no_measurement() {
        assert!(said(&["figure a 7"]).is_err());
        assert!(said(&["figure a 7", "bench-done 2"]).is_err());
        assert!(said(&["figure a x", "bench-done 1"]).is_err());
    }
}
