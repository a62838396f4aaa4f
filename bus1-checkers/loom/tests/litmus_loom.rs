//! The litmus tests under loom: every order of the core's own locks and atomics, up to a bound of preemptions.

extern crate bus1_loom as bus1_service;

#[path = "../../../bus1-service/tests/evidence/mod.rs"]
mod evidence;
#[path = "../../../bus1-service/tests/evidence/sched/loom.rs"]
mod sched;
#[path = "../../../bus1-service/tests/evidence/litmus/tests.rs"]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evidence::litmus::{Litmus, run_part};

/// Preemptions in one execution.
fn preemptions() -> usize {
    if evidence::factor() > 1 { 3 } else { 2 }
}

/// How long one litmus test may take; executions beyond that are left out, and it says so.
fn time_limit() -> Duration {
    Duration::from_secs(if evidence::factor() > 1 { 600 } else { 5 })
}

fn check(litmus: &'static Litmus) {
    if !litmus.is_large {
        return check_part(litmus, litmus.threads.to_vec());
    }
    for left_out in 0..litmus.threads.len() {
        let mut threads = litmus.threads.to_vec();
        threads.remove(left_out);
        check_part(litmus, threads);
    }
}

fn check_part(litmus: &'static Litmus, threads: Vec<&'static str>) {
    let missing: Arc<Mutex<Vec<&str>>> = Arc::new(Mutex::new(litmus.required.to_vec()));
    let n_executions = Arc::new(AtomicU64::new(0));
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions());
    model.max_branches = 100_000;
    model.max_duration = Some(time_limit());
    let (seen_missing, counter) = (missing.clone(), n_executions.clone());
    let description = threads.join(" || ");
    let start = std::time::Instant::now();
    model.check(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        let seen = run_part(litmus, &threads, 0);
        let mut missing = seen_missing.lock().expect("no run failed");
        missing.retain(|queue| !seen.has(queue));
    });
    let n_executions = n_executions.load(Ordering::Relaxed);
    println!(
        "{} ({description}): {n_executions} executions with at most {} preemptions, {} ms{}",
        litmus.id,
        preemptions(),
        start.elapsed().as_millis(),
        if start.elapsed() >= time_limit() {
            ", not all"
        } else {
            ", all there are"
        }
    );
    let missing = missing.lock().expect("no run failed");
    assert!(
        missing.is_empty(),
        "{}: {missing:?} never occurred in {n_executions} executions",
        litmus.id
    );
}
