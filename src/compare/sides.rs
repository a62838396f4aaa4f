//! The two guests: what boots, and what is heard from each.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use omnibus_archive::{MODE_REGULAR_FILE, Writer};
use omnibus_compare::line::{self, Line};

use super::linux_kernel::LinuxKernel;
use super::modules::{self, Module};
use super::nested;
use crate::cli::Options;
use crate::guest::{self, Boot};
use crate::machine::Machine;
use crate::testing::root;
use crate::{bench, image, words};

/// How long a side may take, unless the user says otherwise.
const TIME_LIMIT: Duration = Duration::from_secs(900);

/// The program of the image that is the Omnibus side.
const PROGRAM: &str = "compare";

/// The package that is the Linux side.
const LINUX_PACKAGE: &str = "omnibus-compare-linux";

/// What a side told, each line without its first word.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Rows of measurements, as CSV.
    pub(crate) costs: Vec<String>,
    /// Rows of observations, as CSV.
    pub(crate) events: Vec<String>,
    n_announced: Option<u64>,
}

impl Told {
    /// Takes a line of the console. Returns the experiment that it belongs to.
    fn take<'a>(&mut self, text: &'a str) -> Result<Option<&'a str>> {
        let Ok(line) = line::parse(text) else {
            bail!("the guest said \"{text}\", which is not a line of a comparison");
        };
        let row = || text.split_once(',').map_or(text, |(_, row)| row).to_owned();
        Ok(match line {
            Some(Line::Cost(cost)) => {
                self.costs.push(row());
                Some(cost.experiment)
            }
            Some(Line::Event(event)) => {
                self.events.push(row());
                Some(event.experiment)
            }
            Some(Line::Done(n_told)) => {
                self.n_announced = Some(n_told);
                None
            }
            None => None,
        })
    }

    /// What a side would have told.
    #[cfg(test)]
    pub(crate) fn of(costs: Vec<String>, events: Vec<String>) -> Self {
        Self {
            costs,
            events,
            n_announced: None,
        }
    }

    /// Whether all that was told was heard.
    fn check(&self) -> Result<()> {
        let n_heard = (self.costs.len() + self.events.len()) as u64;
        if self.n_announced != Some(n_heard) {
            bail!(
                "{n_heard} lines were heard, and the guest said at its end: {:?}",
                self.n_announced
            );
        }
        Ok(())
    }
}

/// Runs the Omnibus side.
///
/// # Errors
/// If the host cannot do its part, or the guest does not tell everything.
pub(crate) fn omnibus(only: &[String], options: &Options) -> Result<Told> {
    let boot = Boot {
        machine: machine(options),
        kernel: options.kernel.clone().unwrap_or_else(image::kernel),
        initrd: Some(options.initrd.clone().unwrap_or_else(image::initrd)),
        words: words::command_line(PROGRAM, only, &options.word)?,
        time_limit: Some(options.time_limit().unwrap_or(TIME_LIMIT)),
        is_debugged: false,
    };
    run("Omnibus", &boot)
}

/// Runs the Linux side, whose initial RAM disk is written into `folder`.
///
/// # Errors
/// If the host cannot do its part, or the guest does not tell everything.
pub(super) fn linux(
    kernel: &LinuxKernel,
    only: &[String],
    folder: &Path,
    options: &Options,
) -> Result<Told> {
    let modules = match &kernel.modules {
        Some(folder) => modules::with_dependencies(folder, "binder_linux")?,
        None => Vec::new(),
    };
    if modules.is_empty() {
        eprintln!(
            "Linux {} has no module binder_linux here: the rows of binder are left out",
            kernel.version
        );
    }
    let initrd = folder.join("linux-initrd.cpio");
    fs::write(&initrd, initial_ram_disk(&linux_program()?, &modules)?)
        .with_context(|| format!("cannot write {}", initrd.display()))?;
    let boot = Boot {
        machine: machine(options),
        kernel: kernel.image.clone(),
        initrd: Some(initrd),
        // What stands behind the two hyphens are the arguments of the first process.
        words: format!(
            "console=ttyS0 quiet loglevel=1 mitigations=off panic=-1 -- {}",
            only.join(" ")
        ),
        time_limit: Some(options.time_limit().unwrap_or(TIME_LIMIT)),
        is_debugged: false,
    };
    run("Linux", &boot)
}

