//! What others do at a queue while a transaction is staged there and not decided, rule by rule.

mod common;

use bus1_service::{Id, Kind, Peer, PreparedTransfer, Progress, Source};
use common::*;

/// A transfer of one copy that is prepared: it is linked to its node, and has not arrived.
fn copy_prepared(from: &Peer<Host>, to: &Peer<Host>, handle: Id) -> PreparedTransfer<Host> {
    let mut preparing = from.begin_transfer(to).unwrap();
    preparing.sources(&[Source::Copy(handle)]).unwrap();
    preparing.prepared().unwrap()
}

/// A message whose node dies after it was charged, and before it is entered, gives its charge back, also for the bytes that it shares.
#[test]
fn snd_4_what_dies_before_it_is_entered_is_not_charged() {
    let world = World::new(3);
    let [a, b, client] = world.first();
    let ((of_a, to_a), (_, to_b)) = (node(a, client), node(b, client));
    let mut preparing = client.begin_send(20).unwrap();
    preparing.destinations(&[to_a, to_b]).unwrap();
    let mut prepared = preparing.prepared().unwrap();
    prepared.payload_extend(&[7; 20]);
    release(a, &[of_a]).unwrap();
    prepared.stage().commit().unwrap().finish_silently();
    assert_eq!(drain(b), [7; 20]);
    world.end();
}

/// Two sends are staged at one queue, one of them twice; that one is given up, and nothing of it stays there.
#[test]
fn snd_4_giving_up_takes_back_all_that_was_staged() {
    let world = World::new(4);
    let [p, q, s, r] = world.first();
    let (of_r, of_s) = (
        [p, q].map(|to| node(to, r).1),
        [p, p, q].map(|to| node(to, s).1),
    );
    let mut kept = staged(r, &of_r, b"kept");
    staged(s, &of_s, b"given up").abort().finish_silently();
    assert!(p.inspect().has_pending && q.inspect().has_pending);
    kept.commit().unwrap().finish_silently();
    assert_eq!((drain(p), drain(q)), (b"kept".to_vec(), b"kept".to_vec()));
    assert!(!p.inspect().has_pending && !q.inspect().has_pending);
    world.end();
}

/// Whoever gives up a handle while the release of its node is staged takes back NODE_RELEASE for that handle, and for no other.
#[test]
fn rel_2_a_staged_notification_is_taken_back_alone() {
    for given_up in 0..3 {
        let world = World::new(2);
        let [owner, holder] = world.first();
        let (node_id, first) = node(owner, holder);
        let mut handles = vec![first];
        handles.extend([(); 2].map(|()| copy(holder, holder, first).unwrap()));
        release_staged(owner, &[node_id]);
        release(holder, &[handles.remove(given_up)]).unwrap();
        assert!(recv(holder).is_none());
        finish_release(owner);
        let mut told = [(); 2].map(|()| recv_note(holder));
        told.sort_by_key(|(_, id)| *id);
        handles.sort();
        assert_eq!(
            told.to_vec(),
            handles
                .into_iter()
                .map(|id| (Kind::NodeRelease, id))
                .collect::<Vec<_>>()
        );
        assert!(recv(holder).is_none());
        world.end();
    }
}

/// NODE_RELEASE of an earlier release is taken back out of the queue while the next one of the same peer is staged there.
#[test]
fn rel_2_an_ordered_notification_is_taken_back_beside_a_staged_one() {
    let world = World::new(2);
    let [owner, holder] = world.first();
    let ((earlier, of_earlier), (later, of_later)) = (node(owner, holder), node(owner, holder));
    release(owner, &[earlier]).unwrap();
    release_staged(owner, &[later]);
    assert_eq!(holder.inspect_entry(0).unwrap().id, of_earlier);
    release(holder, &[of_earlier]).unwrap();
    assert_eq!(holder.inspect_entry(0), None);
    finish_release(owner);
    assert_eq!(recv_note(holder), (Kind::NodeRelease, of_later));
    world.end();
}

/// A node is released while a copy of its handle is on its way by TRANSFER: NODE_RELEASE has its place behind the transfer, so a
/// message from between the two comes first.
#[test]
fn not_1_the_notification_stands_where_the_handle_arrives() {
    let world = World::new(3);
    let [owner, from, to] = world.first();
    let ((node_id, handle), (_, to_to)) = (node(owner, from), node(to, owner));
    let mut copy = copy_prepared(from, to, handle);
    let copied = copy.handle(0).unwrap();
    release(owner, &[node_id]).unwrap();
    send(owner, &[to_to], &[], b"between").unwrap();
    copy.commit().unwrap().finish_silently();
    assert_eq!(recv_message(to).0, b"between");
    assert_eq!(recv_note(to), (Kind::NodeRelease, copied));
    assert_eq!(recv_note(from), (Kind::NodeRelease, handle));
    world.end();
}

