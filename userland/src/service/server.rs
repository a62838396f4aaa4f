//! The server's loop: sessions, and what a client may take of the server.
//!
//! What clients can make a server hold is bounded, so that none of them can bring it to its end:
//!
//! 1. Its queue: bus1 shares the server's account out among the senders' accounts, and refuses who has had its share.
//! 2. Its sessions: so many, and so many for one account (the account is told by the kernel, not by the client).
//! 3. Its memory for a request: one buffer. A request that is longer, or carries more, is thrown away unread and answered `EMSGSIZE`.
//! 4. Its state: each [`Service`] bounds what a session may leave there.
//! 5. Its time: it never waits for a client. A reply that the client's account has no room for is lost, and the session ended.

use super::frame::{FRAME_BYTES_MAX, Fields, Frame, OPEN, UNREAD};
use crate::bus::{Handle, Node, Peer};
use crate::calls::{self, IoSliceMut, Result};
use crate::capability::Owned;
use crate::wait::WaitSet;
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use omnibus_abi::bus1::{
    MESSAGE_TYPE_HANDLE_RELEASE, MESSAGE_TYPE_NODE_RELEASE, TRANSFER_FLAG_CAPABILITY, Transfer,
};
use omnibus_abi::{CapabilityNumber, DEADLINE_NEVER, Errno};

/// Most handles that a request carries.
const HANDLES_MAX: usize = 4;

/// How many sessions a server has.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// At most.
    pub sessions: usize,
    /// At most for clients of one account.
    pub sessions_per_account: usize,
}

impl Limits {
    /// For a service that much of a system uses.
    pub const COMMON: Self = Self {
        sessions: 128,
        sessions_per_account: 16,
    };
}

/// A request.
#[derive(Debug)]
pub struct Request<'a> {
    /// The session's number, which is the id of its node.
    pub session: u64,
    /// What is wanted.
    pub operation: u32,
    /// The fields, not yet taken.
    pub fields: Fields<'a>,
    /// The handles that it carried.
    pub handles: Vec<Handle>,
}

/// The answer to a request: a reply, and perhaps a handle.
#[derive(Debug)]
pub struct Answer<'a> {
    frame: Frame,
    carried: Option<Carried<'a>>,
}

#[derive(Debug)]
enum Carried<'a> {
    Kept(&'a Handle),
    Given(Handle),
}

impl<'a> Answer<'a> {
    /// The reply alone.
    #[must_use]
    pub const fn of(frame: Frame) -> Self {
        Self {
            frame,
            carried: None,
        }
    }

    /// With a copy of a handle that the service keeps.
    #[must_use]
    pub const fn with(frame: Frame, handle: &'a Handle) -> Self {
        Self {
            frame,
            carried: Some(Carried::Kept(handle)),
        }
    }

    /// With a handle that the service does not keep.
    #[must_use]
    pub const fn giving(frame: Frame, handle: Handle) -> Self {
        Self {
            frame,
            carried: Some(Carried::Given(handle)),
        }
    }

    fn send(&self, through: &Handle) -> Result<()> {
        let payload = self.frame.as_bytes();
        match &self.carried {
            None => through.send(payload),
            Some(Carried::Kept(handle)) => through.send_with(payload, &[handle]),
            Some(Carried::Given(handle)) => through.send_with(payload, &[handle]),
        }
    }
}

/// What a server does.
pub trait Service {
    /// What it keeps for a session.
    type Client;

    /// Lets a client of this account in at a door.
    ///
    /// # Errors
    /// `ENOENT`: the node is no door. Others as the service likes; the client gets them.
    fn open(&mut self, door: u64, account: u64) -> Result<Self::Client>;

    /// Answers a request.
    ///
    /// # Errors
    /// As the service likes; the client gets them.
    fn request(
        &mut self,
        client: &mut Self::Client,
        request: Request<'_>,
        reply: Frame,
    ) -> Result<Answer<'_>>;

    /// Clears up behind a session.
    fn closed(&mut self, session: u64, client: Self::Client);

    /// A message came in that is neither a session's nor opens one: on this node, with this payload.
    fn heard(&mut self, _node: u64, _payload: &[u8]) {}

    /// The node behind a handle of the service's peer is gone.
    fn lost(&mut self, _handle: u64) {}

    /// The last handle to a node that is not a session's is gone.
    fn unreachable(&mut self, _node: u64) {}

    /// Whether nobody can open a session any more. The server ends with its last session then.
    fn is_out_of_reach(&self) -> bool {
        false
    }
}

struct Open<C> {
    account: u64,
    reply: Handle,
    client: C,
    /// Keeps the session's node.
    _node: Node,
}

/// See the module's documentation.
pub struct Server<S: Service> {
    /// The service.
    pub service: S,
    peer: Peer,
    limits: Limits,
    sessions: BTreeMap<u64, Open<S::Client>>,
    buffer: Vec<u8>,
}

impl<S: Service> Server<S> {
    /// Serves on a peer, whose messages are all this server's.
    pub fn new(service: S, peer: &Peer, limits: Limits) -> Self {
        Self {
            service,
            peer: peer.clone(),
            limits,
            sessions: BTreeMap::new(),
            buffer: vec![0; FRAME_BYTES_MAX],
        }
    }

