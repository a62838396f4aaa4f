//! No word, `run` and `gdb`: boot one program and show its console.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::cli::Options;
use crate::exit::Failure;
use crate::guest::{self, Boot};
use crate::machine;
use crate::scratch::ScratchDirectory;
use crate::verdict::{Ending, Run};
use crate::{image, words};

/// How long a guest may run unless the user says otherwise.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(60);
/// How many of the console's last lines a failure repeats.
const N_LINES_REPEATED: usize = 8;

/// How much of each of them, in characters.
const N_SHOWN: usize = 160;

/// What QEMU 7.2 says about `-cpu` with a model that it does not have.
const UNKNOWN_CPU: &str = "unable to find CPU model";

/// What to boot.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    /// The program, or the plan of the tour if there is none.
    pub(crate) program: Option<&'a str>,
    /// Its arguments.
    pub(crate) arguments: &'a [String],
    /// Whether to wait for a debugger, and make the program the first task.
    pub(crate) is_debugged: bool,
}

/// Boots, shows the console as it comes, and returns the exit code.
///
/// # Errors
/// If the host cannot do its part.
pub(crate) fn boot(request: &Request<'_>, options: &Options) -> Result<u8> {
    let directory = ScratchDirectory::new()?;
    let program = request.program.unwrap_or(image::TOUR);
    let task = image::first_task(program, directory.path())?;
    let (first, arguments) = match request.program {
        _ if request.is_debugged => (task.name.clone(), request.arguments.to_vec()),
        Some(_) => image::way_to(&task.name, request.arguments),
        None => (image::STARTER.to_owned(), vec![image::TOUR.to_owned()]),
    };
    let machine = options.machine();
    eprintln!("booting {} on {machine}", task.name);
    let words = words::command_line(&first, &arguments, &options.word)?;
    let kernel = options.kernel.clone();
    let kernel = kernel.unwrap_or_else(|| image::kernel_for(&words));
    if request.is_debugged {
        announce_gdb(&kernel, &task.with_symbols);
    }
    let boot = Boot {
        machine,
        kernel,
        initrd: Some(options.initrd.clone().unwrap_or(task.initrd)),
        words,
        time_limit: options
            .time_limit()
            .or((!request.is_debugged).then_some(TIME_LIMIT)),
        is_debugged: request.is_debugged,
    };
    let mut stdout = std::io::stdout();
    let run = guest::run(&boot, &mut |line| {
        writeln!(stdout, "{line}").context("cannot write to standard output")
    })?;
    explain(&run);
    if let Ending::Refused(words) = &run.ending
        && words.contains(UNKNOWN_CPU)
    {
        eprintln!("the CPU models are: {}", machine::cpu_models()?.join(", "));
        return Ok(Failure::Usage as u8);
    }
    Ok(run.exit_code())
}

fn announce_gdb(kernel: &Path, program: &Path) {
    eprintln!("waiting for a debugger on port 1234; in another terminal:");
    eprintln!(
        "  gdb -iex 'set confirm off' {:?} -ex 'add-symbol-file {:?}' -ex 'target remote localhost:1234'",
        kernel, program
    );
}

/// Says on standard error how the run ended.
pub(super) fn explain(run: &Run) {
    if let Some(booted_ns) = run.report.booted_ns {
        let booted = Duration::from_nanos(booted_ns);
        eprintln!(
            "first user instruction after {:.3} s of the guest's clock",
            booted.as_secs_f64()
        );
    }
    let Some(failure) = run.failure() else {
        eprintln!(
            "ended with status 0 after {:.2} s",
            run.elapsed.as_secs_f64()
        );
        return;
    };
    eprintln!("failed: {failure}");
    if matches!(run.ending, Ending::TimeLimit(_)) {
        eprintln!("(--timeout SECONDS sets another time limit)");
    }
    let lines = run.tail.lines().collect::<Vec<_>>();
    if lines.is_empty() {
        eprintln!("the console stayed empty");
        return;
    }
    eprintln!("the console ended with:");
    for line in &lines[lines.len().saturating_sub(N_LINES_REPEATED)..] {
        eprintln!("  | {line:.N_SHOWN$}");
    }
}