/// A copy of a handle arrives by TRANSFER while the release of its node is staged: nothing is told of before that is decided, and the
/// handle is as good as any other.
#[test]
fn not_1_nothing_is_told_before_the_release_is_decided() {
    let world = World::new(3);
    let [owner, from, to] = world.first();
    let (node_id, handle) = node(owner, from);
    let mut copy = copy_prepared(from, to, handle);
    let copied = copy.handle(0).unwrap();
    release_staged(owner, &[node_id]);
    copy.commit().unwrap().finish_silently();
    assert!(recv(to).is_none());
    send(to, &[copied], &[], b"alive").unwrap();
    assert_eq!(recv_message(owner).0, b"alive");
    finish_release(owner);
    for (peer, id) in [(from, handle), (to, copied)] {
        assert_eq!(recv_note(peer), (Kind::NodeRelease, id));
        assert!(recv(peer).is_none());
    }
    world.end();
}

/// Until its instant a release changes nothing: the node gets its messages under its id, the handles of the releasing peer can be used.
/// From the instant on they cannot, though the release is not over; others can.
#[test]
fn rel_4_until_the_instant_all_is_as_before() {
    let world = World::new(2);
    let [owner, holder] = world.first();
    let (node_id, handle) = node(owner, holder);
    let (of_holder, to_holder) = node(holder, owner);
    let (_, kept) = node(holder, owner);
    owner.begin_release(&[node_id, to_holder]).unwrap();
    let mut n_batches = 0;
    loop {
        let is_before = send(owner, &[to_holder], &[], b"x").is_ok();
        send(owner, &[kept], &[], b"other").unwrap();
        assert_eq!(is_before, copy(owner, owner, to_holder).is_ok());
        let mut entries = Vec::new();
        while let Some(received) = recv(holder) {
            entries.push((received.kind(), received.metadata().id));
        }
        if !is_before {
            assert!(entries.contains(&(Kind::NodeRelease, handle)));
            break;
        }
        assert_eq!((entries.len(), entries[0]), (2, (Kind::User, of_holder)));
        send(holder, &[handle], &[], b"").unwrap();
        let received = recv(owner).unwrap();
        assert_eq!(
            (received.kind(), received.metadata().id),
            (Kind::User, node_id)
        );
        assert_eq!(owner.work(1, &mut |_, _| {}), Progress::More);
        n_batches += 1;
    }
    assert!(n_batches > 2 && !objects(owner).is_empty());
    finish_release(owner);
    while recv(owner).is_some() {}
    world.end();
}

/// A send that is decided behind the release of a destination's node, but before the queue there is looked after, returns what it was
/// charged for it before it returns (SND-4).
#[test]
fn snd_4_who_sends_to_a_dead_node_is_not_charged() {
    let mut world = World::new(2);
    let account = world.account(MAXIMA);
    let sender = world.peer(account);
    let [p, q] = world.first();
    let ((dying, to_dying), (_, to_q)) = (node(p, &sender), node(q, &sender));
    let before = objects_left(p);
    let mut send = staged(&sender, &[to_dying, to_q], b"");
    release_staged(p, &[dying]);
    assert_eq!(p.work(1, &mut |_, _| {}), Progress::More);
    send.commit().unwrap().finish_silently();
    recv_message(q);
    assert_eq!(objects_left(p), before, "the message for the dead node");
    finish_release(p);
    world.end();
}

/// A release has taken half of a message apart when its sender, or whoever gives the send up, comes to it: it is taken apart once.
#[test]
fn clo_4_a_message_is_taken_apart_once() {
    for is_given_up in [true, false] {
        let world = World::new(3);
        let [p, q, sender] = world.first();
        let ((dying, to_dying), (_, to_q)) = (node(p, sender), node(q, sender));
        let (_, last) = node(p, sender);
        send(sender, &[last], &[], b"stays").unwrap();
        let mut preparing = sender.begin_send(0).unwrap();
        preparing.transfers(&[to_q; 40]).unwrap();
        preparing.destinations(&[to_dying, to_q]).unwrap();
        let mut staged = preparing.prepared().unwrap().stage();
        while staged.step(1) != Progress::Done {}
        release_staged(p, &[dying]);
        // The instant, the notification, and one batch of handles out of the message.
        for _ in 0..3 {
            assert_eq!(p.work(1, &mut |_, _| {}), Progress::More);
        }
        if is_given_up {
            staged.abort().finish_silently();
        } else {
            staged.commit().unwrap().finish_silently();
        }
        finish_release(p);
        assert_eq!(recv_message(p).0, b"stays");
        world.end();
    }
}

/// While a long RELEASE names its ids batch by batch, a notification of another id is delivered.
#[test]
fn rel_2_naming_many_passes_over_only_them() {
    let world = World::new(2);
    let [owner, holder] = world.first();
    let nodes: Vec<_> = (0..100).map(|_| node(owner, holder)).collect();
    let (other, of_other) = node(owner, holder);
    for id in [nodes[0].0, other, nodes[99].0] {
        release(owner, &[id]).unwrap();
    }
    let handles: Vec<_> = nodes.iter().map(|(_, handle)| *handle).collect();
    holder.begin_release(&handles).unwrap();
    assert_eq!(recv_note(holder), (Kind::NodeRelease, of_other));
    assert!(recv(holder).is_none());
    finish_release(holder);
    assert!(recv(holder).is_none() && objects(holder).is_empty());
    world.end();
}

