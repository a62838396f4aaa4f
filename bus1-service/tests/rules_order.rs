//! Objects, order, and what is seen of a transaction while it is on its way, rule by rule. The litmus tests go further.

mod common;

use bus1_service::{Error, Id, Kind, Peer, Place, Progress, Source};
use common::*;

/// Many handles of many peers lead to one node, and what comes through them arrives at its peer alone.
#[test]
fn obj_2_many_senders_one_receiver() {
    let world = World::new(4);
    let (owner, others) = world.peers.split_first().unwrap();
    let (node_id, first) = node(owner, &others[0]);
    send(&others[0], &[first], &[], b"0").unwrap();
    for (number, other) in others.iter().enumerate().skip(1) {
        let handle = copy(&others[0], other, first).unwrap();
        send(other, &[handle], &[], &[b'0' + number as u8]).unwrap();
    }
    for expected in *b"012" {
        let received = recv(owner).unwrap();
        assert_eq!(
            (received.metadata().id, received.payload()),
            (node_id, &[expected][..])
        );
    }
    assert!(world.peers.iter().all(|peer| recv(peer).is_none()));
    world.end();
}

/// Every copy of a handle is a new handle with an id of its own, also on the peer that owns the node.
#[test]
fn obj_3_copies_are_never_coalesced() {
    let world = World::new(2);
    let [owner, holder] = world.first();
    let (node_id, handle) = node(owner, holder);
    let mut at_holder = vec![handle, copy(holder, holder, handle).unwrap()];
    let mut at_owner = vec![node_id, copy(holder, owner, handle).unwrap()];
    send(holder, &[handle], &[handle, handle], b"").unwrap();
    at_owner.extend(recv_message(owner).1);
    at_holder.sort();
    at_owner.sort();
    at_holder.dedup();
    at_owner.dedup();
    assert_eq!((at_holder.len(), at_owner.len()), (2, 4));
    world.end();
}

/// An id says nothing at another peer: whatever is known of a node and its handles elsewhere, nothing reaches it.
#[test]
fn obj_7_ids_mean_nothing_elsewhere() {
    let world = World::new(3);
    let [owner, holder, stranger] = world.first();
    let (node_id, handle) = node(owner, holder);
    for id in [node_id, handle].map(Id::as_u64) {
        for guess in [id, id ^ 1, id + 2, id << 1, !id].map(Id::from_u64) {
            let refused = send(stranger, &[guess], &[], b"");
            assert_eq!(refused, Err(Error::UnknownId(Place::Destination(0), guess)));
            assert!(
                copy(stranger, stranger, guess).is_err() && release(stranger, &[guess]).is_err()
            );
        }
    }
    assert!(recv(owner).is_none());
    world.end();
}

/// An entry with CREATE makes a node on the source and a handle to it on the destination; one without copies a handle.
#[test]
fn tra_1_create_and_copy() {
    let world = World::new(3);
    let [from, to, owner] = world.first();
    let (old_node, old) = node(owner, from);
    let mut nodes = [None; 2];
    let mut handles = [Id::INVALID; 2];
    from.transfer(
        to,
        &[Source::Create, Source::Copy(old)],
        &mut nodes,
        &mut handles,
    )
    .unwrap()
    .finish_silently();
    let new_node = nodes[0].expect("a node was made");
    assert_eq!(nodes[1], None);
    send(to, &handles, &[], b"x").unwrap();
    assert_eq!(recv(from).unwrap().metadata().id, new_node);
    assert_eq!(recv(owner).unwrap().metadata().id, old_node);
    world.end();
}

/// A destination that is refused is named by its place in the array, and the first one decides.
#[test]
fn snd_2_the_refused_destination_is_named() {
    let world = World::new(2);
    let [server, client] = world.first();
    let (_, good) = node(server, client);
    let bad = Id::from_u64(good.as_u64() + 1000);
    for place in 0..3 {
        let mut to = [good; 4];
        to[place] = bad;
        to[3] = bad;
        let error = send(client, &to, &[], b"").unwrap_err();
        assert_eq!(error, Error::UnknownId(Place::Destination(place), bad));
        assert_eq!(error.destination(), Some(place));
    }
    assert!(recv(server).is_none());
    world.end();
}

/// An unknown carried handle is found before an unknown destination, and both before a quota that is too small.
#[test]
fn snd_5_ids_are_looked_at_before_quotas() {
    let mut world = World::new(1);
    let small = world.account([4, 4]);
    let server = world.peer(small);
    let client = world.peers[0].clone();
    let (_, handle) = node(&server, &client);
    let bad = Id::from_u64(handle.as_u64() + 1000);
    let large = [0; 100];
    let refused = |to: &[Id], carried: &[Id]| send(&client, to, carried, &large).unwrap_err();
    assert_eq!(
        refused(&[bad], &[bad]),
        Error::UnknownId(Place::Transfer(0), bad)
    );
    assert_eq!(
        refused(&[handle, bad], &[handle]),
        Error::UnknownId(Place::Destination(1), bad)
    );
    assert!(matches!(
        refused(&[handle], &[]),
        Error::Quota(Place::Destination(0), _)
    ));
    world.end();
}

