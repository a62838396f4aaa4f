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
//! A plan is checked whole before anything starts: by the build for those of the image, and by the first program again, since it may
//! be given another archive. A [`Fault`] names the line.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

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

/// A plan without faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The programs, in the order in which they are started.
    pub programs: Vec<Program>,
    /// Which of them ends the system, with its status.
    pub ends_with: usize,
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
    /// Maxima of its account.
    pub account: Limits,
    /// What it is granted: an entry of [`GRANTABLE`] and the rights that stay. `account` and `peer` are always among them.
    pub capabilities: Vec<(&'static str, Kind, u64)>,
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
