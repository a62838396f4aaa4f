//! RELEASE, notifications and closing, rule by rule.

mod common;

use std::sync::atomic::Ordering;

use bus1_service::{Error, Id, Kind, ObjectInfo, Place, Progress, Source};
use common::*;

/// Releasing a node tells every holder, the owner itself too, once per handle.
#[test]
fn not_1_every_handle_of_a_released_node_is_told() {
    let world = World::new(3);
    let (owner, p, q) = (&world.peers[0], &world.peers[1], &world.peers[2]);
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
    let (owner, p) = (&world.peers[0], &world.peers[1]);
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
    let (owner, p, q) = (&world.peers[0], &world.peers[1], &world.peers[2]);
    let (_, to_q) = node(q, p);
    for n_messages in [1, 1024] {
        let (node_id, handle) = node(owner, p);
        let mut sending = p.begin_send(0).unwrap();
        sending.transfers(&[handle; 4]).unwrap();
        sending.destinations(&vec![to_q; n_messages]).unwrap();
        let mut sending = sending.prepared().unwrap().stage();
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
    let (owner, p, q) = (&world.peers[0], &world.peers[1], &world.peers[2]);
    let (_, to_q) = node(q, p);
    let (node_id, handle) = node(owner, p);
    let begin = |n_messages| {
        let mut sending = p.begin_send(0).unwrap();
        sending.transfers(&[handle]).unwrap();
        sending.destinations(&vec![to_q; n_messages]).unwrap();
        let mut sending = sending.prepared().unwrap().stage();
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
    let (owner, p, q) = (&world.peers[0], &world.peers[1], &world.peers[2]);
    let (_, to_q) = node(q, p);
    let (node_id, handle) = node(owner, p);
    let mut sending = p.begin_send(0).unwrap();
    sending.transfers(&[handle; 2]).unwrap();
    sending.destinations(&[to_q]).unwrap();
    let mut sending = sending.prepared().unwrap().stage();
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
    let (owner, p, q) = (&world.peers[0], &world.peers[1], &world.peers[2]);
    let (node_id, handle) = node(owner, p);
    let (of_q, to_q) = node(q, p);
    send(p, &[to_q], &[handle], b"").unwrap();
    release(p, &[handle]).unwrap();
    assert!(recv(owner).is_none());
    release(q, &[of_q]).unwrap();
    assert_eq!(recv_note(owner), (Kind::HandleRelease, node_id));
    world.end();
}

/// All ids are checked first, in order, unknown before named twice, and nothing happens if one is wrong.
#[test]
fn rel_1_all_ids_are_checked_before_anything_happens() {
    let world = World::new(2);
    let (owner, p) = (&world.peers[0], &world.peers[1]);
    let (node_id, handle) = node(owner, p);
    let own = copy(p, owner, handle).unwrap();
    let before = read_out(&world);
    let unknown = Id::from_u64(99);
    assert_eq!(
        release(owner, &[node_id, own, unknown]),
        Err(Error::UnknownId(Place::Release(2), unknown))
    );
    assert_eq!(
        release(owner, &[node_id, own, own]),
        Err(Error::NamedTwice(Place::Release(2), own))
    );
    assert_eq!(
        release(owner, &[own, node_id, node_id]),
        Err(Error::NamedTwice(Place::Release(2), node_id))
    );
    assert_eq!(
        release(owner, &[own, own, unknown]),
        Err(Error::UnknownId(Place::Release(2), unknown))
    );
    assert_eq!(
        release(owner, &[Id::INVALID]),
        Err(Error::UnknownId(Place::Release(0), Id::INVALID))
    );
    release(owner, &[]).unwrap();
    assert_eq!(before, read_out(&world));
    release(owner, &[own, node_id]).unwrap();
    assert_eq!(recv_note(p), (Kind::NodeRelease, handle));
    assert!(
        recv(owner).is_none(),
        "what the release names is not told about"
    );
    world.end();
}

/// After RELEASE nothing that names the ids is delivered, also not what was queued: messages, and both notifications.
#[test]
fn rel_2_nothing_that_names_released_ids_is_delivered() {
    let world = World::new(2);
    let (owner, p) = (&world.peers[0], &world.peers[1]);
    let (gone, to_gone) = node(owner, p);
    let (stays, to_stays) = node(owner, p);
    send(p, &[to_gone, to_stays, to_gone], &[to_stays], b"both").unwrap();
    send(p, &[to_gone], &[], b"alone").unwrap();
    release(owner, &[gone]).unwrap();
    let received = recv(owner).unwrap();
    assert_eq!(received.metadata().id, stays);
    assert!(recv(owner).is_none());
    release(p, &[to_gone]).unwrap();
    assert!(
        recv(p).is_none(),
        "NODE_RELEASE was queued, and its handle released"
    );
    release(p, &[to_stays]).unwrap();
    release(owner, &[received.transfers()[0]]).unwrap();
    release(owner, &[stays]).unwrap();
    assert!(
        recv(owner).is_none(),
        "HANDLE_RELEASE was queued, and its node released"
    );
    world.end();
}

/// A RECV that was copying out when its node was released finds nothing to commit, and the next message is found.
#[test]
fn rel_2_recv_passes_over_what_is_released_while_it_copies() {
    let world = World::new(2);
    let (owner, p) = (&world.peers[0], &world.peers[1]);
    let (gone, to_gone) = node(owner, p);
    let (_, to_stays) = node(owner, p);
    send(p, &[to_gone], &[to_stays], b"gone").unwrap();
    send(p, &[to_stays], &[], b"stays").unwrap();
    let receiving = owner.begin_recv().unwrap();
    release(owner, &[gone]).unwrap();
    assert_eq!(receiving.payload(), b"gone");
    assert!(receiving.commit().is_err());
    assert_eq!(recv_message(owner).0, b"stays");
    world.end();
}

/// Until the sender has received NODE_RELEASE, sending to a dead node succeeds and costs nothing; after that the id is unknown.
#[test]
fn snd_4_sends_to_a_dead_node_are_dropped_until_the_sender_knows() {
    let world = World::new(3);
    let (owner, p, q) = (&world.peers[0], &world.peers[1], &world.peers[2]);
    let (node_id, handle) = node(owner, p);
    let (_, to_q) = node(q, p);
    release(owner, &[node_id]).unwrap();
    let n_before = objects_left(owner);
    send(p, &[handle], &[], b"dropped").unwrap();
    send(p, &[handle], &[to_q], b"dropped").unwrap();
    assert_eq!(objects_left(owner), n_before);
    send(p, &[handle, to_q], &[to_q], b"half").unwrap();
    assert!(recv(owner).is_none());
    assert_eq!(recv_message(q).0, b"half");
    assert_eq!(recv_note(p), (Kind::NodeRelease, handle));
    assert_eq!(
        send(p, &[handle], &[], b""),
        Err(Error::UnknownId(Place::Destination(0), handle))
    );
    assert_eq!(
        send(p, &[to_q], &[handle], b""),
        Err(Error::UnknownId(Place::Transfer(0), handle))
    );
    world.end();
}

/// A copy of a handle to a dead node is made, and its holder gets NODE_RELEASE: by transfer, by message, behind the message.
#[test]
fn tra_5_copies_of_dead_handles_bring_their_notification() {
    let world = World::new(3);
    let (owner, p, q) = (&world.peers[0], &world.peers[1], &world.peers[2]);
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
    let (owner, p, q) = (&world.peers[0], &world.peers[1], &world.peers[2]);
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
    let (owner, p, q) = (&world.peers[0], &world.peers[1], &world.peers[2]);
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

/// Members of a release are adjacent at a receiver: node releases, then handle releases.
#[test]
fn ord_5_node_releases_come_before_handle_releases() {
    let world = World::new(2);
    let (a, b) = (&world.peers[0], &world.peers[1]);
    let (own, _) = node(a, b);
    let (of_b, to_b) = node(b, a);
    let (own_too, _) = node(a, b);
    release(a, &[to_b, own, own_too]).unwrap();
    let kinds = [recv_note(b), recv_note(b), recv_note(b)].map(|note| note.0);
    assert_eq!(
        kinds,
        [Kind::NodeRelease, Kind::NodeRelease, Kind::HandleRelease]
    );
    assert_eq!(
        release(b, &[of_b]),
        Err(Error::UnknownId(Place::Release(0), of_b))
    );
    world.end();
}

/// A release with many handles goes on in batches, pushed on by anybody; until the instant, sends to the node succeed, and a handle
/// that appears joins.
#[test]
fn rel_4_a_release_takes_effect_for_all_holders_at_one_instant() {
    let world = World::new(3);
    let (owner, p, q) = (&world.peers[0], &world.peers[1], &world.peers[2]);
    let (node_id, handle) = node(owner, p);
    for _ in 0..200 {
        copy(p, q, handle).unwrap();
    }
    owner.begin_release(&[node_id]).unwrap();
    assert_eq!(owner.begin_release(&[]), Err(Error::Busy));
    let mut n_joined = 0;
    while !q.is_readable() {
        assert_ne!(
            owner.work(1, &mut |bell, wake| ring(bell, wake)),
            Progress::Done
        );
        if n_joined < 20 && !q.is_readable() {
            send(p, &[handle], &[], b"still there").unwrap();
            copy(p, q, handle).unwrap();
            n_joined += 1;
        }
    }
    assert!(p.is_readable(), "at one instant");
    while owner.work(1, &mut |bell, wake| ring(bell, wake)) != Progress::Done {}
    assert_eq!(n_joined, 20);
    for _ in 0..220 {
        assert_eq!(recv_note(q).0, Kind::NodeRelease);
    }
    assert_eq!(recv_note(p), (Kind::NodeRelease, handle));
    assert!(recv(q).is_none() && recv(owner).is_none() && objects(q).is_empty());
    world.end();
}

/// RELEASE takes as many ids as it may, of both kinds, and frees them all.
#[test]
fn rel_1_four_thousand_ids_at_once() {
    let world = World::new(1);
    let peer = &world.peers[0];
    let ids: Vec<Id> = (0..2048)
        .flat_map(|_| <[Id; 2]>::from(node(peer, peer)))
        .collect();
    release(peer, &ids).unwrap();
    assert!(recv(peer).is_none() && objects(peer).is_empty());
    world.end();
}

/// What a refused release named is used as before, even while the names are taken back: its notices are received, its ids are freed
/// and their slots used again under other ids.
#[test]
fn rel_1_nobody_sees_what_a_refused_release_named() {
    let world = World::new(2);
    let (owner, p) = (&world.peers[0], &world.peers[1]);
    let pairs: Vec<(Id, Id)> = (0..2000).map(|_| node(owner, p)).collect();
    let (nodes, mut ids): (Vec<Id>, Vec<Id>) = pairs.iter().copied().unzip();
    release(owner, &nodes[..1000]).unwrap();
    ids.push(ids[1999]);
    let before = objects(p);
    assert_eq!(
        p.begin_release(&ids),
        Err(Error::NamedTwice(Place::Release(2000), ids[1999]))
    );
    assert_eq!(objects(p), before);
    let (mut told, mut fresh) = (Vec::new(), Vec::new());
    for index in 0..1000 {
        let (kind, id) = recv_note(p);
        assert_eq!(kind, Kind::NodeRelease);
        told.push(id);
        fresh.push(node(owner, p).1);
        if index % 150 == 0 {
            let _ = p.work(1, &mut |_, _| {});
        }
    }
    told.sort();
    assert_eq!(told, ids[..1000]);
    for &id in &ids[..1000] {
        assert_eq!(
            send(p, &[id], &[], b""),
            Err(Error::UnknownId(Place::Destination(0), id))
        );
        assert!(!fresh.contains(&id), "an id recurred");
    }
    let unknown = Error::UnknownId(Place::Release(0), ids[0]);
    assert_eq!(release(p, &ids), Err(unknown), "before named twice");
    release(p, &ids[1000..2000]).unwrap();
    release(p, &fresh).unwrap();
    assert!(objects(p).is_empty());
    world.end();
}

/// From the instant at which a release has begun, nothing that it names is delivered, however many ids it names.
#[test]
fn rel_2_what_is_named_is_not_delivered() {
    let world = World::new(2);
    let (owner, p) = (&world.peers[0], &world.peers[1]);
    let (nodes, ids): (Vec<Id>, Vec<Id>) = (0..500).map(|_| node(owner, p)).unzip();
    let (lonely, only) = node(p, owner);
    release(owner, &nodes).unwrap();
    release(owner, &[only]).unwrap();
    let mut named = ids.clone();
    named.push(lonely);
    assert!(p.is_readable());
    p.begin_release(&named).unwrap();
    let is_marked = |object: &ObjectInfo| match *object {
        ObjectInfo::Node { is_marked, .. } | ObjectInfo::Handle { is_marked, .. } => is_marked,
    };
    while {
        assert!(recv(p).is_none());
        assert!(objects(p).iter().all(is_marked));
        p.work(1, &mut |bell, wake| ring(bell, wake)) != Progress::Done
    } {}
    assert!(objects(p).is_empty());
    world.end();
}

/// A managed id never recurs.
#[test]
fn obj_4_ids_never_recur() {
    let world = World::new(1);
    let peer = &world.peers[0];
    let mut seen = std::collections::HashSet::new();
    for round in 0..500 {
        let (node_id, handle) = node(peer, peer);
        assert!(node_id.is_managed() && handle.is_managed());
        assert!(seen.insert(node_id) && seen.insert(handle));
        if round % 3 > 0 {
            release(peer, &[handle]).unwrap();
            assert_eq!(recv_note(peer), (Kind::HandleRelease, node_id));
        }
    }
    world.end();
}

/// Closing releases the nodes, drops what is queued with what it carries, and then releases the handles.
#[test]
fn clo_1_closing_releases_everything_in_order() {
    let world = World::new(3);
    let (dying, p, third) = (&world.peers[0], &world.peers[1], &world.peers[2]);
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
    let (dying, p) = (&world.peers[0], &world.peers[1]);
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
    let (dying, p) = (&world.peers[0], &world.peers[1]);
    let (node_id, handle) = node(dying, p);
    let (_, other) = node(dying, p);
    dying.begin_release(&[node_id]).unwrap();
    assert!(dying.begin_close());
    close(dying);
    assert_eq!([recv_note(p).1, recv_note(p).1], [handle, other]);
    assert!(dying.is_hung_up());
    world.end();
}
