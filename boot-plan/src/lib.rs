//! Boot plans: what the first program starts, written as TOML.
//!
//! ```
//! let plan = omnibus_boot_plan::parse(r#"
//! ends-with = "greeter"              # the program whose end is the system's, its status the system's
//!
//! [[program]]
//! name = "greeter"                   # of the task; no two programs have the same
//! file = "hello"                     # in the archive; the name if it is left out
//! arguments = ["--loud"]
//! priority = 12                      # that of the first program if it is left out
//! account = { objects = 256, bytes = 65536, frames = 256 }
//! nodes = ["door"]                   # made on the program's peer before it starts
//! capabilities = { console = ["WRITE"] }
//! handles = { self = "greeter.door" }
//! "#).unwrap();
//! assert_eq!(plan.programs[0].file, "hello");
//! ```
//!
//! Every program has an account of its own, carved out of the first program's, and a peer that acts for it; both are
//! granted to it, and so is what `capabilities` names: capabilities of the first program, each with the rights that are
//! to stay. `account` and `peer` there mean the program's own. `handles` puts handles to nodes of programs of the plan
//! on its peer. The program finds all of it by name (`omnibus_userland::environment`).
//!
//! `ports` and `lines` are ranges of I/O ports and interrupt lines, cut out of the first program's, each for one program alone:
//!
//! ```
//! # let plan = omnibus_boot_plan::parse(r#"
//! # ends-with = "driver"
//! # [[program]]
//! # name = "driver"
//! account = "shared"                 # the first program's own, instead of one carved out of it
//! words = true                       # words behind the plan's name: the first is its file, the others its arguments
//! ports.uart = { first = 0x3f8, last = 0x3ff, rights = ["IN", "OUT"] }
//! lines.interrupt = { first = 4 }    # one; every right if none is named
//! # "#).unwrap();
//! # assert_eq!(plan.programs[0].devices.len(), 2);
//! ```
//!
//! A plan is checked whole before anything starts: by the build for those of the image, and by the first program again, since it may
//! be given another archive. A [`Fault`] names the line.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod device;
mod fault;
mod read;
mod table;

pub use fault::Fault;
pub use read::parse;

use alloc::string::String;
use alloc::vec::Vec;
use omnibus_abi::Kind;

/// Where an archive has its plans: `plans/NAME.toml`.
pub const FOLDER: &str = "plans/";

/// How the names of plans end in an archive.
pub const SUFFIX: &str = ".toml";

/// What a program may be granted of the first program's capabilities, by the name that plans and programs have for it. (`account`
/// and `peer` are the program's own.)
pub const GRANTABLE: [(&str, Kind); 5] = [
    ("account", Kind::Account),
    ("archive", Kind::Memory),
    ("console", Kind::Console),
    ("peer", Kind::Peer),
    ("system", Kind::System),
];

/// Of what a program may have ranges, by the keys that plans have for it.
pub const DEVICES: [(&str, Kind); 2] = [("ports", Kind::Ports), ("lines", Kind::Lines)];

/// A plan without faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The programs, in the order in which they are started.
    pub programs: Vec<Program>,
    /// Which of them ends the system, with its status.
    pub ends_with: usize,
    /// The node of a program at which the starter speaks for itself, as the others do at the handle `console`: index of the program, and of
    /// the node among that program's.
    pub console: Option<(usize, usize)>,
}

/// Words were given to a plan that has no program for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoProgramForWords;

impl Plan {
    /// Gives the plan the words that stand behind its name, if there are any: the first is the file, and the name, of the program that
    /// takes words, the others are its arguments, in place of those of the plan.
    ///
    /// # Errors
    /// If no program of the plan takes words.
    pub fn take_words<'w>(
        &mut self,
        mut words: impl Iterator<Item = &'w str>,
    ) -> Result<(), NoProgramForWords> {
        let Some(file) = words.next() else {
            return Ok(());
        };
        let program = self.programs.iter_mut().find(|program| program.has_words);
        let program = program.ok_or(NoProgramForWords)?;
        program.file = file.into();
        program.name = file.into();
        program.arguments = words.map(String::from).collect();
        Ok(())
    }
}

/// A program to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The line on which the plan begins to describe it, from 1.
    pub line: usize,
    /// Name of the task.
    pub name: String,
    /// Name of the file in the archive.
    pub file: String,
    /// Arguments.
    pub arguments: Vec<String>,
    /// Priority, 0 to 31, or that of the first program.
    pub priority: Option<u64>,
    /// Whether it takes the words behind the plan's name.
    pub has_words: bool,
    /// Maxima of its account; without, that is the starter's own.
    pub account: Option<Limits>,
    /// What it is granted: an entry of [`GRANTABLE`] and the rights that stay. `account` and `peer` are always among them.
    pub capabilities: Vec<(&'static str, Kind, u64)>,
    /// What it is given of the machine.
    pub devices: Vec<Device>,
    /// Names of the nodes that its peer has when it starts.
    pub nodes: Vec<String>,
    /// Handles that its peer has when it starts.
    pub handles: Vec<Handle>,
}

/// Maxima of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Objects, at least 1.
    pub objects: u64,
    /// Bytes of queued payload.
    pub bytes: u64,
    /// Page frames.
    pub frames: u64,
}

/// A range of I/O ports or interrupt lines that one program gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The line on which the plan describes it, from 1.
    pub line: usize,
    /// What the program calls it.
    pub name: String,
    /// [`Kind::Ports`] or [`Kind::Lines`].
    pub kind: Kind,
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// The rights that stay.
    pub rights: u64,
}

/// A handle that a program gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handle {
    /// What the program calls it.
    pub name: String,
    /// Index of the program whose node it leads to.
    pub program: usize,
    /// Index of the node among that program's.
    pub node: usize,
}
