//! ORD-7: transactions that have no peer, node or account in common share nothing writable. The recording build notes the address of
//! every lock, transaction word and count that an operation writes.

extern crate bus1_stress as bus1_service;

#[path = "../../../bus1-service/tests/allocator/mod.rs"]
mod allocator;
#[path = "../../../bus1-service/tests/common/mod.rs"]
mod common;

use std::collections::BTreeSet;

use bus1_service::{Id, Kind, Peer, Source, record};
use common::*;

/// Two servers and a client of an account of their own, with handles made.
struct Corner {
    client: Peer<Host>,
    servers: [Peer<Host>; 2],
    nodes: [Id; 2],
    to: [Id; 2],
}

fn corner(world: &mut World) -> Corner {
    let account = world.account(MAXIMA);
    let client = world.peer(account);
    let servers = [world.peer(account), world.peer(account)];
    let [first, second] = [node(&servers[0], &client), node(&servers[1], &client)];
    Corner {
        client,
        servers,
        nodes: [first.0, second.0],
        to: [first.1, second.1],
    }
}

/// Every operation there is, once.
fn everything(corner: &Corner) {
    let Corner {
        client,
        servers: [a, b],
        nodes,
        to,
    } = corner;
    send(client, &to[..1], &[], b"unicast").unwrap();
    recv_message(a);
    send(client, to, to, b"multicast").unwrap();
    for server in [a, b] {
        let handles = recv_message(server).1;
        release(server, &handles).unwrap();
    }
    send(client, &to[..1], to, b"discarded").unwrap();
    a.begin_recv().unwrap().discard().unwrap().finish_silently();
    let mut handles = [Id::INVALID; 2];
    client
        .transfer(
            a,
            &[Source::Create, Source::Copy(to[1])],
            &mut [None; 2],
            &mut handles,
        )
        .unwrap()
        .finish_silently();
    release(a, &handles).unwrap();
    assert_eq!(recv_note(client).0, Kind::HandleRelease);
    send(client, &to[..1], &[], b"dropped").unwrap();
    release(a, &nodes[..1]).unwrap();
    assert_eq!(recv_note(client), (Kind::NodeRelease, to[0]));
    close(b);
    assert_eq!(recv_note(client), (Kind::NodeRelease, to[1]));
}

/// What two corners of the same world write while each does everything has nothing in common.
#[test]
fn ord_7_disjoint_transactions_share_nothing_writable() {
    allocator::keep_all();
    let mut world = World::new(0);
    let corners = [corner(&mut world), corner(&mut world)];
    let [one, other] = corners
        .each_ref()
        .map(|corner| record::written(|| everything(corner)));
    assert!(
        one.len() > 20 && other.len() > 20,
        "{} and {} addresses",
        one.len(),
        other.len()
    );
    let both: BTreeSet<usize> = one.intersection(&other).copied().collect();
    assert!(both.is_empty(), "both wrote {both:x?}");
    world.end();
}

/// The test above can fail: corners that share a server both write its lock.
#[test]
fn ord_7_the_recording_sees_what_is_shared() {
    allocator::keep_all();
    let mut world = World::new(0);
    let corners = [corner(&mut world), corner(&mut world)];
    let shared = &corners[0].servers[0];
    let [one, other] = corners.each_ref().map(|corner| {
        let to_shared = node(shared, &corner.client).1;
        record::written(|| send(&corner.client, &[to_shared], &[], b"").unwrap())
    });
    assert!(one.intersection(&other).next().is_some());
    world.end();
}

/// A unicast and its receipt take five locks, and no count is written by two threads: five atomic operations, and not one more.
#[test]
fn ord_7_a_unicast_takes_five_atomic_operations() {
    allocator::keep_all();
    let mut world = World::new(0);
    let Corner {
        client,
        servers,
        to,
        ..
    } = corner(&mut world);
    let unicast = || {
        send(&client, &to[..1], &[], b"unicast").unwrap();
        servers[0].recv().unwrap();
    };
    // The first one makes the trace that it is charged through.
    unicast();
    unicast();
    assert_eq!(record::count(unicast), 5);
    world.end();
}

/// A short message that is handed over takes two locks and raises and lowers one count, as long as the books are those that granted one.
/// Asking them takes a third lock; who holds something there already, or sends a handle along, writes them.
#[test]
fn ord_7_a_hand_over_takes_four_atomic_operations() {
    allocator::keep_all();
    let mut world = World::new(2);
    let elsewhere = world.account(MAXIMA);
    let client = world.peer(elsewhere);
    let [server, other] = world.first();
    let to = [server, other].map(|server| node(server, &client).1);
    // What messages are charged through is made by the first.
    send(&client, &to[..1], &[], b"first").unwrap();
    recv_message(server);
    let hand_over = |n_data| {
        record::count(|| {
            let aim = client
                .aim(to[0], true)
                .expect("nothing waits at the client");
            let handed = client.hand_over(aim, n_data);
            assert!(handed.is_some(), "somebody could wait at the server");
        })
    };
    // The first keeps the handle, to find it again without a search.
    assert_eq!([64, 64, 65, 0].map(hand_over), [6, 4, 5, 4]);
    // A node is charged: these are other books.
    node(other, server);
    assert_eq!([8, 8].map(hand_over), [5, 4]);
    let with_handle = || {
        let aimed = client.aim_with(to[0], to[1], true);
        let (aim, cargo) = aimed.expect("nothing waits at the client");
        let handed = client.hand_over_with(aim, cargo, 8, &mut |_, _| {});
        assert!(handed.is_some(), "somebody could wait at the server");
    };
    with_handle();
    assert_eq!(record::count(with_handle), 13);
    // A message of another is queued: the books are written.
    send(&client, &to[1..], &[], b"queued").unwrap();
    assert_eq!([8, 8].map(hand_over), [7, 7]);
    world.end();
}

/// A short message takes four atomic operations in one call if it is to two, each the taking of a lock, and eighteen if it is to three; in phases
/// eighteen and twenty-five.
#[test]
fn ord_7_a_message_to_a_few_keeps_what_it_knows_to_itself() {
    allocator::keep_all();
    let mut world = World::new(0);
    let Corner {
        client,
        servers,
        to,
        ..
    } = corner(&mut world);
    let counts = [2, 3].map(|n| {
        let to: Vec<_> = to.iter().cycle().copied().take(n).collect();
        let receive = || {
            for index in 0..n {
                drop(recv_message(&servers[index % 2]));
            }
        };
        let in_one_call = || send(&client, &to, &[], b"all").unwrap();
        // The first ones make what they are charged through, and the word.
        for _ in 0..2 {
            in_one_call();
            receive();
        }
        let n_in_one_call = record::count(in_one_call);
        receive();
        let n_in_phases = record::count(|| commit(staged(&client, &to, b"all")));
        receive();
        [n_in_one_call, n_in_phases]
    });
    assert_eq!(counts, [[4, 18], [18, 25]]);
    world.end();
}
