//! Events of the embedder, rule by rule: a message that is told again and again and never fails to be.

mod common;

use bus1_service::{EVENT_WORDS_MAX, Error, Event, Id, Kind, OBJECTS, Peer, Place, Progress};
use common::*;

fn fire(event: &Event<Host>, words: &[u64]) {
    event.fire(words, &mut |bell, wake| ring(bell, wake));
}

/// The next entry, which must be an event told at `node`: its words.
fn told(peer: &Peer<Host>, node: Id) -> Vec<u64> {
    let received = recv(peer).expect("an event");
    assert_eq!(
        (received.kind(), received.metadata().id),
        (Kind::User, node)
    );
    let (words, rest) = received.payload().as_chunks();
    assert!(rest.is_empty() && received.transfers().is_empty());
    words.iter().copied().map(u64::from_le_bytes).collect()
}

/// An event is a message from the account of who bound it; it costs its receiver 1 object and its bytes from the binding on, however
/// often it is told, and nothing once the source is gone and all is received.
#[test]
fn evt_1_an_event_is_charged_once_and_told_often() {
    let mut world = World::new(1);
    let other = world.account(MAXIMA);
    let client = world.peer(other);
    let server = world.peers[0].clone();
    let (at, handle) = node(&server, &client);
    let before = server.account().inspect().available;
    let event = client.new_event(handle, 3).unwrap();
    let held = server.account().inspect().available;
    assert!(held[0] < before[0] && held[1] <= before[1] - 24);
    for round in 0..3 {
        assert!(!server.is_readable());
        fire(&event, &[1, round, 9]);
        assert_eq!(server.account().inspect().available, held);
        let received = recv(&server).unwrap();
        assert_eq!(received.metadata().id, at);
        assert_eq!(received.metadata().account, Some(client.account().number()));
        assert_eq!(received.payload()[8..16], round.to_le_bytes());
        assert_eq!(server.account().inspect().available, held);
    }
    drop(event);
    assert_eq!(server.account().inspect().available, before);
    told_nothing(&server);
    world.end();
}

fn told_nothing(peer: &Peer<Host>) {
    assert!(recv(peer).is_none());
}

/// What cannot be bound changes nothing: too many words, an id that is no handle, a receiver without room.
#[test]
fn evt_1_a_refused_binding_leaves_no_trace() {
    let mut world = World::new(2);
    let poor = world.account([16, 40]);
    let poor = world.peer(poor);
    let (client, server) = (world.peers[0].clone(), world.peers[1].clone());
    let (own, _) = node(&client, &server);
    let (_, handle) = node(&poor, &client);
    let before = read_out(&world);
    let error = |id, n_words| client.new_event(id, n_words).map(drop).unwrap_err();
    assert_eq!(error(handle, EVENT_WORDS_MAX + 1), Error::TooLong);
    for id in [own, Id::INVALID] {
        assert_eq!(error(id, 1), Error::UnknownId(Place::Destination(0), id));
    }
    assert!(matches!(error(handle, 6), Error::Quota(..)));
    assert_eq!(read_out(&world), before);
    world.end();
}

/// Firing again before the message was received adds to its count, in its place: it is never in the queue twice.
#[test]
fn evt_2_unread_events_are_counted_in_their_place() {
    let world = World::new(2);
    let (server, client) = (&world.peers[0], &world.peers[1]);
    let (at, handle) = node(server, client);
    let event = client.new_event(handle, 2).unwrap();
    fire(&event, &[1, 10]);
    send(client, &[handle], &[], b"between").unwrap();
    fire(&event, &[2, 20]);
    fire(&event, &[u64::MAX, 30]);
    assert!(server.inspect_entry(1).is_some() && server.inspect_entry(2).is_none());
    assert_eq!(told(server, at), [u64::MAX, 30]);
    assert_eq!(recv_message(server).0, b"between");
    told_nothing(server);
    fire(&event, &[1, 40]);
    assert_eq!(told(server, at), [1, 40]);
    assert_eq!(
        server
            .watch()
            .n_readable
            .load(std::sync::atomic::Ordering::SeqCst),
        3
    );
    drop(event);
    world.end();
}

/// What fires while the message is copied out is left for the next RECV; a RECV that gives up, or is refused, loses nothing.
#[test]
fn evt_3_nothing_is_lost_while_it_is_received() {
    let world = World::new(2);
    let (server, client) = (&world.peers[0], &world.peers[1]);
    let (at, handle) = node(server, client);
    let event = client.new_event(handle, 2).unwrap();
    fire(&event, &[1, 10]);
    drop(server.begin_recv().unwrap());
    let receiving = server.begin_recv().unwrap();
    assert_eq!(receiving.payload()[..8], 1_u64.to_le_bytes());
    fire(&event, &[2, 20]);
    send(client, &[handle], &[], b"behind").unwrap();
    receiving
        .commit()
        .expect("nobody took it")
        .finish_silently();
    let receiving = server.begin_recv().unwrap();
    assert_eq!(receiving.payload()[..8], 2_u64.to_le_bytes());
    fire(&event, &[4, 30]);
    receiving
        .discard()
        .expect("nobody took it")
        .finish_silently();
    assert_eq!(told(server, at), [4, 30]);
    assert_eq!(recv_message(server).0, b"behind");
    told_nothing(server);
    drop(event);
    world.end();
}

