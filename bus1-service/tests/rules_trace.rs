//! What the core tells whoever watches it: what took effect, whichever way it went.

mod common;

use bus1_service::TraceEvent::*;
use bus1_service::{Account, Glance, Kind, Peer, Progress, Source, System, TraceEvent};
use common::*;

/// What is told of `work`.
fn told<R>(work: impl FnOnce() -> R) -> Vec<TraceEvent> {
    traced(work).1
}

/// A peer that receives the first entry and lets go of it at once.
type Way = fn(&Peer<Host>);

/// A message is told once when it is sent, for each of its destinations, and once when it is received, whichever call does it.
#[test]
fn snd_3_each_destination_is_told() {
    let world = World::new(3);
    let [a, b, client] = world.first();
    let [to_a, to_b] = [a, b].map(|server| node(server, client));
    let [a_name, b_name, from] = [a, b, client].map(Peer::name);
    let sent = |to, node, n_data, n_carried| Sent {
        from,
        to,
        node,
        n_data,
        n_carried,
    };
    let one = told(|| send(client, &[to_a.1], &[], b"one").unwrap());
    assert_eq!(one, [sent(a_name, to_a.0, 3, 0)]);
    let both = [to_b.1, to_a.1];
    let few = told(|| send(client, &both, &[], b"few").unwrap());
    assert_eq!(
        few,
        [sent(b_name, to_b.0, 3, 0), sent(a_name, to_a.0, 3, 0)]
    );
    let many = told(|| send(client, &both, &[to_a.1, to_b.1], b"").unwrap());
    assert_eq!(
        many,
        [sent(b_name, to_b.0, 0, 2), sent(a_name, to_a.0, 0, 2)]
    );
    assert_eq!(told(|| send(client, &[], &[], b"nobody").unwrap()), []);

    let recv: Way = |peer| drop(peer.recv().unwrap());
    let glance: Way = |peer| assert!(matches!(peer.glance(8), Glance::Small(_)));
    let in_two_steps: Way = |peer| {
        let commit = peer.begin_recv().unwrap().commit();
        commit.map(|effects| effects.finish_silently()).unwrap();
    };
    for receive in [recv, glance, in_two_steps] {
        let (by, kind, id) = (a_name, Kind::User, to_a.0);
        assert_eq!(told(|| receive(a)), [Received { by, kind, id }]);
    }
    let discarded = told(|| {
        let discarded = b.begin_recv().unwrap().discard();
        discarded.map(|effects| effects.finish_silently()).unwrap();
    });
    let (by, kind, id) = (b_name, Kind::User, to_b.0);
    assert_eq!(discarded, [Discarded { by, kind, id }]);
    // What is looked at and left there was not received.
    assert_eq!(told(|| drop(b.begin_recv().unwrap())), []);
    assert_eq!(told(|| assert!(matches!(b.glance(8), Glance::Other))), []);
    world.end();
}

/// A message to two, of which one's node dies before it gets there, is told to be passed over there.
#[test]
fn snd_4_a_node_that_dies_on_the_way_is_passed_over() {
    let world = World::new(3);
    let [a, b, client] = world.first();
    let [(of_a, to_a), (of_b, to_b)] = [a, b].map(|server| node(server, client));
    let staged = begun(client, &[to_a, to_b], b"!");
    release(a, &[of_a]).unwrap();
    let [a_name, b_name, from] = [a, b, client].map(Peer::name);
    let passed_over = PassedOver {
        from,
        to: a_name,
        node: of_a,
    };
    let sent = Sent {
        from,
        to: b_name,
        node: of_b,
        n_data: 1,
        n_carried: 0,
    };
    assert_eq!(told(|| commit(staged)), [passed_over, sent]);
    assert_eq!(drain(b), b"!");
    world.end();
}

/// Releases are told by who made them, notifications by who receives them, and a message for a dead node is told to be passed over.
#[test]
fn not_1_releases_are_told() {
    let world = World::new(2);
    let [server, client] = world.first();
    let [by, holder] = [server, client].map(Peer::name);
    let (node_id, handle) = node(server, client);
    assert_eq!(
        told(|| release(server, &[node_id]).unwrap()),
        [NodeReleased { by, node: node_id }]
    );
    let passed_over = PassedOver {
        from: holder,
        to: by,
        node: node_id,
    };
    for to in [&[handle][..], &[handle; 2], &[handle; 9]] {
        let expected = vec![passed_over; to.len()];
        assert_eq!(told(|| send(client, to, &[], b"late").unwrap()), expected);
    }
    let received = Received {
        by: holder,
        kind: Kind::NodeRelease,
        id: handle,
    };
    assert_eq!(told(|| drop(client.recv().unwrap())), [received]);
    assert_eq!(
        told(|| send(client, &[handle], &[], b"").unwrap_err()).len(),
        0
    );

    let [(first, a), (second, b)] = [(); 2].map(|()| node(server, client));
    let released = |node| HandleReleased {
        by: holder,
        owner: by,
        node,
    };
    assert_eq!(told(|| release(client, &[a]).unwrap()), [released(first)]);
    let by_batches = told(|| {
        client.begin_release(&[b]).unwrap();
        while client.work(1, &mut |_, _| {}) != Progress::Done {}
    });
    assert_eq!(by_batches, [released(second)]);
    let (kind, id) = (Kind::HandleRelease, first);
    assert_eq!(
        told(|| drop(server.recv().unwrap())),
        [Received { by, kind, id }]
    );
    world.end();
}

