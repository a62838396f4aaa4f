//! Carrying out a boot plan: everything that a plan names is made before the first program starts, so that each finds what it was
//! promised.
//!
//! ```text
//!  accounts, peers ──> nodes, each with a handle on our peer ──> handles copied to where they belong ──> tasks
//! ```
//!
//! A program may have the starter's own account instead of one of its own, and ranges of the starter's ports and lines.
//!
//! From then on the starter holds the tasks and the accounts, to watch and to read, and a handle to each node, as long as it likes.

use crate::account::Account;
use crate::archive::Archive;
use crate::bus::{Handle, Peer};
use crate::calls;
use crate::capability::Owned;
use crate::environment::{HANDLE, NODE};
use crate::task::{Command, Task};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use omnibus_abi::native::AccountState;
use omnibus_abi::{CapabilityNumber, Errno, Kind};
use omnibus_boot_plan::{self as plan, Plan};

/// What a starter has to give.
#[derive(Debug)]
pub struct Means<'a> {
    /// The account that the programs' are carved out of.
    pub account: &'a Account,
    /// The archive with the programs' files.
    pub archive: &'a Archive,
    /// The peer on which the starter has its handles meanwhile.
    pub peer: &'a Peer,
    /// Capabilities by the names of [`plan::GRANTABLE`] and [`plan::DEVICES`]; the program's own account and peer are not among them.
    pub capabilities: &'a [(&'a str, CapabilityNumber)],
}

impl Means<'_> {
    fn find(&self, name: &str, to: &plan::Program) -> Result<CapabilityNumber, Failed> {
        let mut ours = self.capabilities.iter();
        let ours = ours.find(|(known, _)| *known == name);
        ours.map(|(_, number)| *number)
            .ok_or_else(|| failed(to, format_args!("there is no {name} to grant")))
    }
}

/// A program that was started.
#[derive(Debug)]
pub struct Started {
    /// Its name in the plan.
    pub name: String,
    /// The task.
    pub task: Task,
    /// The account that it and its peer act for.
    pub account: Account,
    /// Handles to its nodes, in the plan's order. They are the starter's, and the way to the program.
    pub nodes: Vec<Handle>,
}

/// Why a plan cannot be carried out. Its display is `LINE: WHAT`, as that of a [`plan::Fault`].
#[derive(Debug)]
pub struct Failed {
    line: usize,
    what: String,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.what)
    }
}

/// A program on its way: what was made for it so far.
struct Making<'a> {
    program: &'a plan::Program,
    account: Account,
    peer: Peer,
    /// Its nodes: id on its peer, and a handle on the starter's.
    nodes: Vec<(u64, Handle)>,
}

impl Making<'_> {
    fn failed(&self, doing: impl fmt::Display, error: Errno) -> Failed {
        // Whose limit it was shows in how full its account is.
        let state = self.account.state().unwrap_or_default();
        let left = left("its account", &state);
        failed(self.program, format_args!("{doing}: {error}; {left}"))
    }
}

/// Starts the programs of a plan, in their order.
///
/// # Errors
/// The first thing that cannot be. What was started by then is ended.
pub fn start(plan: &Plan, means: &Means<'_>) -> Result<Vec<Started>, Failed> {
    let prepare = |program| prepare(program, means);
    let all = plan.programs.iter().map(prepare);
    let all: Vec<Making<'_>> = all.collect::<Result<_, _>>()?;
    let mut tasks: Vec<Task> = Vec::new();
    for making in &all {
        match launch(making, &all, means) {
            Ok(task) => tasks.push(task),
            Err(failed) => {
                for task in tasks {
                    // It may have ended by itself.
                    let _ = task.kill();
                }
                return Err(failed);
            }
        }
    }
    let started = all.into_iter().zip(tasks).map(|(making, task)| Started {
        name: making.program.name.clone(),
        task,
        account: making.account,
        nodes: making.nodes.into_iter().map(|(_, handle)| handle).collect(),
    });
    Ok(started.collect())
}

