//! SEND: one payload to n handles, one transaction.
//!
//! Phases: *preparing* (look up, charge, allocate, link; in pieces) → *prepared* (the payload is filled in) → *staged*
//! (entered at every queue, undecided; in pieces) → *committed*, which leaves [`Effects`]. Dropping any of them before the
//! commit undoes everything.
//!
//! A message to one destination that carries no handle needs no word: the receiver's lock decides it. Any other is decided by its
//! word under the sender's lock, which is also where releases of the sender are decided: so what was looked up is either still
//! valid at that instant, or the send fails.

mod destination;

use alloc::vec::Vec;

use destination::Built;
pub(crate) use destination::Destination;

use crate::effects::Work;
use crate::handle::Handle;
use crate::limits::{COPIES_MAX, DESTINATIONS_MAX, TRANSFERS_MAX};
use crate::mem::{Key, Ref};
use crate::message::{Payload, price};
use crate::peer::PeerCore;
use crate::peer::state::PeerState;
use crate::transaction::Transaction;
use crate::{Effects, Error, Id, Place, Progress, System, hook};

/// A message whose ids are looked up and whose memory is charged and set aside, piece by piece.
///
/// Order of calls (SND-5): all transfers, then all destinations, then [`PreparingSend::step`] until done.
#[must_use = "nothing is sent before the commit"]
pub struct PreparingSend<S: System> {
    job: Job<S>,
}

/// A message for which everything is set aside; its payload may be filled in.
#[must_use = "nothing is sent before the commit"]
pub struct PreparedSend<S: System> {
    job: Job<S>,
}

/// A message that is being entered at its queues, undecided: nobody can see it, and it blocks nobody (ORD-6).
#[must_use = "nothing is sent before the commit"]
pub struct StagedSend<S: System> {
    job: Job<S>,
}

/// What the phases hand on.
struct Job<S: System> {
    sender: Ref<PeerCore<S>>,
    /// The sender's epoch at the first look-up.
    epoch: Option<u64>,
    n_data: usize,
    sources: Vec<(Id, Ref<Handle<S>>)>,
    /// What the message carries of the embedder's, shared by all destinations.
    objects: Option<Ref<Vec<S::Object>>>,
    /// The only destination of a message that carries nothing.
    single: Option<Destination<S>>,
    /// The destinations of any other.
    many: Vec<Destination<S>>,
    transaction: Option<Ref<Transaction>>,
    payload: Payload,
    /// Destinations that are charged, built, staged.
    n_charged: usize,
    n_built: usize,
    n_staged: usize,
    /// A destination was charged for the payload.
    is_paid: bool,
    is_set_up: bool,
    is_over: bool,
}

impl<S: System> PreparingSend<S> {
    pub(crate) fn new(sender: Ref<PeerCore<S>>, n_data: usize) -> PreparingSend<S> {
        PreparingSend {
            job: Job {
                sender,
                epoch: None,
                n_data,
                sources: Vec::new(),
                objects: None,
                single: None,
                many: Vec::new(),
                transaction: None,
                payload: Payload::Own(Vec::new()),
                n_charged: 0,
                n_built: 0,
                n_staged: 0,
                is_paid: false,
                is_set_up: false,
                is_over: false,
            },
        }
    }

    /// Bytes of the lists that a message with so many carried handles and destinations keeps until it is sent, one for each of the two. They
    /// are taken by [`PreparingSend::transfers`] and [`PreparingSend::destinations`], before any receiver is charged: an embedder that holds
    /// its users to account charges them before it calls these.
    #[must_use]
    pub const fn list_bytes(n_transfers: usize, n_destinations: usize) -> [usize; 2] {
        [
            n_transfers.saturating_mul(size_of::<(Id, Ref<Handle<S>>)>()),
            n_destinations.saturating_mul(size_of::<Destination<S>>()),
        ]
    }

