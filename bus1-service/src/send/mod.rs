//! SEND: one payload to n handles, one transaction.
//!
//! Phases: *preparing* (look up, charge, allocate, link; in pieces) → *prepared* (the payload is filled in) → *staged*
//! (entered at every queue, undecided; in pieces) → *committed*, which leaves [`Effects`]. Dropping any of them before the
//! commit undoes everything.
//!
//! A message to one destination that carries no handle ([`One`]) is decided by the receiver's lock; any other ([`Many`]) by a
//! word. With all phases at once a short one to one destination or to two is sent in one nest of sections ([`send_one`], [`pair`]), and one to a
//! few keeps what it knows on the stack ([`send_few`]).

mod at_once;
mod destination;
mod entered;
mod few;
mod many;
mod one;
mod pair;

use alloc::vec::Vec;

pub(crate) use at_once::{send_one, send_unawaited};
pub(crate) use destination::Destination;
pub(crate) use few::{FewMessages, is_few, send_few, sweep_few};
use many::Source;
pub(crate) use many::{Many, send_many};
use one::One;

use crate::mem::{Fill, Ref, Unique};
use crate::peer::PeerCore;
use crate::{Effects, Error, Id, Progress, System};

/// Most bytes of a short message, which goes ways of its own.
const SHORT_MAX: usize = 256;

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
    n_data: usize,
    plan: Plan<S>,
}

/// How the message is sent.
enum Plan<S: System> {
    /// Nothing is looked up yet, or everything is over.
    Nothing,
    One(One<S>),
    Many(Unique<Many<S>>),
}

impl<S: System> PreparingSend<S> {
    pub(crate) fn new(sender: Ref<PeerCore<S>>, n_data: usize) -> PreparingSend<S> {
        let plan = Plan::Nothing;
        PreparingSend {
            job: Job {
                sender,
                n_data,
                plan,
            },
        }
    }

    /// Bytes of the lists that a message with so many carried handles and destinations keeps until it is sent: their heads, and one for each
    /// of the two. They are taken by [`PreparingSend::transfers`] and [`PreparingSend::destinations`], before any receiver is charged: an
    /// embedder that holds its users to account charges them before it calls these.
    #[must_use]
    pub const fn list_bytes(n_transfers: usize, n_destinations: usize) -> [usize; 3] {
        if n_transfers == 0 && n_destinations <= 1 {
            return [0; 3];
        }
        [
            Unique::<Many<S>>::N_BYTES,
            n_transfers.saturating_mul(size_of::<Source<S>>()),
            n_destinations.saturating_mul(size_of::<Destination<S>>()),
        ]
    }

    /// Looks up the next carried handles, in order. May be called several times, before the destinations.
    ///
    /// # Errors
    /// [`Error::UnknownId`] with the place of the entry, [`Error::TooLong`] beyond 1024, [`Error::OutOfMemory`].
    pub fn transfers(&mut self, ids: &[Id]) -> Result<(), Error> {
        if ids.is_empty() {
            return Ok(());
        }
        let Job { sender, plan, .. } = &mut self.job;
        plan.many()?.transfers(sender, ids)
    }

    /// Lets the message carry these objects of the embedder's. Each is charged like a handle, for every destination. Once, before the
    /// destinations.
    ///
    /// # Errors
    /// [`Error::TooLong`] beyond 1024 handles and objects, [`Error::OutOfMemory`].
    pub fn objects(&mut self, objects: Vec<S::Object>) -> Result<(), Error> {
        if objects.is_empty() {
            return Ok(());
        }
        self.job.plan.many()?.objects(objects)
    }

    /// Looks up the next destinations, in order. May be called several times.
    ///
    /// # Errors
    /// [`Error::UnknownId`] with the place of the entry; [`Error::TooLong`] beyond 1024 destinations or 4096 copies of handles;
    /// [`Error::OutOfMemory`].
    pub fn destinations(&mut self, ids: &[Id]) -> Result<(), Error> {
        let Job { sender, plan, .. } = &mut self.job;
        match (&*plan, ids) {
            (_, []) => Ok(()),
            (Plan::Nothing, &[id]) => {
                *plan = Plan::One(One::look_up(sender, id)?);
                Ok(())
            }
            _ => plan.many()?.destinations(sender, ids),
        }
    }