/// What TRANSFER makes is told when it is made, and closing tells what was given up, and last that the peer has closed.
#[test]
fn clo_1_closing_is_told() {
    let mut world = World::new(1);
    let server = world.peers[0].clone();
    let client = world.peer(1);
    let [to, from] = [&server, &client].map(Peer::name);
    let (own, handle_on_own) = node(&client, &client);
    let (theirs, handle) = node(&server, &client);
    let (mut nodes, mut handles) = ([None; 2], [handle; 2]);
    let sources = [Source::Create, Source::Copy(handle_on_own)];
    let transferred = told(|| {
        let effects = client.transfer(&server, &sources, &mut nodes, &mut handles);
        effects.unwrap().finish_silently();
    });
    let expected = handles.map(|handle| Transferred { from, to, handle });
    assert_eq!(transferred, expected);
    let closing = told(|| close(&client));
    let node_released = |node| NodeReleased { by: from, node };
    assert_eq!(
        closing,
        [
            node_released(own),
            node_released(nodes[0].unwrap()),
            HandleReleased {
                by: from,
                owner: from,
                node: own,
            },
            HandleReleased {
                by: from,
                owner: to,
                node: theirs,
            },
            Closed { peer: from },
        ]
    );
    world.end();
}

/// A call that is refused has told nothing, however far it came.
#[test]
fn err_1_a_refusal_tells_nothing() {
    let mut world = World::new(1);
    let poor = world.account([20, 100]);
    let receiver = world.peer(poor);
    let [sender] = world.first();
    let (_, handle) = node(&receiver, sender);
    for to in [&[handle][..], &[handle; 2], &[handle; 9]] {
        let (refused, told) = traced(|| send(sender, to, &[], &[0; 90]));
        assert!(refused.is_err() && told.is_empty(), "{refused:?}, {told:?}");
    }
    let unknown = bus1_service::Id::INVALID;
    assert_eq!(
        told(|| release(sender, &[handle, unknown]).unwrap_err()).len(),
        0
    );
    assert_eq!(
        told(|| copy(sender, &receiver, unknown).unwrap_err()).len(),
        0
    );
    assert_eq!(told(|| assert!(receiver.recv().is_err())), []);
    drop(receiver);
    world.end();
}

/// What took effect reads as a sentence: who, which peers by account and number, and which node or handle.
#[test]
fn every_event_is_a_sentence() {
    let world = World::new(2);
    let [server, client] = world.first();
    let (of_node, handle) = node(server, client);
    let (to, by) = (server.name(), client.name());
    let name =
        |peer: &Peer<Host>| format!("{}.{}", peer.account().number().as_u64(), peer.name().actor);
    assert_eq!(
        [to.to_string(), by.to_string()],
        [name(server), name(client)]
    );
    let node = format!("{:#x}", of_node.as_u64());
    let sentences = |events: Vec<TraceEvent>| {
        let sentences = events.iter().map(TraceEvent::to_string);
        sentences.collect::<Vec<_>>()
    };
    let sent = told(|| send(client, &[handle], &[handle], b"four").unwrap());
    let of_sent = format!("{by} sends to node {node} of {to}: 4 bytes and 1 carried");
    assert_eq!(sentences(sent), [of_sent]);
    let received = told(|| drop(server.recv().unwrap()));
    assert_eq!(
        sentences(received),
        [format!("{to} receives User, id {node}")]
    );
    let released = told(|| release(client, &[handle]).unwrap());
    let of_released = format!("{by} releases a handle on node {node} of {to}");
    assert_eq!(sentences(released)[0], of_released);
    world.end();
}

/// An embedder that does not say that anybody watches is told nothing.
#[test]
fn who_does_not_watch_is_told_nothing() {
    struct Deaf;
    impl System for Deaf {
        type Watch = ();
        type Object = std::convert::Infallible;
        type Amounts = [u64; 2];
        fn trace(event: TraceEvent) {
            panic!("nobody watches: {event:?}");
        }
    }
    let account = Account::<Deaf>::root([1 << 20, 1 << 30]).unwrap();
    let [server, client] = [(); 2].map(|()| Peer::new(&account, ()).unwrap());
    let (_, handle) = server.create_node(&client).unwrap();
    client
        .send(&[handle], &[handle], b"")
        .unwrap()
        .finish_silently();
    drop(server.recv().unwrap());
    for peer in [&server, &client] {
        peer.close(&mut |(), _| {});
    }
}
