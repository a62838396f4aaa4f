//! A message to several destinations, or that carries something: it is decided by a word, under the sender's lock, which is also where
//! releases of the sender are decided. So what was looked up is either still valid at that instant, or the send fails.

use alloc::vec::Vec;

use crate::effects::Work;
use crate::handle::Handle;
use crate::limits::{COPIES_MAX, DESTINATIONS_MAX, TRANSFERS_MAX};
use crate::mem::{Fill, Key, Ref, Vacant};
use crate::message::{SharedPayload, price};
use crate::peer::PeerCore;
use crate::peer::state::PeerState;
use crate::transaction::{Entering, Transaction};
use crate::{Effects, Error, Id, Place, Progress, System, hook};

use super::destination::{self, Built, Destination};
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
    /// Behind it lies the payload, unless that lies behind the only message or in `shared`.
    entering: Option<Entering>,
    /// The payload of several messages that carry handles.
    shared: Option<Ref<SharedPayload>>,
    /// Destinations that are charged, built, staged.
    n_charged: usize,
    n_built: usize,
    n_staged: usize,
    /// A destination was charged for the payload.
    is_charged: bool,
}

/// Sends `payload` and copies of the handles `transfers` to every one of `destinations`.
///
/// # Errors
/// Those of the phases.
pub(crate) fn send_many<S: System>(
    sender: &PeerCore<S>,
    destinations: &[Id],
    transfers: &[Id],
    payload: &[u8],
) -> Result<Effects<S>, Error> {
    let mut many = Many::new();
    let sent = many.send(sender, destinations, transfers, payload);
    if sent.is_err() {
        many.undo(payload.len()).finish_silently();
    }
    sent
}

impl<S: System> Many<S> {
    /// A message without destinations.
    pub(super) const fn new() -> Many<S> {
        Many {
            epoch: None,
            sources: Vec::new(),
            objects: None,
            destinations: Vec::new(),
            entering: None,
            shared: None,
            n_charged: 0,
            n_built: 0,
            n_staged: 0,
            is_charged: false,
        }
    }

    /// A message with the one destination that was looked up before it became clear that there are more.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub(super) fn from_one(one: One<S>) -> Result<Many<S>, Error> {
        let mut many = Many::new();
        many.destinations
            .try_reserve_exact(1)
            .map_err(|_| Error::OutOfMemory)?;
        many.epoch = Some(one.epoch);
        many.destinations.push(Destination::new(one.id, one.handle));
        Ok(many)
    }

    /// All phases.
    #[inline(always)]
    fn send(
        &mut self,
        sender: &PeerCore<S>,
        destinations: &[Id],
        transfers: &[Id],
        payload: &[u8],
    ) -> Result<Effects<S>, Error> {
        if !transfers.is_empty() {
            self.transfers(sender, transfers)?;
        }
        if !destinations.is_empty() {
            self.destinations(sender, destinations)?;
        }
        while self.prepare(sender, payload.len(), u32::MAX)? != Progress::Done {}
        if let Some(mut fill) = self.fill() {
            fill.extend(payload);
        }
        self.commit(sender)
    }

    pub(super) fn transfers(&mut self, sender: &PeerCore<S>, ids: &[Id]) -> Result<(), Error> {
        let n_before = self.sources.len();
        if self.n_carried().saturating_add(ids.len()) > TRANSFERS_MAX {
            return Err(Error::TooLong);
        }
        self.sources
            .try_reserve_exact(ids.len())
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

    /// Up to `budget` pieces of the preparation.
    #[inline(always)]
    pub(super) fn prepare(
        &mut self,
        sender: &PeerCore<S>,
        n_data: usize,
        budget: u32,
    ) -> Result<Progress, Error> {
        let mut n_left = budget;
        let price = self.price(n_data);
        // Of those that are charged together, how many must be charged one by one, since together they were too many.
        let mut n_single = 0_usize;
        while let Some(uncharged) = self.destinations.get_mut(self.n_charged..)
            && !uncharged.is_empty()
        {
            let n_most = if n_single > 0 { 1 } else { n_left as usize };
            if n_most == 0 {
                return Ok(Progress::More);
            }
            match destination::charge(uncharged, sender, n_most, &price) {
                Ok(run) => {
                    self.is_charged |= run.is_charged;
                    self.n_charged = self.n_charged.saturating_add(run.n);
                    n_single = n_single.saturating_sub(run.n);
                    n_left = n_left.saturating_sub(run.n as u32);
                    hook::point("send: prepare");
                }
                Err((_, n)) if n > 1 => n_single = n,
                Err((error, _)) => return Err(error.at_destination(self.n_charged)),
            }
        }
        if self.entering.is_none() {
            self.set_up(n_data)?;
        }
        let n_behind = if self.destinations.len() == 1 {
            n_data
        } else {
            0
        };
        let is_empty = self.n_carried() == 0;
        let unbuilt = self.destinations.get_mut(self.n_built..);
        for destination in unbuilt.unwrap_or_default() {
            loop {
                let Some(n) = n_left.checked_sub(1) else {
                    return Ok(Progress::More);
                };
                n_left = n;
                destination.build(n_behind)?;
                let is_built = is_empty || {
                    let word = self.entering.as_ref().map(|entering| &*entering.word);
                    destination.load(word, &self.sources, self.objects.as_ref())? == Built::Done
                };
                self.n_built = self.n_built.saturating_add(usize::from(is_built));
                hook::point("send: prepare");
                if is_built {
                    break;
                }
            }
        }
        Ok(Progress::Done)
    }

    /// Takes the memory of the word and of the payload. The payload of one message lies behind it, that of none is not kept.
    fn set_up(&mut self, n_data: usize) -> Result<(), Error> {
        let is_shared = self.is_charged && self.destinations.len() > 1;
        let n_shared = if is_shared { n_data } else { 0 };
        let is_apart = is_shared && !self.sources.is_empty();
        if is_apart {
            self.shared = Some(Vacant::try_new(n_data)?.occupy(SharedPayload));
        }
        let word = Transaction::try_new(if is_apart { 0 } else { n_shared })?;
        self.entering = Some(Entering::new(word));
        Ok(())
    }

    /// Writes the payload, as long as nobody else has it.
    pub(super) fn fill(&mut self) -> Option<Fill<'_>> {
        match (&mut self.shared, &mut self.destinations[..]) {
            (Some(payload), _) => payload.fill(),
            (None, []) => None,
            (None, [destination]) => destination.fill(),
            (None, _) => self.entering.as_mut()?.word.object_mut().fill(),
        }
    }

    #[inline(always)]
    pub(super) fn stage(&mut self, budget: u32) -> Progress {
        let Some(entering) = &mut self.entering else {
            return Progress::Done;
        };
        if self.n_staged == 0 {
            entering.word.fill_up(self.destinations.len());
        }
        let unstaged = self.destinations.get_mut(self.n_staged..);
        let budget = usize::try_from(budget).unwrap_or(usize::MAX);
        for destination in unstaged.unwrap_or_default().iter_mut().take(budget) {
            destination.stage(entering, self.shared.as_ref());
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
        if let Some(entering) = &self.entering {
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
            state.decided = entering.word.decide(state.decided);
        }
        if S::is_traced() {
            let destinations = self.destinations.iter();
            destinations.for_each(|destination| destination.tell(sender));
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
