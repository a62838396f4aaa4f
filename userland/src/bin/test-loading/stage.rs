//! What the tests talk through.

use alloc::vec::Vec;
use core::fmt::Display;
use omnibus_userland::abi::Kind;
use omnibus_userland::abi::capability::{account, console};
use omnibus_userland::account::Account;
use omnibus_userland::actor::PATIENCE;
use omnibus_userland::archive::Archive;
use omnibus_userland::bus::{Handle, Node, Peer, Received};
use omnibus_userland::calls::Result;
use omnibus_userland::check::{Failure, Outcome};
use omnibus_userland::loader::Program;
use omnibus_userland::suite::Bench;
use omnibus_userland::task::{Command, Ending, Task};
use omnibus_userland::time;

/// A peer on which every puppet has a node of its own.
pub(crate) struct Stage {
    pub(crate) peer: Peer,
}

/// A puppet.
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
        Ok(Self {
            peer: Peer::new(&bench.account)?,
        })
    }

    /// Loads a puppet with what a director gives one.
    pub(crate) fn cast(&self, bench: &Bench, arguments: &[&dyn Display]) -> Result<Puppet> {
        self.cast_of(&Archive::given()?.program("puppet")?, bench, arguments)
    }

    /// The same, from this program.
    pub(crate) fn cast_of(
        &self,
        program: &Program<'_>,
        bench: &Bench,
        arguments: &[&dyn Display],
    ) -> Result<Puppet> {
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
        let task = command.load(program, &own)?;
        let _ = (handle_there.into_id(), node_there.into_id());
        Ok(Puppet {
            task,
            account: own,
            _handle: handle,
            _node: node,
        })
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
