//! The commands, made of the core in every manner it offers: in one call or in phases, with an allocation refused, given up on the
//! way, and with something else between two phases.

use std::cell::RefCell;

use bus1_model::{Call, Entry, Outcome, Source as ModelSource};
use bus1_service::{Effects, Error, Glance, Id, Progress, Received, Receiving, Source, Wake};

use crate::allocator::refusing;
use crate::documented::Reached;
use crate::evidence::stage::{Host, Stage, Woken, to_failure, to_ids, to_kind};
use crate::phases::{self, Ended};

/// How a command is made.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner {
    /// In phases, with pieces of this size; 0 is in one call.
    pub(crate) piece: usize,
    /// The allocation of the core that is refused, counted from 0.
    pub(crate) refused: Option<usize>,
    /// The phase behind which it is given up, counted from 0.
    pub(crate) given_up_at: Option<usize>,
    /// RECV in one call looks first whether a short message is there.
    pub(crate) glances: bool,
}

/// What came of it.
pub(crate) enum Made {
    /// The command ended.
    Outcome(Outcome),
    /// An allocation was refused, and it said so.
    Refused,
    /// It was given up.
    GivenUp,
}

/// What happens between two phases; it is told how many are over.
pub(crate) type Between<'a> = &'a mut dyn FnMut(usize);

/// Makes commands, and notes whom they woke and what errors were reached.
pub(crate) struct Caller<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) reached: &'a RefCell<Reached>,
    pub(crate) woken: &'a RefCell<Woken>,
}

