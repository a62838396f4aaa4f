//! What a program finds when a boot plan started it: its peer, its account, and its nodes, handles and capabilities by the names that
//! the plan has for them.

use crate::account::Account;
use crate::bus::{Handle, Node, Peer};
use crate::calls::Result;
use crate::environment::{self, CAPABILITY, HANDLE, NODE};
use omnibus_abi::{CapabilityNumber, Errno};

/// The part of this program.
#[derive(Debug)]
pub struct Part {
    /// Its peer.
    pub peer: Peer,
    /// The account that it and its peer act for.
    pub account: Account,
}

impl Part {
    /// The part of this program. Each thing of it is to be taken once.
    ///
    /// # Errors
    /// `ENOENT`: no boot plan started it.
    pub fn take() -> Result<Self> {
        Ok(Self {
            peer: Peer::from_capability(capability("peer")?),
            account: Account::from_capability(capability("account")?),
        })
    }

    /// The node of this name.
    ///
    /// # Errors
    /// `ENOENT`: the plan gives it none.
    pub fn node(&self, name: &str) -> Result<Node> {
        let id = environment::number_of(NODE, name).ok_or(Errno::ENOENT)?;
        Ok(self.peer.adopt_node(id))
    }

    /// The handle of this name.
    ///
    /// # Errors
    /// `ENOENT`: the plan gives it none.
    pub fn handle(&self, name: &str) -> Result<Handle> {
        let id = environment::number_of(HANDLE, name).ok_or(Errno::ENOENT)?;
        Ok(self.peer.adopt(id))
    }
}

/// The capability of this name.
///
/// # Errors
/// `ENOENT`: the plan gives it none.
pub fn capability(name: &str) -> Result<CapabilityNumber> {
    let number = environment::number_of(CAPABILITY, name).ok_or(Errno::ENOENT)?;
    Ok(CapabilityNumber(number))
}
