//! TRANSFER: handles from one peer to another, at one instant on both (TRA rules).

use core::marker::PhantomData;

use crate::{Effects, Error, Id, Progress, System};

/// One entry of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Make a node on the source peer, and a handle to it on the destination (`BUS1_TRANSFER_FLAG_CREATE`).
    Create,
    /// Copy this handle of the source peer.
    Copy(Id),
}

/// A transfer whose ids are looked up and whose memory is charged and set aside, piece by piece.
#[must_use = "nothing is transferred before the commit"]
pub struct PreparingTransfer<S: System> {
    _system: PhantomData<S>,
}

impl<S: System> PreparingTransfer<S> {
    /// Looks up the next entries, in order. May be called several times.
    ///
    /// # Errors
    /// [`Error::UnknownId`] with the place of the entry, [`Error::TooLong`] beyond 1024, [`Error::OutOfMemory`].
    pub fn sources(&mut self, _sources: &[Source]) -> Result<(), Error> {
        Ok(())
    }

    /// Charges and allocates, up to `budget` entries; first all are charged, in order, then memory is taken.
    ///
    /// # Errors
    /// [`Error::Quota`], [`Error::OutOfMemory`], [`Error::UnknownId`] if a source was released meanwhile.
    pub fn step(&mut self, _budget: u32) -> Result<Progress, Error> {
        Ok(Progress::Done)
    }

    /// Does what remains of the preparation.
    ///
    /// # Errors
    /// Those of [`PreparingTransfer::step`].
    pub fn prepared(self) -> Result<PreparedTransfer<S>, Error> {
        Ok(PreparedTransfer {
            _system: PhantomData,
        })
    }

    /// Gives everything back.
    pub fn abort(self) -> Effects<S> {
        Effects::none()
    }
}

/// A transfer for which everything is set aside: the new ids are known but name nothing before the commit.
#[must_use = "nothing is transferred before the commit"]
pub struct PreparedTransfer<S: System> {
    _system: PhantomData<S>,
}

impl<S: System> PreparedTransfer<S> {
    /// How many entries it has.
    #[must_use]
    pub fn n_transfers(&self) -> usize {
        0
    }

    /// The id that the node made for entry `index` will have on the source peer; `None` if the entry is a copy.
    #[must_use]
    pub fn node(&self, _index: usize) -> Option<Id> {
        None
    }

    /// The id that the handle of entry `index` will have on the destination peer.
    #[must_use]
    pub fn handle(&self, _index: usize) -> Option<Id> {
        None
    }

    /// The line of no return of TRANSFER.
    ///
    /// # Errors
    /// [`Error::UnknownId`] if another call on the source peer released a source meanwhile; the value can then only be aborted
    /// or dropped.
    pub fn commit(&mut self) -> Result<Effects<S>, Error> {
        Err(Error::Busy)
    }

    /// Gives everything back.
    pub fn abort(self) -> Effects<S> {
        Effects::none()
    }
}
