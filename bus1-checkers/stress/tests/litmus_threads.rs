//! The litmus tests by real threads, with receivers created in random order and delays between the steps of a commit.

extern crate bus1_stress as bus1_service;

#[path = "../../../bus1-service/tests/evidence/mod.rs"]
mod evidence;
#[path = "../../../bus1-service/tests/evidence/sched/threads.rs"]
mod sched;
#[path = "../../../bus1-service/tests/evidence/litmus/tests.rs"]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};

use evidence::delay::delay;
use evidence::litmus::{Litmus, run};

/// Runs of each litmus test, at least.
const N_RUNS: u64 = 500;

/// How many times as many there are, at most, until every order that must occur has occurred. How often one does is up to
/// the machine.
const N_TIMES_AT_MOST: u64 = 20;

static SEED: AtomicU64 = AtomicU64::new(1);

fn before_thread(number: usize) {
    let seed = SEED.fetch_add(1, Ordering::Relaxed) << 8 | number as u64;
    bus1_service::hooks::set(Some(delay(seed)));
}

fn check(litmus: &Litmus) {
    let mut missing: Vec<_> = litmus.required.to_vec();
    let n_runs = N_RUNS * u64::from(evidence::factor());
    let n_at_most = n_runs * N_TIMES_AT_MOST;
    for number in 0..n_at_most {
        if number >= n_runs && missing.is_empty() {
            break;
        }
        let seen = run(litmus, number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        missing.retain(|queue| !seen.has(queue));
    }
    assert!(
        missing.is_empty(),
        "{}: {missing:?} never occurred in {n_at_most} runs",
        litmus.id
    );
}