/// The function that failed, and how.
type Failed = (&'static str, Error);

impl Caller<'_> {
    /// Makes `call`.
    pub(crate) fn make(&self, call: &Call, manner: Manner, between: Between<'_>) -> Made {
        let (was_refused, result) = match call {
            Call::Transfer { from, to, sources } => {
                self.transfer([*from, *to], sources, manner, between)
            }
            Call::Send {
                peer,
                destinations,
                transfers,
                payload,
            } => self.send(
                *peer,
                [&to_ids(destinations), &to_ids(transfers)],
                payload,
                manner,
                between,
            ),
            Call::Release { peer, ids } => {
                (false, self.release(*peer, &to_ids(ids), manner).map(Some))
            }
            Call::Recv { peer } if manner.piece == 0 => (false, self.recv(*peer, manner).map(Some)),
            Call::Recv { peer } | Call::Discard { peer } => {
                let is_wanted = matches!(call, Call::Recv { .. });
                (
                    false,
                    self.recv_in_phases(*peer, is_wanted, manner, between),
                )
            }
            Call::Close { peer } => (false, Ok(Some(self.close(*peer, manner)))),
        };
        match result {
            Ok(Some(outcome)) => Made::Outcome(outcome),
            Ok(None) => Made::GivenUp,
            Err((function, error)) => {
                self.reached.borrow_mut().note(function, &error);
                // A short message takes its memory first, and tells of it last (SND-5): another cause comes before.
                if error == Error::OutOfMemory {
                    assert!(was_refused, "{function} gave {error:?}");
                    return Made::Refused;
                }
                Made::Outcome(Outcome::Failed(to_failure(error)))
            }
        }
    }

    fn wake(&self, peer: usize) {
        self.woken.borrow_mut().insert(peer);
    }

    /// Does `work`, and notes whom it wakes, which takes no memory while it works.
    fn waking<R>(&self, work: impl FnOnce(&mut dyn FnMut(&usize, Wake)) -> R) -> R {
        let mut woken = [false; 64];
        let result = work(&mut |peer, _| woken[*peer] = true);
        let woken = woken.iter().enumerate().filter(|(_, is_woken)| **is_woken);
        woken.for_each(|(number, _)| self.wake(number));
        result
    }

    fn finish(&self, mut effects: Effects<Host>, manner: Manner) {
        let budget = if manner.piece == 0 { u32::MAX } else { 1 };
        while effects.step(budget, &mut |peer, _| self.wake(*peer)) != Progress::Done {}
    }

    fn send(
        &self,
        peer: usize,
        [destinations, transfers]: [&[Id]; 2],
        payload: &[u8],
        manner: Manner,
        between: Between<'_>,
    ) -> (bool, Result<Option<Outcome>, Failed>) {
        let peer = &self.stage.peers[peer];
        let (was_refused, ended) = refuse(manner, || {
            if manner.piece > 0 {
                return phases::send(peer, [destinations, transfers], payload, manner, between);
            }
            match peer.send(destinations, transfers, payload) {
                Ok(effects) => Ended::Done(effects),
                Err(error) => Ended::Failed("Peer::send", error, None),
            }
        });
        (was_refused, self.end(ended, manner, || Outcome::Done))
    }

    fn transfer(
        &self,
        [from, to]: [usize; 2],
        sources: &[ModelSource],
        manner: Manner,
        between: Between<'_>,
    ) -> (bool, Result<Option<Outcome>, Failed>) {
        let (from, to) = (&self.stage.peers[from], &self.stage.peers[to]);
        let sources: Vec<_> = sources
            .iter()
            .map(|source| match source {
                ModelSource::Create => Source::Create,
                ModelSource::Copy(id) => Source::Copy(Id::from_u64(*id)),
            })
            .collect();
        let mut nodes = vec![None; sources.len()];
        let mut handles = vec![Id::INVALID; sources.len()];
        let (was_refused, ended) = refuse(manner, || {
            let mut outputs = (nodes.as_mut_slice(), handles.as_mut_slice());
            if manner.piece > 0 {
                return phases::transfer([from, to], &sources, outputs, manner, between);
            }
            if let ([Source::Create], ([node], [handle])) = (sources.as_slice(), &mut outputs) {
                return match from.create_node(to) {
                    Ok((new_node, new_handle)) => {
                        (*node, *handle) = (Some(new_node), new_handle);
                        Ended::Whole
                    }
                    Err(error) => Ended::Failed("Peer::create_node", error, None),
                };
            }
            match from.transfer(to, &sources, outputs.0, outputs.1) {
                Ok(effects) => Ended::Done(effects),
                Err(error) => Ended::Failed("Peer::transfer", error, None),
            }
        });
        let outcome = || Outcome::Transferred {
            nodes: nodes.iter().map(|id| id.map(Id::as_u64)).collect(),
            handles: handles.iter().map(|id| id.as_u64()).collect(),
        };
        (was_refused, self.end(ended, manner, outcome))
    }

    /// Finishes what a command left to do, and says what came of it.
    fn end(
        &self,
        ended: Ended,
        manner: Manner,
        outcome: impl FnOnce() -> Outcome,
    ) -> Result<Option<Outcome>, Failed> {
        match ended {
            Ended::Done(effects) => {
                self.finish(effects, manner);
                Ok(Some(outcome()))
            }
            Ended::Whole => Ok(Some(outcome())),
            Ended::GivenUp(effects) => {
                self.finish(effects, manner);
                Ok(None)
            }
            Ended::Failed(function, error, effects) => {
                if let Some(effects) = effects {
                    self.finish(effects, manner);
                }
                Err((function, error))
            }
        }
    }

    fn release(&self, peer: usize, ids: &[Id], manner: Manner) -> Result<Outcome, Failed> {
        let peer = &self.stage.peers[peer];
        if manner.piece == 0 {
            let released = self.waking(|wake| without_memory(|| peer.release(ids, wake)));
            released.map_err(|error| ("Peer::release", error))?;
            return Ok(Outcome::Done);
        }
        let begun = without_memory(|| peer.begin_release(ids));
        begun.map_err(|error| ("Peer::begin_release", error))?;
        self.work(peer, manner);
        Ok(Outcome::Done)
    }

    fn close(&self, peer: usize, manner: Manner) -> Outcome {
        let peer = &self.stage.peers[peer];
        assert!(without_memory(|| peer.begin_close()));
        self.work(peer, manner);
        assert!(peer.is_hung_up());
        Outcome::Done
    }

    /// Pushes on what a release or closing has begun, to the end, without memory (REL-3, CLO-4).
    pub(crate) fn work(&self, peer: &bus1_service::Peer<Host>, manner: Manner) {
        let budget = if manner.piece == 0 { u32::MAX } else { 1 };
        loop {
            match self.waking(|wake| without_memory(|| peer.work(budget, wake))) {
                Progress::Done => return,
                Progress::More => {}
                Progress::Busy => panic!("the only thread is in the middle of a batch"),
            }
        }
    }

    /// In one call, or with a glance before it.
    fn recv(&self, peer: usize, manner: Manner) -> Result<Outcome, Failed> {
        let peer = &self.stage.peers[peer];
        let glance = if manner.glances {
            without_memory(|| peer.glance(32))
        } else {
            Glance::Other
        };
        let received = match glance {
            Glance::Small(received) => Ok(received),
            Glance::Nothing | Glance::Other => without_memory(|| peer.recv()),
        };
        let received = received.map_err(|error| ("Peer::recv", error))?;
        Ok(Outcome::Received(entry_of(&received)))
    }

    fn recv_in_phases(
        &self,
        peer: usize,
        is_wanted: bool,
        manner: Manner,
        between: Between<'_>,
    ) -> Result<Option<Outcome>, Failed> {
        loop {
            let receiving = without_memory(|| self.stage.peers[peer].begin_recv());
            let receiving = receiving.map_err(|error| ("Peer::begin_recv", error))?;
            let entry = entry_in_phases(&receiving, is_wanted);
            between(0);
            if manner.given_up_at.is_some() {
                return Ok(None);
            }
            let (function, taken) = if is_wanted {
                ("Receiving::commit", without_memory(|| receiving.commit()))
            } else {
                ("Receiving::discard", without_memory(|| receiving.discard()))
            };
            match taken {
                Ok(effects) => {
                    self.finish(effects, manner);
                    return Ok(Some(Outcome::Received(entry)));
                }
                Err(bus1_service::Retry) => self.reached.borrow_mut().note_retry(function),
            }
        }
    }
}

