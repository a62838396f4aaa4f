//! Starting a program: an account of its own, a peer with what the user gives it, a console that is the shell's.

use alloc::format;
use core::fmt::Display;

use omnibus_userland::abi::Kind;
use omnibus_userland::abi::capability::account;
use omnibus_userland::account::Account;
use omnibus_userland::bus::Peer;
use omnibus_userland::environment::{self, HANDLE, NODE};
use omnibus_userland::shell::payload::printable;
use omnibus_userland::shell::wanted::Wanted;
use omnibus_userland::shell::words::Word;
use omnibus_userland::task::Command;
use omnibus_userland::{boot, calls, console};

use super::jobs::Job;
use super::{Said, Shell};

impl Shell {
    /// Starts a program as the words say, and gives it the terminal unless it is to run in the background.
    pub(crate) fn start(&mut self, words: &[Word], is_background: bool) -> Said<()> {
        let wanted = Wanted::parse(words)?;
        let task = self.launch(&wanted)?;
        if is_background {
            let name = printable(&wanted.name);
            self.desk.say(&format!("{name} is task {task}"));
        } else {
            self.give_terminal(task);
        }
        Ok(())
    }

    fn launch(&mut self, wanted: &Wanted) -> Said<u64> {
        let file = self.archive.program(&wanted.program);
        let file = file.map_err(|error| {
            format!(
                "{}: {error}; `programs` lists what there is",
                wanted.program
            )
        })?;
        let limits = wanted.limits;
        let account = self
            .part
            .account
            .carve(limits.objects, limits.bytes, limits.frames);
        let account = account.map_err(|error| {
            let state = self.part.account.state().unwrap_or_default();
            format!("no account: {error}; {}", boot::left("the shell's", &state))
        })?;
        let of_account = |doing: &dyn Display, error: &dyn Display| {
            let state = account.state().unwrap_or_default();
            format!("{doing}: {error}; {}", boot::left("its account", &state))
        };
        let peer = Peer::new(&account).map_err(|error| of_account(&"no peer", &error))?;
        let mut command = Command::new(&wanted.name)
            .priority(
                wanted
                    .priority
                    .unwrap_or(environment::priority().saturating_sub(1)),
            )
            .grant_as("peer", peer.number(), Kind::Peer.all_rights());
        command = wanted.arguments.iter().fold(command, Command::argument);
        let door = self.part.peer.node_for(&peer);
        let (door, to_door) = door.map_err(|error| of_account(&"no console", &error))?;
        command = command.variable(format_args!("{HANDLE}{}", console::NAME), to_door.into_id());
        command = self.connect(wanted, &peer, command)?;
        command = self.grant(wanted, &account, command)?;
        let task = command.load(&file, &account);
        let task = task.map_err(|error| of_account(&wanted.program, &error))?;
        let number = task.status().and_then(|status| {
            task.watch(&self.ends.1)?;
            Ok(status.number)
        });
        let number = number.map_err(|error| {
            // Who cannot be watched is not to run unseen.
            let _ = task.kill();
            format!("cannot watch {}: {error}", wanted.program)
        })?;
        let job = Job {
            name: wanted.name.clone(),
            task,
            account,
            door,
            listener: None,
        };
        self.jobs.insert(number, job);
        Ok(number)
    }

    /// Puts handles and nodes on the program's peer, and handles to the nodes on scratch peers.
    fn connect(&mut self, wanted: &Wanted, peer: &Peer, mut command: Command) -> Said<Command> {
        for (name, handle) in &wanted.handles {
            let (_, handle) = self.scratch.handle(handle)?;
            let copy = handle.copy_to(peer);
            let copy = copy.map_err(|error| format!("--handle {name}: {error}"))?;
            command = command.variable(format_args!("{HANDLE}{name}"), copy.into_id());
        }
        for (name, at) in &wanted.nodes {
            let (node, told) = self
                .scratch
                .node_of(peer, at)
                .map_err(|error| format!("--node {name}: {error}"))?;
            command = command.variable(format_args!("{NODE}{name}"), node.into_id());
            self.desk.say(&format!("{told} leads to its node {name}"));
        }
        Ok(command)
    }

    /// Grants what was told, and the account in any case.
    fn grant(&self, wanted: &Wanted, own: &Account, mut command: Command) -> Said<Command> {
        let mut rights_to_account = account::CHARGE | account::INSPECT;
        for (name, kind, rights) in &wanted.grants {
            let number = match kind {
                Kind::Account => own.number(),
                Kind::Memory => self.archive.number(),
                _ => self.system,
            };
            let ours =
                calls::capability_info(number).map_err(|error| format!("{name}: {error}"))?;
            let rights = rights.unwrap_or(ours.rights);
            if rights & !ours.rights != 0 {
                return Err(format!("the shell has not all of these rights to {name}"));
            }
            if *kind == Kind::Account {
                rights_to_account = rights;
            } else {
                command = command.grant_as(name, number, rights);
            }
        }
        Ok(command.grant_as("account", own.number(), rights_to_account))
    }
}
