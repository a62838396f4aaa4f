//! A peer: one queue, one id namespace, one account.

use core::marker::PhantomData;

use crate::{
    Account, Effects, Error, Id, PreparingSend, PreparingTransfer, Progress, Received, Receiving,
    Source, System, Wake,
};

/// A peer; clones name the same one. Dropping the last clone does not close it: the embedder calls [`Peer::begin_close`].
pub struct Peer<S: System> {
    _system: PhantomData<S>,
}

impl<S: System> Clone for Peer<S> {
    fn clone(&self) -> Self {
        Peer {
            _system: PhantomData,
        }
    }
}

impl<S: System> Peer<S> {
    /// A new peer that acts for `account` and is 1 object of it (ACC-1, ACC-2).
    ///
    /// # Errors
    /// [`Error::Quota`], [`Error::OutOfMemory`].
    pub fn new(_account: &Account<S>, _watch: S::Watch) -> Result<Peer<S>, Error> {
        Err(Error::OutOfMemory)
    }

    /// The account it acts for.
    #[must_use]
    pub fn account(&self) -> Account<S> {
        Account::placeholder()
    }

    /// Whether both are the same peer.
    #[must_use]
    pub fn is_same(&self, _other: &Peer<S>) -> bool {
        true
    }

    /// Whether RECV would find something (RCV-6).
    #[must_use]
    pub fn is_readable(&self) -> bool {
        false
    }

    /// Begins a message of `n_data` bytes (SEND).
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub fn begin_send(&self, _n_data: usize) -> Result<PreparingSend<S>, Error> {
        Err(Error::Closed)
    }

    /// Sends `payload` and copies of the handles `transfers` to every one of `destinations`, in one transaction (SEND).
    ///
    /// # Errors
    /// Those of the phases, in the order of SND-5.
    pub fn send(
        &self,
        _destinations: &[Id],
        _transfers: &[Id],
        _payload: &[u8],
    ) -> Result<Effects<S>, Error> {
        Err(Error::Closed)
    }

    /// Begins a transfer from this peer to `to` (TRANSFER); both may be the same.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub fn begin_transfer(&self, _to: &Peer<S>) -> Result<PreparingTransfer<S>, Error> {
        Err(Error::Closed)
    }

    /// Makes a node on this peer and a handle to it on `to`; their ids.
    ///
    /// # Errors
    /// Those of a transfer.
    pub fn create_node(&self, _to: &Peer<S>) -> Result<(Id, Id), Error> {
        Err(Error::Closed)
    }

    /// Copies `sources` to `to` in one transaction; writes each entry's handle id to `handles` and the id of each created node
    /// over its `Create` in `nodes` (TRANSFER). Both arrays are as long as `sources`.
    ///
    /// # Errors
    /// Those of the phases (TRA-4); [`Error::TooLong`] if an output array is shorter than `sources`.
    pub fn transfer(
        &self,
        _to: &Peer<S>,
        _sources: &[Source],
        _nodes: &mut [Option<Id>],
        _handles: &mut [Id],
    ) -> Result<Effects<S>, Error> {
        Err(Error::Closed)
    }

    /// The first entry of the queue, to be copied out (RECV).
    ///
    /// # Errors
    /// [`Error::NothingQueued`]; [`Error::Busy`] while another thread copies one out, or when the queue needs another look.
    pub fn begin_recv(&self) -> Result<Receiving<S>, Error> {
        Err(Error::NothingQueued)
    }

    /// Takes the first entry out of the queue (RECV).
    ///
    /// # Errors
    /// [`Error::NothingQueued`].
    pub fn recv(&self) -> Result<Received<S>, Error> {
        Err(Error::NothingQueued)
    }

    /// Begins to release these nodes and handles (RELEASE): checks and marks them all. From here on it cannot fail;
    /// [`Peer::work`] completes it, called by anybody.
    ///
    /// # Errors
    /// [`Error::UnknownId`], [`Error::NamedTwice`], with the place; [`Error::TooLong`] beyond 4096; [`Error::Busy`] while an
    /// earlier release or closing of this peer is not finished ([`Peer::work`] helps it).
    pub fn begin_release(&self, _ids: &[Id]) -> Result<(), Error> {
        Err(Error::Closed)
    }

    /// Does up to `budget` pieces of the release or closing of this peer that is open, if any.
    pub fn work(&self, _budget: u32, _wake: &mut dyn FnMut(&S::Watch, Wake)) -> Progress {
        Progress::Done
    }

    /// Releases these nodes and handles, all of it (RELEASE).
    ///
    /// # Errors
    /// Those of [`Peer::begin_release`] except `Busy`.
    pub fn release(
        &self,
        _ids: &[Id],
        _wake: &mut dyn FnMut(&S::Watch, Wake),
    ) -> Result<(), Error> {
        Err(Error::Closed)
    }

    /// Begins to close the peer (CLO-1). It cannot fail and needs no memory; [`Peer::work`] completes it. `true` if this call
    /// began it, `false` if it was closing already.
    pub fn begin_close(&self) -> bool {
        false
    }

    /// Whether the first step of closing, the release of all own nodes, has taken effect (CLO-5).
    #[must_use]
    pub fn is_hung_up(&self) -> bool {
        false
    }

    /// Closes the peer, all of it.
    pub fn close(&self, _wake: &mut dyn FnMut(&S::Watch, Wake)) {}
}
