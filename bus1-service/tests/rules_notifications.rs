//! Notifications, rule by rule: who is told of the end of a node and of the last handle, and when.

mod common;

use bus1_service::{Error, Kind, Place, Progress, Source};
use common::*;

/// Releasing a node tells every holder, the owner itself too, once per handle.
#[test]
fn not_1_every_handle_of_a_released_node_is_told() {
    let world = World::new(3);
    let [owner, p, q] = world.first();
    let (node_id, to_p) = node(owner, p);
    let to_q = copy(p, q, to_p).unwrap();
    let twin = copy(p, p, to_p).unwrap();
    let own = copy(p, owner, to_p).unwrap();
    release(owner, &[node_id]).unwrap();
    let mut at_p = [recv_note(p), recv_note(p)];
    at_p.sort_by_key(|note| note.1);
    let mut expected = [(Kind::NodeRelease, to_p), (Kind::NodeRelease, twin)];
    expected.sort_by_key(|note| note.1);
    assert_eq!(at_p, expected);
    assert_eq!(recv_note(q), (Kind::NodeRelease, to_q));
    assert_eq!(recv_note(owner), (Kind::NodeRelease, own));
    assert!(
        [owner, p, q]
            .iter()
            .all(|peer| recv(peer).is_none() && objects(peer).is_empty())
    );
    world.end();
}

/// Only the last handle's release is told to the owner, once; receiving it frees the node's id.
#[test]
fn not_2_the_owner_is_told_when_the_last_handle_goes() {
    let world = World::new(2);
    let [owner, p] = world.first();
    let (node_id, first) = node(owner, p);
    let second = copy(p, p, first).unwrap();
    release(p, &[first]).unwrap();
    assert!(recv(owner).is_none());
    release(p, &[second]).unwrap();
    assert_eq!(recv_note(owner), (Kind::HandleRelease, node_id));
    assert_eq!(
        release(owner, &[node_id]),
        Err(Error::UnknownId(Place::Release(0), node_id))
    );
    assert!(recv(owner).is_none());
    world.end();
}

/// A copy that a call has made and will not deliver does not count: the owner is told with the release of the handle, before the
/// call fails, and once. So it is with as many copies as a message may make, and with a transfer.
#[test]
fn not_2_copies_of_a_call_that_fails_do_not_count() {
    let world = World::new(3);
    let [owner, p, q] = world.first();
    let (_, to_q) = node(q, p);
    for n_messages in [1, 1024] {
        let (node_id, handle) = node(owner, p);
        let mut sending = begun_with(p, &vec![to_q; n_messages], &[handle; 4]);
        while sending.step(1) != Progress::Done {}
        let mut transferring = p.begin_transfer(q).unwrap();
        transferring.sources(&[Source::Copy(handle)]).unwrap();
        let mut transferring = transferring.prepared().unwrap();
        assert!(!owner.is_readable());
        release(p, &[handle]).unwrap();
        assert_eq!(recv_note(owner), (Kind::HandleRelease, node_id));
        let gone = Error::UnknownId(Place::Transfer(0), handle);
        assert_eq!(sending.commit().err(), Some(gone));
        assert_eq!(transferring.commit().err(), Some(gone));
        sending.abort().finish_silently();
        transferring.abort().finish_silently();
        assert!(recv(owner).is_none() && recv(q).is_none());
    }
    world.end();
}

/// A copy counts from the instant at which its transaction takes effect, whatever is still to be done for it, and also beside copies that
/// never will.
#[test]
fn not_2_copies_count_from_their_instant() {
    let world = World::new(3);
    let [owner, p, q] = world.first();
    let (_, to_q) = node(q, p);
    let (node_id, handle) = node(owner, p);
    let begin = |n_messages| {
        let mut sending = begun_with(p, &vec![to_q; n_messages], &[handle]);
        while sending.step(1) != Progress::Done {}
        sending
    };
    let mut before = begin(600);
    let effects = begin(1).commit().unwrap();
    let mut behind = begin(600);
    release(p, &[handle]).unwrap();
    assert!(recv(owner).is_none(), "one copy travels");
    effects.finish(&mut |bell, wake| ring(bell, wake));
    let (_, handles) = recv_message(q);
    let twin = copy(q, q, handles[0]).unwrap();
    release(q, &handles).unwrap();
    assert!(before.commit().is_err() && behind.commit().is_err());
    drop((before, behind));
    assert!(recv(owner).is_none(), "one copy is left");
    release(q, &[twin]).unwrap();
    assert_eq!(recv_note(owner), (Kind::HandleRelease, node_id));
    assert!(recv(owner).is_none());
    world.end();
}

