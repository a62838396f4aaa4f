//! Where calls meet the core: peers and accounts by number, calls and outcomes in the words of the model.

use std::collections::{BTreeMap, BTreeSet};

use crate::sched;
use bus1_model as model;
use bus1_model::{Call, Entry, Failure, Kind, Outcome, PeerState};
use bus1_service::{
    Account, Effects, EntryInfo, Error, Handed, Id, ObjectInfo, Peer, Place, Progress, Source,
    System, Wake,
};

/// The embedding system of the tests: what is attached to a peer is its number.
pub(crate) struct Host;

impl System for Host {
    type Object = ();
    type Watch = usize;
    type Amounts = [u64; 2];
}

/// Entries of a queue that can be read out.
const QUEUE_READ: usize = 64;

/// Peers that were reported as woken.
pub(crate) type Woken = BTreeSet<usize>;

/// The core's side of a [`model::World`].
pub(crate) struct Stage {
    root: Account<Host>,
    pub(crate) accounts: Vec<Account<Host>>,
    pub(crate) peers: Vec<Peer<Host>>,
}

impl Stage {
    /// Accounts with these maxima, and one peer for each entry of `peers`, which names its account.
    pub(crate) fn new(maxima: &[[u64; 2]], peers: &[usize]) -> Stage {
        let root = Account::root([1 << 50, 1 << 50]).expect("a root account");
        let actor = root.actor();
        let accounts: Vec<_> = maxima
            .iter()
            .map(|maxima| root.child(&actor, *maxima).expect("an account"))
            .collect();
        let peers = peers
            .iter()
            .enumerate()
            .map(|(number, &account)| Peer::new(&accounts[account], number).expect("a peer"))
            .collect();
        Stage {
            root,
            accounts,
            peers,
        }
    }

    /// The same in the model, with the account numbers that the core chose.
    pub(crate) fn world(&self, peers: &[usize]) -> model::World {
        let accounts = self.accounts.iter().map(|account| {
            let info = account.inspect();
            model::Account::new(info.number.as_u64(), info.maxima)
        });
        let mut world = model::World::new(accounts.collect());
        for &account in peers {
            world.create_peer(account).expect("a peer");
        }
        world
    }

    /// Makes `call`, all of it, and notes whom it woke.
    pub(crate) fn call(&self, call: &Call, woken: &mut Woken) -> Outcome {
        let outcome = match call {
            Call::Transfer { from, to, sources } => self.transfer(*from, *to, sources, woken),
            Call::Release { peer, ids } => {
                let mut wake = |number: &usize, _: Wake| {
                    woken.insert(*number);
                };
                self.peers[*peer]
                    .release(&to_ids(ids), &mut wake)
                    .map(|()| Outcome::Done)
            }
            Call::Send {
                peer,
                destinations,
                transfers,
                payload,
            } => self.peers[*peer]
                .send(&to_ids(destinations), &to_ids(transfers), payload)
                .map(|effects| finish(effects, woken)),
            Call::Recv { peer } => self.peers[*peer].recv().map(|received| {
                let metadata = received.metadata();
                Outcome::Received(Entry {
                    kind: to_kind(received.kind()),
                    id: metadata.id.as_u64(),
                    account: metadata.account.map(|number| number.as_u64()),
                    payload: received.payload().to_vec(),
                    transfers: received.transfers().iter().map(|id| id.as_u64()).collect(),
                })
            }),
            Call::Discard { peer } => self.discard(*peer, woken),
            Call::Close { peer } => Ok(self.close(*peer, woken)),
        };
        outcome.unwrap_or_else(|error| Outcome::Failed(to_failure(error)))
    }

    fn transfer(
        &self,
        from: usize,
        to: usize,
        sources: &[model::Source],
        woken: &mut Woken,
    ) -> Result<Outcome, Error> {
        let sources: Vec<_> = sources
            .iter()
            .map(|source| match source {
                model::Source::Create => Source::Create,
                model::Source::Copy(id) => Source::Copy(Id::from_u64(*id)),
            })
            .collect();
        let mut nodes = vec![None; sources.len()];
        let mut handles = vec![Id::INVALID; sources.len()];
        let effects =
            self.peers[from].transfer(&self.peers[to], &sources, &mut nodes, &mut handles)?;
        finish(effects, woken);
        Ok(Outcome::Transferred {
            nodes: nodes.iter().map(|id| id.map(Id::as_u64)).collect(),
            handles: handles.iter().map(|id| id.as_u64()).collect(),
        })
    }

    fn discard(&self, peer: usize, woken: &mut Woken) -> Result<Outcome, Error> {
        loop {
            let receiving = match self.peers[peer].begin_recv() {
                Err(Error::Busy) => {
                    sched::pause();
                    continue;
                }
                receiving => receiving?,
            };
            let metadata = receiving.metadata();
            let entry = Entry {
                kind: to_kind(receiving.kind()),
                id: metadata.id.as_u64(),
                account: metadata.account.map(|number| number.as_u64()),
                payload: receiving.payload().to_vec(),
                transfers: Vec::new(),
            };
            if let Ok(effects) = receiving.discard() {
                finish(effects, woken);
                return Ok(Outcome::Received(entry));
            }
            sched::pause();
        }
    }

    fn close(&self, peer: usize, woken: &mut Woken) -> Outcome {
        if !self.peers[peer].begin_close() {
            return Outcome::Failed(Failure::Closed);
        }
        let mut wake = |number: &usize, _: Wake| {
            woken.insert(*number);
        };
        while self.peers[peer].work(u32::MAX, &mut wake) != Progress::Done {
            sched::pause();
        }
        Outcome::Done
    }