    /// Looks up the next carried handles, in order. May be called several times, before the destinations.
    ///
    /// # Errors
    /// [`Error::UnknownId`] with the place of the entry, [`Error::TooLong`] beyond 1024, [`Error::OutOfMemory`].
    pub fn transfers(&mut self, ids: &[Id]) -> Result<(), Error> {
        let job = &mut self.job;
        let n_before = job.sources.len();
        if n_before
            .saturating_add(ids.len())
            .saturating_add(job.n_objects())
            > TRANSFERS_MAX
        {
            return Err(Error::TooLong);
        }
        if ids.is_empty() {
            return Ok(());
        }
        job.sources
            .try_reserve(ids.len())
            .map_err(|_| Error::OutOfMemory)?;
        let mut guard = job.sender.lock_settled();
        let (state, key) = guard.parts();
        job.epoch.get_or_insert(state.epoch);
        for (index, &id) in ids.iter().enumerate() {
            let place = Place::Transfer(n_before.saturating_add(index));
            let handle = state.handle(key, id).ok_or(Error::UnknownId(place, id))?;
            job.sources.push((id, handle));
        }
        Ok(())
    }

    /// Lets the message carry these objects of the embedder's. Each is charged like a handle, for every destination. Once, before the
    /// destinations.
    ///
    /// # Errors
    /// [`Error::TooLong`] beyond 1024 handles and objects, [`Error::OutOfMemory`].
    pub fn objects(&mut self, objects: Vec<S::Object>) -> Result<(), Error> {
        if self.job.sources.len().saturating_add(objects.len()) > TRANSFERS_MAX {
            return Err(Error::TooLong);
        }
        self.job.objects = if objects.is_empty() {
            None
        } else {
            Some(Ref::try_new(objects)?)
        };
        Ok(())
    }

    /// Looks up the next destinations, in order. May be called several times.
    ///
    /// # Errors
    /// [`Error::UnknownId`] with the place of the entry; [`Error::TooLong`] beyond 1024 destinations or 4096 copies of handles;
    /// [`Error::OutOfMemory`].
    pub fn destinations(&mut self, ids: &[Id]) -> Result<(), Error> {
        let job = &mut self.job;
        let n_before = job.n_destinations();
        let n_after = n_before.saturating_add(ids.len());
        if n_after > DESTINATIONS_MAX || n_after.saturating_mul(job.n_carried()) > COPIES_MAX {
            return Err(Error::TooLong);
        }
        let is_single = n_after == 1 && job.sources.is_empty();
        if !is_single {
            let n_moved = usize::from(job.single.is_some());
            job.many
                .try_reserve(ids.len().saturating_add(n_moved))
                .map_err(|_| Error::OutOfMemory)?;
            job.many.extend(job.single.take());
        }
        let mut guard = job.sender.lock_settled();
        let (state, key) = guard.parts();
        job.epoch.get_or_insert(state.epoch);
        for (index, &id) in ids.iter().enumerate() {
            let place = Place::Destination(n_before.saturating_add(index));
            // A release since the look-up of the carried handles may have taken them too: then they are the first cause (SND-5).
            let handle = state.handle(key, id).ok_or_else(|| {
                first_gone(state, key, &job.sources).unwrap_or(Error::UnknownId(place, id))
            })?;
            let trace = handle.at_holder(key).trace.clone();
            let destination = Destination::new(id, handle, trace);
            if is_single {
                job.single = Some(destination);
            } else {
                job.many.push(destination);
            }
        }
        Ok(())
    }

    /// Charges and allocates, up to `budget` objects. First every message is charged, in array order, then memory is
    /// taken (ERR-4).
    ///
    /// # Errors
    /// [`Error::Quota`] with the destination, [`Error::OutOfMemory`], [`Error::UnknownId`] if a carried handle was released
    /// meanwhile. The value can then only be aborted or dropped.
    pub fn step(&mut self, budget: u32) -> Result<Progress, Error> {
        for _ in 0..budget {
            if self.job.prepare_piece()? {
                return Ok(Progress::Done);
            }
            hook::point("send: prepare");
        }
        Ok(if self.job.is_prepared() {
            Progress::Done
        } else {
            Progress::More
        })
    }

    /// Does what remains of the preparation.
    ///
    /// # Errors
    /// Those of [`PreparingSend::step`].
    pub fn prepared(mut self) -> Result<PreparedSend<S>, Error> {
        while self.step(u32::MAX)? != Progress::Done {}
        Ok(PreparedSend { job: self.job })
    }

