//! Threads that do everything to the same few peers at once; afterwards nothing is left (Q2).

mod common;

use std::sync::{Arc, Mutex};

use bus1_service::{Error, Id, Kind, Peer, Source};
use common::*;

/// A cheap generator: the point is many schedules, not good numbers.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

/// Ids that threads believe a peer has; some are gone.
#[derive(Default)]
struct Known {
    handles: Vec<Id>,
    nodes: Vec<Id>,
}

fn pick(ids: &[Id], dice: &mut Dice) -> Option<Id> {
    (!ids.is_empty()).then(|| ids[dice.below(ids.len())])
}

fn step(peers: &[(Peer<Host>, Arc<Mutex<Known>>)], dice: &mut Dice) {
    let (peer, known) = &peers[dice.below(peers.len())];
    let wake = &mut |bell: &Arc<Bell>, wake| ring(bell, wake);
    match dice.below(12) {
        0 => {
            let (to, to_known) = &peers[dice.below(peers.len())];
            let (node, handle) = node(peer, to);
            known.lock().unwrap().nodes.push(node);
            to_known.lock().unwrap().handles.push(handle);
        }
        1 => {
            let (to, to_known) = &peers[dice.below(peers.len())];
            let Some(id) = pick(&known.lock().unwrap().handles, dice) else {
                return;
            };
            let mut handles = [Id::INVALID; 3];
            let sources = [Source::Copy(id), Source::Create, Source::Copy(id)];
            match peer.transfer(to, &sources, &mut [None; 3], &mut handles) {
                Ok(effects) => {
                    effects.finish(wake);
                    to_known.lock().unwrap().handles.extend(handles);
                }
                Err(Error::UnknownId(..)) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        2 | 3 => {
            let mut ids = Vec::new();
            {
                let mut known = known.lock().unwrap();
                for _ in 0..dice.below(4) {
                    let n = known.handles.len();
                    if n > 0 {
                        ids.push(known.handles.swap_remove(dice.below(n)));
                    }
                    let n = known.nodes.len();
                    if n > 0 && dice.below(3) == 0 {
                        ids.push(known.nodes.swap_remove(dice.below(n)));
                    }
                }
            }
            match peer.release(&ids, wake) {
                Ok(()) | Err(Error::UnknownId(..) | Error::NamedTwice(..)) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        4..=7 => {
            let (mut to, mut carried) = (Vec::new(), Vec::new());
            {
                let known = known.lock().unwrap();
                for _ in 0..dice.below(4) {
                    to.extend(pick(&known.handles, dice));
                }
                for _ in 0..dice.below(3) {
                    carried.extend(pick(&known.handles, dice));
                }
            }
            match peer.send(&to, &carried, &[7; 20]) {
                Ok(effects) => effects.finish(wake),
                Err(Error::UnknownId(..)) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        _ => match peer.recv() {
            Ok(received) => {
                let mut known = known.lock().unwrap();
                known.handles.extend(received.transfers());
                match received.kind() {
                    Kind::User => assert_eq!(received.payload(), [7; 20]),
                    Kind::NodeRelease => known.handles.retain(|&id| id != received.metadata().id),
                    Kind::HandleRelease => known.nodes.retain(|&id| id != received.metadata().id),
                }
            }
            Err(Error::NothingQueued) => {}
            Err(error) => panic!("{error:?}"),
        },
    }
}

fn run(n_threads: u64, n_peers: usize, n_steps: usize, seed: u64) {
    let mut world = World::new(n_peers);
    let other = world.account(MAXIMA);
    world.peer(other);
    let peers: Vec<_> = world
        .peers
        .iter()
        .map(|peer| (peer.clone(), Arc::default()))
        .collect();
    std::thread::scope(|scope| {
        for thread in 0..n_threads {
            let peers = &peers;
            scope.spawn(move || {
                let mut dice = Dice(seed * 1000 + thread);
                for _ in 0..n_steps {
                    step(peers, &mut dice);
                }
            });
        }
    });
    drop(peers);
    world.end();
}

/// Counters are back at the end, however sends, receives, releases and transfers on the same peers overlapped.
#[test]
fn acc_5_nothing_is_left_after_threads_did_everything() {
    for seed in 0..20 {
        run(4, 3, 2_000, seed);
    }
}

/// Peers that close while others send to them, carry handles of them and release them leave nothing behind.
#[test]
fn clo_3_nothing_is_left_after_peers_closed_in_the_middle() {
    for seed in 0..200 {
        let world = World::new(4);
        let (dying, others) = (&world.peers[0], &world.peers[1..]);
        let handles: Vec<Id> = others.iter().map(|peer| node(dying, peer).1).collect();
        let to_next: Vec<Id> = (0..3)
            .map(|index| node(&others[(index + 1) % 3], &others[index]).1)
            .collect();
        let n_told = std::sync::atomic::AtomicUsize::new(0);
        let count = |received: &bus1_service::Received<Host>, handle: Id| {
            let is_it = received.kind() == Kind::NodeRelease && received.metadata().id == handle;
            n_told.fetch_add(usize::from(is_it), std::sync::atomic::Ordering::SeqCst);
        };
        std::thread::scope(|scope| {
            for (index, peer) in others.iter().enumerate() {
                let (to_dying, to_next) = (handles[index], to_next[index]);
                let count = &count;
                scope.spawn(move || {
                    for _ in 0..100 {
                        let _ = send(peer, &[to_dying, to_next], &[to_dying, to_next], b"x");
                        let _ = copy(peer, peer, to_dying);
                        if let Ok(received) = peer.recv() {
                            count(&received, to_dying);
                            let _ = release(peer, received.transfers());
                        }
                    }
                });
            }
            scope.spawn(move || {
                for _ in 0..seed {
                    std::thread::yield_now();
                }
                close(dying);
            });
        });
        for (index, peer) in others.iter().enumerate() {
            while let Some(received) = recv(peer) {
                count(&received, handles[index]);
            }
        }
        assert_eq!(
            n_told.into_inner(),
            3,
            "each holder of a handle learns of the death once"
        );
        world.end();
    }
}
