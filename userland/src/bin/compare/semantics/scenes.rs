//! The scenes: every actor is a thread with a peer of its own.

use crate::teller::Teller;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};
use omnibus_compare::line::Event;
use omnibus_compare::scene::{Actor, N_PLACES, Notes, SCENES, Scene, Seen, Step};
use omnibus_userland::bench_server::Host;
use omnibus_userland::bus::Peer;
use omnibus_userland::check::{Failure, Outcome};
use omnibus_userland::port::Port;
use omnibus_userland::suite::wire::create;
use omnibus_userland::thread;

/// What the actors of a run share.
struct Stage {
    /// A peer for each actor.
    peers: Vec<Peer>,
    /// Of each actor, a handle to each place.
    handles: Vec<[u64; N_PLACES]>,
    has_begun: AtomicU32,
    n_raised: AtomicU32,
    notes: Notes,
}

pub(super) fn run(teller: &mut Teller, host: Host<'_>) -> Outcome {
    for scene in &SCENES {
        if !teller.wants(scene.experiment) {
            continue;
        }
        for run in 0..teller.extent.n_runs {
            let stage = Arc::new(Stage::new(scene, host)?);
            play(scene, run, &stage)?;
            let tell = |event: &Event<'_>| teller.event(event);
            stage.notes.tell(scene.experiment, "multicast", run, tell);
        }
    }
    Ok(())
}

impl Stage {
    fn new(scene: &Scene, host: Host<'_>) -> Outcome<Self> {
        let new = |_: &Actor| Ok(Peer::new(host.account)?);
        let peers = scene.actors.iter().map(new).collect::<Outcome<Vec<_>>>()?;
        let mut handles = Vec::new();
        for own in &peers {
            let mut to_places = [0; N_PLACES];
            for (actor, peer) in scene.actors.iter().zip(&peers) {
                if let Some(place) = actor.place {
                    (_, to_places[place]) = create(peer, own)?;
                }
            }
            handles.push(to_places);
        }
        Ok(Self {
            peers,
            handles,
            has_begun: AtomicU32::new(0),
            n_raised: AtomicU32::new(0),
            notes: Notes::new(),
        })
    }
}

fn play(scene: &Scene, run: u64, stage: &Arc<Stage>) -> Outcome {
    // Who comes first changes: half of the time the last of the scene does.
    let mut indexed: Vec<_> = scene.actors.iter().copied().enumerate().collect();
    if run % 2 == 1 {
        indexed.reverse();
    }
    let mut threads = Vec::new();
    for (index, actor) in indexed {
        let stage = Arc::clone(stage);
        threads.push(thread::spawn(move || act(actor, index, &stage))?);
    }
    stage.has_begun.store(1, Ordering::SeqCst);
    for thread in threads {
        thread.join()??;
    }
    Ok(())
}

fn wait_for(word: &AtomicU32, n: u32) {
    while word.load(Ordering::SeqCst) < n {
        thread::yield_now();
    }
}

fn act(actor: Actor, index: usize, stage: &Stage) -> Outcome {
    let port = Port::of(&stage.peers[index]);
    wait_for(&stage.has_begun, 1);
    for step in actor.steps {
        match *step {
            Step::Send(label, places) => {
                let handles: Vec<u64> = places
                    .iter()
                    .map(|&place| stage.handles[index][place])
                    .collect();
                port.multicast(&handles, &[label], &[])?;
                stage.notes.add(actor.name, Seen::Sent, label);
            }
            Step::Receive(n) => {
                for _ in 0..n {
                    let mut label = [0];
                    let incoming = port.next(&mut label, &mut [])?;
                    if incoming.message.n_data != 1 {
                        return Err(Failure::new("no message of the scene"));
                    }
                    stage.notes.add(actor.name, Seen::Received, label[0]);
                }
            }
            Step::Raise => {
                stage.n_raised.fetch_add(1, Ordering::SeqCst);
            }
            Step::Await(n) => wait_for(&stage.n_raised, n),
        }
    }
    Ok(())
}
