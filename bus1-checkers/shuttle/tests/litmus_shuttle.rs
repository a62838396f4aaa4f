//! The litmus tests under shuttle: random schedules, and schedules with few, randomly placed changes of priority (PCT).

extern crate bus1_shuttle as bus1_service;

#[path = "../../../bus1-service/tests/evidence/mod.rs"]
mod evidence;
#[path = "../../../bus1-service/tests/evidence/sched/shuttle.rs"]
mod sched;
#[path = "../../../bus1-service/tests/evidence/litmus/tests.rs"]
mod tests;

use std::sync::{Arc, Mutex};

use bus1_service::Account;
use evidence::litmus::{Litmus, run};
use evidence::stage::Host;

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

/// Two actors of one account charge another account for the first time, at once: it has one quota there, and all comes back.
#[test]
fn acc_2_first_charges_at_once_share_a_quota() {
    let program = || {
        let root = Account::<Host>::root([1 << 20, 1 << 20]).expect("an account");
        let child = || root.child(&root.actor(), [1024, 1024]).expect("an account");
        let (target, claimant) = (child(), child());
        let charge = |n: u64| {
            let (target, actor) = (target.clone(), claimant.actor());
            move || target.charge(&actor, [n, 0]).expect("little")
        };
        let other = shuttle::thread::spawn(charge(10));
        let charges = [charge(20)(), other.join().expect("no thread failed")];
        assert_eq!(target.inspect().n_quotas, 1);
        let (quota, _) = target.inspect_quota(0).expect("one quota");
        assert_eq!(
            (quota.n_traces, quota.claimed[0] - quota.available[0]),
            (2, 30)
        );
        drop(charges);
        let info = target.inspect();
        assert_eq!((info.available, info.n_quotas), (info.maxima, 0));
    };
    shuttle::check_random(program, N_SCHEDULES[0]);
    shuttle::check_pct(program, N_SCHEDULES[0], PCT_DEPTH);
}
