//! The machine that QEMU emulates, as its command line.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use clap::ValueEnum;

/// The program that emulates the machine, looked up in `PATH`.
pub(crate) const QEMU: &str = "qemu-system-x86_64";

/// The chipset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Chipset {
    /// Intel 440FX of 1996.
    Pc,
    /// Intel Q35 of 2009.
    Q35,
}

impl Chipset {
    /// The name that QEMU and the options have for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pc => "pc",
            Self::Q35 => "q35",
        }
    }
}

/// What executes the guest's instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Accelerator {
    /// QEMU's own translator; runs everywhere.
    Tcg,
    /// The host's virtualisation; only when asked for.
    Kvm,
}

impl Accelerator {
    fn name(self) -> &'static str {
        match self {
            Self::Tcg => "tcg",
            Self::Kvm => "kvm",
        }
    }
}

/// A machine. `Display` names it in the terms of the options that select it.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// Memory in MiB.
    pub(crate) memory_mib: u32,
    /// Number of CPUs.
    pub(crate) n_cpus: u32,
    /// CPU model as QEMU names it, with `,+feature` and `,-feature` behind it if wanted.
    pub(crate) cpu: String,
    /// The chipset.
    pub(crate) chipset: Chipset,
    /// What executes the instructions.
    pub(crate) accelerator: Accelerator,
    /// Count instructions instead of time: one instruction is one nanosecond of the guest, from run to run the same.
    pub(crate) is_counting_instructions: bool,
    /// What its clock chip says at the start, as QEMU's `-rtc base=` has it, instead of the host's time.
    pub(crate) date: Option<&'static str>,
    /// Has a second serial port, with nothing behind it, on PCI: a device whose interrupt is a level.
    pub(crate) has_pci_serial_port: bool,
}

impl Machine {
    /// QEMU's arguments for this machine, with its console on standard output and its second channel on a socket.
    ///
    /// What each device is for: `isa-debug-exit` lets the guest end QEMU, `isa-debugcon` carries the report (see
    /// [`crate::report`]). Both are documented in QEMU's `docs/specs` and `qemu-system-x86_64 -device NAME,help`.
    pub(crate) fn command(
        &self,
        kernel: &Path,
        initrd: Option<&Path>,
        words: &str,
        report_socket: &Path,
    ) -> Command {
        let mut command = Command::new(QEMU);
        command
            .args([
                "-nodefaults",
                "-no-user-config",
                "-no-reboot",
                "-display",
                "none",
            ])
            .args([
                "-machine",
                self.chipset.name(),
                "-accel",
                self.accelerator.name(),
                "-cpu",
                &self.cpu,
            ])
            .args([
                "-m",
                &self.memory_mib.to_string(),
                "-smp",
                &self.n_cpus.to_string(),
            ])
            .args([
                "-serial",
                "stdio",
                "-device",
                "isa-debug-exit,iobase=0xf4,iosize=0x04",
            ])
            .arg("-chardev")
            .arg(option_with_path("socket,id=report,path=", report_socket))
            .args(["-device", "isa-debugcon,iobase=0xe9,chardev=report"]);
        if self.is_counting_instructions {
            command.args(["-icount", "shift=0,sleep=off"]);
        }
        if let Some(date) = self.date {
            command.args(["-rtc", &format!("base={date}")]);
        }
        if self.has_pci_serial_port {
            command.args(["-chardev", "null,id=nothing"]);
            command.args(["-device", "pci-serial,chardev=nothing"]);
        }
        command.arg("-kernel").arg(kernel);
        if let Some(initrd) = initrd {
            command.arg("-initrd").arg(initrd);
        }
        if !words.is_empty() {
            command.args(["-append", words]);
        }
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// The CPU models that QEMU has.
///
/// # Errors
/// If QEMU cannot be asked.
pub(crate) fn cpu_models() -> Result<Vec<String>> {
    let output = Command::new(QEMU)
        .args(["-cpu", "help"])
        .output()
        .with_context(|| format!("cannot start {QEMU}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    // A model's line is `x86 NAME  DESCRIPTION`; the features listed below them have lines of another form.
    let names = text
        .lines()
        .filter_map(|line| line.strip_prefix("x86 ")?.split_whitespace().next());
    Ok(names.map(ToOwned::to_owned).collect())
}

/// A path inside a QEMU option, where a comma is written twice (QEMU's manual, "Invocation").
fn option_with_path(before: &str, path: &Path) -> OsString {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let mut option = before.as_bytes().to_vec();
    for &byte in path.as_os_str().as_bytes() {
        option.push(byte);
        if byte == b',' {
            option.push(byte);
        }
    }
    OsString::from_vec(option)
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            memory_mib,
            n_cpus,
            cpu,
            ..
        } = self;
        write!(
            f,
            "{}, {memory_mib} MiB, {n_cpus} × {cpu}",
            self.chipset.name()
        )?;
        if self.accelerator == Accelerator::Kvm {
            write!(f, ", KVM")?;
        }
        if self.is_counting_instructions {
            write!(f, ", counting instructions")?;
        }
        if self.has_pci_serial_port {
            write!(f, ", a serial port on PCI")?;
        }
        Ok(())
    }
}
