//! A test that needs a boot of its own: what boots, and how it must end.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use omnibus_boot_plan::{FOLDER, SUFFIX};

use super::tally::Tally;
use super::tiny_guest::{self, Step};
use crate::guest::{self, Boot};
use crate::machine::Machine;
use crate::scratch::ScratchDirectory;
use crate::verdict::Run;
use crate::{image, words};

/// What boots.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kernel {
    /// Omnibus, with this program as its first task.
    Omnibus(&'static str),
    /// The same, with arguments for the program.
    OmnibusWith(&'static str, &'static [&'static str]),
    /// The kernel that can be broken, with this program as its first task.
    Sabotaged(&'static str),
    /// Omnibus, carrying out the boot plan of this name, with the words behind it.
    Planned(&'static [&'static str]),
    /// A guest of a few instructions.
    Tiny(&'static [Step]),
}

/// The archive that the kernel is given.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Initrd {
    /// The image's.
    Image,
    /// None.
    Missing,
    /// The image's after this change.
    Changed(fn(&mut Vec<u8>)),
    /// The image's with this text as the boot plan `test`.
    WithPlan(&'static str),
}

/// How a boot must end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    /// The exit code that the tool makes of it.
    pub(crate) exit_code: u8,
    /// What the message about the failure must contain; nothing for a run that must not fail.
    pub(crate) failure: &'static str,
    /// What a line of the console must contain; several, separated by line feeds, one behind the other.
    pub(crate) console: &'static str,
}

/// A test with a boot of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    /// Its id.
    pub(crate) id: &'static str,
    /// What it shows.
    pub(crate) sentence: &'static str,
    /// What boots.
    pub(crate) kernel: Kernel,
    /// How its machine differs from the default one.
    pub(crate) adjust: fn(&mut Machine),
    /// With which archive.
    pub(crate) initrd: Initrd,
    /// Kernel words, each `KEY=VALUE`.
    pub(crate) words: &'static [&'static str],
    /// When it is killed, in seconds.
    pub(crate) time_limit_s: u64,
    /// How it must end.
    pub(crate) expected: Expected,
}

/// A case's machine is the default one.
pub(crate) fn as_it_is(_: &mut Machine) {}

impl Case {
    /// Boots the case on `machine`, if it is selected, and counts it under its id.
    ///
    /// # Errors
    /// If the host cannot do its part.
    pub(crate) fn test(&self, machine: &Machine, tally: &mut Tally) -> Result<()> {
        self.test_as("", machine, tally)
    }

    /// As [`Self::test`], with `prefix` before the id.
    ///
    /// # Errors
    /// If the host cannot do its part.
    pub(crate) fn test_as(&self, prefix: &str, machine: &Machine, tally: &mut Tally) -> Result<()> {
        let id = format!("{prefix}{}", self.id);
        tally.judge(&id, self.sentence, || {
            eprintln!("{id}: booting");
            let mut console = Vec::new();
            let run = self.boot(machine, &mut console)?;
            Ok(self.expected.complaint(&run, &console))
        })
    }

    /// The kernel's command line.
    fn line(&self, program: &str, arguments: &[&str]) -> Result<String> {
        let settings = self.words.iter().map(|word| word.parse());
        let settings = settings.collect::<Result<Vec<_>, String>>();
        let settings = settings.map_err(anyhow::Error::msg)?;
        let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
        words::command_line(program, &arguments, &settings)
    }

    /// The kernel for the command line, and that.
    fn kernel_and_line(&self, program: &str, arguments: &[&str]) -> Result<(PathBuf, String)> {
        let line = self.line(program, arguments)?;
        Ok((image::kernel_for(&line), line))
    }

    fn boot(&self, machine: &Machine, console: &mut Vec<String>) -> Result<Run> {
        let directory = ScratchDirectory::new()?;
        let mut machine = machine.clone();
        (self.adjust)(&mut machine);
        let (kernel, words) = match self.kernel {
            Kernel::Omnibus(program) => self.kernel_and_line(program, &[])?,
            Kernel::OmnibusWith(program, arguments) => self.kernel_and_line(program, arguments)?,
            Kernel::Sabotaged(program) => (image::sabotaged_kernel(), self.line(program, &[])?),
            Kernel::Planned(words) => (image::kernel(), self.line(image::STARTER, words)?),
            Kernel::Tiny(steps) => {
                let file = directory.path().join("kernel.elf");
                write(&file, &tiny_guest::build(steps))?;
                (file, String::new())
            }
        };
        let written = |bytes: &[u8]| {
            let file = directory.path().join("initrd.cpio");
            write(&file, bytes).map(|()| file)
        };
        let initrd = match self.initrd {
            Initrd::Image => Some(image::initrd()),
            Initrd::Missing => None,
            Initrd::Changed(change) => {
                let mut bytes =
                    fs::read(image::initrd()).context("cannot read the image's archive")?;
                change(&mut bytes);
                Some(written(&bytes)?)
            }
            Initrd::WithPlan(text) => {
                let file = format!("{FOLDER}test{SUFFIX}");
                let bytes = image::archive_with(&file, 0o444, text.as_bytes())?;
                Some(written(&bytes)?)
            }
        };
        let boot = Boot {
            machine,
            kernel,
            initrd,
            words,
            time_limit: Some(Duration::from_secs(self.time_limit_s)),
            is_debugged: false,
        };
        guest::run(&boot, &mut |line| {
            // Only the cases that flood the console go beyond this, and they expect nothing late on it.
            const N_LINES_KEPT: usize = 100_000;
            if console.len() < N_LINES_KEPT {
                console.push(line.to_owned());
            }
            Ok(())
        })
    }
}

impl Expected {
    /// The first of the lines that are not on the console, behind those before.
    fn missing_line(&self, console: &[String]) -> Option<&'static str> {
        let mut printed = console.iter();
        let mut expected = self.console.lines();
        expected.find(|expected| !printed.any(|line| line.contains(expected)))
    }

    /// What is wrong with how a run ended, and the console's last lines with it.
    fn complaint(&self, run: &Run, console: &[String]) -> Option<String> {
        let said = run.failure().unwrap_or_else(|| "status 0".to_owned());
        let code = run.exit_code();
        let complaint = if code != self.exit_code {
            format!("exit code {code} instead of {}: {said}", self.exit_code)
        } else if !said.contains(self.failure) {
            format!(
                "the failure should name \"{}\", and is: {said}",
                self.failure
            )
        } else if let Some(missing) = self.missing_line(console) {
            format!("no line of the console has \"{missing}\"")
        } else {
            return None;
        };
        let tail = run
            .tail
            .lines()
            .map(|line| format!("\n| {line}"))
            .collect::<String>();
        Some(complaint + &tail)
    }
}

fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(file, bytes).with_context(|| format!("cannot write {}", file.display()))
}