/// A node that is released tells of a copy that was undecided when the release began, and decided before it took effect.
#[test]
fn not_1_a_copy_decided_during_the_release_is_told() {
    let world = World::new(3);
    let [owner, p, q] = world.first();
    let (_, to_q) = node(q, p);
    let (node_id, handle) = node(owner, p);
    let mut sending = begun_with(p, &[to_q], &[handle; 2]);
    owner.begin_release(&[node_id]).unwrap();
    // Named, marked, no handles of the owner to stage.
    for _ in 0..3 {
        let _ = owner.work(1, &mut |bell, wake| ring(bell, wake));
    }
    let effects = sending.commit().unwrap();
    release(p, &[handle]).unwrap();
    release(owner, &[]).unwrap();
    effects.finish(&mut |bell, wake| ring(bell, wake));
    let (_, handles) = recv_message(q);
    let told = [recv_note(q), recv_note(q)];
    for handle in handles {
        assert!(told.contains(&(Kind::NodeRelease, handle)));
    }
    assert!(recv(owner).is_none() && recv(q).is_none());
    world.end();
}

/// A travelling handle counts; when its message is dropped with the node it was for, it stops counting.
#[test]
fn not_2_travelling_handles_count() {
    let world = World::new(3);
    let [owner, p, q] = world.first();
    let (node_id, handle) = node(owner, p);
    let (of_q, to_q) = node(q, p);
    send(p, &[to_q], &[handle], b"").unwrap();
    release(p, &[handle]).unwrap();
    assert!(recv(owner).is_none());
    release(q, &[of_q]).unwrap();
    assert_eq!(recv_note(owner), (Kind::HandleRelease, node_id));
    world.end();
}

/// A copy of a handle to a dead node is made, and its holder gets NODE_RELEASE: by transfer, by message, behind the message.
#[test]
fn tra_5_copies_of_dead_handles_bring_their_notification() {
    let world = World::new(3);
    let [owner, p, q] = world.first();
    let (node_id, handle) = node(owner, p);
    let (_, to_q) = node(q, p);
    release(owner, &[node_id]).unwrap();
    let twin = copy(p, q, handle).unwrap();
    assert_eq!(recv_note(q), (Kind::NodeRelease, twin));
    send(p, &[to_q, to_q], &[handle], b"1").unwrap();
    send(p, &[to_q], &[], b"2").unwrap();
    let carried = [recv_message(q).1[0], recv_message(q).1[0]];
    let mut told = [recv_note(q).1, recv_note(q).1];
    told.sort();
    let mut expected = carried;
    expected.sort();
    assert_eq!(
        told, expected,
        "behind both messages of the transaction, before the next"
    );
    assert_eq!(recv_message(q).0, b"2");
    world.end();
}

/// A handle whose node dies while it travels: the holder gets the message first, then NODE_RELEASE.
#[test]
fn not_1_a_travelling_handle_is_told_after_its_message() {
    let world = World::new(3);
    let [owner, p, q] = world.first();
    let (node_id, handle) = node(owner, p);
    let (_, to_q) = node(q, p);
    send(p, &[to_q], &[handle], b"1").unwrap();
    release(owner, &[node_id]).unwrap();
    send(p, &[to_q], &[], b"2").unwrap();
    let carried = recv_message(q).1[0];
    assert_eq!(recv_note(q), (Kind::NodeRelease, carried));
    assert_eq!(recv_message(q).0, b"2");
    world.end();
}

/// If the message that carries a handle is dropped, so is its notification.
#[test]
fn not_1_a_dropped_handle_is_not_told_about() {
    let world = World::new(3);
    let [owner, p, q] = world.first();
    let (node_id, handle) = node(owner, p);
    let (of_q, to_q) = node(q, p);
    send(p, &[to_q], &[handle], b"").unwrap();
    release(owner, &[node_id]).unwrap();
    release(q, &[of_q]).unwrap();
    assert!(recv(q).is_none());
    send(p, &[to_q], &[handle], b"").unwrap();
    assert!(recv(q).is_none());
    world.end();
}