    /// Charges and allocates, up to `budget` objects. First every message is charged, in array order, then memory is
    /// taken (ERR-4).
    ///
    /// # Errors
    /// [`Error::Quota`] with the destination, [`Error::OutOfMemory`], [`Error::UnknownId`] if a carried handle was released
    /// meanwhile. The value can then only be aborted or dropped.
    pub fn step(&mut self, budget: u32) -> Result<Progress, Error> {
        self.job.prepare(budget)
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
        let has_payer = match &self.job.plan {
            Plan::Nothing => false,
            Plan::One(one) => one.is_charged(),
            Plan::Many(many) => many.is_charged(),
        };
        if has_payer { self.job.n_data } else { 0 }
    }

    /// The payload: `n_data` bytes, zero where nothing was written yet.
    pub fn payload_mut(&mut self) -> &mut [u8] {
        self.payload_piece(usize::MAX)
    }

    /// The payload up to and with byte `n_bytes`, or all of it if it is shorter. Bytes that nobody asked for yet are made zero only now,
    /// so a long payload can be filled in pieces.
    pub fn payload_piece(&mut self, n_bytes: usize) -> &mut [u8] {
        let fill = self.job.fill();
        fill.map(|fill| fill.zeroed(n_bytes)).unwrap_or_default()
    }

    /// Appends to the payload; what goes beyond `n_data` is left out.
    pub fn payload_extend(&mut self, piece: &[u8]) {
        if let Some(mut fill) = self.job.fill() {
            fill.extend(piece);
        }
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

impl<S: System> Plan<S> {
    /// The plan for a message that is not to one destination alone, or carries something.
    fn many(&mut self) -> Result<&mut Many<S>, Error> {
        if !matches!(self, Plan::Many(_)) {
            let many = match core::mem::replace(self, Plan::Nothing) {
                Plan::One(one) => Many::from_one(one)?,
                _ => Many::new(),
            };
            *self = Plan::Many(Unique::try_new(many)?);
        }
        match self {
            Plan::Many(many) => Ok(many),
            _ => Err(Error::OutOfMemory),
        }
    }
}

impl<S: System> Job<S> {
    fn prepare(&mut self, budget: u32) -> Result<Progress, Error> {
        match &mut self.plan {
            Plan::Many(many) => return many.prepare(&self.sender, self.n_data, budget),
            Plan::One(one) if !one.is_prepared() => {
                if budget == 0 {
                    return Ok(Progress::More);
                }
                one.prepare(&self.sender, self.n_data)?;
            }
            Plan::One(_) | Plan::Nothing => {}
        }
        Ok(Progress::Done)
    }

    fn fill(&mut self) -> Option<Fill<'_>> {
        match &mut self.plan {
            Plan::Nothing => None,
            Plan::One(one) => one.fill(),
            Plan::Many(many) => many.fill(),
        }
    }

    fn stage(&mut self, budget: u32) -> Progress {
        match &mut self.plan {
            Plan::Many(many) => many.stage(budget),
            Plan::Nothing | Plan::One(_) => Progress::Done,
        }
    }

    fn commit(&mut self) -> Result<Effects<S>, Error> {
        match &mut self.plan {
            Plan::Many(many) => {
                let effects = many.commit(&self.sender)?;
                self.plan = Plan::Nothing;
                Ok(effects)
            }
            plan => match core::mem::replace(plan, Plan::Nothing) {
                Plan::One(one) => one.commit(&self.sender),
                _ => Ok(Effects::none()),
            },
        }
    }

    fn undo(&mut self) -> Effects<S> {
        match core::mem::replace(&mut self.plan, Plan::Nothing) {
            Plan::Nothing => Effects::none(),
            Plan::One(one) => {
                one.undo();
                Effects::none()
            }
            Plan::Many(mut many) => many.undo(self.n_data),
        }
    }
}

impl<S: System> Drop for Job<S> {
    fn drop(&mut self) {
        if !matches!(self.plan, Plan::Nothing) {
            self.undo().finish_silently();
        }
    }
}