    /// Gives everything back.
    pub fn abort(self) -> Effects<S> {
        let mut job = self.job;
        job.undo()
    }
}

impl<S: System> PreparedSend<S> {
    /// Bytes of payload that are kept: those of the message, or 0 if there is nobody to be charged for them, since every destination is
    /// dropped (SND-4) or there is none. The payload is empty then, whatever is written to it.
    #[must_use]
    pub fn n_kept(&self) -> usize {
        self.job.n_kept()
    }

    /// The payload: `n_data` bytes, zero where nothing was written yet.
    pub fn payload_mut(&mut self) -> &mut [u8] {
        self.payload_piece(usize::MAX)
    }

    /// The payload up to and with byte `n_bytes`, or all of it if it is shorter. Bytes that nobody asked for yet are made zero only now,
    /// so a long payload can be filled in pieces.
    pub fn payload_piece(&mut self, n_bytes: usize) -> &mut [u8] {
        let n_data = self.job.n_kept();
        let Some(bytes) = self.job.payload.bytes_mut() else {
            return &mut [];
        };
        let n_bytes = n_bytes.min(n_data).max(bytes.len());
        // Within the capacity, which was reserved when the message was prepared.
        bytes.resize(n_bytes, 0);
        bytes
    }

    /// Appends to the payload; what goes beyond `n_data` is left out.
    pub fn payload_extend(&mut self, piece: &[u8]) {
        let n_data = self.job.n_kept();
        let Some(bytes) = self.job.payload.bytes_mut() else {
            return;
        };
        let n_room = n_data.saturating_sub(bytes.len());
        // Within the capacity, as above.
        bytes.extend_from_slice(piece.get(..n_room.min(piece.len())).unwrap_or_default());
    }

    /// Goes on to the queues.
    pub fn stage(mut self) -> StagedSend<S> {
        self.payload_mut();
        StagedSend { job: self.job }
    }

    /// Gives everything back.
    pub fn abort(self) -> Effects<S> {
        let mut job = self.job;
        job.undo()
    }
}

impl<S: System> StagedSend<S> {
    /// Enters up to `budget` messages at their queues.
    pub fn step(&mut self, budget: u32) -> Progress {
        self.job.stage(budget)
    }

    /// Stages what is not staged yet and decides: the line of no return of SEND. On success the transaction has its place in
    /// the order of all transactions.
    ///
    /// # Errors
    /// [`Error::UnknownId`] if another call on the same peer released one of the ids meanwhile; the value can then only be
    /// aborted or dropped.
    pub fn commit(&mut self) -> Result<Effects<S>, Error> {
        self.job.commit()
    }

    /// Gives everything back.
    pub fn abort(self) -> Effects<S> {
        let mut job = self.job;
        job.undo()
    }
}

impl<S: System> Job<S> {
    fn n_destinations(&self) -> usize {
        self.many
            .len()
            .saturating_add(usize::from(self.single.is_some()))
    }

    fn n_kept(&self) -> usize {
        if self.is_paid { self.n_data } else { 0 }
    }

    fn is_prepared(&self) -> bool {
        self.is_set_up && self.n_built == self.n_destinations()
    }

    fn destination(&mut self, index: usize) -> Option<&mut Destination<S>> {
        self.single.as_mut().or_else(|| self.many.get_mut(index))
    }

    fn n_objects(&self) -> usize {
        self.objects.as_ref().map_or(0, |objects| objects.len())
    }

    fn n_carried(&self) -> usize {
        self.sources.len().saturating_add(self.n_objects())
    }

    fn price(&self) -> S::Amounts {
        price::<S>(self.n_carried() as u64, self.n_data as u64)
    }

