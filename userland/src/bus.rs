//! bus1 as values: a [`Peer`] closes, a [`Node`] and a [`Handle`] are released when dropped.
//!
//! A node or handle keeps its peer open. Releasing an id that a notification has already freed
//! does nothing: ids never recur while the peer lives (OBJ-4).

use crate::account::Account;
use crate::calls::{self, IoSlice, IoSliceMut, Outgoing, Result};
use crate::capability::Owned;
use crate::wait::WaitSet;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use omnibus_abi::bus1::{
    INVALID, MESSAGE_TYPE_HANDLE_RELEASE, MESSAGE_TYPE_NODE_RELEASE, TRANSFER_FLAG_CAPABILITY,
    TRANSFER_FLAG_CREATE, TRANSFER_WITHHELD_SHIFT, Transfer,
};
use omnibus_abi::{CapabilityNumber, Errno};

/// A peer. Clones share the capability; the last one gone gives it up.
#[derive(Clone, Debug)]
pub struct Peer(Arc<Owned>);

impl Peer {
    /// A new peer that acts for `account`.
    ///
    /// # Errors
    /// `EPERM`: no right CHARGE. `EDQUOT`, `ENOMEM`.
    pub fn new(account: &Account) -> Result<Self> {
        calls::peer_new(account.number()).map(Self::from_capability)
    }

    /// Takes over a peer capability, for instance one that was granted.
    #[must_use]
    pub fn from_capability(number: CapabilityNumber) -> Self {
        Self(Arc::new(Owned::new(number)))
    }

    /// The capability's number.
    #[must_use]
    pub fn number(&self) -> CapabilityNumber {
        self.0.number()
    }

    /// Gives the capability up now, whoever still holds nodes and handles of this peer.
    ///
    /// # Errors
    /// `EBADF` if that has happened already.
    pub fn close(&self) -> Result<()> {
        calls::capability_drop(self.number())
    }

    /// Makes a node, and a first handle to it on this same peer.
    ///
    /// # Errors
    /// `EDQUOT`, `ENOMEM`.
    pub fn node(&self) -> Result<(Node, Handle)> {
        self.node_for(self)
    }

    /// Makes a node here, and a first handle to it on peer `to` (rights GIVE).
    ///
    /// # Errors
    /// `EDQUOT`, `ENOMEM`; `EPERM`: no right GIVE.
    pub fn node_for(&self, to: &Self) -> Result<(Node, Handle)> {
        let mut source = [Transfer {
            flags: TRANSFER_FLAG_CREATE,
            id: INVALID,
        }];
        let mut target = [Transfer::default()];
        calls::transfer(self.number(), to.number(), &mut source, &mut target)?;
        Ok((Node(self.id(source[0].id)), Handle(to.id(target[0].id))))
    }

    /// Takes over a node by its id, for instance one that another task made here.
    #[must_use]
    pub fn adopt_node(&self, id: u64) -> Node {
        Node(self.id(id))
    }

    /// Takes over a handle by its id, for instance one that another task put here.
    #[must_use]
    pub fn adopt(&self, id: u64) -> Handle {
        Handle(self.id(id))
    }

    fn id(&self, id: u64) -> Id {
        Id {
            peer: self.clone(),
            id,
            is_kept: false,
        }
    }

    /// Sends one message to all `destinations`, handles of this peer, in one transaction.
    ///
    /// # Errors
    /// `EBADRQC`: a handle whose NODE_RELEASE has been received, or of another peer. `EDQUOT`, `ENOMEM`, `EMSGSIZE`.
    pub fn send(&self, destinations: &[&Handle], data: &[u8], carried: &[&Handle]) -> Result<()> {
        let carried: Vec<_> = carried
            .iter()
            .map(|handle| Carried::Handle(handle))
            .collect();
        self.send_carrying(destinations, data, &carried)
    }