/// Whoever asks whether a peer is idle is told of what is queued, of whatever kind, and of what is staged.
#[test]
fn rcv_6_a_peer_with_something_on_its_way_is_not_idle() {
    let world = World::new(3);
    let [p, q, sender] = world.first();
    let to = [p, q].map(|peer| node(peer, sender).1);
    assert!(p.is_idle());
    let mut held = staged(sender, &to, b"");
    assert!(!p.is_idle() && !p.is_readable());
    held.commit().unwrap().finish_silently();
    recv_message(p);
    assert!(p.is_idle());
    send(sender, &to[..1], &[], b"").unwrap();
    assert!(!p.is_idle() && p.is_readable());
    recv_message(p);
    let event = sender.new_event(to[0], 1).unwrap();
    event.fire(&[1], &mut |_, _| {});
    assert!(!p.is_idle() && p.is_readable());
    world.end();
}

/// Each multicast takes the next place: clocks count transactions, however many follow from each other.
#[test]
fn ord_1_stamps_follow_each_other() {
    let world = World::new(3);
    let [p, q, sender] = world.first();
    let to = [p, q].map(|peer| node(peer, sender).1);
    let before = p.inspect().clock.max(sender.inspect().decided);
    for n in 1..100 {
        send(sender, &to, &[], b"").unwrap();
        assert_eq!([p, q].map(|peer| peer.inspect().clock), [before + n; 2]);
    }
    world.end();
}

/// Of handles that leave a queue at once, as many leave in one section as are allowed, not fewer and not more: named by one release, and
/// copies that are given up because their source goes.
#[test]
fn ord_8_many_handles_leave_in_few_sections() {
    const N: usize = 1_000;
    const N_IN_SECTION: u64 = 256;
    for are_copies in [false, true] {
        let world = World::new(3);
        let [owner, client, server] = world.first();
        let (node_id, first) = node(owner, client);
        let (_, to_server) = node(server, client);
        let mut held = None;
        let mut handles = vec![first];
        if are_copies {
            let mut preparing = client.begin_send(0).unwrap();
            preparing.transfers(&[first; N]).unwrap();
            preparing.destinations(&[to_server]).unwrap();
            held = Some(preparing.prepared().unwrap());
        } else {
            handles.extend((0..N).map(|_| copy(client, client, first).unwrap()));
        }
        client.begin_release(&handles).unwrap();
        while client.find_unknown(&[first]).is_none() {
            assert_eq!(client.work(1, &mut |_, _| {}), Progress::More);
        }
        let n_between = times_between_sections(|| {
            let _ = owner.inspect();
        });
        assert_eq!(n_between, (N as u64 + 1).div_ceil(N_IN_SECTION) - 1);
        drop(held);
        finish_release(client);
        assert_eq!(recv_note(owner), (Kind::HandleRelease, node_id));
        world.end();
    }
}

/// A handle that a RELEASE names together with its own node is unknown from the instant on, though what goes to a dead node is dropped.
#[test]
fn obj_8_a_released_handle_is_unknown_from_the_instant_on() {
    let world = World::new(2);
    let [owner, holder] = world.first();
    let (node_id, own) = node(owner, owner);
    let _ = copy(owner, holder, own).unwrap();
    owner.begin_release(&[node_id, own]).unwrap();
    while !holder.is_readable() {
        send(owner, &[own], &[], b"").unwrap();
        assert_eq!(owner.work(1, &mut |_, _| {}), Progress::More);
    }
    assert!(owner.find_unknown(&[own]).is_some());
    assert!(send(owner, &[own], &[], b"").is_err());
    finish_release(owner);
    world.end();
}

/// Ids that were set aside for what a message carries are free again when it is given up, however far it had come.
#[test]
fn err_1_ids_of_what_is_given_up_are_free_again() {
    /// Slots of a table that has not grown much.
    const FEW: u64 = 64;
    let world = World::new(2);
    let [server, client] = world.first();
    let (_, to_server) = node(server, client);
    for n_pieces in 0..8 {
        for _ in 0..FEW {
            let mut preparing = client.begin_send(0).unwrap();
            preparing.transfers(&[to_server; 3]).unwrap();
            preparing.destinations(&[to_server]).unwrap();
            let _ = preparing.step(n_pieces).unwrap();
            preparing.abort().finish_silently();
        }
        let (id, handle) = node(server, client);
        let slot = (id.as_u64() >> 1) & ((1 << 28) - 1);
        assert!(slot < FEW, "slot {slot} after {n_pieces} pieces each");
        release(server, &[id]).unwrap();
        assert_eq!(recv(client).unwrap().metadata().id, handle);
    }
    world.end();
}
