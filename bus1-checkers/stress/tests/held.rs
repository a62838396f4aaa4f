//! L14 to the letter: a sender is held for good at every step of a commit in turn, and nobody else notices.

extern crate bus1_stress as bus1_service;

#[path = "../../../bus1-service/tests/evidence/mod.rs"]
mod evidence;
#[path = "../../../bus1-service/tests/evidence/sched/threads.rs"]
mod sched;

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use bus1_model::{Call, Kind, Outcome, Source};
use evidence::stage::{Stage, Woken};

/// Peers, by number.
const P: usize = 0;
const Q: usize = 1;
const R: usize = 2;
const S: usize = 3;

/// More steps than a commit to two receivers has.
const STEPS_MAX: usize = 1_000;

/// While a sender to P and Q is held at any step outside a lock, another sender's message to P is sent and received (L14).
#[test]
fn ord_6_a_sender_held_at_any_step_blocks_nobody() {
    let n_steps = (0..STEPS_MAX).find(|&step| !is_held_at(step));
    let n_steps = n_steps.expect("a commit has an end");
    assert!(n_steps > 3, "a commit has only {n_steps} steps");
}

/// Holds R at its step `step`; `false` if it has no such step.
fn is_held_at(step: usize) -> bool {
    let accounts: Vec<_> = (0..4).collect();
    let stage = Stage::new(&[[1 << 20, 1 << 20]; 4], &accounts);
    let destinations = vec![handle_on(&stage, P, R), handle_on(&stage, Q, R)];
    let through = handle_on(&stage, P, S);
    let (arrived, arrival) = channel();
    let (release, released) = channel::<()>();
    let was_held = std::thread::scope(|scope| {
        let stage = &stage;
        let held = scope.spawn(move || {
            let mut n_before = step;
            bus1_service::hooks::set(Some(Box::new(move |_| {
                if n_before == 0 && arrived.send(()).is_ok() {
                    let _ = released.recv();
                }
                n_before = n_before.wrapping_sub(1);
            })));
            let outcome = send(stage, R, destinations, b"B");
            bus1_service::hooks::set(None);
            assert_eq!(outcome, Outcome::Done);
        });
        // The other end of the channel goes with the thread that was not held.
        let was_held = match arrival.recv_timeout(Duration::from_secs(60)) {
            Ok(()) => true,
            Err(RecvTimeoutError::Disconnected) => false,
            Err(RecvTimeoutError::Timeout) => {
                panic!("step {step}: the sender neither went on nor came to it")
            }
        };
        if was_held {
            assert_eq!(send(stage, S, vec![through], b"A"), Outcome::Done);
            let names = [receive(stage), receive(stage)];
            assert!(
                names.contains(&Some(b"A".to_vec())),
                "step {step}: P received {names:?}"
            );
        }
        drop(release);
        held.join().expect("the held sender goes on");
        was_held
    });
    while receive(&stage).is_some() {}
    stage.end();
    was_held
}

fn send(stage: &Stage, peer: usize, destinations: Vec<u64>, payload: &[u8]) -> Outcome {
    let call = Call::Send {
        peer,
        destinations,
        transfers: Vec::new(),
        payload: payload.to_vec(),
    };
    stage.call(&call, &mut Woken::new())
}

/// The next message of P.
fn receive(stage: &Stage) -> Option<Vec<u8>> {
    match stage.call(&Call::Recv { peer: P }, &mut Woken::new()) {
        Outcome::Received(entry) if entry.kind == Kind::User => Some(entry.payload),
        Outcome::Received(entry) => panic!("{entry:?}"),
        _ => None,
    }
}

/// A handle of `holder` on a new node of `owner`.
fn handle_on(stage: &Stage, owner: usize, holder: usize) -> u64 {
    let call = Call::Transfer {
        from: owner,
        to: holder,
        sources: vec![Source::Create],
    };
    match stage.call(&call, &mut Woken::new()) {
        Outcome::Transferred { handles, .. } => handles[0],
        other => panic!("{other:?}"),
    }
}

/// What the shared threads call first.
fn before_thread(_number: usize) {}
