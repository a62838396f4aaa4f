//! The litmus tests under shuttle: random schedules, and schedules with few, randomly placed changes of priority (PCT).

extern crate bus1_shuttle as bus1_service;

#[path = "../../../bus1-service/tests/evidence/mod.rs"]
mod evidence;
#[path = "../../../bus1-service/tests/evidence/sched/shuttle.rs"]
mod sched;
#[path = "../../../bus1-service/tests/evidence/litmus/tests.rs"]
mod tests;

use std::sync::{Arc, Mutex};

use evidence::litmus::{Litmus, run};

/// Schedules of each kind for each litmus test, in the ordinary run and in the long form.
const N_SCHEDULES: [usize; 2] = [300, 100_000];
/// Changes of priority of a PCT schedule.
const PCT_DEPTH: usize = 4;

fn check(litmus: &'static Litmus) {
    let n_schedules = N_SCHEDULES[usize::from(evidence::factor() > 1)];
    let missing: Arc<Mutex<Vec<&str>>> = Arc::new(Mutex::new(litmus.required.to_vec()));
    let watch = |missing: Arc<Mutex<Vec<&'static str>>>| {
        move || {
            let seen = run(litmus, 0);
            let mut missing = missing.lock().expect("no run failed");
            missing.retain(|queue| !seen.has(queue));
        }
    };
    let start = std::time::Instant::now();
    shuttle::check_random(watch(missing.clone()), n_schedules);
    shuttle::check_pct(watch(missing.clone()), n_schedules, PCT_DEPTH);
    println!(
        "{}: {n_schedules} random and {n_schedules} PCT schedules, {} ms",
        litmus.id,
        start.elapsed().as_millis()
    );
    let missing = missing.lock().expect("no run failed");
    assert!(
        missing.is_empty(),
        "{}: {missing:?} never occurred in {n_schedules} schedules of each kind",
        litmus.id
    );
}
