//! A message to several destinations, or that carries something: it is decided by a word, under the sender's lock, which is also where
//! releases of the sender are decided. So what was looked up is either still valid at that instant, or the send fails.

use alloc::vec::Vec;

use crate::effects::Work;
use crate::handle::Handle;
use crate::limits::{COPIES_MAX, DESTINATIONS_MAX, TRANSFERS_MAX};
use crate::mem::{Fill, Key, Ref, Unique, Vacant};
use crate::message::{SharedPayload, price};
use crate::peer::PeerCore;
use crate::peer::state::PeerState;
use crate::transaction::Transaction;
use crate::{Effects, Error, Id, Place, Progress, System, hook};

use super::destination::{Built, Destination};
use super::one::One;

/// A carried handle, and what the sender calls it.
pub(super) type Source<S> = (Id, Ref<Handle<S>>);

/// A message to several destinations.
pub(crate) struct Many<S: System> {
    /// The sender's epoch at the first look-up.
    epoch: Option<u64>,
    sources: Vec<Source<S>>,
    /// What the message carries of the embedder's, shared by all destinations.
    objects: Option<Ref<Vec<S::Object>>>,
    destinations: Vec<Destination<S>>,
    transaction: Option<Ref<Transaction>>,
    /// The payload, unless it lies behind the only message.
    shared: Option<Ref<SharedPayload>>,
    /// Destinations that are charged, built, staged.
    n_charged: usize,
    n_built: usize,
    n_staged: usize,
    /// A destination was charged for the payload.
    is_charged: bool,
    is_set_up: bool,
}