fn entry_of(received: &Received<Host>) -> Entry {
    Entry {
        kind: to_kind(received.kind()),
        id: received.metadata().id.as_u64(),
        account: received.metadata().account.map(|number| number.as_u64()),
        payload: received.payload().to_vec(),
        transfers: received.transfers().iter().map(|id| id.as_u64()).collect(),
    }
}

fn entry_in_phases(receiving: &Receiving<Host>, is_wanted: bool) -> Entry {
    let ids = (0..receiving.n_transfers()).filter_map(|index| receiving.transfer(index));
    let ids: Vec<_> = ids.map(Id::as_u64).collect();
    Entry {
        kind: to_kind(receiving.kind()),
        id: receiving.metadata().id.as_u64(),
        account: receiving.metadata().account.map(|number| number.as_u64()),
        payload: receiving.payload().to_vec(),
        transfers: if is_wanted { ids } else { Vec::new() },
    }
}

/// Does `work` with an allocation refused, if the manner says so; and whether one was.
fn refuse<R>(manner: Manner, work: impl FnOnce() -> R) -> (bool, R) {
    match manner.refused {
        Some(n) => refusing(n, work),
        None => (false, work()),
    }
}

/// Does `work`, which must not allocate.
pub(crate) fn without_memory<R>(work: impl FnOnce() -> R) -> R {
    let (was_refused, result) = refusing(0, work);
    assert!(
        !was_refused,
        "an allocation was tried (REL-3, ACC-3, CLO-4)"
    );
    result
}
