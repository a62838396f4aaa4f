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

/// Runs of each litmus test.
const N_RUNS: u64 = 500;

static SEED: AtomicU64 = AtomicU64::new(1);

fn before_thread(number: usize) {
    let seed = SEED.fetch_add(1, Ordering::Relaxed) << 8 | number as u64;
    bus1_service::hooks::set(Some(delay(seed)));
}

fn check(litmus: &Litmus) {
    let mut missing: Vec<_> = litmus.required.to_vec();
    let n_runs = N_RUNS * u64::from(evidence::factor());
    for number in 0..n_runs {
        let seen = run(litmus, number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        missing.retain(|queue| !seen.has(queue));
    }
    assert!(
        missing.is_empty(),
        "{}: {missing:?} never occurred in {n_runs} runs",
        litmus.id
    );
}
