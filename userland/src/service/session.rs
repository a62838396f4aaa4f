//! The client's end of a session.
//!
//! A session has a peer of its own, so that waiting for a reply leaves everybody else's messages where they are, and closing it gives
//! everything back at once.

use super::frame::{Fields, Frame, OPEN, UNREAD};
use crate::account::Account;
use crate::bus::{Handle, Message, Node, Peer, Received};
use crate::calls::Result;
use crate::time;
use alloc::vec::Vec;
use core::cell::Cell;
use core::time::Duration;
use omnibus_abi::Errno;

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
    message: Message,
}

impl Reply {
    /// Its fields.
    ///
    /// # Errors
    /// None: it was looked at when it came.
    pub fn fields(&self) -> Result<Fields<'_>> {
        Fields::of(&self.message.data).map(|(_, _, fields)| fields)
    }

    /// The handle that it carries, on the session's peer.
    ///
    /// # Errors
    /// `EINVAL`: it carries none.
    pub fn handle(mut self) -> Result<Handle> {
        self.message.handles.pop().ok_or(Errno::EINVAL)
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
        door.send_with(Frame::new(OPEN, 0).as_bytes(), &[&to_reply])?;
        drop(to_reply);
        let server = receive(&peer, 0, door.id())?.handle()?;
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
        let carried: Vec<_> = carried.iter().collect();
        let sent = self.server.send_with(request.as_bytes(), &carried);
        sent.map_err(|error| match error {
            Errno::EBADRQC => Errno::EPIPE,
            other => other,
        })?;
        receive(&self.peer, sequence, self.server.id())
    }

    /// Id of the reply node, for those who look at peers.
    #[must_use]
    pub const fn reply_node(&self) -> u64 {
        self.reply.id()
    }
}

/// Waits for the reply to a request that was made through `server`.
fn receive(peer: &Peer, expected: u32, server: u64) -> Result<Reply> {
    let deadline_ns = time::deadline_in(PATIENCE);
    loop {
        match peer.recv_until(deadline_ns)? {
            Received::Message(message) => {
                let (word, sequence, _) = Fields::of(&message.data)?;
                if sequence != expected && sequence != UNREAD {
                    // The reply to a request that was given up.
                    continue;
                }
                return match word {
                    0 => Ok(Reply { message }),
                    error => Err(i32::try_from(error)
                        .ok()
                        .and_then(Errno::new)
                        .unwrap_or(Errno::EINVAL)),
                };
            }
            Received::HandleRelease { .. } => return Err(Errno::EPIPE),
            Received::NodeRelease { handle } if handle == server => return Err(Errno::EPIPE),
            Received::NodeRelease { .. } => {}
        }
    }
}
