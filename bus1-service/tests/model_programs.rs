//! Long random programs of one thread: after every step the core and the reference model agree on the result, on every peer,
//! queue and account, and on whom was woken.

mod evidence;
#[path = "evidence/sched/threads.rs"]
mod sched;

use std::collections::BTreeSet;

use bus1_model::{Call, Outcome, World};
use evidence::program::{Knowledge, Step, learn, resolve, steps};
use evidence::stage::{Stage, Woken, model_quotas, quotas};
use proptest::prelude::*;

/// The account of each peer.
const PEERS: [usize; 5] = [0, 0, 1, 2, 2];

fn run(maxima: &[[u64; 2]], steps: &[Step]) {
    let stage = Stage::new(maxima, &PEERS);
    let mut world = stage.world(&PEERS);
    let mut knowledge = vec![Knowledge::default(); PEERS.len()];
    for (number, step) in steps.iter().enumerate() {
        let call = resolve(step, &knowledge);
        // Whoever calls keeps the peers of the call open (CLO-5).
        if call.peers().iter().any(|&peer| !world.peer(peer).is_open) {
            continue;
        }
        let was_readable: Vec<_> = stage
            .peers
            .iter()
            .map(bus1_service::Peer::is_readable)
            .collect();
        let mut woken = Woken::new();
        let outcome = stage.call(&call, &mut woken);
        let expected = world.call(&call, &outcome);
        world.clear_all();
        let history = format!("step {number}: {call:?} gave {outcome:?}");
        assert_eq!(outcome, expected, "{history}");
        if matches!(call, Call::Release { .. } | Call::Close { .. }) {
            for (number, account) in stage.accounts.iter().enumerate() {
                let quotas = quotas(account);
                let available =
                    |claimant| quotas.get(&claimant).map(|(_, available, _)| *available);
                world.account_mut(number).adopt(available);
            }
        }
        compare(&stage, &world, &history);
        let must_wake: BTreeSet<_> = (0..PEERS.len())
            .filter(|&peer| !was_readable[peer] && world.is_readable(peer))
            .collect();
        assert!(
            woken.is_superset(&must_wake),
            "{history}: woke {woken:?}, not all of {must_wake:?} (RCV-6)"
        );
        learn(&mut knowledge, &call, &outcome);
    }
    finish(stage, world);
}

fn compare(stage: &Stage, world: &World, history: &str) {
    for peer in 0..PEERS.len() {
        let expected = world.peer(peer);
        let state = stage.peer(peer, expected.is_open);
        assert_eq!(state, expected, "{history}: peer {peer}");
        assert_eq!(
            stage.peers[peer].is_readable(),
            world.is_readable(peer),
            "{history}: peer {peer} is readable exactly when RECV finds something (RCV-6)"
        );
    }
    for (account, expected) in stage.accounts.iter().zip(world.accounts()) {
        assert!(expected.is_sound(), "{history}: the model's own invariants");
        assert_eq!(
            (account.inspect().available, quotas(account)),
            (expected.available(), model_quotas(expected)),
            "{history}: account {:?}",
            account.number()
        );
    }
}

/// Everybody closes: nothing is left on either side.
fn finish(stage: Stage, mut world: World) {
    for peer in 0..PEERS.len() {
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

proptest! {
    #![proptest_config(evidence::config(400))]

    /// With limits that nobody meets, the core does what the model does.
    #[test]
    fn ord_1_core_follows_the_model(steps in steps(1..120)) {
        run(&[[1 << 20, 1 << 30]; 3], &steps);
    }

    /// With limits that everybody meets, the core refuses what the model refuses, and its counters are the model's.
    #[test]
    fn acc_2_core_follows_the_model_under_tight_limits(steps in steps(1..120)) {
        run(&[[60, 300], [200, 900], [600, 200]], &steps);
    }
}

/// Litmus tests, which are elsewhere, begin their threads with this.
fn before_thread(_number: usize) {}