    /// The same with handles and capabilities, in any order.
    ///
    /// # Errors
    /// Those of [`Peer::send`]; `EBADF`: no capability; `EOPNOTSUPP`: that of a peer.
    pub fn send_carrying(
        &self,
        destinations: &[&Handle],
        data: &[u8],
        carried: &[Carried<'_>],
    ) -> Result<()> {
        let ids: Vec<u64> = destinations.iter().map(|handle| handle.id()).collect();
        let transfers: Vec<_> = carried.iter().map(Carried::transfer).collect();
        let message = Outgoing {
            data: &[IoSlice::new(data)],
            transfers: &transfers,
        };
        calls::send(self.number(), &ids, message)
    }

    /// Takes the next message or notification; `None` if there is none.
    ///
    /// # Errors
    /// `EPERM`: no right RECEIVE. `EBADF`: the peer was given up.
    pub fn try_recv(&self) -> Result<Option<Received>> {
        let (mut n_data, mut n_transfers) = (512, 8);
        loop {
            let mut data = vec![0; n_data];
            let mut transfers = vec![Transfer::default(); n_transfers];
            let (incoming, result) = calls::recv(
                self.number(),
                &mut [IoSliceMut::new(&mut data)],
                &mut transfers,
            );
            let (needs_data, needs_transfers) = (
                incoming.message.n_data as usize,
                incoming.message.n_transfers as usize,
            );
            match result {
                Err(Errno::EAGAIN) => return Ok(None),
                // Another message may be first by the next attempt, so this may happen again.
                Err(Errno::EMSGSIZE) => (n_data, n_transfers) = (needs_data, needs_transfers),
                Err(error) => return Err(error),
                Ok(()) => {
                    let id = incoming.metadata.id;
                    return Ok(Some(match incoming.message.kind {
                        MESSAGE_TYPE_NODE_RELEASE => Received::NodeRelease { handle: id },
                        MESSAGE_TYPE_HANDLE_RELEASE => Received::HandleRelease { node: id },
                        _ => {
                            data.truncate(needs_data);
                            transfers.truncate(needs_transfers);
                            let (mut handles, mut capabilities) = (Vec::new(), Vec::new());
                            for transfer in transfers {
                                match transfer.flags {
                                    TRANSFER_FLAG_CAPABILITY => {
                                        capabilities.push(Owned::new(CapabilityNumber(transfer.id)))
                                    }
                                    _ => handles.push(self.adopt(transfer.id)),
                                }
                            }
                            Received::Message(Message {
                                node: id,
                                account: incoming.metadata.account,
                                data,
                                handles,
                                capabilities,
                            })
                        }
                    }));
                }
            }
        }
    }

    /// Waits for the next message or notification, at most until `deadline_ns`.
    ///
    /// # Errors
    /// `ETIMEDOUT`; those of [`Peer::try_recv`].
    pub fn recv_until(&self, deadline_ns: u64) -> Result<Received> {
        loop {
            if let Some(received) = self.try_recv()? {
                return Ok(received);
            }
            WaitSet::new().peer(self).wait(deadline_ns)?;
        }
    }

    /// Waits for the next message or notification.
    ///
    /// # Errors
    /// Those of [`Peer::try_recv`].
    pub fn recv(&self) -> Result<Received> {
        self.recv_until(omnibus_abi::DEADLINE_NEVER)
    }
}

/// An id of a peer, released on drop.
#[derive(Debug)]
struct Id {
    peer: Peer,
    id: u64,
    is_kept: bool,
}

impl Drop for Id {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        // The id may be gone already, and the peer may be closed: both are what we want.
        let _ = calls::release(self.peer.number(), &[self.id]);
    }
}

/// The receiving end: messages through any of its handles arrive at its peer.
#[derive(Debug)]
pub struct Node(Id);

