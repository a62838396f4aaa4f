//! RELEASE, rule by rule: what it names, when it takes effect, and what becomes of what was on its way.

mod common;

use bus1_service::{Error, Id, Kind, ObjectInfo, Place, Progress};
use common::*;

/// All ids are checked first, in order, unknown before named twice, and nothing happens if one is wrong.
#[test]
fn rel_1_all_ids_are_checked_before_anything_happens() {
    let world = World::new(2);
    let [owner, p] = world.first();
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
    let [owner, p] = world.first();
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
    let [owner, p] = world.first();
    let (gone, to_gone) = node(owner, p);
    let (_, to_stays) = node(owner, p);
    send(p, &[to_gone], &[to_stays], b"gone").unwrap();
    send(p, &[to_stays], &[], b"stays").unwrap();
    let receiving = owner.begin_recv().unwrap();
    release(owner, &[gone]).unwrap();
    assert_eq!(*receiving.payload(), *b"gone");
    assert!(receiving.commit().is_err());
    assert_eq!(recv_message(owner).0, b"stays");
    world.end();
}

/// Until the sender has received NODE_RELEASE, sending to a dead node succeeds and costs nothing; after that the id is unknown.
#[test]
fn snd_4_sends_to_a_dead_node_are_dropped_until_the_sender_knows() {
    let world = World::new(3);
    let [owner, p, q] = world.first();
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

/// Members of a release are adjacent at a receiver: node releases, then handle releases.
#[test]
fn ord_5_node_releases_come_before_handle_releases() {
    let world = World::new(2);
    let [a, b] = world.first();
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
    let [owner, p, q] = world.first();
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
    let [owner, p] = world.first();
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
    let [owner, p] = world.first();
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
