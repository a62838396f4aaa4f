//! What the tests load from and talk through.

use alloc::vec::Vec;
use core::fmt::Display;
use omnibus_userland::abi::capability::{account, console};
use omnibus_userland::abi::{Errno, Kind};
use omnibus_userland::account::Account;
use omnibus_userland::actor::PATIENCE;
use omnibus_userland::archive::Archive;
use omnibus_userland::bus::{Handle, Node, Peer, Received};
use omnibus_userland::calls::{self, Result};
use omnibus_userland::check::{Failure, Outcome};
use omnibus_userland::loader::Program;
use omnibus_userland::memory::Memory;
use omnibus_userland::suite::Bench;
use omnibus_userland::task::{Command, Ending, Task};
use omnibus_userland::{environment, time};

/// The archive, and a peer on which every puppet has a node of its own.
pub(crate) struct Stage {
    archive: Archive,
    pub(crate) peer: Peer,
}

/// A puppet that the runtime library loaded.
pub(crate) struct Puppet {
    pub(crate) task: Task,
    pub(crate) account: Account,
    /// To its node; it is kept, so that nothing is queued when it goes.
    _handle: Handle,
    /// For what it says.
    _node: Node,
}

impl Stage {
    pub(crate) fn new(bench: &Bench) -> Result<Self> {
        let archive = environment::find(Kind::Memory).ok_or(Errno::ENOENT)?;
        let archive = calls::capability_copy(archive, Kind::Memory.all_rights() & 1)?;
        Ok(Self {
            archive: Archive::new(&Memory::from_capability(archive))?,
            peer: Peer::new(&bench.account)?,
        })
    }

    /// Loads a puppet with what a director gives one.
    pub(crate) fn cast(&self, bench: &Bench, arguments: &[&dyn Display]) -> Result<Puppet> {
        let own = bench.account.carve(4096, 1 << 20, 1024)?;
        let peer = Peer::new(&own)?;
        let (node, handle_there) = self.peer.node_for(&peer)?;
        let (node_there, handle) = peer.node_for(&self.peer)?;
        let command = Command::new("puppet")
            .grant(bench.console, console::WRITE)
            .grant(peer.number(), Kind::Peer.all_rights())
            .grant(own.number(), account::CHARGE | account::INSPECT)
            .argument("puppet")
            .argument(handle_there.id())
            .argument(node_there.id());
        let command = arguments.iter().fold(command, Command::argument);
        let task = self.load(&command, &own)?;
        let _ = (handle_there.into_id(), node_there.into_id());
        Ok(Puppet {
            task,
            account: own,
            _handle: handle,
            _node: node,
        })
    }

    /// Loads the program that the command is named after.
    pub(crate) fn load(&self, command: &Command, account: &Account) -> Result<Task> {
        let file = self.archive.read(command.name())?;
        let program = Program::parse(&file).map_err(|_| Errno::ENOEXEC)?;
        command.load(&program, account)
    }

    /// The payload of the next message.
    pub(crate) fn hear(&self) -> Outcome<Vec<u8>> {
        loop {
            match self.peer.recv_until(time::deadline_in(PATIENCE))? {
                Received::Message(message) => return Ok(message.data),
                // The puppet before it has gone.
                Received::NodeRelease { .. } | Received::HandleRelease { .. } => {}
            }
        }
    }

    /// The end that the next message tells of, and the number of its task.
    pub(crate) fn hear_of_an_end(&self) -> Outcome<(u64, Ending)> {
        let payload = self.hear()?;
        Ending::of_message(&payload)
            .ok_or_else(|| Failure::new(format_args!("not a task's end: {payload:?}")))
    }
}

impl Puppet {
    /// Waits for its end.
    pub(crate) fn end(&self) -> Result<Ending> {
        self.task.wait_until(time::deadline_in(PATIENCE))
    }
}
