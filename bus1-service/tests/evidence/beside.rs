//! The core and the model beside each other: the same calls, and after each of them everything that can be observed of both.

use std::collections::BTreeSet;
use std::fmt::Display;

use bus1_model::{Call, Outcome, World};

use super::knowledge::{Knowledge, learn};
use super::stage::{Stage, Woken, model_quotas, quotas};

/// The core, the model, and what the peers know.
pub(crate) struct Beside {
    pub(crate) stage: Stage,
    pub(crate) world: World,
    pub(crate) knowledge: Vec<Knowledge>,
}

impl Beside {
    /// Accounts with these maxima, and one peer for each entry of `peers`, which names its account.
    pub(crate) fn new(maxima: &[[u64; 2]], peers: &[usize]) -> Beside {
        let stage = Stage::new(maxima, peers);
        let world = stage.world(peers);
        Beside {
            stage,
            world,
            knowledge: vec![Knowledge::default(); peers.len()],
        }
    }

    /// Whether all peers of `call` are open: whoever calls keeps them so (CLO-5).
    pub(crate) fn can_be_made(&self, call: &Call) -> bool {
        call.peers()
            .iter()
            .all(|&peer| self.world.peer(peer).is_open)
    }

    /// Peers that RECV would find something at.
    pub(crate) fn readable(&self) -> BTreeSet<usize> {
        let peers = self.stage.peers.iter().enumerate();
        peers
            .filter(|(_, peer)| peer.is_readable())
            .map(|(number, _)| number)
            .collect()
    }

    /// The core made `call`, with this outcome, and woke these peers; the model makes it too.
    ///
    /// # Panics
    /// If they differ.
    pub(crate) fn made(
        &mut self,
        call: &Call,
        outcome: &Outcome,
        was_readable: &BTreeSet<usize>,
        woken: &Woken,
        history: &dyn Display,
    ) {
        let expected = self.world.call(call, outcome);
        self.world.clear_all();
        assert_eq!(outcome, &expected, "{history}");
        if matches!(call, Call::Release { .. } | Call::Close { .. }) {
            adopt(&self.stage, &mut self.world);
        }
        self.compare(was_readable, woken, history);
        learn(&mut self.knowledge, call, outcome);
    }

    /// Compares everything.
    ///
    /// # Panics
    /// If something differs, or a peer became readable and was not woken (RCV-6).
    pub(crate) fn compare(
        &self,
        was_readable: &BTreeSet<usize>,
        woken: &Woken,
        history: &dyn Display,
    ) {
        if let Some(difference) = difference(&self.stage, &self.world) {
            panic!("{history}: {difference}");
        }
        let is_late = |peer: &usize| !was_readable.contains(peer) && !woken.contains(peer);
        let asleep: Vec<_> = self.readable().into_iter().filter(is_late).collect();
        assert!(
            asleep.is_empty(),
            "{history}: {asleep:?} became readable and were not woken, only {woken:?} (RCV-6)"
        );
    }

    /// Everybody closes: nothing is left on either side.
    ///
    /// # Panics
    /// If something is.
    pub(crate) fn end(self) {
        let Beside {
            stage, mut world, ..
        } = self;
        for peer in 0..stage.peers.len() {
            let call = Call::Close { peer };
            if !world.peer(peer).is_open {
                continue;
            }
            let outcome = stage.call(&call, &mut Woken::new());
            assert_eq!(world.call(&call, &Outcome::Done), outcome);
            world.clear_all();
        }
        assert!(world.is_empty(), "{world:?}");
        stage.end();
    }
}

/// Lets the model take Q.avail over from the core, after calls that give back charges of several senders: no rule fixes their order.
pub(crate) fn adopt(stage: &Stage, world: &mut World) {
    for (number, account) in stage.accounts.iter().enumerate() {
        let quotas = quotas(account);
        let available = |claimant| quotas.get(&claimant).map(|(_, available, _)| *available);
        world.account_mut(number).adopt(available);
    }
}

/// What can be observed of the core and is otherwise in the model.
pub(crate) fn difference(stage: &Stage, world: &World) -> Option<String> {
    for peer in 0..stage.peers.len() {
        let mut expected = world.peer(peer);
        let mut state = stage.peer(peer, expected.is_open);
        // Longer queues are compared when they have become shorter.
        if !stage.is_queue_read_whole(peer) {
            expected.n_queued.clear();
            state.n_queued.clear();
        }
        if state != expected {
            return Some(format!("peer {peer} is {state:?}, not {expected:?}"));
        }
        let is_readable = world.is_readable(peer);
        if stage.peers[peer].is_readable() != is_readable {
            return Some(format!(
                "peer {peer} must be readable exactly when RECV finds something, {is_readable} (RCV-6)"
            ));
        }
    }
    for (account, expected) in stage.accounts.iter().zip(world.accounts()) {
        assert!(expected.is_sound(), "the model's own invariants");
        let state = (account.inspect().available, quotas(account));
        let expected = (expected.available(), model_quotas(expected));
        if state != expected {
            return Some(format!(
                "account {:?} is {state:?}, not {expected:?}",
                account.number()
            ));
        }
    }
    None
}
