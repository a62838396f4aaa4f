//! Closing a peer, rule by rule.

mod common;

use std::sync::atomic::Ordering;

use bus1_service::{Error, Kind};
use common::*;

/// Closing releases the nodes, drops what is queued with what it carries, and then releases the handles.
#[test]
fn clo_1_closing_releases_everything_in_order() {
    let world = World::new(3);
    let [dying, p, third] = world.first();
    let (_, to_dying) = node(dying, p);
    let (of_p, _) = node(p, dying);
    let (of_third, carried) = node(third, p);
    send(p, &[to_dying], &[carried], b"unread").unwrap();
    release(p, &[carried]).unwrap();
    close(dying);
    assert_eq!(recv_note(p), (Kind::NodeRelease, to_dying));
    assert_eq!(recv_note(p), (Kind::HandleRelease, of_p));
    assert_eq!(recv_note(third), (Kind::HandleRelease, of_third));
    assert_eq!(dying.watch().n_hang_up.load(Ordering::SeqCst), 1);
    assert!(dying.is_hung_up() && objects(dying).is_empty() && !dying.is_readable());
    assert_eq!(release(dying, &[]), Err(Error::Closed));
    assert!(!dying.begin_close(), "closed already");
    world.end();
}

/// What a closed peer has sent stays with its receivers.
#[test]
fn clo_2_messages_sent_earlier_stay() {
    let world = World::new(2);
    let [dying, p] = world.first();
    let (_, to_p) = node(p, dying);
    let (_, handle) = node(dying, dying);
    send(dying, &[to_p], &[handle], b"last words").unwrap();
    close(dying);
    let (payload, handles) = recv_message(p);
    assert_eq!(payload, b"last words");
    assert_eq!(recv_note(p), (Kind::NodeRelease, handles[0]));
    assert_eq!(recv_note(p).0, Kind::HandleRelease);
    world.end();
}

/// Peers that hold each other's handles inside queued messages leave nothing behind when both close.
#[test]
fn clo_3_cycles_leave_nothing_behind() {
    let mut world = World::new(0);
    let account = world.account(MAXIMA);
    let (a, b) = (world.peer(account), world.peer(account));
    let (_, to_a) = node(&a, &b);
    let (_, to_b) = node(&b, &a);
    let own = copy(&b, &a, to_a).unwrap();
    send(&b, &[to_a], &[to_a, to_a], b"").unwrap();
    send(&a, &[to_b], &[to_b, own], b"").unwrap();
    send(&a, &[own], &[own], b"own handle in the own queue").unwrap();
    close(&a);
    close(&b);
    assert_eq!(world.accounts[account].inspect().available, MAXIMA);
    world.end();
}

/// A long chain of messages that carry handles to the next queue is dropped in a loop, not on the stack.
#[test]
fn clo_4_drops_caused_by_drops_do_not_nest() {
    let mut world = World::new(1);
    let first = world.peers[0].clone();
    let mut last = first.clone();
    for _ in 0..2_000 {
        let next = world.peer(1);
        let (_, to_last) = node(&last, &next);
        let (_, own) = node(&next, &next);
        send(&next, &[to_last], &[own], b"").unwrap();
        last = next;
    }
    for peer in world.peers.iter().rev() {
        close(peer);
    }
    world.end();
}

/// A peer that is told to close while a release is open closes behind it.
#[test]
fn clo_4_closing_waits_for_an_open_release() {
    let world = World::new(2);
    let [dying, p] = world.first();
    let (node_id, handle) = node(dying, p);
    let (_, other) = node(dying, p);
    dying.begin_release(&[node_id]).unwrap();
    assert!(dying.begin_close());
    close(dying);
    assert_eq!([recv_note(p).1, recv_note(p).1], [handle, other]);
    assert!(dying.is_hung_up());
    world.end();
}
