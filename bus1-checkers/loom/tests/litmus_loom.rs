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

use evidence::litmus::{Litmus, PROGRAMS, Part, named, run_part};

/// Litmus tests of which all executions there are end within a second or two, and are tried always, with any number of preemptions.
const END_SOON: &[&str] = &[
    "L1", "L2", "L4", "L5", "L6", "L11", "L16", "L17", "R1", "R3", "R4", "R5", "R8", "R14", "M1",
    "M4", "H1", "H8", "H13", "H14",
];
/// The same of parts of litmus tests.
const PARTS_END_SOON: &[&str] = &["O: -N || P: x", "O: -N || R: B(S)->P,S"];
/// Those of which they end within ten minutes: tried so in the long form.
const END: &[&str] = &["L10", "L13", "L14", "R10", "R11", "R12", "M3", "H5", "H7"];

/// What is said to end is in the list of litmus tests.
#[test]
fn what_ends_is_a_litmus_test() {
    for id in [END_SOON, END].concat() {
        assert_eq!(named(id).id, id);
    }
}

/// The table of `docs/testing.md` has a row for each litmus test, or part of one, and a number of all executions for those that are run to
/// their end.
#[test]
fn what_ends_is_in_the_table() {
    let page = include_str!("../../../docs/testing.md");
    let check = |label: String, ends: bool| {
        let mut rows = page.lines().filter_map(|row| row.strip_prefix("| "));
        let cell = rows.find_map(|row| row.strip_prefix(&format!("{label} | ")));
        let cell = cell.unwrap_or_else(|| panic!("{label} has no row"));
        let has_number = cell.starts_with(|first: char| first.is_ascii_digit());
        assert_eq!(has_number, ends, "{label}: {cell}");
    };
    for litmus in PROGRAMS {
        if litmus.parts.is_empty() {
            let ends = [END_SOON, END].concat().contains(&litmus.id);
            check(litmus.id.into(), ends);
        }
        for part in litmus.parts {
            let threads = part.threads.join("`, `");
            let ends = PARTS_END_SOON.contains(&part.threads.join(" || ").as_str());
            check(format!("{}: `{threads}`", litmus.id), ends);
        }
    }
}

/// Preemptions in one execution of this litmus test, or any number; `OMNIBUS_PREEMPTIONS` names another bound, or `none`.
fn preemptions(litmus: &Litmus, description: &str) -> Option<usize> {
    let is_long = evidence::factor() > 1;
    let ends_soon = END_SOON.contains(&litmus.id) || PARTS_END_SOON.contains(&description);
    match std::env::var("OMNIBUS_PREEMPTIONS").as_deref() {
        Ok("none") => None,
        Ok(bound) => Some(
            bound
                .parse()
                .expect("OMNIBUS_PREEMPTIONS is a number, or none"),
        ),
        Err(_) if ends_soon || is_long && END.contains(&litmus.id) => None,
        Err(_) => Some(if is_long { 3 } else { 2 }),
    }
}

/// How long one litmus test, or part of one, may take; executions beyond that are left out, and it says so.
fn time_limit() -> Duration {
    Duration::from_secs(if evidence::factor() > 1 { 600 } else { 5 })
}

fn check(litmus: &'static Litmus) {
    let missing: Arc<Mutex<Vec<&str>>> =
        Arc::new(Mutex::new([litmus.required, litmus.rare].concat()));
    if litmus.parts.is_empty() {
        check_part(litmus, litmus.whole(), &missing);
    }
    for &part in litmus.parts {
        check_part(litmus, part, &missing);
    }
    let missing = missing.lock().expect("no run failed");
    assert!(
        missing.is_empty(),
        "{}: {missing:?} never occurred",
        litmus.id
    );
}

fn check_part(litmus: &'static Litmus, part: Part, missing: &Arc<Mutex<Vec<&'static str>>>) {
    let n_executions = Arc::new(AtomicU64::new(0));
    let mut model = loom::model::Builder::new();
    model.max_branches = 100_000;
    model.max_duration = Some(time_limit());
    let (seen_missing, counter) = (missing.clone(), n_executions.clone());
    let description = part.threads.join(" || ");
    model.preemption_bound = preemptions(litmus, &description);
    let start = std::time::Instant::now();
    model.check(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        let seen = run_part(litmus, &part, 0);
        let mut missing = seen_missing.lock().expect("no run failed");
        missing.retain(|queue| !seen.has(queue));
    });
    let n_executions = n_executions.load(Ordering::Relaxed);
    // The checker looks at the clock once in so many executions, before it begins one.
    let n_between_looks = model.checkpoint_interval as u64;
    let is_cut_off =
        start.elapsed() >= time_limit() && (n_executions + 1).is_multiple_of(n_between_looks);
    println!(
        "{} ({description}): {n_executions} executions with {} preemptions, {} ms{}",
        litmus.id,
        model
            .preemption_bound
            .map_or("any".into(), |bound| format!("at most {bound}")),
        start.elapsed().as_millis(),
        if is_cut_off {
            ", not all"
        } else {
            ", all there are"
        }
    );
}
