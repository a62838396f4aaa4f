//! TRANSFER: handles from one peer to another, at one instant on both (TRA rules).
//!
//! Phases: *preparing* (look up, charge, allocate, link; in pieces) → *prepared* (the new ids are known, but answer to nothing) →
//! *committed*. Dropping one of the first two undoes everything. The transaction is decided under the source's lock, where the
//! new nodes become known; at the destination it is a [`Grant`], which takes effect when that queue is settled: so nobody sees one
//! without the other.

mod entry;
mod grant;

use alloc::vec::Vec;

pub(crate) use entry::Entry;
pub(crate) use grant::Grant;

use crate::effects::Work;
use crate::handle::Handle;
use crate::limits::TRANSFERS_MAX;
use crate::mem::Ref;
use crate::peer::PeerCore;
use crate::queue::Member;
use crate::transaction::Transaction;
use crate::{Effects, Error, Id, Place, Progress, System, hook, trace};

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
    job: Job<S>,
}

/// A transfer for which everything is set aside: the new ids are known but name nothing before the commit.
#[must_use = "nothing is transferred before the commit"]
pub struct PreparedTransfer<S: System> {
    job: Job<S>,
}

/// What the phases hand on.
struct Job<S: System> {
    from: Ref<PeerCore<S>>,
    to: Ref<PeerCore<S>>,
    /// The source peer's epoch at the first look-up.
    epoch: Option<u64>,
    entries: Vec<Entry<S>>,
    transaction: Option<Ref<Transaction>>,
    grant: Option<Ref<Grant<S>>>,
    n_charged: usize,
    n_built: usize,
    is_over: bool,
}

impl<S: System> PreparingTransfer<S> {
    pub(crate) fn new(from: Ref<PeerCore<S>>, to: Ref<PeerCore<S>>) -> PreparingTransfer<S> {
        let entries = Vec::new();
        PreparingTransfer {
            job: Job {
                from,
                to,
                epoch: None,
                entries,
                transaction: None,
                grant: None,
                n_charged: 0,
                n_built: 0,
                is_over: false,
            },
        }
    }

    /// Bytes of the lists that a transfer of so many entries keeps: one of its own from [`PreparingTransfer::reserve`] on, and one for the
    /// receiver. An embedder that holds its users to account charges them before.
    #[must_use]
    pub const fn list_bytes(n_transfers: usize) -> [usize; 2] {
        [
            n_transfers.saturating_mul(size_of::<Entry<S>>()),
            n_transfers.saturating_mul(size_of::<Ref<Handle<S>>>()),
        ]
    }

    /// Takes the memory for `n_transfers` entries at once.
    ///
    /// # Errors
    /// [`Error::TooLong`] beyond 1024, [`Error::OutOfMemory`].
    pub fn reserve(&mut self, n_transfers: usize) -> Result<(), Error> {
        if n_transfers > TRANSFERS_MAX {
            return Err(Error::TooLong);
        }
        let entries = &mut self.job.entries;
        entries
            .try_reserve_exact(n_transfers.saturating_sub(entries.len()))
            .map_err(|_| Error::OutOfMemory)
    }

    /// Looks up the next entries, in order. May be called several times.
    ///
    /// # Errors
    /// [`Error::UnknownId`] with the place of the entry, [`Error::TooLong`] beyond 1024, [`Error::OutOfMemory`].
    pub fn sources(&mut self, sources: &[Source]) -> Result<(), Error> {
        let job = &mut self.job;
        let n_before = job.entries.len();
        if n_before.saturating_add(sources.len()) > TRANSFERS_MAX {
            return Err(Error::TooLong);
        }
        job.entries
            .try_reserve(sources.len())
            .map_err(|_| Error::OutOfMemory)?;
        let mut guard = job.from.lock_settled();
        let (state, key) = guard.parts();
        job.epoch.get_or_insert(state.epoch);
        for (index, &source) in sources.iter().enumerate() {
            let original = match source {
                Source::Create => None,
                Source::Copy(id) => {
                    let place = Place::Transfer(n_before.saturating_add(index));
                    Some((
                        id,
                        state.handle(key, id).ok_or(Error::UnknownId(place, id))?,
                    ))
                }
            };
            job.entries
                .push(Entry::new(job.from.clone(), job.to.clone(), original));
        }
        Ok(())
    }

    /// Charges and allocates, up to `budget` entries; first all are charged, in order, then memory is taken.
    ///
    /// # Errors
    /// [`Error::Quota`], [`Error::OutOfMemory`], [`Error::UnknownId`] if a source was released meanwhile. The value can then only be
    /// aborted or dropped.
    pub fn step(&mut self, budget: u32) -> Result<Progress, Error> {
        for _ in 0..budget {
            if self.job.prepare_piece()? {
                return Ok(Progress::Done);
            }
            hook::point("transfer: prepare");
        }
        Ok(if self.job.grant.is_some() {
            Progress::Done
        } else {
            Progress::More
        })
    }