impl Node {
    /// Its id at its peer.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.0.id
    }

    /// Gives up this value without releasing the node, and returns its id: for a node of a peer
    /// that another task is to use.
    #[must_use]
    pub fn into_id(mut self) -> u64 {
        self.0.is_kept = true;
        self.0.id
    }
}

/// A sending end.
#[derive(Debug)]
pub struct Handle(Id);

impl Handle {
    /// Its id at its peer.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.0.id
    }

    /// The peer that holds it.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        &self.0.peer
    }

    /// A copy of it in a message.
    pub(crate) const fn entry(&self) -> Transfer {
        Transfer {
            flags: 0,
            id: self.id(),
        }
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// Those of [`Peer::send`].
    pub fn send(&self, data: &[u8]) -> Result<()> {
        self.send_with(data, &[])
    }

    /// Sends bytes, and copies of `carried`.
    ///
    /// # Errors
    /// Those of [`Peer::send`].
    pub fn send_with(&self, data: &[u8], carried: &[&Self]) -> Result<()> {
        self.peer().send(&[self], data, carried)
    }

    /// Sends bytes, and a copy of a capability with all of its rights.
    ///
    /// # Errors
    /// Those of [`Peer::send_carrying`].
    pub fn give(&self, data: &[u8], capability: CapabilityNumber) -> Result<()> {
        let carried = [Carried::Capability(capability, 0)];
        self.peer().send_carrying(&[self], data, &carried)
    }

    /// Makes a copy of it on peer `to` (right GIVE).
    ///
    /// # Errors
    /// `EDQUOT`, `ENOMEM`; `EPERM`: no right GIVE.
    pub fn copy_to(&self, to: &Peer) -> Result<Self> {
        let mut source = [self.entry()];
        let mut target = [Transfer::default()];
        calls::transfer(self.peer().number(), to.number(), &mut source, &mut target)?;
        Ok(to.adopt(target[0].id))
    }

    /// Gives up this value without releasing the handle, and returns its id: for a handle that
    /// another task is to use.
    #[must_use]
    pub fn into_id(mut self) -> u64 {
        let id = self.0.id;
        self.0.is_kept = true;
        id
    }
}

/// What a message carries beside its bytes.
#[derive(Clone, Copy, Debug)]
pub enum Carried<'a> {
    /// A copy of a handle.
    Handle(&'a Handle),
    /// A copy of a capability, of which the receiver does not get these rights. It is not that of a peer.
    Capability(CapabilityNumber, u64),
}

impl Carried<'_> {
    fn transfer(&self) -> Transfer {
        match self {
            Self::Handle(handle) => handle.entry(),
            Self::Capability(number, withheld) => Transfer {
                flags: withheld << TRANSFER_WITHHELD_SHIFT | TRANSFER_FLAG_CAPABILITY,
                id: number.0,
            },
        }
    }
}

/// A message that arrived. The handles it carries are released, and the capabilities dropped, when it is dropped.
#[derive(Debug)]
pub struct Message {
    /// Id of the own node it came in on.
    pub node: u64,
    /// Number of the sender's account.
    pub account: u64,
    /// Its bytes.
    pub data: Vec<u8>,
    /// The handles it carried, now this peer's, in the sender's order.
    pub handles: Vec<Handle>,
    /// The capabilities it carried, now in this task's table, in the sender's order.
    pub capabilities: Vec<Owned>,
}

/// What RECV takes from the queue.
#[derive(Debug)]
pub enum Received {
    /// A message.
    Message(Message),
    /// The node of this own handle was released; the id is gone.
    NodeRelease {
        /// Id of the handle.
        handle: u64,
    },
    /// The last handle of this own node was released; the id is gone.
    HandleRelease {
        /// Id of the node.
        node: u64,
    },
}

impl Received {
    /// The message, if it is one.
    #[must_use]
    pub fn message(self) -> Option<Message> {
        match self {
            Self::Message(message) => Some(message),
            Self::NodeRelease { .. } | Self::HandleRelease { .. } => None,
        }
    }
}