/// A source whose handle was released tells nothing more; what it had told stays, before HANDLE_RELEASE.
#[test]
fn evt_4_a_released_handle_tells_nothing() {
    let world = World::new(2);
    let (server, client) = (&world.peers[0], &world.peers[1]);
    let (at, handle) = node(server, client);
    let event = client.new_event(handle, 1).unwrap();
    fire(&event, &[1]);
    let receiving = server.begin_recv().unwrap();
    fire(&event, &[1]);
    release(client, &[handle]).unwrap();
    fire(&event, &[1]);
    receiving
        .commit()
        .expect("nobody took it")
        .finish_silently();
    assert_eq!(told(server, at), [1]);
    assert_eq!(recv_note(server), (Kind::HandleRelease, at));
    fire(&event, &[1]);
    told_nothing(server);
    assert!(client.new_event(handle, 1).is_err());
    drop(event);
    world.end();
}

/// With its node, or its node's peer, an event is over: nothing is told, and its charge comes back although the source is still there.
#[test]
fn evt_4_a_released_node_ends_its_events() {
    let mut world = World::new(1);
    let other = world.account(MAXIMA);
    let client = world.peer(other);
    let server = world.peers[0].clone();
    let before = objects_left(&server);
    let (at, handle) = node(&server, &client);
    let events: Vec<_> = (0..40)
        .map(|_| client.new_event(handle, 8).unwrap())
        .collect();
    events.iter().step_by(2).for_each(|event| fire(event, &[1]));
    let receiving = server.begin_recv().unwrap();
    release(&server, &[at]).unwrap();
    assert!(receiving.commit().is_err());
    assert_eq!(objects_left(&server), before);
    events.iter().for_each(|event| fire(event, &[1]));
    told_nothing(&server);
    // Sending to a dead node vanishes, and so does an event, at no charge (SND-4).
    let late = client.new_event(handle, 8).unwrap();
    fire(&late, &[1]);
    assert_eq!(objects_left(&server), before);
    drop(late);
    let (_, handle) = node(&server, &client);
    let last = client.new_event(handle, 8).unwrap();
    fire(&last, &[1]);
    close(&server);
    let info = server.account().inspect();
    assert_eq!(info.available[OBJECTS], info.maxima[OBJECTS]);
    fire(&last, &[1]);
    drop(last);
    drop(events);
    world.end();
}

/// An event that is bound to a node whose release is decided, though not over, is never told and charged to nobody.
#[test]
fn evt_4_a_dying_node_is_not_charged() {
    let world = World::new(2);
    let [server, client] = world.first();
    let (at, handle) = node(server, client);
    release_staged(server, &[at]);
    assert_eq!(server.work(1, &mut |_, _| {}), Progress::More);
    let before = server.account().inspect().available;
    let event = client.new_event(handle, 2).unwrap();
    assert_eq!(server.account().inspect().available, before);
    fire(&event, &[1, 2]);
    drop(event);
    assert_eq!(server.account().inspect().available, before);
    finish_release(server);
    told_nothing(server);
    assert_eq!(recv_note(client), (Kind::NodeRelease, handle));
    world.end();
}

/// What is unread when its source goes is received all the same, and its charge comes back then, or when it is dropped unread.
#[test]
fn evt_5_last_words_are_heard() {
    let world = World::new(2);
    let (server, client) = (&world.peers[0], &world.peers[1]);
    let (at, handle) = node(server, client);
    let before = objects_left(server);
    let event = client.new_event(handle, 1).unwrap();
    fire(&event, &[1]);
    fire(&event, &[1]);
    drop(event);
    assert!(objects_left(server) < before);
    assert_eq!(told(server, at), [2]);
    assert_eq!(objects_left(server), before);
    let event = client.new_event(handle, 1).unwrap();
    fire(&event, &[1]);
    drop(event);
    let receiving = server.begin_recv().unwrap();
    assert!(objects_left(server) < before);
    receiving
        .discard()
        .expect("nobody took it")
        .finish_silently();
    assert_eq!(objects_left(server), before);
    let event = client.new_event(handle, 1).unwrap();
    fire(&event, &[1]);
    drop(event);
    release(server, &[at]).unwrap();
    assert!(objects_left(server) >= before);
    world.end();
}

/// Whatever two threads do at once, one that fires and one that receives, as many are told as fired, and never more than one is queued.
#[test]
fn evt_2_every_firing_is_told_once() {
    const N: u64 = 20_000;
    let world = World::new(2);
    let (server, client) = (&world.peers[0], &world.peers[1]);
    let (_, handle) = node(server, client);
    std::thread::scope(|scope| {
        let event = client.new_event(handle, 1).unwrap();
        scope.spawn(move || (0..N).for_each(|_| fire(&event, &[1])));
        let mut n_told = 0;
        while n_told < N {
            assert!(server.inspect_entry(1).is_none());
            if let Ok(received) = server.recv() {
                n_told += u64::from_le_bytes(received.payload().try_into().unwrap());
            }
        }
        assert_eq!(n_told, N);
    });
    told_nothing(server);
    world.end();
}
