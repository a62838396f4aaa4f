//! The first program: starts what a boot plan of the archive says, and ends with the program that the plan names.
//!
//! Its first argument is the plan's name; the others are words for the program of the plan that takes some. A plan with a fault, or one that
//! cannot be carried out, ends it with status 2 and a line that names file and line.
//!
//! When that program has ended, all that was printed until then comes out on the console before the system ends.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Display;
use omnibus_boot_plan::{self as plan, DEVICES, FOLDER, GRANTABLE, NoProgramForWords, SUFFIX};
use omnibus_userland::abi::{CapabilityNumber, Errno, Kind};
use omnibus_userland::account::Account;
use omnibus_userland::archive::Archive;
use omnibus_userland::boot::{self, Means, Started};
use omnibus_userland::bus::{Peer, Received};
use omnibus_userland::calls::Result;
use omnibus_userland::console::{self, Console};
use omnibus_userland::memory::Memory;
use omnibus_userland::task::Ending;
use omnibus_userland::{environment, println, program};

program!(main);

/// Exit status if the plan cannot be carried out.
const BAD_PLAN: u8 = 2;

/// Exit status if the program that the plan ends with did not end by itself.
const BAD_END: u8 = 3;

fn main() -> u8 {
    let mut words = environment::arguments();
    let name = words.next().unwrap_or("boot");
    let file = format!("{FOLDER}{name}{SUFFIX}");
    let (started, ends_with, account) = match start(&file, words) {
        Ok(started) => started,
        Err(complaint) => {
            println!("init: {complaint}");
            return BAD_PLAN;
        }
    };
    let status = watch(&started, ends_with, &account).unwrap_or_else(|error| {
        println!("init: cannot watch what was started: {error}");
        BAD_END
    });
    // Without a driver there is nothing to wait for.
    let _ = console::own(Console::drain);
    status
}

/// Starts everything, and tells which of it ends the system.
fn start(
    file: &str,
    words: impl Iterator<Item = &'static str>,
) -> core::result::Result<(Vec<Started>, usize, Account), String> {
    let of_file = |error: &dyn Display| format!("{file}:{error}");
    let first = |kind: Kind| {
        let given = environment::find(kind);
        given.ok_or_else(|| format!("no {} was given to the first program", kind.name()))
    };
    let account = Account::from_capability(first(Kind::Account)?);
    let memory = Memory::from_capability(first(Kind::Memory)?);
    let archive = Archive::new(memory);
    let archive = archive.map_err(|error| format!("the archive: {error}"))?;
    let text = archive.file(file).ok_or_else(|| {
        let plan = |name: &'_ str| Some(name.strip_prefix(FOLDER)?.strip_suffix(SUFFIX)?.into());
        let plans: Vec<String> = archive.names().filter_map(plan).collect();
        let error = Errno::ENOENT;
        format!("{file}: {error}; the plans are: {}", plans.join(", "))
    })?;
    let text = str::from_utf8(text).map_err(|_| format!("{file}: not UTF-8"))?;
    let mut plan = plan::parse(text).map_err(|fault| of_file(&fault))?;
    plan.take_words(words)
        .map_err(|NoProgramForWords| format!("{file}: no program of the plan takes words"))?;
    let given = |&(name, kind): &(_, Kind)| Some((name, environment::find(kind)?));
    let capabilities: Vec<(&str, CapabilityNumber)> =
        GRANTABLE.iter().chain(&DEVICES).filter_map(given).collect();
    let peer = Peer::new(&account).map_err(|error| format!("no peer: {error}"))?;
    let means = Means {
        account: &account,
        peer: &peer,
        archive: &archive,
        capabilities: &capabilities,
    };
    let mut started = boot::start(&plan, &means).map_err(|failed| of_file(&failed))?;
    if let Some((program, node)) = plan.console {
        console::set_own(&account, &started[program].nodes[node]);
    }
    // Who is in the plan has what the plan gives; nobody else is to have a way to anyone.
    for program in &mut started {
        program.nodes.clear();
    }
    Ok((started, plan.ends_with, account))
}

/// Tells of every end, until that of the one which ends the system.
fn watch(started: &[Started], ends_with: usize, account: &Account) -> Result<u8> {
    let peer = Peer::new(account)?;
    let mut nodes = Vec::new();
    for program in started {
        let (node, handle) = peer.node()?;
        program.task.watch(&handle)?;
        nodes.push((node, handle));
    }
    loop {
        let Received::Message(message) = peer.recv()? else {
            continue;
        };
        let index = nodes.iter().position(|(node, _)| node.id() == message.node);
        let (Some(index), Some((_, ending))) = (index, Ending::of_message(&message.data)) else {
            continue;
        };
        let name = &started[index].name;
        if index != ends_with {
            println!("init: {name} has ended: {ending}");
            continue;
        }
        return Ok(match ending {
            Ending::Exited(status) => u8::try_from(status).unwrap_or(u8::MAX),
            Ending::Killed | Ending::Faulted { .. } => {
                println!("init: {name}, which ends the system, has ended: {ending}");
                BAD_END
            }
        });
    }
}
