//! What the tests load from, and where they are told of faults.

use core::fmt::Display;
use omnibus_userland::abi::capability::{account, console};
use omnibus_userland::abi::layout::PAGE_BYTES;
use omnibus_userland::abi::native::{VM_READ, VM_WRITE};
use omnibus_userland::abi::{CapabilityNumber, Kind};
use omnibus_userland::account::Account;
use omnibus_userland::actor::PATIENCE;
use omnibus_userland::archive::Archive;
use omnibus_userland::bus::{Handle, Node, Peer, Received};
use omnibus_userland::calls::{self, Result};
use omnibus_userland::check::{Failure, Outcome};
use omnibus_userland::fault::{self, Fault};
use omnibus_userland::loader::Loaded;
use omnibus_userland::memory::Memory;
use omnibus_userland::suite::Bench;
use omnibus_userland::task::{Command, Ending, Task};
use omnibus_userland::time;

/// Where clients find nothing mapped, unless the suite maps it.
pub(crate) const HOLE: u64 = 0x5000_0000_0000;

/// Whoever looks after faults.
pub(crate) struct Stage {
    console: CapabilityNumber,
    pub(crate) account: Account,
    pub(crate) peer: Peer,
    pub(crate) node: Node,
    pub(crate) handle: Handle,
}

/// A task whose faults the stage is told of.
pub(crate) struct Client {
    pub(crate) task: Task,
    pub(crate) account: Account,
}

impl Stage {
    pub(crate) fn new(bench: &Bench) -> Result<Self> {
        let own = Kind::Account.all_rights();
        let account = calls::capability_copy(bench.account.number(), own)?;
        let peer = Peer::new(&bench.account)?;
        let (node, handle) = peer.node()?;
        Ok(Self {
            console: bench.console,
            account: Account::from_capability(account),
            peer,
            node,
            handle,
        })
    }

    /// Loads a client, which is not started and whose faults nobody is told of yet.
    pub(crate) fn load(
        &self,
        arguments: &[&dyn Display],
        adjust: fn(Command) -> Command,
    ) -> Result<(Loaded, Account)> {
        // Some hundred objects for the fifth of an account's actors take that many.
        let own = self.account.carve(8_000, 1 << 20, 1024)?;
        let command = Command::new(crate::PROGRAM)
            .grant(self.console, console::WRITE)
            .grant(own.number(), account::CHARGE | account::INSPECT)
            .argument(crate::client::FLAG);
        let command = adjust(arguments.iter().fold(command, Command::argument));
        let program = Archive::given()?.program(command.name())?;
        Ok((command.prepare(&program, &own)?, own))
    }

    /// Starts a client with this stage as its pager.
    pub(crate) fn cast(&self, arguments: &[&dyn Display]) -> Result<Client> {
        let (loaded, account) = self.load(arguments, |loading| loading)?;
        loaded.task().send_faults(&self.handle)?;
        let task = loaded.start()?;
        Ok(Client { task, account })
    }

    /// True if nothing more is told.
    pub(crate) fn is_quiet(&self) -> Result<bool> {
        Ok(self.peer.try_recv()?.is_none())
    }

    /// The next fault.
    pub(crate) fn hear(&self) -> Outcome<Fault> {
        match self.peer.recv_until(time::deadline_in(PATIENCE))? {
            Received::Message(message) if message.node == self.node.id() => {
                fault::of_message(&message.data)
                    .ok_or_else(|| Failure::new(format_args!("not a fault: {:?}", message.data)))
            }
            other => Err(Failure::new(format_args!("not a message: {other:?}"))),
        }
    }

    /// Maps a page into the client that is full of `byte`, where the fault was.
    pub(crate) fn fill(&self, client: &Client, fault: &Fault, byte: u8) -> Result<Memory> {
        let memory = Memory::new(&self.account, PAGE_BYTES)?;
        memory
            .map(VM_READ | VM_WRITE)?
            .write(0, &[byte; PAGE_BYTES as usize]);
        let page = fault.address & !(PAGE_BYTES - 1);
        memory.map_into(&client.task, page, VM_READ | VM_WRITE)?;
        Ok(memory)
    }

    /// The same, and lets the thread try again.
    pub(crate) fn provide(&self, client: &Client, fault: &Fault, byte: u8) -> Result<()> {
        self.fill(client, fault, byte)?;
        client.task.retry(fault)
    }
}

impl Client {
    /// Waits for its end.
    pub(crate) fn end(&self) -> Result<Ending> {
        self.task.wait_until(time::deadline_in(PATIENCE))
    }

    /// The account as it is when nothing is held of it.
    pub(crate) fn is_given_back(&self) -> Result<bool> {
        let state = self.account.state()?;
        // The husk of the task is one object, as long as there is a capability to it.
        Ok(state.frames_available == state.frames_maximum
            && state.objects_available >= state.objects_maximum - 2)
    }
}