/// Receiving NODE_RELEASE frees the handle's id, receiving HANDLE_RELEASE the node's.
#[test]
fn rcv_5_notifications_free_ids() {
    let world = World::new(2);
    let [owner, holder] = world.first();
    let (dying, to_dying) = node(owner, holder);
    let (kept, to_kept) = node(owner, holder);
    release(owner, &[dying]).unwrap();
    assert_eq!(recv_note(holder), (Kind::NodeRelease, to_dying));
    assert!(release(holder, &[to_dying]).is_err());
    release(holder, &[to_kept]).unwrap();
    assert_eq!(recv_note(owner), (Kind::HandleRelease, kept));
    assert!(release(owner, &[kept]).is_err());
    assert!(objects(owner).is_empty() && objects(holder).is_empty());
    world.end();
}

/// A notification has its place among the messages: behind what was sent before the release, before what was sent after it.
#[test]
fn not_3_notifications_are_ordered_with_messages() {
    let world = World::new(2);
    let [owner, holder] = world.first();
    let (dying, to_dying) = node(owner, holder);
    let (_, to_holder) = node(holder, owner);
    send(owner, &[to_holder], &[], b"before").unwrap();
    release(owner, &[dying]).unwrap();
    send(owner, &[to_holder], &[], b"after").unwrap();
    assert_eq!(recv_message(holder).0, b"before");
    assert_eq!(recv_note(holder), (Kind::NodeRelease, to_dying));
    assert_eq!(recv_message(holder).0, b"after");
    world.end();
}

/// Notifications come to a peer whose account has nothing left.
#[test]
fn not_4_notifications_need_no_quota() {
    let mut world = World::new(1);
    let small = world.account([64, 64]);
    let holder = world.peer(small);
    let owner = world.peers[0].clone();
    let (node_id, handle) = node(&owner, &holder);
    // Makes nodes for itself until nothing is left.
    while holder.create_node(&holder).is_ok() {}
    release(&owner, &[node_id]).unwrap();
    assert_eq!(recv_note(&holder), (Kind::NodeRelease, handle));
    world.end();
}

/// What follows from a message comes behind it, though it takes another way.
#[test]
fn ord_3_effects_come_behind_their_causes() {
    let world = World::new(3);
    let [s, p, q] = world.first();
    let ((_, s_to_p), (_, s_to_q), (_, q_to_p)) = (node(p, s), node(q, s), node(p, q));
    for _ in 0..100 {
        send(s, &[s_to_p, s_to_q], &[], b"A").unwrap();
        assert_eq!(drain(q), b"A");
        send(q, &[q_to_p], &[], b"B").unwrap();
        assert_eq!(drain(p), b"AB");
    }
    world.end();
}

/// Two transactions that are staged at the same time at two receivers are seen in one order by both, whichever is decided first.
#[test]
fn ord_4_receivers_agree() {
    let world = World::new(4);
    let [p, q, s, r] = world.first();
    let to = |from: &Peer<Host>| [node(p, from).1, node(q, from).1];
    let (of_s, of_r) = (to(s), to(r));
    for is_s_first in [true, false] {
        let (mut a, mut b) = (staged(s, &of_s, b"A"), staged(r, &[of_r[1], of_r[0]], b"B"));
        let (first, second) = if is_s_first {
            (&mut a, &mut b)
        } else {
            (&mut b, &mut a)
        };
        let effects = [first.commit().unwrap(), second.commit().unwrap()];
        let seen = drain(p);
        assert_eq!((seen.len(), drain(q)), (2, seen));
        effects
            .into_iter()
            .for_each(|effects| effects.finish_silently());
    }
    world.end();
}

/// A transaction that is not decided is passed over: others are sent and received around it, and it comes when it is decided.
#[test]
fn ord_6_the_undecided_hold_nobody_up() {
    let world = World::new(4);
    let [p, q, s, r] = world.first();
    let (slow, quick) = ([node(p, r).1, node(q, r).1], [node(p, s).1]);
    let mut held = staged(r, &slow, b"B");
    send(s, &quick, &[], b"A").unwrap();
    assert_eq!(drain(p), b"A");
    assert!(drain(q).is_empty());
    send(s, &quick, &[], b"C").unwrap();
    held.commit().unwrap().finish_silently();
    send(s, &quick, &[], b"D").unwrap();
    assert_eq!((drain(p), drain(q)), (b"CBD".to_vec(), b"B".to_vec()));
    world.end();
}

