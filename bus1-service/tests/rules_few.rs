//! A short message to a few destinations, which goes a way of its own: nobody can tell.

mod common;

use bus1_service::{Error, Id, Kind, Peer, Place};
use common::*;

/// Peers of two accounts, the second of them small, and handles of the first peer on nodes of the others.
struct Cast {
    world: World,
    to: Vec<Id>,
    nodes: Vec<Id>,
}

fn cast() -> Cast {
    let mut world = World::new(4);
    let small = world.account([100, 1000]);
    (0..2).for_each(|_| drop(world.peer(small)));
    let made = world.peers[1..].iter();
    let made = made.map(|server| node(server, &world.peers[0]));
    let (nodes, to) = made.unzip();
    Cast { world, to, nodes }
}

/// The same send by its phases, which take the way of many destinations.
fn send_by_phases(from: &Peer<Host>, to: &[Id], payload: &[u8]) -> Result<(), Error> {
    try_begun(from, to, payload)?.commit()?.finish_silently();
    Ok(())
}

/// Whatever is sent to whom, and whatever is refused: result, queues, ids, quotas, readiness and what is told of it
/// are those of a send in phases.
#[test]
fn snd_5_few_destinations_fare_like_many() {
    let cases: [&[usize]; 16] = [
        &[0, 1],
        &[0, 3],
        &[3, 0],
        &[3, 4],
        &[0, 9],
        &[0, 0],
        &[0, 0, 1, 0],
        &[0, 3, 1, 4],
        &[3, 4, 4],
        &[0, 1, 2, 3, 4, 0, 1, 2],
        &[2, 9, 1],
        &[5, 0],
        &[0, 3, 3, 3, 3, 3, 3, 9],
        &[0, 1, 2, 0, 1, 2, 0, 1, 2],
        &[0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 4, 0, 1, 2, 4],
        &[0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1],
    ];
    for case in cases {
        for n_bytes in [0, 1, 64, 100, 256, 257] {
            for dead in [None, Some(0), Some(1)] {
                let outcomes = [false, true].map(|is_by_phases| {
                    let Cast { world, to, nodes } = cast();
                    // An id that is none, and one of the sender's own nodes, which is no handle.
                    let own = node(&world.peers[0], &world.peers[1]).0;
                    if let Some(dead) = dead {
                        release(&world.peers[1 + dead], &nodes[dead..=dead]).unwrap();
                    }
                    let destinations: Vec<Id> = case
                        .iter()
                        .map(|&index| match index {
                            5 => own,
                            index => to.get(index).copied().unwrap_or(Id::INVALID),
                        })
                        .collect();
                    // Again and again, until the small account refuses.
                    let results: Vec<_> = (0..12_u8)
                        .map(|round| {
                            let payload = vec![round; n_bytes];
                            traced(|| {
                                if is_by_phases {
                                    send_by_phases(&world.peers[0], &destinations, &payload)
                                } else {
                                    world.peers[0]
                                        .send(&destinations, &[], &payload)
                                        .map(|effects| effects.finish_silently())
                                }
                            })
                        })
                        .map(|(result, told)| {
                            let n_told = result.map_or(0, |()| case.len());
                            assert_eq!(told.len(), n_told, "one for each destination");
                            let result =
                                result.map_err(|error| (error.errno(), error.destination()));
                            (result, told)
                        })
                        .collect();
                    let seen = read_out(&world);
                    let received: Vec<Vec<(Kind, Id, Vec<u8>)>> = world
                        .peers
                        .iter()
                        .map(|peer| {
                            std::iter::from_fn(|| recv(peer))
                                .map(|got| (got.kind(), got.metadata().id, got.payload().to_vec()))
                                .collect()
                        })
                        .collect();
                    world.end();
                    (results, seen, received)
                });
                let [few, many] = outcomes;
                assert_eq!(few, many, "{case:?}, {n_bytes} bytes, dead: {dead:?}");
            }
        }
    }
}

/// What a message to a few has left to do, if nobody does it, is done when it is forgotten; and it carries nothing over to the next.
#[test]
fn snd_4_few_effects_may_be_left() {
    for n in [2, 3] {
        let Cast { world, to, nodes } = cast();
        let [client, a, b] = world.first();
        for round in 0..3_u8 {
            drop(client.send(&to[..n], &[], &[round]).unwrap());
        }
        // The words of the first two, if they have any, are still waited for while the third is decided.
        assert_eq!((drain(a), drain(b)), (vec![0, 1, 2], vec![0, 1, 2]));
        let effects = client.send(&to[..n], &[], b"x").unwrap();
        release(a, &nodes[..1]).unwrap();
        effects.finish_silently();
        assert!(!a.is_readable());
        assert_eq!(drain(b), b"x");
        world.end();
    }
}

/// The first destination that is unknown is named, before any quota.
#[test]
fn snd_5_the_first_cause_is_told() {
    let Cast { world, to, .. } = cast();
    let [client] = world.first();
    let destinations = [to[3], Id::INVALID, to[0]];
    let result = client.send(&destinations, &[], &[0; 256]).map(drop);
    let unknown = Error::UnknownId(Place::Destination(1), Id::INVALID);
    assert_eq!(result, Err(unknown));
    world.end();
}

/// Two to sixteen get a message of at most 256 bytes in one step; of fewer, more, a longer one, or an id that is none, nothing comes.
#[test]
fn snd_3_a_message_to_a_few_in_one_step() {
    let Cast { world, to, .. } = cast();
    let [client, a, b] = world.first();
    for (n, n_bytes, is_sent) in [
        (0, 1, false),
        (1, 1, false),
        (2, 1, true),
        (16, 256, true),
        (17, 1, false),
        (2, 257, false),
    ] {
        let destinations: Vec<Id> = to[..2].iter().copied().cycle().take(n).collect();
        let effects = client.send_few(&destinations, &vec![7; n_bytes]).unwrap();
        assert_eq!(effects.is_some(), is_sent, "{n} destinations");
        drop(effects);
        let n_each = if is_sent { n / 2 } else { 0 };
        assert_eq!([a, b].map(|peer| drain(peer).len()), [n_each * n_bytes; 2]);
    }
    let unknown = client.send_few(&[to[0], Id::INVALID], b"x");
    assert!(unknown.unwrap().is_none());
    assert!(!a.is_readable());
    world.end();
}
