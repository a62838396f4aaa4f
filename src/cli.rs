//! The command line of the tool.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, value_parser};

use crate::machine::{Accelerator, Chipset, Machine};
use crate::words::Setting;

/// Builds the Omnibus microkernel and boots it in QEMU. Without a word: the tour.
#[derive(Debug, Parser)]
#[command(name = "run-qemu.sh", bin_name = "./run-qemu.sh", after_help = crate::exit::HELP, disable_version_flag = true)]
pub(crate) struct Cli {
    /// What to do; without a word, boot the tour
    #[command(subcommand)]
    pub(crate) word: Option<Word>,
    /// Options of every word that boots.
    #[command(flatten)]
    pub(crate) options: Options,
}

/// The words.
#[derive(Debug, Subcommand)]
pub(crate) enum Word {
    /// Run the checks and tests of the host, then the suites inside QEMU
    Test(TestOptions),
    /// Boot and start a program; its status becomes the exit code
    Run(ProgramLine),
    /// Boot a plan with its console on this terminal; the plan `shell` has a shell to list, start and stop programs
    Shell {
        /// A boot plan of the image
        #[arg(long, value_name = "PLAN", default_value = "shell")]
        plan: String,
    },
    /// Write a program of your own to begin with, as a package outside this repository
    New {
        /// A folder that does not exist yet; its last part is the program's name
        #[arg(value_name = "NAME")]
        folder: PathBuf,
    },
    /// Compile C for Omnibus with this machine's compiler; the result runs with `run`
    Cc(CompilerLine),
    /// Boot, wait for a debugger before the first instruction, and print the line that attaches one
    Gdb(ProgramLine),
    /// Measure what the kernel's calls cost, in instructions counted by QEMU, and compare with the figures kept
    Bench(BenchOptions),
    /// Run the same experiments on Omnibus and on a Linux kernel, in the same emulator, and show both side by side
    Compare(CompareOptions),
    /// List the programs of the image and the tests, each with its sentence
    List {
        /// Only what contains this text
        filter: Option<String>,
    },
}

/// A program and its arguments. Options of the tool stand in front: everything behind the program's name belongs to it.
#[derive(Debug, Args)]
pub(crate) struct ProgramLine {
    /// A program of the image (see `list`) or an ELF file of this machine, then its arguments
    #[arg(
        value_name = "PROGRAM [ARGS]",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    line: Vec<String>,
}

impl ProgramLine {
    /// The program, if one was named.
    pub(crate) fn program(&self) -> Option<&str> {
        self.line.first().map(String::as_str)
    }

    /// Its arguments.
    pub(crate) fn arguments(&self) -> &[String] {
        self.line.get(1..).unwrap_or_default()
    }
}

/// What is said to the C compiler, as it wants it.
#[derive(Debug, Args)]
pub(crate) struct CompilerLine {
    /// Files and options of the compiler, as in `prog.c -O2 -o prog.elf`
    #[arg(
        value_name = "ARGS",
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub(crate) arguments: Vec<OsString>,
}

/// Options of `test`.
#[derive(Debug, Args)]
pub(crate) struct TestOptions {
    /// Only tests whose id contains this text
    pub(crate) filter: Option<String>,
    /// Repeat the suites on other machines: memory, chipset, CPU model, CPU count
    #[arg(long, value_name = "PART", default_value = "none")]
    pub(crate) matrix: Matrix,
    /// Give the long tests their full length
    #[arg(long)]
    pub(crate) long: bool,
    /// Fuzz the core for this long, guided by coverage; needs a C++ compiler
    #[arg(long, value_name = "SECONDS", value_parser = value_parser!(u32).range(1..=86400))]
    pub(crate) fuzz: Option<u32>,
    /// Change the core with cargo-mutants, in files whose path contains this text, and see that tests notice; takes an hour or two
    #[arg(long, value_name = "FILES", num_args = 0..=1, require_equals = true, default_missing_value = crate::testing::mutants::ALL)]
    pub(crate) mutants: Option<String>,
}

/// Options of `bench`.
#[derive(Debug, Args)]
pub(crate) struct BenchOptions {
    /// Only experiments whose id contains this text; nothing is compared then
    pub(crate) only: Option<String>,
    /// Take the emulator's time instead of counting instructions; a rough second opinion
    #[arg(long, conflicts_with = "accept")]
    pub(crate) wall: bool,
    /// Measure the bus1 core as an ordinary program instead, with callgrind and criterion; needs valgrind
    #[arg(long, conflicts_with_all = ["wall", "accept", "only"])]
    pub(crate) host: bool,
    /// Keep the figures measured now, for this reason
    #[arg(long, value_name = "REASON", conflicts_with = "only")]
    pub(crate) accept: Option<String>,
}

/// Options of `compare`.
#[derive(Debug, Args)]
pub(crate) struct CompareOptions {
    /// Only this experiment; may be given several times [names: `compare --only help`]
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Vec<String>,
    /// This Linux kernel, a bzImage, instead of the distribution's
    #[arg(long, value_name = "PATH")]
    pub(crate) linux_kernel: Option<PathBuf>,
}

/// How much of the matrix of machines `test` covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Matrix {
    /// The default machine only
    None,
    /// The part that CI runs: every value of every dimension at least once
    Ci,
    /// Every combination
    Full,
}

/// Options of every word that boots.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Memory of the machine in MiB
    #[arg(long, global = true, value_name = "MIB", default_value_t = 512, value_parser = value_parser!(u32).range(16..=65536))]
    pub(crate) memory: u32,
    /// Number of CPUs
    #[arg(long, global = true, value_name = "N", default_value_t = 1, value_parser = value_parser!(u32).range(1..=64))]
    pub(crate) cpus: u32,
    /// CPU model as QEMU names it, as in `max`, `Haswell` or `max,-smap`
    #[arg(long, global = true, value_name = "MODEL", default_value = "max")]
    pub(crate) cpu: String,
    /// Chipset
    #[arg(long, global = true, value_name = "CHIPSET", default_value = "q35")]
    pub(crate) machine: Chipset,
    /// What executes the guest's instructions
    #[arg(long, global = true, value_name = "ACCELERATOR", default_value = "tcg")]
    pub(crate) accel: Accelerator,
    /// Kill a guest that runs longer than this [default: 60; `gdb`, and `shell` at a terminal: none]
    #[arg(long, global = true, value_name = "SECONDS", value_parser = value_parser!(u64).range(1..=86400))]
    pub(crate) timeout: Option<u64>,
    /// A word for the kernel; may be given several times
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub(crate) word: Vec<Setting>,
    /// Count instructions instead of time: one instruction is one nanosecond, the same in every run
    #[arg(long, global = true)]
    pub(crate) icount: bool,
    /// Boot this kernel, an ELF file with a PVH entry, instead of Omnibus
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) kernel: Option<PathBuf>,
    /// Hand over this archive instead of the image's
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) initrd: Option<PathBuf>,
    /// Never install QEMU or a linker; say what to type instead (for run-qemu.sh, in front of the word)
    #[arg(long, global = true)]
    pub(crate) no_install: bool,
}

impl Options {
    /// The machine these options describe.
    pub(crate) fn machine(&self) -> Machine {
        Machine {
            memory_mib: self.memory,
            n_cpus: self.cpus,
            cpu: self.cpu.clone(),
            chipset: self.machine,
            accelerator: self.accel,
            is_counting_instructions: self.icount,
            date: None,
            has_pci_serial_port: false,
        }
    }

    /// The time limit, if one was given.
    pub(crate) fn time_limit(&self) -> Option<Duration> {
        self.timeout.map(Duration::from_secs)
    }
}