    /// One piece of the preparation; `true` if it was the last.
    fn prepare_piece(&mut self) -> Result<bool, Error> {
        let n_destinations = self.n_destinations();
        if self.n_charged < n_destinations {
            let price = self.price();
            let index = self.n_charged;
            let destination = self.single.as_mut().or_else(|| self.many.get_mut(index));
            if let Some(destination) = destination {
                self.is_paid |= destination.charge(&self.sender, index, &price)?;
            }
            self.n_charged = index.saturating_add(1);
            return Ok(false);
        }
        if !self.is_set_up {
            self.set_up()?;
            self.is_set_up = true;
        }
        if self.n_built < n_destinations {
            let index = self.n_built;
            let destination = self.single.as_mut().or_else(|| self.many.get_mut(index));
            let built = match destination {
                Some(destination) => destination.build(
                    self.transaction.as_ref(),
                    &self.sources,
                    self.objects.as_ref(),
                )?,
                None => Built::Done,
            };
            if built == Built::Done {
                self.n_built = index.saturating_add(1);
            }
        }
        Ok(self.n_built == n_destinations)
    }

    /// Takes the memory of the payload and of the word.
    fn set_up(&mut self) -> Result<(), Error> {
        let mut bytes = Vec::new();
        bytes
            .try_reserve_exact(self.n_kept())
            .map_err(|_| Error::OutOfMemory)?;
        self.payload = if self.many.len() > 1 {
            Payload::Shared(Ref::try_new(bytes)?)
        } else {
            Payload::Own(bytes)
        };
        if !self.many.is_empty() {
            self.transaction = Some(Ref::try_new(Transaction::new())?);
        }
        Ok(())
    }

    fn stage(&mut self, budget: u32) -> Progress {
        let n_destinations = self.n_destinations();
        for _ in 0..budget {
            if self.n_staged == n_destinations {
                break;
            }
            let payload = self.payload.share();
            let (index, is_alone) = (self.n_staged, self.single.is_some());
            if let Some(destination) = self.destination(index) {
                destination.set_payload(payload);
                if !is_alone {
                    destination.stage();
                }
            }
            self.n_staged = index.saturating_add(1);
            hook::point("send: stage");
        }
        if self.n_staged == n_destinations {
            Progress::Done
        } else {
            Progress::More
        }
    }

    fn commit(&mut self) -> Result<Effects<S>, Error> {
        while self.stage(u32::MAX) != Progress::Done {}
        let work = if let Some(destination) = &mut self.single {
            let is_queued = destination.commit_alone()?;
            match destination.take_message() {
                Some(message) if is_queued => Work::Wake(message),
                Some(message) => Work::Drop(message),
                None => Work::Nothing,
            }
        } else {
            self.decide()?;
            Work::Sweep(core::mem::take(&mut self.many))
        };
        self.is_over = true;
        hook::point("send: committed");
        Ok(Effects::new(work))
    }

    /// Decides under the sender's lock, if all that was looked up is still valid.
    fn decide(&mut self) -> Result<(), Error> {
        let Some(transaction) = &self.transaction else {
            return Ok(());
        };
        let mut guard = self.sender.lock_settled();
        let (state, key) = guard.parts();
        if self.epoch != Some(state.epoch) {
            if let Some(error) = first_gone(state, key, &self.sources) {
                return Err(error);
            }
            for (index, destination) in self.many.iter().enumerate() {
                if !state.is_held(key, destination.handle()) {
                    return Err(Error::UnknownId(
                        Place::Destination(index),
                        destination.id(),
                    ));
                }
            }
        }
        state.decided = transaction.decide(state.decided);
        Ok(())
    }

    fn undo(&mut self) -> Effects<S> {
        if core::mem::replace(&mut self.is_over, true) {
            return Effects::new(Work::Nothing);
        }
        let price = self.price();
        let (single, destinations) = (self.single.take(), core::mem::take(&mut self.many));
        Effects::new(Work::UndoSend {
            price,
            single,
            destinations,
        })
    }
}

/// The error of the first carried handle that was released since it was looked up.
fn first_gone<S: System>(
    state: &PeerState<S>,
    key: &mut Key,
    sources: &[(Id, Ref<Handle<S>>)],
) -> Option<Error> {
    let index = sources
        .iter()
        .position(|(_, handle)| !state.is_held(key, handle))?;
    let (id, _) = sources.get(index)?;
    Some(Error::UnknownId(Place::Transfer(index), *id))
}

impl<S: System> Drop for Job<S> {
    fn drop(&mut self) {
        if !self.is_over {
            self.undo().finish_silently();
        }
    }
}