/// Makes account, peer and nodes of a program, with a handle of the starter's to each node.
fn prepare<'a>(program: &'a plan::Program, means: &Means<'_>) -> Result<Making<'a>, Failed> {
    let account = match program.account {
        None => means.account.copy(),
        Some(plan::Limits {
            objects,
            bytes,
            frames,
        }) => means.account.carve(objects, bytes, frames),
    };
    let account = account.map_err(|error| {
        let state = means.account.state().unwrap_or_default();
        let left = left("the starter's account", &state);
        failed(program, format_args!("no account: {error}; {left}"))
    })?;
    let peer = Peer::new(&account);
    let peer = peer.map_err(|error| failed(program, format_args!("no peer: {error}")))?;
    let mut making = Making {
        program,
        account,
        peer,
        nodes: Vec::new(),
    };
    for name in &program.nodes {
        let made = making.peer.node_for(means.peer);
        let (node, handle) = made.map_err(|error| making.failed(format!("node {name}"), error))?;
        making.nodes.push((node.into_id(), handle));
    }
    Ok(making)
}

/// Gives a program its handles, and starts it.
fn launch(making: &Making<'_>, all: &[Making<'_>], means: &Means<'_>) -> Result<Task, Failed> {
    let program = making.program;
    let mut command = Command::new(&program.name);
    if let Some(priority) = program.priority {
        command = command.priority(priority);
    }
    command = program.arguments.iter().fold(command, Command::argument);
    for (name, (id, _)) in program.nodes.iter().zip(&making.nodes) {
        command = command.variable(format_args!("{NODE}{name}"), id);
    }
    for handle in &program.handles {
        let (_, ours) = &all[handle.program].nodes[handle.node];
        let theirs = ours.copy_to(&making.peer);
        let theirs =
            theirs.map_err(|error| making.failed(format!("handle {}", handle.name), error))?;
        command = command.variable(format_args!("{HANDLE}{}", handle.name), theirs.into_id());
    }
    for (name, kind, rights) in &program.capabilities {
        let number = match kind {
            Kind::Account => making.account.number(),
            Kind::Peer => making.peer.number(),
            _ => means.find(name, program)?,
        };
        command = command.grant_as(name, number, *rights);
    }
    let mut parts = Vec::new();
    for device in &program.devices {
        let part = part(device, program, means)?;
        command = command.grant_as(&device.name, part.number(), device.rights);
        parts.push(part);
    }
    let of_file = |error: &dyn fmt::Display| {
        failed(program, format_args!("the file {}: {error}", program.file))
    };
    let file = means.archive.program(&program.file);
    let file = file.map_err(|reason| of_file(&reason))?;
    let task = command.load(&file, &making.account);
    task.map_err(|error| making.failed("not started", error))
}

/// Cuts a range out of the starter's.
fn part(
    device: &plan::Device,
    program: &plan::Program,
    means: &Means<'_>,
) -> Result<Owned, Failed> {
    let plan::Device {
        line,
        kind,
        first,
        last,
        ..
    } = *device;
    let whole = means.find(kind.name(), program)?;
    let part = calls::range_split(whole, first, last - first + 1);
    part.map(Owned::new).map_err(|error| Failed {
        line,
        what: format!(
            "program {}: no {} {first:#x} to {last:#x}: {error}",
            program.name,
            kind.name()
        ),
    })
}

fn failed(program: &plan::Program, what: impl fmt::Display) -> Failed {
    Failed {
        line: program.line,
        what: format!("program {}: {what}", program.name),
    }
}

/// How full an account is.
pub fn left(whose: impl fmt::Display, state: &AccountState) -> String {
    format!(
        "{whose} has left: {} of {} objects, {} of {} bytes, {} of {} frames",
        state.objects_available,
        state.objects_maximum,
        state.bytes_available,
        state.bytes_maximum,
        state.frames_available,
        state.frames_maximum
    )
}