impl<S: System> Many<S> {
    /// A message without destinations, or with the one that was looked up before it became clear that there are more.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub(super) fn try_new(one: Option<One<S>>) -> Result<Unique<Many<S>>, Error> {
        let mut destinations = Vec::new();
        let mut epoch = None;
        if let Some(one) = one {
            destinations
                .try_reserve(1)
                .map_err(|_| Error::OutOfMemory)?;
            epoch = Some(one.epoch);
            destinations.push(Destination::new(one.id, one.handle));
        }
        Ok(Unique::try_new(Many {
            epoch,
            sources: Vec::new(),
            objects: None,
            destinations,
            transaction: None,
            shared: None,
            n_charged: 0,
            n_built: 0,
            n_staged: 0,
            is_charged: false,
            is_set_up: false,
        })?)
    }

    pub(super) fn transfers(&mut self, sender: &PeerCore<S>, ids: &[Id]) -> Result<(), Error> {
        let n_before = self.sources.len();
        if self.n_carried().saturating_add(ids.len()) > TRANSFERS_MAX {
            return Err(Error::TooLong);
        }
        self.sources
            .try_reserve(ids.len())
            .map_err(|_| Error::OutOfMemory)?;
        let mut guard = sender.lock_settled();
        let (state, key) = guard.parts();
        self.epoch.get_or_insert(state.epoch);
        for (index, &id) in ids.iter().enumerate() {
            let place = Place::Transfer(n_before.saturating_add(index));
            let handle = state.handle(key, id).ok_or(Error::UnknownId(place, id))?;
            self.sources.push((id, handle));
        }
        Ok(())
    }

    pub(super) fn objects(&mut self, objects: Vec<S::Object>) -> Result<(), Error> {
        if self.sources.len().saturating_add(objects.len()) > TRANSFERS_MAX {
            return Err(Error::TooLong);
        }
        self.objects = Some(Ref::try_new(objects)?);
        Ok(())
    }

    pub(super) fn destinations(&mut self, sender: &PeerCore<S>, ids: &[Id]) -> Result<(), Error> {
        let n_before = self.destinations.len();
        let n_after = n_before.saturating_add(ids.len());
        if n_after > DESTINATIONS_MAX || n_after.saturating_mul(self.n_carried()) > COPIES_MAX {
            return Err(Error::TooLong);
        }
        self.destinations
            .try_reserve_exact(ids.len())
            .map_err(|_| Error::OutOfMemory)?;
        let mut guard = sender.lock_settled();
        let (state, key) = guard.parts();
        self.epoch.get_or_insert(state.epoch);
        for (index, &id) in ids.iter().enumerate() {
            let place = Place::Destination(n_before.saturating_add(index));
            // A release since the look-up of the carried handles may have taken them too: then they are the first cause (SND-5).
            let handle = state.handle(key, id).ok_or_else(|| {
                first_gone(state, key, &self.sources).unwrap_or(Error::UnknownId(place, id))
            })?;
            self.destinations.push(Destination::new(id, handle));
        }
        Ok(())
    }

    pub(super) fn is_prepared(&self) -> bool {
        self.is_set_up && self.n_built == self.destinations.len()
    }

    /// Whether anybody is charged for the payload.
    pub(super) fn is_charged(&self) -> bool {
        self.is_charged
    }

    fn n_carried(&self) -> usize {
        let n_objects = self.objects.as_ref().map_or(0, |objects| objects.len());
        self.sources.len().saturating_add(n_objects)
    }

    fn price(&self, n_data: usize) -> S::Amounts {
        price::<S>(self.n_carried() as u64, n_data as u64)
    }

    /// One piece of the preparation; `true` if it was the last.
    pub(super) fn prepare_piece(
        &mut self,
        sender: &PeerCore<S>,
        n_data: usize,
    ) -> Result<bool, Error> {
        let price = self.price(n_data);
        let n_destinations = self.destinations.len();
        if let Some(destination) = self.destinations.get_mut(self.n_charged) {
            self.is_charged |= destination.charge(sender, self.n_charged, &price)?;
            self.n_charged = self.n_charged.saturating_add(1);
            return Ok(false);
        }
        if !self.is_set_up {
            self.set_up(n_data)?;
            self.is_set_up = true;
        }
        if let Some(destination) = self.destinations.get_mut(self.n_built) {
            let built = destination.build(
                self.transaction.as_ref(),
                &self.sources,
                self.objects.as_ref(),
                if self.shared.is_some() { 0 } else { n_data },
            )?;
            if built == Built::Done {
                self.n_built = self.n_built.saturating_add(1);
            }
        }
        Ok(self.n_built == n_destinations)
    }

    /// Takes the memory of the payload and of the word.
    fn set_up(&mut self, n_data: usize) -> Result<(), Error> {
        // The payload of one message lies behind it, that of none is not kept.
        if self.is_charged && self.destinations.len() > 1 {
            self.shared = Some(Vacant::try_new(n_data)?.occupy(SharedPayload));
        }
        self.transaction = Some(Ref::try_new(Transaction::new())?);
        Ok(())
    }

    /// Writes the payload, as long as nobody else has it.
    pub(super) fn fill(&mut self) -> Option<Fill<'_>> {
        match &mut self.shared {
            Some(payload) => payload.fill(),
            None => self.destinations.first_mut()?.fill(),
        }
    }

    pub(super) fn stage(&mut self, budget: u32) -> Progress {
        for _ in 0..budget {
            let Some(destination) = self.destinations.get_mut(self.n_staged) else {
                break;
            };
            destination.stage(self.shared.as_ref());
            self.n_staged = self.n_staged.saturating_add(1);
            hook::point("send: stage");
        }
        if self.n_staged == self.destinations.len() {
            Progress::Done
        } else {
            Progress::More
        }
    }

    /// Decides under the sender's lock, if all that was looked up is still valid.
    pub(super) fn commit(&mut self, sender: &PeerCore<S>) -> Result<Effects<S>, Error> {
        while self.stage(u32::MAX) != Progress::Done {}
        if let Some(transaction) = self.transaction.as_ref().filter(|_| self.n_staged > 0) {
            let mut guard = sender.lock_settled();
            let (state, key) = guard.parts();
            if self.epoch != Some(state.epoch) {
                if let Some(error) = first_gone(state, key, &self.sources) {
                    return Err(error);
                }
                for (index, destination) in self.destinations.iter().enumerate() {
                    if !state.is_held(key, destination.handle()) {
                        let place = Place::Destination(index);
                        return Err(Error::UnknownId(place, destination.id()));
                    }
                }
            }
            state.decided = transaction.decide(state.decided);
        }
        hook::point("send: committed");
        let destinations = core::mem::take(&mut self.destinations);
        Ok(Effects::new(Work::Sweep(destinations)))
    }

    pub(super) fn undo(&mut self, n_data: usize) -> Effects<S> {
        Effects::new(Work::UndoSend {
            price: self.price(n_data),
            destinations: core::mem::take(&mut self.destinations),
        })
    }
}

/// The error of the first carried handle that was released since it was looked up.
fn first_gone<S: System>(
    state: &PeerState<S>,
    key: &mut Key,
    sources: &[Source<S>],
) -> Option<Error> {
    let index = sources
        .iter()
        .position(|(_, handle)| !state.is_held(key, handle))?;
    let (id, _) = sources.get(index)?;
    Some(Error::UnknownId(Place::Transfer(index), *id))
}