    /// Does what remains of the preparation.
    ///
    /// # Errors
    /// Those of [`PreparingTransfer::step`].
    pub fn prepared(mut self) -> Result<PreparedTransfer<S>, Error> {
        while self.step(u32::MAX)? != Progress::Done {}
        Ok(PreparedTransfer { job: self.job })
    }

    /// Gives everything back.
    pub fn abort(self) -> Effects<S> {
        let mut job = self.job;
        job.undo()
    }
}

impl<S: System> PreparedTransfer<S> {
    /// How many entries it has.
    #[must_use]
    pub fn n_transfers(&self) -> usize {
        self.job.entries.len()
    }

    /// The id that the node made for entry `index` will have on the source peer; `None` if the entry is a copy.
    #[must_use]
    pub fn node(&self, index: usize) -> Option<Id> {
        self.job.entries.get(index)?.node_id()
    }

    /// The id that the handle of entry `index` will have on the destination peer.
    #[must_use]
    pub fn handle(&self, index: usize) -> Option<Id> {
        self.job.entries.get(index)?.handle_id()
    }

    /// The line of no return of TRANSFER.
    ///
    /// # Errors
    /// [`Error::UnknownId`] if another call on the source peer released a source meanwhile; the value can then only be aborted
    /// or dropped.
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
    /// One piece of the preparation; `true` if it was the last.
    fn prepare_piece(&mut self) -> Result<bool, Error> {
        if let Some(entry) = self.entries.get_mut(self.n_charged) {
            entry.charge(self.n_charged)?;
            self.n_charged = self.n_charged.saturating_add(1);
            return Ok(false);
        }
        let transaction = match &self.transaction {
            Some(transaction) => transaction,
            None => self.transaction.insert(Transaction::try_new(0)?),
        };
        if let Some(entry) = self.entries.get_mut(self.n_built) {
            entry.build(self.n_built, transaction)?;
            self.n_built = self.n_built.saturating_add(1);
            return Ok(false);
        }
        if self.grant.is_none() {
            let mut handles = Vec::new();
            handles
                .try_reserve_exact(self.entries.len())
                .map_err(|_| Error::OutOfMemory)?;
            handles.extend(
                self.entries
                    .iter()
                    .filter_map(|entry| entry.handle().cloned()),
            );
            self.grant = Some(Ref::try_new(Grant::new(
                self.to.clone(),
                transaction.clone(),
                handles,
            ))?);
        }
        Ok(true)
    }

    fn commit(&mut self) -> Result<Effects<S>, Error> {
        let Some(grant) = self.grant.clone().filter(|_| !self.entries.is_empty()) else {
            self.is_over = true;
            return Ok(Effects::none());
        };
        {
            let mut guard = self.to.lock_settled();
            let (state, key) = guard.parts();
            state.queue.stage(key, Member::Grant(grant.clone()));
        }
        hook::point("transfer: staged");
        if let Err(error) = self.decide(&grant) {
            let mut guard = self.to.lock.lock();
            let (state, key) = guard.parts();
            state.queue.withdraw(key, &Member::Grant(grant));
            return Err(error);
        }
        hook::point("transfer: decided");
        self.is_over = true;
        let entries = core::mem::take(&mut self.entries);
        if S::is_traced() {
            let handles = entries.iter().filter_map(Entry::handle_id);
            handles.for_each(|id| trace::transferred(&self.from, &self.to, id));
        }
        Ok(Effects::new(Work::Arrive(Some(self.to.clone()), entries)))
    }

    /// Decides under the source's lock, if all sources are still valid; the new nodes are known from here on.
    fn decide(&mut self, grant: &Grant<S>) -> Result<(), Error> {
        let mut guard = self.from.lock_settled();
        let (state, key) = guard.parts();
        if self.epoch != Some(state.epoch) {
            for (index, entry) in self.entries.iter().enumerate() {
                if let Some((id, original)) = entry.original()
                    && !state.is_held(key, original)
                {
                    return Err(Error::UnknownId(Place::Transfer(index), *id));
                }
            }
        }
        state.decided = grant.transaction().decide(state.decided);
        for entry in &self.entries {
            entry.publish(state);
        }
        Ok(())
    }

    fn undo(&mut self) -> Effects<S> {
        if core::mem::replace(&mut self.is_over, true) {
            return Effects::none();
        }
        if let Some(grant) = self.grant.as_mut().and_then(Ref::get_mut) {
            grant.state_mut().handles.clear();
        }
        Effects::new(Work::UndoTransfer(core::mem::take(&mut self.entries)))
    }
}

impl<S: System> Drop for Job<S> {
    fn drop(&mut self) {
        if !self.is_over {
            self.undo().finish_silently();
        }
    }
}
