//! A test that cannot fail proves nothing: the core is made wrong in sixteen ways, and the test that is there for it must notice.

extern crate bus1_shuttle as bus1_service;

#[path = "../../../bus1-service/tests/evidence/mod.rs"]
mod evidence;
#[path = "../../../bus1-service/tests/evidence/sched/shuttle.rs"]
mod sched;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use bus1_model::{Call, Failure, Kind, Outcome, Source};
use bus1_service::mutant::{Mutant, choose};
use evidence::litmus::{named, run};
use evidence::stage::{Stage, Woken};

/// Schedules in which a mutant must be noticed.
const N_SCHEDULES: usize = 3_000;

/// Changes of priority of a PCT schedule.
const PCT_DEPTH: usize = 4;

/// The mutant is one for the whole program: tests take turns.
static TURN: Mutex<()> = Mutex::new(());

/// Runs `program` with the core made wrong; it must fail in some schedule, and in none when the core is right.
fn caught(mutant: Mutant, check: impl Fn(usize)) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    choose(None);
    check(N_SCHEDULES / 10);
    choose(Some(mutant));
    let outcome = catch_unwind(AssertUnwindSafe(|| check(N_SCHEDULES)));
    choose(None);
    assert!(outcome.is_err(), "{mutant:?} was not noticed");
}

/// The same with a program of one thread: one schedule.
fn caught_alone(mutant: Mutant, program: fn()) {
    caught(mutant, |_| shuttle::check_random(program, 1));
}

fn caught_by(mutant: Mutant, id: &'static str) {
    let program = move || drop(run(named(id), 0));
    caught(mutant, |n_schedules| {
        shuttle::check_pct(program, n_schedules, PCT_DEPTH);
        shuttle::check_random(program, n_schedules);
    });
}

/// Publishing per destination, without a shared decision, is caught by L3, L4, L6 and L9.
#[test]
fn mutant_publish_each() {
    for id in ["L3", "L4", "L6", "L9"] {
        caught_by(Mutant::PublishEach, id);
    }
}

/// A shared decision without a common order is caught by L3, L7, R10 and R11.
#[test]
fn mutant_no_common_order() {
    for id in ["L3", "L7", "R10", "R11"] {
        caught_by(Mutant::NoCommonOrder, id);
    }
}

/// A receiver that does not fix the order of what it overtakes is caught by L8.
#[test]
fn mutant_no_floor() {
    caught_by(Mutant::NoFloor, "L8");
}

/// An undecided entry that blocks the queue is caught by L13 and L14.
#[test]
fn mutant_undecided_blocks() {
    caught_by(Mutant::UndecidedBlocks, "L13");
    caught_by(Mutant::UndecidedBlocks, "L14");
}

/// Members that are not adjacent are caught by L10.
#[test]
fn mutant_not_adjacent() {
    caught_by(Mutant::NotAdjacent, "L10");
}

/// Telling of every handle that goes is caught by R7.
#[test]
fn mutant_notify_always() {
    caught_by(Mutant::NotifyAlways, "R7");
}

/// A count that drops outside the decision is caught by R12 and R13.
#[test]
fn mutant_count_outside() {
    caught_by(Mutant::CountOutside, "R12");
    caught_by(Mutant::CountOutside, "R13");
}

/// Copies that are not linked to their node before the decision are caught by R6.
#[test]
fn mutant_copies_not_linked() {
    caught_by(Mutant::CopiesNotLinked, "R6");
}

/// Copies that count before they are decided are caught by sending a copy beside the release of the only handle: if the send
/// fails, the owner was told when the release returned (NOT-2).
#[test]
fn mutant_undecided_counts() {
    let program = || {
        let stage = Arc::new(Stage::new(&[[1024, 1024]; 2], &[0, 1]));
        let (carried, to) = (handle_on(&stage), handle_on(&stage));
        let send = Call::Send {
            peer: 1,
            destinations: vec![to],
            transfers: vec![carried],
            payload: Vec::new(),
        };
        let sender = shuttle::thread::spawn({
            let stage = stage.clone();
            move || stage.call(&send, &mut Woken::new())
        });
        let release = Call::Release {
            peer: 1,
            ids: vec![carried],
        };
        assert_eq!(stage.call(&release, &mut Woken::new()), Outcome::Done);
        let received = stage.call(&Call::Recv { peer: 0 }, &mut Woken::new());
        let sent = sender.join().expect("no thread failed");
        let is_told =
            matches!(&received, Outcome::Received(entry) if entry.kind == Kind::HandleRelease);
        assert_eq!(
            is_told,
            sent != Outcome::Done,
            "{sent:?}, then {received:?}"
        );
    };
    caught(Mutant::UndecidedCounts, |n_schedules| {
        shuttle::check_pct(program, n_schedules, PCT_DEPTH);
        shuttle::check_random(program, n_schedules);
    });
}

/// A message that leaves the queue before it is copied out is caught by R14.
#[test]
fn mutant_pop_before_copy() {
    caught_by(Mutant::PopBeforeCopy, "R14");
}

/// A charge that is not given back when a message is dropped is caught by Q2.
#[test]
fn mutant_drop_keeps_charge() {
    caught_by(Mutant::DropKeepsCharge, "Q2");
}

/// A send that wakes nobody is caught by L17.
#[test]
fn mutant_no_wake() {
    caught_by(Mutant::NoWake, "L17");
}

/// NODE_RELEASE for a handle that has not arrived is caught by R6.
#[test]
fn mutant_early_node_release() {
    caught_by(Mutant::EarlyNodeRelease, "R6");
}

/// A message delivered on a released node is caught by R2.
#[test]
fn mutant_deliver_after_release() {
    caught_by(Mutant::DeliverAfterRelease, "R2");
}

/// A foreign account that claims like the account itself is caught by filling a queue: quota.md lets the first one have 128 of 1024.
#[test]
fn mutant_foreign_like_own() {
    caught_alone(Mutant::ForeignLikeOwn, || {
        let stage = Stage::new(&[[1024, 1024], [1 << 20, 1 << 20]], &[0, 1]);
        let handle = handle_on(&stage);
        let send = Call::Send {
            peer: 1,
            destinations: vec![handle],
            transfers: Vec::new(),
            payload: Vec::new(),
        };
        let mut n_sent = 0;
        while stage.call(&send, &mut Woken::new()) == Outcome::Done {
            n_sent += 1;
        }
        assert!(n_sent <= 128, "{n_sent} messages of a foreign account");
        let refused = Outcome::Failed(Failure::QuotaOfDestination(0));
        assert_eq!(stage.call(&send, &mut Woken::new()), refused);
        stage.end();
    });
}

/// Ids that recur are caught by making a node where another was released (OBJ-4).
#[test]
fn mutant_ids_recur() {
    caught_alone(Mutant::IdsRecur, || {
        let stage = Stage::new(&[[1024, 1024], [1024, 1024]], &[0, 1]);
        let first = handle_on(&stage);
        let release = Call::Release {
            peer: 1,
            ids: vec![first],
        };
        assert_eq!(stage.call(&release, &mut Woken::new()), Outcome::Done);
        assert_ne!(handle_on(&stage), first, "an id recurs");
        stage.end();
    });
}

/// A handle of peer 1 on a node of peer 0.
fn handle_on(stage: &Stage) -> u64 {
    let call = Call::Transfer {
        from: 0,
        to: 1,
        sources: vec![Source::Create],
    };
    match stage.call(&call, &mut Woken::new()) {
        Outcome::Transferred { handles, .. } => handles[0],
        other => panic!("{other:?}"),
    }
}
