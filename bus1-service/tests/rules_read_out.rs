//! What can be read out of a peer, and how ids and the bounds of calls look from outside.

mod common;

use bus1_service::limits::{COPIES_MAX, DESTINATIONS_MAX, TRANSFERS_MAX};
use bus1_service::{Error, Id, Kind, ObjectInfo, Place, Source};
use common::*;

/// Bit 0 of an id says whether the core chose it; an id prints as its number, so that a message of failure names it.
#[test]
fn obj_4_ids_say_who_chose_them() {
    let world = World::new(2);
    let [owner, holder] = world.first();
    let (node_id, handle) = node(owner, holder);
    assert!(node_id.is_managed() && handle.is_managed());
    assert!(!Id::from_u64(0).is_managed() && !Id::from_u64(handle.as_u64() & !1).is_managed());
    assert_eq!(format!("{:?}", Id::from_u64(0x2A1)), "Id(0x2a1)");
    world.end();
}

/// The slot of an id that is gone is used again, under another id: a peer that makes and releases nodes for long needs no more memory.
#[test]
fn obj_4_slots_are_used_again() {
    let world = World::new(2);
    let [owner, holder] = world.first();
    let mut ids = Vec::new();
    for round in 0..1_000 {
        let (node_id, handle) = node(owner, holder);
        ids.extend([node_id, handle]);
        for peer in [owner, holder] {
            let (_, next) = peer.inspect_object(0).expect("one object");
            assert_eq!(next, 1, "the first slot, in round {round}");
        }
        release(holder, &[handle]).unwrap();
        assert_eq!(recv_note(owner), (Kind::HandleRelease, node_id));
    }
    for of_one_peer in [0, 1] {
        let mut ids: Vec<_> = ids.iter().skip(of_one_peer).step_by(2).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 1_000, "no id comes twice");
    }
    world.end();
}

/// The read-out of a node tells its handles, its messages and its end; that of a handle, whether it will be told of the end.
#[test]
fn read_out_shows_objects() {
    let world = World::new(3);
    let [owner, holder, third] = world.first();
    let (node_id, handle) = node(owner, holder);
    let (_, to_third) = node(third, holder);
    let node_is = |has_handles, has_messages, is_marked| {
        let expected = ObjectInfo::Node {
            id: node_id,
            has_handles,
            has_messages,
            is_marked,
        };
        assert_eq!(objects(owner), [expected]);
    };
    node_is(true, false, false);
    send(holder, &[handle], &[], b"").unwrap();
    node_is(true, true, false);
    recv_message(owner);
    node_is(true, false, false);
    // A handle on its way is nobody's yet, and counts all the same.
    send(holder, &[to_third], &[handle], b"").unwrap();
    release(holder, &[handle]).unwrap();
    assert_eq!(objects(third).len(), 1);
    node_is(true, false, false);
    let copied = recv_message(third).1[0];
    release_staged(owner, &[node_id]);
    node_is(true, false, true);
    let handle_is = |has_note| {
        let expected = ObjectInfo::Handle {
            id: copied,
            has_note,
            is_marked: false,
        };
        assert!(objects(third).contains(&expected), "{:?}", objects(third));
    };
    handle_is(true);
    finish_release(owner);
    assert!(objects(owner).is_empty());
    handle_is(true);
    assert_eq!(recv_note(third), (Kind::NodeRelease, copied));
    assert_eq!(objects(third).len(), 1);

    let (last, only) = node(owner, holder);
    release(holder, &[only]).unwrap();
    let expected = ObjectInfo::Node {
        id: last,
        has_handles: false,
        has_messages: false,
        is_marked: false,
    };
    assert_eq!(objects(owner), [expected]);
    world.end();
}

/// The read-out of a queue tells each entry in its place, and ends behind the last.
#[test]
fn read_out_shows_the_queue() {
    let world = World::new(2);
    let [server, client] = world.first();
    let ((node_id, handle), (dying, _)) = (node(server, client), node(client, server));
    for n in 1..4 {
        send(client, &[handle], &[handle; 5][..n], &[0; 5][..n]).unwrap();
    }
    release(client, &[dying]).unwrap();
    for n in 1..4 {
        let entry = server.inspect_entry(n - 1).unwrap();
        assert_eq!((entry.kind, entry.id), (Kind::User, node_id));
        assert_eq!((entry.n_data, entry.n_transfers), (n as u64, n as u64));
    }
    assert_eq!(server.inspect_entry(3).unwrap().kind, Kind::NodeRelease);
    assert_eq!(server.inspect_entry(4), None);
    world.end();
}

