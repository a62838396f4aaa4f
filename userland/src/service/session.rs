//! The client's end of a session.
//!
//! A session has a peer of its own, so that waiting for a reply leaves everybody else's messages where they are, and closing it gives
//! everything back at once.

use super::exchange::Ways;
use super::frame::{FRAME_BYTES_MAX, Fields, Frame, UNREAD};
use crate::account::Account;
use crate::bus::{Handle, Node, Peer};
use crate::calls::Result;
use crate::port::Port;
use crate::time;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::Cell;
use core::time::Duration;
use omnibus_abi::Errno;
use omnibus_abi::bus1::Transfer;

/// How long a client waits for a reply before something must be wrong. (The end of the server is told at once.)
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A session with a server. It ends when this is dropped.
#[derive(Debug)]
pub struct Session {
    /// First, so that the server hears of one end and not of two.
    peer: Peer,
    reply: Node,
    server: Handle,
    n_requests: Cell<u32>,
}

/// What a server answered.
#[derive(Debug)]
pub struct Reply {
    bytes: Vec<u8>,
    handle: Option<Handle>,
}

impl Reply {
    /// Its fields.
    ///
    /// # Errors
    /// None: it was looked at when it came.
    pub fn fields(&self) -> Result<Fields<'_>> {
        Fields::of(&self.bytes).map(|(_, _, fields)| fields)
    }

    /// The handle that it carries, on the session's peer.
    ///
    /// # Errors
    /// `EINVAL`: it carries none.
    pub fn handle(self) -> Result<Handle> {
        self.handle.ok_or(Errno::EINVAL)
    }
}

impl Session {
    /// Opens a session at a door; `account` pays for its peer.
    ///
    /// # Errors
    /// `EPIPE`: the server has ended. `EDQUOT`: it has no room for more sessions, or an account is full. Others are the server's.
    pub fn open(account: &Account, door: &Handle) -> Result<Self> {
        let peer = Peer::new(account)?;
        let door = door.copy_to(&peer)?;
        let (reply, to_reply) = peer.node()?;
        let server = ways(&peer, &door, &reply).open(to_reply.into_id())?;
        let server = peer.adopt(server);
        Ok(Self {
            peer,
            reply,
            server,
            n_requests: Cell::new(0),
        })
    }

    /// Makes a request and waits for the reply. The handles that it carries are on the session's peer.
    ///
    /// # Errors
    /// `EPIPE`: the server has ended, or ended the session. `ETIMEDOUT`. `EDQUOT`: the server has too much of ours to read, or the
    /// account has no room. Others are the server's.
    pub fn call(
        &self,
        operation: u32,
        fields: impl FnOnce(Frame) -> Frame,
        carried: &[&Handle],
    ) -> Result<Reply> {
        let sequence = self.n_requests.get();
        // The numbers differ from each other for long enough, and never say that a request was not read.
        self.n_requests.set((sequence + 1) % UNREAD);
        let request = fields(Frame::new(operation, sequence));
        let carried: Vec<_> = carried
            .iter()
            .map(|handle| handle.copy_to(&self.peer))
            .collect::<Result<_>>()?;
        let entries: Vec<_> = carried.iter().map(Handle::entry).collect();
        let mut bytes = vec![0; FRAME_BYTES_MAX];
        let mut given = [Transfer::default()];
        let (n_bytes, n_given) = ways(&self.peer, &self.server, &self.reply).exchange(
            time::deadline_in(PATIENCE),
            sequence,
            (request.as_bytes(), &entries),
            (&mut bytes, &mut given),
        )?;
        bytes.truncate(n_bytes);
        let handle = (n_given == 1).then(|| self.peer.adopt(given[0].id));
        Ok(Reply { bytes, handle })
    }

    /// Id of the reply node, for those who look at peers.
    #[must_use]
    pub const fn reply_node(&self) -> u64 {
        self.reply.id()
    }
}

fn ways(peer: &Peer, server: &Handle, reply: &Node) -> Ways {
    Ways {
        port: Port::of(peer),
        server: server.id(),
        reply: reply.id(),
    }
}
