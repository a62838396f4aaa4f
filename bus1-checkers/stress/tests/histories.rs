//! Histories of three threads with eight calls each: one order explains every one of them (ORD-1 to ORD-6).
//!
//! Between any two steps of an operation, outside every lock, a thread may be delayed; the delays come from the seed of the
//! program, which a failure names.

extern crate bus1_stress as bus1_service;

#[path = "../../../bus1-service/tests/evidence/mod.rs"]
mod evidence;
#[path = "../../../bus1-service/tests/evidence/sched/threads.rs"]
mod sched;

use evidence::delay::delay;
use evidence::program::steps;
use evidence::threads::{Program, run};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

/// The account of each peer.
const PEERS: [usize; 4] = [0, 1, 1, 2];
const N_THREADS: usize = 3;
const N_CALLS: usize = 8;

fn program(seed: u64) -> Program {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(evidence::config(1), rng);
    let mut take = |n_steps| {
        let tree = steps(n_steps).new_tree(&mut runner);
        tree.expect("a program").current()
    };
    let mut setup = take(20..21);
    setup.retain(|step| !matches!(step.action, evidence::program::Action::Close));
    Program {
        setup,
        threads: (0..N_THREADS).map(|_| take(N_CALLS..N_CALLS + 1)).collect(),
    }
}

/// Every history of 3 threads with 8 calls each has one order that the model accepts; of 10,000, one may be too long a search.
#[test]
fn ord_1_histories_have_one_order() {
    let n_histories = 10_000 * u64::from(evidence::factor());
    let mut n_given_up = 0;
    for seed in 0..n_histories {
        let before_thread = |number: usize| {
            bus1_service::hooks::set(Some(delay(seed << 8 | number as u64)));
        };
        match run(&PEERS, &program(seed), before_thread) {
            Ok(true) => {}
            Ok(false) => {
                println!("program {seed} is not decided");
                n_given_up += 1;
            }
            Err(text) => panic!("program {seed}: {text}"),
        }
    }
    println!("{n_histories} histories, {n_given_up} of them not decided");
    assert!(
        n_given_up <= u64::from(evidence::factor()),
        "{n_given_up} of {n_histories} histories are not decided"
    );
}

/// Litmus tests, which are elsewhere, begin their threads with this.
fn before_thread(_number: usize) {}