/// Two names of one peer or account are the same, those of two are not.
#[test]
fn names_are_compared_by_what_they_name() {
    let world = World::new(2);
    let [a, b] = world.first();
    assert!(a.is_same(&a.clone()) && !a.is_same(b));
    let [root, account] = &world.accounts[..] else {
        panic!("two accounts")
    };
    assert!(account.is_same(&a.account()) && !account.is_same(root));
    world.end();
}

/// The first of several ids that names no handle is found: also one that names a node, or was released.
#[test]
fn snd_5_the_first_unknown_id_is_found() {
    let world = World::new(2);
    let [owner, holder] = world.first();
    let ((_, kept), (_, gone)) = (node(owner, holder), node(owner, holder));
    let (own_node, _) = node(holder, owner);
    release(holder, &[gone]).unwrap();
    assert_eq!(holder.find_unknown(&[]), None);
    assert_eq!(holder.find_unknown(&[kept, kept]), None);
    for unknown in [gone, own_node, Id::INVALID] {
        assert_eq!(holder.find_unknown(&[unknown, kept]), Some(0));
        assert_eq!(
            holder.find_unknown(&[kept, kept, unknown, unknown]),
            Some(2)
        );
    }
    world.end();
}

/// What is just short enough is sent; one more is refused, before any id is looked at.
#[test]
fn str_2_a_send_at_its_bounds() {
    let world = World::new(2);
    let [server, client] = world.first();
    let (_, handle) = node(server, client);
    let send_many = |id, n_transfers, n_destinations| {
        let (transfers, destinations) = (vec![id; n_transfers], vec![id; n_destinations]);
        send(client, &destinations, &transfers, b"")
    };
    let square = COPIES_MAX.isqrt();
    assert_eq!(square * square, COPIES_MAX);
    for (n_transfers, n_destinations) in [
        (TRANSFERS_MAX, COPIES_MAX / TRANSFERS_MAX),
        (COPIES_MAX / DESTINATIONS_MAX, DESTINATIONS_MAX),
        (square, square),
    ] {
        assert_eq!(send_many(handle, n_transfers, n_destinations), Ok(()));
        while recv(server).is_some() {}
    }
    for (n_transfers, n_destinations) in [
        (TRANSFERS_MAX + 1, 0),
        (TRANSFERS_MAX + 2, 1),
        (0, DESTINATIONS_MAX + 1),
        (1, DESTINATIONS_MAX + 2),
        (square, square + 1),
        (square + 1, square),
    ] {
        for id in [handle, Id::INVALID] {
            assert_eq!(
                send_many(id, n_transfers, n_destinations),
                Err(Error::TooLong)
            );
        }
    }
    assert_eq!(
        send_many(Id::INVALID, square, square),
        Err(Error::UnknownId(Place::Transfer(0), Id::INVALID))
    );
    world.end();
}

/// A transfer has room for every id it makes, or is refused; room to spare is left as it is.
#[test]
fn tra_2_a_transfer_needs_room_for_its_ids() {
    let world = World::new(2);
    let [from, to] = world.first();
    for (n_nodes, n_handles) in [(1, 2), (2, 1), (0, 0), (3, 1)] {
        let refused = from.transfer(
            to,
            &[Source::Create; 2],
            &mut vec![None; n_nodes],
            &mut vec![Id::INVALID; n_handles],
        );
        assert_eq!(refused.err(), Some(Error::TooLong));
    }
    assert!(objects(from).is_empty() && objects(to).is_empty());
    let (mut nodes, mut handles) = ([None; 3], [Id::INVALID; 4]);
    from.transfer(to, &[Source::Create; 2], &mut nodes, &mut handles)
        .unwrap()
        .finish_silently();
    assert!(nodes[1].is_some() && nodes[2].is_none());
    assert!(handles[1] != Id::INVALID && handles[2] == Id::INVALID);
    world.end();
}
