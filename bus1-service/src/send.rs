//! SEND: one payload to n handles, one transaction.
//!
//! Phases: *preparing* (look up, charge, allocate, link; in pieces) → *prepared* (the payload is filled in) → *staged*
//! (entered at every queue, undecided; in pieces) → *committed*, which leaves [`Effects`]. Dropping any of them before the
//! commit undoes everything.

use core::marker::PhantomData;

use crate::{Effects, Error, Id, Progress, System};

/// A message whose ids are looked up and whose memory is charged and set aside, piece by piece.
///
/// Order of calls (SND-5): all transfers, then all destinations, then [`PreparingSend::step`] until done.
#[must_use = "nothing is sent before the commit"]
pub struct PreparingSend<S: System> {
    _system: PhantomData<S>,
}

impl<S: System> PreparingSend<S> {
    /// Looks up the next carried handles, in order. May be called several times, before the destinations.
    ///
    /// # Errors
    /// [`Error::UnknownId`] with the place of the entry, [`Error::TooLong`] beyond 1024, [`Error::OutOfMemory`].
    pub fn transfers(&mut self, _ids: &[Id]) -> Result<(), Error> {
        Ok(())
    }

    /// Looks up the next destinations, in order. May be called several times.
    ///
    /// # Errors
    /// [`Error::UnknownId`] with the place of the entry; [`Error::TooLong`] beyond 1024 destinations or 4096 copies of handles;
    /// [`Error::OutOfMemory`].
    pub fn destinations(&mut self, _ids: &[Id]) -> Result<(), Error> {
        Ok(())
    }

    /// Charges and allocates, up to `budget` objects. First every message is charged, in array order, then memory is
    /// taken (ERR-4).
    ///
    /// # Errors
    /// [`Error::Quota`] with the destination, [`Error::OutOfMemory`], [`Error::UnknownId`] if a carried handle was released
    /// meanwhile.
    pub fn step(&mut self, _budget: u32) -> Result<Progress, Error> {
        Ok(Progress::Done)
    }

    /// Does what remains of the preparation.
    ///
    /// # Errors
    /// Those of [`PreparingSend::step`].
    pub fn prepared(self) -> Result<PreparedSend<S>, Error> {
        Ok(PreparedSend {
            _system: PhantomData,
        })
    }

    /// Gives everything back.
    pub fn abort(self) -> Effects<S> {
        Effects::none()
    }
}

/// A message for which everything is set aside; its payload may be filled in.
#[must_use = "nothing is sent before the commit"]
pub struct PreparedSend<S: System> {
    _system: PhantomData<S>,
}

impl<S: System> PreparedSend<S> {
    /// The payload, `n_data` zero bytes at first.
    pub fn payload_mut(&mut self) -> &mut [u8] {
        &mut []
    }

    /// Goes on to the queues.
    pub fn stage(self) -> StagedSend<S> {
        StagedSend {
            _system: PhantomData,
        }
    }

    /// Gives everything back.
    pub fn abort(self) -> Effects<S> {
        Effects::none()
    }
}

/// A message that is being entered at its queues, undecided: nobody can see it, and it blocks nobody (ORD-6).
#[must_use = "nothing is sent before the commit"]
pub struct StagedSend<S: System> {
    _system: PhantomData<S>,
}

impl<S: System> StagedSend<S> {
    /// Enters up to `budget` messages at their queues.
    pub fn step(&mut self, _budget: u32) -> Progress {
        Progress::Done
    }

    /// Stages what is not staged yet and decides: the line of no return of SEND. On success the transaction has its place in
    /// the order of all transactions.
    ///
    /// # Errors
    /// [`Error::UnknownId`] if another call on the same peer released one of the ids meanwhile; the value can then only be
    /// aborted or dropped.
    pub fn commit(&mut self) -> Result<Effects<S>, Error> {
        Err(Error::Busy)
    }

    /// Gives everything back.
    pub fn abort(self) -> Effects<S> {
        Effects::none()
    }
}