/// The machine of both: that of `bench`; with several CPUs nothing is counted.
fn machine(options: &Options) -> Machine {
    Machine {
        cpu: bench::CPU.to_owned(),
        is_counting_instructions: options.cpus == 1,
        ..options.machine()
    }
}

/// Builds the Linux side, a static program of the host's own kind.
fn linux_program() -> Result<Vec<u8>> {
    eprintln!("building the Linux side");
    let binaries = nested::build(
        root(),
        LINUX_PACKAGE,
        "release",
        &[],
        &["-Ctarget-feature=+crt-static"],
        &root().join("target").join("compare").join("build"),
    )
    .context("the Linux side needs the C library as an archive (Debian: libc6-dev, Fedora: glibc-static)")?;
    let [program] = binaries.as_slice() else {
        bail!(
            "{LINUX_PACKAGE} has {} binaries and should have one",
            binaries.len()
        );
    };
    fs::read(&program.file).with_context(|| format!("cannot read {}", program.file.display()))
}

/// The initial RAM disk: the first process, its modules, and the list of them.
fn initial_ram_disk(init: &[u8], modules: &[Module]) -> Result<Vec<u8>> {
    let mut archive = Writer::new();
    archive.add("init", MODE_REGULAR_FILE | 0o755, init)?;
    let mut list = String::new();
    for Module { name, bytes } in modules {
        let file = format!("{name}.ko");
        archive.add(&file, MODE_REGULAR_FILE | 0o444, bytes)?;
        list.push_str(&format!("/{file}\n"));
    }
    archive.add("modules", MODE_REGULAR_FILE | 0o444, list.as_bytes())?;
    Ok(archive.finish())
}

/// Boots a side and hears it out, showing which experiment it is at.
fn run(side: &str, boot: &Boot) -> Result<Told> {
    eprintln!("{side}: booting on {}", boot.machine);
    let mut told = Told::default();
    let mut current = String::new();
    let run = guest::run(boot, &mut |text| {
        match told.take(text)? {
            Some(experiment) if experiment != current => {
                experiment.clone_into(&mut current);
                eprintln!("{side}: {experiment}");
            }
            _ => {}
        }
        Ok(())
    })?;
    if let Some(failure) = run.failure() {
        let tail: Vec<_> = run.tail.lines().collect();
        let last = &tail[tail.len().saturating_sub(3)..];
        bail!(
            "{side}: {failure}; the console ended with: {}",
            last.join(" | ")
        );
    }
    told.check().with_context(|| side.to_owned())?;
    eprintln!(
        "{side}: {} lines in {:.0} s",
        told.costs.len() + told.events.len(),
        run.elapsed.as_secs_f64()
    );
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use omnibus_archive::Archive;

    /// The Linux kernel finds its first process, executable, and modules in the order of the list.
    #[test]
    fn the_ram_disk_holds_what_the_first_process_needs() {
        let module = |name: &str| Module {
            name: name.to_owned(),
            bytes: name.as_bytes().to_vec(),
        };
        let bytes = initial_ram_disk(b"ELF", &[module("b"), module("a")]).unwrap();
        let archive = Archive::parse(&bytes).unwrap();
        let entries: Vec<_> = archive
            .entries()
            .map(|entry| (entry.name, entry.mode & 0o111 != 0))
            .collect();
        assert_eq!(
            entries,
            [
                ("init", true),
                ("b.ko", false),
                ("a.ko", false),
                ("modules", false)
            ]
        );
        let list = archive.entries().last().unwrap();
        assert_eq!(list.bytes, b"/b.ko\n/a.ko\n");
    }

    /// Lines are sorted by what they tell; one that is broken, or missing, is noticed.
    #[test]
    fn what_is_told_must_be_heard() {
        let mut told = Told::default();
        assert_eq!(told.take("cost,a,b,1,2,3").unwrap(), Some("a"));
        assert_eq!(told.take("event,c,b,1,2,P,received,A").unwrap(), Some("c"));
        assert_eq!(told.take("kernel: x").unwrap(), None);
        assert!(told.take("cost,a").is_err());
        assert!(told.check().is_err());
        told.take("compare-done 3").unwrap();
        assert!(told.check().is_err());
        told.take("compare-done 2").unwrap();
        assert!(told.check().is_ok());
        assert_eq!(told.costs, ["a,b,1,2,3"]);
    }
}
