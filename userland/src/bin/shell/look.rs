//! Looking at what there is: the kernel's report as tables, the archive, and the names of all of it for completion.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use omnibus_userland::abi::{CapabilityNumber, Kind};
use omnibus_userland::archive::Archive;
use omnibus_userland::calls;
use omnibus_userland::shell::commands::Names;
use omnibus_userland::shell::complete::Known;
use omnibus_userland::shell::payload::printable;
use omnibus_userland::shell::report::{Report, Task};
use omnibus_userland::shell::table::{Side, Table};
use omnibus_userland::shell::wanted::GRANTABLE;

use super::jobs::Job;
use super::scratch::Scratch;
use super::{Said, Shell};

/// Room for the report at first, and at most, which is what the kernel gives in one piece.
const REPORT_BYTES: (usize, usize) = (1 << 16, 1 << 20);

/// What there is to be named.
pub(crate) struct Here<'a> {
    pub(crate) archive: &'a Archive,
    pub(crate) system: CapabilityNumber,
    pub(crate) jobs: &'a BTreeMap<u64, Job>,
    pub(crate) scratch: &'a Scratch,
}

impl Known for Here<'_> {
    fn names(&self, sort: Names) -> Vec<String> {
        let peers = || self.scratch.peers.iter();
        let handles = || peers().flat_map(|peer| peer.handles.iter().map(|(name, _)| name.clone()));
        let nodes = || peers().flat_map(|peer| peer.nodes.iter().map(|(name, _)| name.clone()));
        match sort {
            Names::Program => programs(self.archive),
            Names::Task => {
                let tasks = report(self.system).unwrap_or_default().tasks;
                tasks
                    .into_iter()
                    .map(|task| printable(&task.name))
                    .collect()
            }
            Names::Job => self.jobs.values().map(|job| printable(&job.name)).collect(),
            Names::Peer => peers().map(|peer| peer.name.clone()).collect(),
            Names::Handle => handles().collect(),
            Names::Id => handles().chain(nodes()).collect(),
            Names::Grant => GRANTABLE.iter().map(|(name, _)| (*name).into()).collect(),
            // The table of commands has these.
            Names::Nothing | Names::Command | Names::Of(_) => Vec::new(),
        }
    }
}

/// Files that are programs, by how they begin (System V ABI, "ELF Header").
fn programs(archive: &Archive) -> Vec<String> {
    let is_program = |name: &&str| {
        archive
            .file(name)
            .is_some_and(|file| file.starts_with(b"\x7fELF"))
    };
    let mut names: Vec<String> = archive
        .names()
        .filter(is_program)
        .map(String::from)
        .collect();
    names.sort();
    names
}

/// Reads the kernel's report.
fn report(system: CapabilityNumber) -> Said<Report> {
    let (mut n_bytes, most) = REPORT_BYTES;
    loop {
        let mut text = vec![0; n_bytes];
        let n_whole = calls::inspect(system, &mut text);
        let n_whole =
            n_whole.map_err(|error| format!("cannot inspect the system: {error}"))? as usize;
        if n_whole <= n_bytes || n_bytes == most {
            text.truncate(n_whole);
            return Ok(Report::parse(&String::from_utf8_lossy(&text)));
        }
        // It may have grown by the next time.
        n_bytes = n_whole.next_power_of_two().min(most);
    }
}

const RIGHT: Side = Side::Right;
const LEFT: Side = Side::Left;

impl Shell {
    /// Lists one sort of things.
    pub(crate) fn list(&mut self, what: &str) -> Said<()> {
        let report = report(self.system)?;
        let table = match what {
            "tasks" => tasks(&report),
            "peers" => peers(&report),
            "accounts" => accounts(&report),
            "timers" => timers(&report),
            _ => {
                let (n_frames, n_used) = report.frames;
                let heap = report.n_heap_bytes;
                self.desk.say(&format!(
                    "{n_used} of {n_frames} frames are used, and {heap} bytes of the kernel's heap"
                ));
                memories(&report)
            }
        };
        self.desk.say_table(&table);
        Ok(())
    }

    /// Shows the capabilities of a task.
    pub(crate) fn capabilities(&mut self, word: &str) -> Said<()> {
        let report = report(self.system)?;
        let number: Option<u64> = word.parse().ok();
        let is_meant = |task: &&Task| Some(task.number) == number || printable(&task.name) == word;
        let mut found = report.tasks.iter().filter(is_meant);
        let task = match (found.next(), found.next()) {
            (Some(task), None) => task,
            (None, _) => return Err(format!("there is no task \"{word}\"; `tasks` lists them")),
            (Some(_), Some(_)) => {
                return Err(format!(
                    "there are several tasks \"{word}\"; `tasks` has their numbers"
                ));
            }
        };
        let mut table = Table::new(&[
            ("NUMBER", RIGHT),
            ("KIND", LEFT),
            ("OBJECT", RIGHT),
            ("RIGHTS", LEFT),
        ]);
        for capability in &task.capabilities {
            table.row([
                capability.number.clone(),
                capability.kind.clone(),
                capability.object.clone(),
                capability.right_names().join(" "),
            ]);
        }
        self.desk.say_table(&table);
        Ok(())
    }

