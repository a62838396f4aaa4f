//! RECV: the next message of a peer.

use core::marker::PhantomData;

use crate::{AccountNumber, Effects, Id, System};

/// What the first entry of a queue is (`enum bus1_message_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A message of a user: 0.
    User,
    /// The node behind an own handle was released: 1.
    NodeRelease,
    /// The last handle on an own node is gone: 2.
    HandleRelease,
}

/// What is told about an entry besides its content (RCV-4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// The own node it came in on; for NODE_RELEASE the own handle, for HANDLE_RELEASE the own node.
    pub id: Id,
    /// The sender's account; `None` for notifications.
    pub account: Option<AccountNumber>,
}

/// The entry was released by another call meanwhile: begin again (REL-2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry;

/// The first entry of a queue, while it is copied out. It stays first until [`Receiving::commit`]; dropping this leaves it there.
pub struct Receiving<S: System> {
    _system: PhantomData<S>,
}

impl<S: System> Receiving<S> {
    /// What it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        Kind::User
    }

    /// Where it came in and from which account.
    #[must_use]
    pub fn metadata(&self) -> Metadata {
        Metadata {
            id: Id::INVALID,
            account: None,
        }
    }

    /// The payload; empty for notifications.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &[]
    }

    /// How many handles it carries.
    #[must_use]
    pub fn n_transfers(&self) -> usize {
        0
    }

    /// The id that the carried handle `index` will have once the message is received, in the sender's order (RCV-3); `None` if
    /// `index` is not below [`Receiving::n_transfers`].
    #[must_use]
    pub fn transfer(&self, _index: usize) -> Option<Id> {
        None
    }

    /// Takes the entry out of the queue: the line of no return of RECV. Needs no memory and no quota (ACC-3).
    ///
    /// # Errors
    /// [`Retry`] if another call released what it names; then nothing happened.
    pub fn commit(self) -> Result<Effects<S>, Retry> {
        Err(Retry)
    }

    /// Takes the entry out of the queue and releases what it carries (RCV-7).
    ///
    /// # Errors
    /// [`Retry`] if another call released what it names; then nothing happened.
    pub fn discard(self) -> Result<Effects<S>, Retry> {
        Err(Retry)
    }
}

/// A received entry.
pub struct Received<S: System> {
    _system: PhantomData<S>,
}

impl<S: System> Received<S> {
    /// What it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        Kind::User
    }

    /// Where it came in and from which account.
    #[must_use]
    pub fn metadata(&self) -> Metadata {
        Metadata {
            id: Id::INVALID,
            account: None,
        }
    }

    /// The payload; empty for notifications.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &[]
    }

    /// The ids of the carried handles, in the sender's order (RCV-3).
    #[must_use]
    pub fn transfers(&self) -> &[Id] {
        &[]
    }
}
