//! A service by its name, also after it was started again.
//!
//! Whoever starts a service registers its door under a name (`supervisor` does). A client watches the name: it is told of the door at
//! once if the service is there, else when it arrives, and again whenever it was started anew. So a client that finds its session at an
//! end (`EPIPE`) asks here for the next door, and nobody has to know when a service ends or why.

use super::frame::Fields;
use super::names::{self, ARRIVED};
use crate::account::Account;
use crate::bus::{Handle, Node, Peer, Received};
use crate::calls::Result;
use omnibus_abi::Errno;

/// The way to a service.
#[derive(Debug)]
pub struct Reach {
    peer: Peer,
    node: Node,
}

impl Reach {
    /// The way to what is registered under `name` now and later; `account` pays for the peer that is told.
    ///
    /// # Errors
    /// Those of [`names::Client::watch`].
    pub fn new(account: &Account, names: &names::Client, name: &str) -> Result<Self> {
        let peer = Peer::new(account)?;
        let (node, handle) = peer.node()?;
        names.watch(name, &handle)?;
        Ok(Self { peer, node })
    }

    /// The next door: the first that was registered after the one returned before.
    ///
    /// # Errors
    /// `ETIMEDOUT`. `EPIPE`: `names` ended, or the session with it.
    pub fn next_door(&self, deadline_ns: u64) -> Result<Handle> {
        loop {
            match self.peer.recv_until(deadline_ns)? {
                Received::Message(mut message) if message.node == self.node.id() => {
                    let (word, _, _) = Fields::of(&message.data)?;
                    if let (ARRIVED, Some(door)) = (word, message.handles.pop()) {
                        return Ok(door);
                    }
                }
                Received::HandleRelease { .. } => return Err(Errno::EPIPE),
                // A door that was there before.
                Received::NodeRelease { .. } | Received::Message(_) => {}
            }
        }
    }
}