    /// Lists the programs of the archive.
    pub(crate) fn list_programs(&mut self) {
        let names = programs(self.archive);
        self.desk.say_columns(&names);
    }
}

fn tasks(report: &Report) -> Table {
    let columns = [
        ("TASK", RIGHT),
        ("NAME", LEFT),
        ("ACCOUNT", RIGHT),
        ("PRIORITY", RIGHT),
        ("THREADS", RIGHT),
        ("CAPABILITIES", RIGHT),
        ("FRAMES", RIGHT),
        ("END", LEFT),
    ];
    let mut table = Table::new(&columns);
    for task in &report.tasks {
        table.row([
            task.number.to_string(),
            printable(&task.name),
            task.account.to_string(),
            task.priority.to_string(),
            task.n_threads.to_string(),
            task.capabilities.len().to_string(),
            task.n_frames.to_string(),
            task.end.clone().unwrap_or_default(),
        ]);
    }
    table
}

fn peers(report: &Report) -> Table {
    let columns = [
        ("PEER", RIGHT),
        ("ACCOUNT", RIGHT),
        ("NODES", RIGHT),
        ("HANDLES", RIGHT),
        ("QUEUED", RIGHT),
        ("HELD BY", LEFT),
    ];
    let mut table = Table::new(&columns);
    for peer in &report.peers {
        let holders = report.holders(Kind::Peer, peer.number);
        let holders: Vec<String> = holders.map(|task| printable(&task.name)).collect();
        table.row([
            peer.number.to_string(),
            peer.account.to_string(),
            peer.n_nodes.to_string(),
            peer.n_handles.to_string(),
            peer.n_queued.to_string(),
            holders.join(", "),
        ]);
    }
    table
}

/// Accounts, and below each who claims how much of it, if that is not itself alone.
fn accounts(report: &Report) -> Table {
    let columns = [
        ("ACCOUNT", RIGHT),
        ("OBJECTS", RIGHT),
        ("BYTES", RIGHT),
        ("FRAMES", RIGHT),
        ("FULL", RIGHT),
        ("TASKS", LEFT),
    ];
    let mut table = Table::new(&columns);
    for account in &report.accounts {
        let held = account.held();
        let of = |slot: usize| match (held.get(slot), account.maxima.get(slot)) {
            (Some(held), Some(maximum)) => format!("{held} of {maximum}"),
            _ => String::new(),
        };
        let per_cent = held.iter().zip(&account.maxima).map(|(held, maximum)| {
            let maximum = u128::from((*maximum).max(1));
            u128::from(*held) * 100 / maximum
        });
        let tasks = report
            .tasks
            .iter()
            .filter(|task| task.account == account.number);
        let tasks: Vec<String> = tasks.map(|task| printable(&task.name)).collect();
        let full = format!("{} %", per_cent.max().unwrap_or(0));
        table.row([
            account.number.to_string(),
            of(0),
            of(1),
            of(2),
            full,
            tasks.join(", "),
        ]);
        for (claimant, held) in &account.claims {
            let of = |slot: usize| held.get(slot).map(u64::to_string).unwrap_or_default();
            let who = format!("claimed by {claimant}");
            table.row([String::new(), of(0), of(1), of(2), String::new(), who]);
        }
    }
    table
}

fn memories(report: &Report) -> Table {
    let columns = [
        ("MEMORY", RIGHT),
        ("ACCOUNT", RIGHT),
        ("PAGES", RIGHT),
        ("MAPPINGS", RIGHT),
        ("HELD BY", LEFT),
    ];
    let mut table = Table::new(&columns);
    for memory in &report.memories {
        let holders = report.holders(Kind::Memory, memory.number);
        let holders: Vec<String> = holders.map(|task| printable(&task.name)).collect();
        table.row([
            memory.number.to_string(),
            memory.account.to_string(),
            memory.n_pages.to_string(),
            memory.n_mappings.to_string(),
            holders.join(", "),
        ]);
    }
    table
}

fn timers(report: &Report) -> Table {
    let mut table = Table::new(&[("TIMER", RIGHT), ("STATE", LEFT), ("HELD BY", LEFT)]);
    for timer in &report.timers {
        let state = if timer.is_armed { "armed" } else { "disarmed" };
        let holders = report.holders(Kind::Timer, timer.number);
        let holders: Vec<String> = holders.map(|task| printable(&task.name)).collect();
        table.row([timer.number.to_string(), state.into(), holders.join(", ")]);
    }
    table
}
