//! What others do at a queue while a transaction is staged there and not decided, rule by rule.

mod common;

use bus1_service::{Id, Kind, Peer, PreparedTransfer, Progress, Source};
use common::*;

/// Begins to release nodes with few handles, and does everything up to the instant: all of NODE_RELEASE is staged, nothing is decided.
fn release_staged(owner: &Peer<Host>, nodes: &[Id]) {
    owner.begin_release(nodes).unwrap();
    // One batch finds that no handle is named, one stages those of the nodes; the next would decide.
    for _ in 0..2 {
        assert_eq!(owner.work(1, &mut |_, _| {}), Progress::More);
    }
}

fn finish_release(owner: &Peer<Host>) {
    while owner.work(1, &mut |bell, wake| ring(bell, wake)) != Progress::Done {}
}

/// A transfer of one copy that is prepared: it is linked to its node, and has not arrived.
fn copy_prepared(from: &Peer<Host>, to: &Peer<Host>, handle: Id) -> PreparedTransfer<Host> {
    let mut preparing = from.begin_transfer(to).unwrap();
    preparing.sources(&[Source::Copy(handle)]).unwrap();
    preparing.prepared().unwrap()
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