    /// Closes every peer, and whatever is still open of them, and checks that every account has everything back (ACC-5).
    pub(crate) fn end(self) {
        for number in 0..self.peers.len() {
            self.close(number, &mut Woken::new());
        }
        for account in &self.accounts {
            let info = account.inspect();
            assert_eq!(
                (info.available, info.n_quotas),
                (info.maxima, 0),
                "account {:?} has not everything back: {:?}",
                info.number,
                quotas(account)
            );
        }
        let Stage {
            root,
            accounts,
            peers,
        } = self;
        drop((peers, accounts));
        let info = root.inspect();
        assert_eq!(
            info.available, info.maxima,
            "accounts return their maxima (ACC-8)"
        );
    }

    /// Whether all that is queued can be read out.
    pub(crate) fn is_queue_read_whole(&self, number: usize) -> bool {
        self.peers[number].inspect_entry(QUEUE_READ - 1).is_none()
    }

    /// A read-out of one peer, in the words of the model.
    pub(crate) fn peer(&self, number: usize, is_open: bool) -> PeerState {
        let peer = &self.peers[number];
        let mut nodes = BTreeSet::new();
        let mut handles = BTreeSet::new();
        let mut slot = 0;
        while let Some((object, next)) = peer.inspect_object(slot) {
            match object {
                ObjectInfo::Node { id, .. } => nodes.insert(id.as_u64()),
                ObjectInfo::Handle { id, .. } => handles.insert(id.as_u64()),
            };
            slot = next;
        }
        let mut n_queued = BTreeMap::new();
        for index in 0..QUEUE_READ {
            let Some(EntryInfo { kind, id, .. }) = peer.inspect_entry(index) else {
                break;
            };
            let is_note = to_kind(kind) == Kind::NodeRelease;
            if is_note && !handles.contains(&id.as_u64()) {
                continue;
            }
            *n_queued.entry(to_kind(kind)).or_insert(0) += 1;
        }
        PeerState {
            is_open,
            nodes,
            handles,
            n_queued,
        }
    }
}

/// Who claims how much of an account. Actors are told apart by what they hold.
pub(crate) type Quotas = BTreeMap<u64, ([u64; 2], [u64; 2], Vec<[u64; 2]>)>;

/// The quotas of an account of the core.
pub(crate) fn quotas(account: &Account<Host>) -> Quotas {
    let mut quotas = BTreeMap::new();
    let mut place = Some(0);
    while let Some((quota, next)) = place.and_then(|place| account.inspect_quota(place)) {
        let mut traces = Vec::new();
        let mut at = Some(0);
        while let Some((trace, next)) = at.and_then(|at| account.inspect_trace(quota.claimant, at))
        {
            traces.push(trace.claimed);
            at = next;
        }
        traces.sort_unstable();
        quotas.insert(
            quota.claimant.as_u64(),
            (quota.claimed, quota.available, traces),
        );
        place = next;
    }
    quotas
}

/// The quotas of an account of the model.
pub(crate) fn model_quotas(account: &model::Account) -> Quotas {
    let quota = |quota: &model::Quota| {
        let mut traces: Vec<_> = quota.traces.values().copied().collect();
        traces.sort_unstable();
        (quota.claimed, quota.available, traces)
    };
    account
        .quotas()
        .iter()
        .map(|(&claimant, q)| (claimant, quota(q)))
        .collect()
}

pub(crate) fn finish(effects: Effects<Host>, woken: &mut Woken) -> Outcome {
    effects.finish(&mut |number, _| {
        woken.insert(*number);
    });
    Outcome::Done
}

pub(crate) fn to_ids(ids: &[u64]) -> Vec<Id> {
    ids.iter().map(|&id| Id::from_u64(id)).collect()
}

/// What its receiver is told of a message that was handed over, with a handle if there is a copy.
pub(crate) fn entry_of_handed(handed: Handed, payload: Vec<u8>, copy: Option<Id>) -> Entry {
    Entry {
        kind: Kind::User,
        id: handed.node.as_u64(),
        account: Some(handed.account.as_u64()),
        payload,
        transfers: copy.map(Id::as_u64).into_iter().collect(),
    }
}

pub(crate) fn to_kind(kind: bus1_service::Kind) -> Kind {
    match kind {
        bus1_service::Kind::User => Kind::User,
        bus1_service::Kind::NodeRelease => Kind::NodeRelease,
        bus1_service::Kind::HandleRelease => Kind::HandleRelease,
    }
}

pub(crate) fn to_failure(error: Error) -> Failure {
    match error {
        Error::UnknownId(Place::Transfer(index), _) => Failure::UnknownTransfer(index),
        Error::UnknownId(Place::Destination(index), _) => Failure::UnknownDestination(index),
        Error::UnknownId(Place::Release(index), _) => Failure::UnknownRelease(index),
        Error::NamedTwice(Place::Release(index), _) => Failure::NamedTwice(index),
        Error::Quota(Place::Destination(index), _) => Failure::QuotaOfDestination(index),
        Error::Quota(..) => Failure::Quota,
        Error::OutOfMemory => Failure::OutOfMemory,
        Error::TooLong => Failure::TooLong,
        Error::NothingQueued => Failure::NothingQueued,
        Error::Closed => Failure::Closed,
        Error::UnknownId(Place::Call, _)
        | Error::NamedTwice(..)
        | Error::InUse(..)
        | Error::Busy => {
            panic!("{error:?} is no outcome of a command")
        }
    }
}