/// A peer acts for the account it was made with: that account pays for what is made there, and receivers are told its number.
#[test]
fn acc_1_a_peer_acts_for_one_account() {
    let mut world = World::new(1);
    let account = world.account(MAXIMA);
    let peer = world.peer(account);
    let server = world.peers[0].clone();
    assert_eq!(peer.account().number(), world.accounts[account].number());
    let before = (objects_left(&peer), objects_left(&server));
    let (_, handle) = node(&server, &peer);
    assert!(objects_left(&peer) < before.0 && objects_left(&server) < before.1);
    send(&peer, &[handle], &[], b"").unwrap();
    assert_eq!(
        recv(&server).unwrap().metadata().account,
        Some(world.accounts[account].number())
    );
    world.end();
}

/// Closing takes effect with its first step, and the rest follows batch by batch, until nothing is left.
#[test]
fn clo_5_the_first_step_then_the_rest() {
    let world = World::new(2);
    let [dying, p] = world.first();
    let (_, to_dying) = node(dying, p);
    let (of_p, _) = node(p, dying);
    for _ in 0..100 {
        send(p, &[to_dying], &[], b"unread").unwrap();
    }
    assert!(dying.begin_close() && !dying.is_hung_up());
    while !dying.is_hung_up() {
        assert_ne!(
            dying.work(1, &mut |bell, wake| ring(bell, wake)),
            Progress::Done
        );
    }
    assert_eq!(recv_note(p), (Kind::NodeRelease, to_dying));
    while dying.work(1, &mut |bell, wake| ring(bell, wake)) != Progress::Done {}
    assert_eq!(recv_note(p), (Kind::HandleRelease, of_p));
    assert!(objects(dying).is_empty() && recv(p).is_none());
    world.end();
}

/// The read-out of a peer shows its clock, which every transaction moves, and whether something is staged there and not decided.
#[test]
fn ord_6_read_out_shows_what_is_pending() {
    let world = World::new(3);
    let [client, a, b] = world.first();
    let to = [node(a, client).1, node(b, client).1];
    let before = a.inspect().clock;
    send(client, &to[..1], &[], b"1").unwrap();
    assert_eq!(a.inspect().clock, before + 1);
    assert!(!a.inspect().has_pending);
    let mut undecided = staged(client, &to, b"2");
    assert!(a.inspect().has_pending && b.inspect().has_pending);
    send(client, &to[..1], &[], b"3").unwrap();
    assert_eq!(a.inspect().clock, before + 2);
    undecided.commit().unwrap().finish_silently();
    assert!(!a.inspect().has_pending && !b.inspect().has_pending);
    let clocks = [a, b].map(|peer| peer.inspect().clock);
    assert!(
        clocks[0] > before + 2 && clocks[0] == clocks[1],
        "{clocks:?}"
    );
    assert_eq!((drain(a), drain(b)), (b"132".to_vec(), b"2".to_vec()));
    world.end();
}

/// What remains of a call is done in steps of the length asked for: none without a budget, and no more than the budget allows.
#[test]
fn ord_8_a_step_is_no_longer_than_its_budget() {
    const N: usize = 20;
    let world = World::new(3);
    let [owner, client, server] = world.first();
    let (_, to_server) = node(server, client);
    let carried: Vec<Id> = (0..N).map(|_| node(owner, client).1).collect();
    send(client, &[to_server], &carried, b"").unwrap();
    release(client, &carried).unwrap();
    assert!(recv(owner).is_none(), "they still travel");
    let mut effects = server.begin_recv().unwrap().discard().unwrap();
    assert_eq!(effects.step(0, &mut |_, _| {}), Progress::More);
    assert!(recv(owner).is_none());
    let mut n_told = 0;
    loop {
        let progress = effects.step(5, &mut |_, _| {});
        let n_in_step = std::iter::from_fn(|| recv(owner)).count();
        assert!(n_in_step <= 5, "{n_in_step} handles in one step");
        n_told += n_in_step;
        if progress == Progress::Done {
            break;
        }
    }
    assert_eq!(n_told, N);
    world.end();
}

/// Effects that are dropped before they are finished are finished, and wake nobody.
#[test]
fn clo_4_what_is_dropped_is_finished() {
    let world = World::new(3);
    let [owner, client, server] = world.first();
    let (_, to_server) = node(server, client);
    let (last, carried) = node(owner, client);
    send(client, &[to_server], &[carried, carried], b"").unwrap();
    release(client, &[carried]).unwrap();
    drop(server.begin_recv().unwrap().discard().unwrap());
    assert_eq!(recv_note(owner), (Kind::HandleRelease, last));
    let before = read_out(&world);
    drop(staged(client, &[to_server, to_server], b"given up").abort());
    assert_eq!(read_out(&world), before);
    world.end();
}
