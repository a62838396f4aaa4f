//! The scenes: every actor is a process.

use std::error::Error;
use std::sync::atomic::Ordering;

use nix::sched::sched_yield;
use omnibus_compare::line::Event;
use omnibus_compare::scene::{Actor, N_RUNS, SCENES, Scene, Schedule, Seen, Step};

use super::net::{Net, all};
use crate::sys::{Process, Result, Shared, become_urgent, futex_wait, futex_wake};
use crate::teller::Teller;

/// Words of the memory that the actors share, behind the notes.
const N_READY: usize = 256;
const BEGUN: usize = 257;
const N_RAISED: usize = 258;
const N_BYTES: usize = 4096;

pub(super) fn run(teller: &mut Teller) -> std::result::Result<(), Box<dyn Error>> {
    let shared = Shared::new(N_BYTES)?;
    for scene in &SCENES {
        if !teller.wants(scene.experiment) {
            continue;
        }
        for (means, new) in all() {
            for run in 0..N_RUNS {
                play(scene, new()?.as_ref(), run, &shared)
                    .map_err(|error| format!("{}, {means}: {error}", scene.experiment))?;
                let tell = |event: &Event<'_>| teller.event(event);
                shared.notes().tell(scene.experiment, means, run, tell);
            }
        }
    }
    Ok(())
}

fn play(scene: &Scene, net: &dyn Net, run: u64, shared: &Shared) -> Result<()> {
    shared.notes().clear();
    for word in [N_READY, BEGUN, N_RAISED] {
        shared.word(word).store(0, Ordering::SeqCst);
    }
    let start = |(index, actor): (usize, &Actor)| {
        let actor = *actor;
        Process::start("actor", || act(actor, index, net, run, shared))
    };
    // Who comes first changes: half of the time the last of the scene does.
    let mut indexed: Vec<_> = scene.actors.iter().enumerate().collect();
    if run % 2 == 1 {
        indexed.reverse();
    }
    let actors = indexed.into_iter().map(start).collect::<Result<Vec<_>>>()?;
    wait_for(shared, N_READY, actors.len() as u32);
    raise(shared, BEGUN);
    actors.into_iter().try_for_each(Process::finish)
}

fn raise(shared: &Shared, word: usize) {
    shared.word(word).fetch_add(1, Ordering::SeqCst);
    futex_wake(shared.word(word));
}

fn wait_for(shared: &Shared, word: usize, n: u32) {
    loop {
        let seen = shared.word(word).load(Ordering::SeqCst);
        if seen >= n {
            return;
        }
        futex_wait(shared.word(word), seen);
    }
}

fn act(actor: Actor, index: usize, net: &dyn Net, run: u64, shared: &Shared) -> Result<()> {
    let schedule = Schedule::of_run(run);
    if schedule == Schedule::Urgent && actor.place.is_some() {
        become_urgent()?;
    }
    net.enter(actor.place)?;
    raise(shared, N_READY);
    wait_for(shared, BEGUN, 1);
    let note = |seen, label| shared.notes().add(actor.name, seen, label);
    for step in actor.steps {
        match *step {
            Step::Send(label, places) => {
                for (nth, &place) in places.iter().enumerate() {
                    if nth > 0 && schedule == Schedule::Yielding {
                        sched_yield()?;
                    }
                    net.send(index, place, label)?;
                    note(Seen::Sent, label);
                }
            }
            Step::Receive(n) => {
                for _ in 0..n {
                    let place = actor.place.expect("who receives has a place");
                    note(Seen::Received, net.receive(place, run % 4 >= 2)?);
                }
            }
            Step::Raise => raise(shared, N_RAISED),
            Step::Await(n) => wait_for(shared, N_RAISED, n),
        }
    }
    Ok(())
}
