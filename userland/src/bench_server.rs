//! Servers of measurements: `bench-server`, each in a task and an account of its own, with what leads there and back.

use crate::account::Account;
use crate::bus::Peer;
use crate::calls::Result;
use crate::port::Port;
use crate::println;
use crate::suite::wire::create;
use crate::task::{Command, Task};
use omnibus_abi::CapabilityNumber;
use omnibus_abi::capability::{console, peer};

/// Limits of a server's account, objects, bytes and frames: room for what it keeps, for many times its largest message, and for its
/// memory. A foreign claim must leave a multiple of itself (ACC-4).
pub const ROOMY: [u64; 3] = [1 << 12, 4 << 20, 512];
/// The same for one of many servers with small messages.
pub const NARROW: [u64; 3] = [64, 1 << 14, 256];

/// What the first byte of a request orders besides an answer; what is measured is sent with 0.
pub mod order {
    /// Send an empty message through the handle that came along.
    pub const USE: u8 = 1;
    /// Release every handle that was kept.
    pub const RELEASE: u8 = 2;
    /// The payload is in the pattern of its second byte; tell if it is not.
    pub const CHECK: u8 = 3;
    /// Reply with the number of messages so far.
    pub const REPORT: u8 = 4;
}

/// Who pays for servers, and where they print.
#[derive(Clone, Copy, Debug)]
pub struct Host<'a> {
    /// The account that theirs are carved out of.
    pub account: &'a Account,
    /// The console.
    pub console: CapabilityNumber,
}

/// A server in a task of its own. It is ended when this is dropped.
#[derive(Debug)]
pub struct Server {
    /// The task.
    pub task: Task,
    /// The client's handle to the server's node.
    pub to: u64,
    _account: Account,
}

impl Server {
    /// Starts a server that answers as `kind` says, for `client`, with further capabilities and their rights.
    ///
    /// # Errors
    /// Those of the calls that it takes.
    pub fn start(
        host: Host<'_>,
        client: &Peer,
        kind: &str,
        [objects, bytes, frames]: [u64; 3],
        grants: &[(CapabilityNumber, u64)],
    ) -> Result<Self> {
        let account = host.account.carve(objects, bytes, frames)?;
        let own = Peer::new(&account)?;
        let (_, to) = create(&own, client)?;
        let (_, back) = create(client, &own)?;
        let command = Command::new("bench-server")
            .argument(kind)
            .argument(back)
            .grant(own.number(), peer::USE | peer::RECEIVE)
            .grant(host.console, console::WRITE);
        let grant = |command: Command, &(number, rights)| command.grant(number, rights);
        let task = grants.iter().fold(command, grant).spawn(&account)?;
        Ok(Self {
            task,
            to,
            _account: account,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let is_over = self.task.kill().and_then(|()| self.task.wait());
        if let Err(error) = is_over {
            println!("a server did not end: {error}");
        }
    }
}

/// A client with its server.
#[derive(Debug)]
pub struct Pair {
    /// The server.
    pub server: Server,
    /// The client's peer.
    pub client: Peer,
}

impl Pair {
    /// Starts a server that answers as `kind` says, for a new client, with further capabilities and their rights.
    ///
    /// # Errors
    /// Those of the calls that it takes.
    pub fn start(host: Host<'_>, kind: &str, grants: &[(CapabilityNumber, u64)]) -> Result<Self> {
        let client = Peer::new(host.account)?;
        let server = Server::start(host, &client, kind, ROOMY, grants)?;
        Ok(Self { server, client })
    }

    /// The client's port.
    #[must_use]
    pub fn port(&self) -> Port {
        Port::of(&self.client)
    }
}