    /// Whether nobody has a session, and nobody can open one.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.service.is_out_of_reach() && self.sessions.is_empty()
    }

    /// Serves as long as anybody has a session, or can open one.
    ///
    /// # Errors
    /// Those of receiving that no client can cause.
    pub fn run(mut self) -> Result<()> {
        while !self.is_done() {
            self.step(DEADLINE_NEVER)?;
        }
        Ok(())
    }

    /// Takes the next message or notification and does what it asks for.
    ///
    /// # Errors
    /// `ETIMEDOUT`; those of receiving that no client can cause.
    pub fn step(&mut self, deadline_ns: u64) -> Result<()> {
        while !self.try_step()? {
            WaitSet::new().peer(&self.peer).wait(deadline_ns)?;
        }
        Ok(())
    }

    /// The same without waiting; whether there was one.
    ///
    /// # Errors
    /// Those of receiving that no client can cause.
    pub fn try_step(&mut self) -> Result<bool> {
        let mut transfers = [Transfer::default(); HANDLES_MAX];
        let mut buffer = core::mem::take(&mut self.buffer);
        let data = &mut [IoSliceMut::new(&mut buffer)];
        let (incoming, result) = calls::recv(self.peer.number(), data, &mut transfers);
        let (id, account) = (incoming.metadata.id, incoming.metadata.account);
        let done = match result {
            Ok(()) => {
                let message = incoming.message;
                match message.kind {
                    MESSAGE_TYPE_NODE_RELEASE => self.node_released(id),
                    MESSAGE_TYPE_HANDLE_RELEASE => self.handle_released(id),
                    _ => {
                        let handles = self.take(&transfers[..message.n_transfers as usize]);
                        let payload = &buffer[..message.n_data as usize];
                        self.message(id, account, payload, handles);
                    }
                }
                Ok(true)
            }
            Err(Errno::EAGAIN) => Ok(false),
            // It does not fit, or brings capabilities that there is no room for.
            Err(Errno::EMSGSIZE | Errno::EDQUOT | Errno::ENOMEM) => {
                let (incoming, result) = calls::recv_discard(self.peer.number());
                self.refuse(incoming.metadata.id, Errno::EMSGSIZE);
                result.map(|()| true)
            }
            Err(error) => Err(error),
        };
        self.buffer = buffer;
        done
    }

    /// The handles among what a message carried. Nobody here wants capabilities.
    fn take(&self, transfers: &[Transfer]) -> Vec<Handle> {
        let mut handles = Vec::new();
        for transfer in transfers {
            match transfer.flags {
                TRANSFER_FLAG_CAPABILITY => drop(Owned::new(CapabilityNumber(transfer.id))),
                _ => handles.push(self.peer.adopt(transfer.id)),
            }
        }
        handles
    }

    fn message(&mut self, node: u64, account: u64, payload: &[u8], mut handles: Vec<Handle>) {
        let Some(open) = self.sessions.get_mut(&node) else {
            // At a door there is nobody to tell what is wrong, if no way back came along.
            return match (Fields::of(payload), handles.pop()) {
                (Ok((OPEN, ..)), Some(reply)) => self.open(node, account, reply),
                _ => self.service.heard(node, payload),
            };
        };
        let Ok((operation, sequence, fields)) = Fields::of(payload) else {
            return self.refuse(node, Errno::EINVAL);
        };
        let request = Request {
            session: node,
            operation,
            fields,
            handles,
        };
        let answer = self
            .service
            .request(&mut open.client, request, Frame::new(0, sequence));
        let sent = match answer {
            Ok(answer) => answer.send(&open.reply),
            Err(error) => open
                .reply
                .send(Frame::new(error_word(error), sequence).as_bytes()),
        };
        if sent.is_err() {
            self.close(node);
        }
    }

    fn open(&mut self, door: u64, account: u64, reply: Handle) {
        let opened = self.admit(door, account).and_then(|client| {
            let (node, handle) = self.peer.node()?;
            Ok((client, node, handle))
        });
        let (client, node, handle) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                // Whoever has no room to be told is not waiting for it.
                let _ = reply.send(Frame::new(error_word(error), 0).as_bytes());
                return;
            }
        };
        let session = node.id();
        let told = Answer::giving(Frame::new(0, 0), handle).send(&reply);
        let open = Open {
            account,
            reply,
            client,
            _node: node,
        };
        self.sessions.insert(session, open);
        if told.is_err() {
            self.close(session);
        }
    }

    fn admit(&mut self, door: u64, account: u64) -> Result<S::Client> {
        let of_account = self
            .sessions
            .values()
            .filter(|open| open.account == account);
        let is_full = self.sessions.len() >= self.limits.sessions
            || of_account.count() >= self.limits.sessions_per_account;
        if is_full {
            return Err(Errno::EDQUOT);
        }
        self.service.open(door, account)
    }

    /// Refuses a request that could not be read, if it came from a session.
    fn refuse(&mut self, node: u64, error: Errno) {
        let Some(open) = self.sessions.get(&node) else {
            return;
        };
        let frame = Frame::new(error_word(error), UNREAD);
        if open.reply.send(frame.as_bytes()).is_err() {
            self.close(node);
        }
    }

    /// A client's reply node is gone, or something that the service holds; which of them, and how often, is up to the client.
    fn node_released(&mut self, handle: u64) {
        let replies = self.sessions.iter();
        let gone: Vec<u64> = replies
            .filter(|(_, open)| open.reply.id() == handle)
            .map(|(session, _)| *session)
            .collect();
        for session in gone {
            self.close(session);
        }
        self.service.lost(handle);
    }

    fn handle_released(&mut self, node: u64) {
        if self.sessions.contains_key(&node) {
            self.close(node);
        } else {
            self.service.unreachable(node);
        }
    }

    fn close(&mut self, session: u64) {
        if let Some(open) = self.sessions.remove(&session) {
            self.service.closed(session, open.client);
        }
    }
}

/// An error as the word of a reply.
const fn error_word(error: Errno) -> u32 {
    error.number().unsigned_abs()
}
