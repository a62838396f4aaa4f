//! SEND and RECV, rule by rule.

mod common;

use bus1_service::{Error, Glance, Id, Kind, Peer, Place, Progress, Source};
use common::*;

/// A payload arrives as it was sent, with the node it came in on and the sender's account.
#[test]
fn rcv_4_metadata_names_node_and_account() {
    let world = World::new(2);
    let [server, client] = world.first();
    let (node, handle) = node(server, client);
    send(client, &[handle], &[], b"hello").unwrap();
    let received = recv(server).unwrap();
    assert_eq!(received.kind(), Kind::User);
    assert_eq!(received.payload(), b"hello");
    assert_eq!(received.metadata().id, node);
    assert_eq!(
        received.metadata().account,
        Some(world.accounts[1].number())
    );
    assert!(recv(server).is_none());
    world.end();
}

/// A payload of any length arrives whole, to one destination and to two, also through a handle that nothing was sent through before.
#[test]
fn snd_1_a_payload_of_any_length_arrives_whole() {
    let world = World::new(3);
    let [first, second, client] = world.first();
    for n_bytes in [0, 1, 64, 256, 257, 4_096] {
        let payload: Vec<u8> = (0..n_bytes).map(|index| index as u8).collect();
        let handles = [first, second].map(|server| node(server, client).1);
        for _ in 0..2 {
            send(client, &handles[..1], &[], &payload).unwrap();
            send(client, &handles, &[], &payload).unwrap();
            for server in [first, first, second] {
                assert_eq!(recv(server).unwrap().payload(), payload);
            }
        }
    }
    world.end();
}

/// The same destination twice, and two handles to one node, yield messages in array order; no destination yields none.
#[test]
fn snd_3_every_destination_gets_a_message_in_array_order() {
    let world = World::new(2);
    let [server, client] = world.first();
    let (first, handle) = node(server, client);
    let twin = copy(client, client, handle).unwrap();
    let (second, other) = node(server, client);
    send(client, &[handle, other, twin, handle], &[], b"x").unwrap();
    let nodes: Vec<Id> = (0..4)
        .map(|_| recv(server).unwrap().metadata().id)
        .collect();
    assert_eq!(nodes, [first, second, first, first]);
    send(client, &[], &[handle], b"x").unwrap();
    assert_eq!(
        send(client, &[], &[Id::INVALID], b"x"),
        Err(Error::UnknownId(Place::Transfer(0), Id::INVALID))
    );
    assert!(recv(server).is_none());
    world.end();
}

/// Every destination gets its own copies; the same handle carried twice yields two; ids come in the sender's order.
#[test]
fn snd_3_every_destination_gets_its_own_handles() {
    let world = World::new(3);
    let [server, client, other] = world.first();
    let (_, to_server) = node(server, client);
    let (_, to_other) = node(other, client);
    send(
        client,
        &[to_server, to_other],
        &[to_other, to_other, to_server],
        b"",
    )
    .unwrap();
    for peer in [server, other] {
        let (payload, handles) = recv_message(peer);
        assert!(payload.is_empty());
        assert_eq!(handles.len(), 3);
        for (index, &handle) in handles.iter().enumerate() {
            send(peer, &[handle], &[], &[index as u8]).unwrap();
        }
    }
    assert_eq!([0, 1, 0, 1].map(|_| recv_message(other).0[0]), [0, 1, 0, 1]);
    assert_eq!([2, 2].map(|_| recv_message(server).0[0]), [2, 2]);
    world.end();
}

/// A carried handle has no id before its message is received, and the id that was announced from then on.
#[test]
fn rcv_3_carried_handles_are_valid_from_receipt_on() {
    let world = World::new(2);
    let [server, client] = world.first();
    let (_, handle) = node(server, client);
    send(client, &[handle], &[handle], b"").unwrap();
    let receiving = server.begin_recv().unwrap();
    let announced = receiving.transfer(0).unwrap();
    assert_eq!(
        send(server, &[announced], &[], b""),
        Err(Error::UnknownId(Place::Destination(0), announced))
    );
    receiving.commit().unwrap().finish_silently();
    send(server, &[announced], &[], b"back").unwrap();
    assert_eq!(recv_message(server).0, b"back");
    world.end();
}

/// An id of a node, an unknown id and an id never given out are refused as destination and as carried handle.
#[test]
fn obj_5_only_own_handles_can_be_sent_through() {
    let world = World::new(2);
    let [server, client] = world.first();
    let (_, handle) = node(server, client);
    let (own_node, _) = node(client, server);
    let before = read_out(&world);
    for id in [
        own_node,
        Id::INVALID,
        Id::from_u64(0),
        Id::from_u64(1 << 40 | 1),
        Id::from_u64(handle.as_u64() & !1),
    ] {
        assert_eq!(
            send(client, &[handle, id], &[], b""),
            Err(Error::UnknownId(Place::Destination(1), id))
        );
        assert_eq!(
            send(client, &[handle], &[handle, id], b""),
            Err(Error::UnknownId(Place::Transfer(1), id))
        );
    }
    assert_eq!(before, read_out(&world));
    world.end();
}

/// The sender may send to its own nodes and may carry the very handle it sends through.
#[test]
fn snd_6_sender_may_be_receiver() {
    let world = World::new(1);
    let peer = &world.peers[0];
    let (node_id, handle) = node(peer, peer);
    send(peer, &[handle], &[handle], b"me").unwrap();
    let received = recv(peer).unwrap();
    assert_eq!(
        (received.metadata().id, received.payload()),
        (node_id, &b"me"[..])
    );
    let copy = received.transfers()[0];
    release(peer, &[handle]).unwrap();
    assert!(recv(peer).is_none(), "the copy still counts");
    release(peer, &[copy]).unwrap();
    assert_eq!(recv_note(peer), (Kind::HandleRelease, node_id));
    world.end();
}

/// Messages of one sender to one receiver come in the order in which they were sent, whatever nodes they are for.
#[test]
fn ord_2_one_sender_is_fifo() {
    let world = World::new(3);
    let [server, client, other] = world.first();
    let (_, first) = node(server, client);
    let (_, second) = node(server, client);
    let (_, third) = node(other, client);
    for index in 0..30_u8 {
        match index % 3 {
            0 => send(client, &[first], &[], &[index]).unwrap(),
            1 => send(client, &[second, third], &[], &[index]).unwrap(),
            _ => send(client, &[third, first], &[second], &[index]).unwrap(),
        }
    }
    let received: Vec<u8> = (0..30).map(|_| recv_message(server).0[0]).collect();
    assert_eq!(received, (0..30).collect::<Vec<u8>>());
    world.end();
}

/// While one RECV copies out, another is told to wait; giving up leaves the message first.
#[test]
fn obj_8_recv_is_serial_and_giving_up_leaves_the_message() {
    let world = World::new(2);
    let [server, client] = world.first();
    let (_, handle) = node(server, client);
    send(client, &[handle], &[], b"1").unwrap();
    send(client, &[handle], &[], b"2").unwrap();
    let receiving = server.begin_recv().unwrap();
    assert_eq!(*receiving.payload(), *b"1");
    assert!(matches!(server.begin_recv(), Err(Error::Busy)));
    drop(receiving);
    assert_eq!(recv_message(server).0, b"1");
    assert_eq!(recv_message(server).0, b"2");
    world.end();
}

/// DISCARD removes the first message, releases what it carries, and needs nothing.
#[test]
fn rcv_7_discard_releases_what_the_message_carries() {
    let world = World::new(3);
    let [server, client, third] = world.first();
    let (_, handle) = node(server, client);
    let (node_id, carried) = node(third, client);
    send(client, &[handle], &[carried], b"unwanted").unwrap();
    release(client, &[carried]).unwrap();
    assert!(recv(third).is_none(), "the travelling handle counts");
    server
        .begin_recv()
        .unwrap()
        .discard()
        .unwrap()
        .finish(&mut |bell, wake| ring(bell, wake));
    assert_eq!(recv_note(third), (Kind::HandleRelease, node_id));
    assert!(recv(server).is_none());
    world.end();
}

/// Bounds of one command are errors of their own, and nothing is sent.
#[test]
fn str_2_bounds_are_refused() {
    let world = World::new(2);
    let [server, client] = world.first();
    let (_, handle) = node(server, client);
    assert_eq!(send(client, &[handle; 1025], &[], b""), Err(Error::TooLong));
    assert_eq!(
        send(client, &[handle], &[handle; 1025], b""),
        Err(Error::TooLong)
    );
    assert_eq!(
        send(client, &[handle; 5], &[handle; 1024], b""),
        Err(Error::TooLong)
    );
    assert_eq!(
        client.release(&[handle; 4097], &mut |_, _| {}),
        Err(Error::TooLong)
    );
    let too_many = vec![Source::Create; 1025];
    assert_eq!(
        client
            .transfer(
                client,
                &too_many,
                &mut vec![None; 1025],
                &mut vec![Id::INVALID; 1025]
            )
            .err(),
        Some(Error::TooLong)
    );
    send(client, &[handle; 4], &[handle; 1024], b"as much as may be").unwrap();
    assert_eq!(recv_message(server).1.len(), 1024);
    world.end();
}

/// A wake reports every queue that got something, of those whose peers were told that there is nothing.
#[test]
fn rcv_6_every_receiver_is_woken() {
    let world = World::new(3);
    let [a, b, client] = world.first();
    let (_, to_a) = node(a, client);
    let (_, to_b) = node(b, client);
    let n_before = [a, b].map(|peer| {
        peer.watch()
            .n_readable
            .load(std::sync::atomic::Ordering::SeqCst)
    });
    send(client, &[to_a], &[], b"").unwrap();
    assert_eq!(drain(a), b"");
    send(client, &[to_a, to_b], &[], b"").unwrap();
    let n_after = [a, b].map(|peer| {
        peer.watch()
            .n_readable
            .load(std::sync::atomic::Ordering::SeqCst)
    });
    assert_eq!([n_after[0] - n_before[0], n_after[1] - n_before[1]], [2, 1]);
    world.end();
}

/// Whoever was told that there is nothing, in any way that tells it, is woken by the next message; the one behind it, while nobody was told
/// so, wakes nobody.
#[test]
fn rcv_6_whoever_was_told_that_there_is_nothing_is_woken() {
    let world = World::new(2);
    let [server, client] = world.first();
    let (_, to_server) = node(server, client);
    let n_wakes = || {
        let bell = &server.watch().n_readable;
        bell.load(std::sync::atomic::Ordering::SeqCst)
    };
    let asks: [fn(&Peer<Host>) -> bool; 6] = [
        |peer| !peer.is_readable(),
        |peer| peer.is_idle(),
        |peer| matches!(peer.glance(64), Glance::Nothing),
        |peer| peer.recv().err() == Some(Error::NothingQueued),
        |peer| peer.begin_recv().err() == Some(Error::NothingQueued),
        // What it is told about a handle that it does not hold does not matter: nothing is queued.
        |peer| peer.aim(Id::INVALID, true).is_none(),
    ];
    for (index, is_told_so) in asks.into_iter().enumerate() {
        assert!(is_told_so(server), "way {index}");
        let n_before = n_wakes();
        send(client, &[to_server], &[], b"first").unwrap();
        assert_eq!(n_wakes(), n_before + 1, "way {index}");
        send(client, &[to_server], &[], b"second").unwrap();
        assert_eq!(n_wakes(), n_before + 1, "way {index}");
        (0..2).for_each(|_| drop(recv(server).unwrap()));
    }
    world.end();
}

/// A glance takes out what stands first if it fits and carries nothing, also beside what is undecided; all else it leaves where it is, and
/// it tells of nothing only where there is nothing.
#[test]
fn rcv_6_a_glance_takes_what_fits_and_leaves_all_else() {
    let world = World::new(3);
    let [server, client, other] = world.first();
    let (node_id, to_server) = node(server, client);
    let from_other = copy(client, other, to_server).unwrap();
    let to = [to_server];
    let leaves = |peer: &Peer<Host>| matches!(peer.glance(8), Glance::Other);
    assert!(matches!(server.glance(8), Glance::Nothing));
    send(client, &to, &[], b"8 bytes.").unwrap();
    assert!(matches!(server.glance(7), Glance::Other));
    let receiving = server.begin_recv().unwrap();
    assert!(leaves(server), "it is being copied out");
    drop(receiving);
    let undecided = staged(other, &[from_other; 2], b"later");
    assert!(
        matches!(server.glance(8), Glance::Small(received) if received.payload() == b"8 bytes.")
    );
    assert!(leaves(server), "nobody knows yet");
    undecided.abort().finish_silently();
    assert!(matches!(server.glance(8), Glance::Nothing));
    send(client, &to, &to, b"carries").unwrap();
    assert!(leaves(server));
    let (payload, copies) = recv_message(server);
    assert_eq!(payload, b"carries");
    release(server, &copies).unwrap();
    // Of a node whose release is decided nothing is received, long before its end (REL-2).
    send(client, &to, &[], b"dropped").unwrap();
    release_staged(server, &[node_id]);
    assert_eq!(server.work(1, &mut |_, _| {}), Progress::More);
    assert!(leaves(server));
    assert_eq!(server.recv().err(), Some(Error::NothingQueued));
    finish_release(server);
    assert!(leaves(client), "a notification");
    assert_eq!(recv_note(client), (Kind::NodeRelease, to_server));
    world.end();
}

/// A message that is sent only where nobody waits passes nobody over, leaves nothing where it is not sent, and keeps its place in the order.
#[test]
fn rcv_6_where_somebody_may_wait_nothing_is_sent_silently() {
    let world = World::new(2);
    let [server, client] = world.first();
    let (server, client) = (server.clone(), client.clone());
    let (_, to_server) = node(&server, &client);
    let before = read_out(&world);
    assert!(!client.send_unawaited(to_server, b"nobody has looked"));
    assert!(!client.send_unawaited(Id::INVALID, b"nowhere"));
    assert!(read_out(&world) == before, "nothing was sent");
    send(&client, &[to_server], &[], b"first").unwrap();
    assert!(client.send_unawaited(to_server, b"second"));
    assert!(!client.send_unawaited(to_server, &[7; 257]), "too long");
    send(&client, &[to_server], &[], b"third").unwrap();
    assert!(client.send_unawaited(to_server, &[7; 256]));
    for payload in [&b"first"[..], b"second", b"third", &[7; 256]] {
        assert_eq!(server.recv().unwrap().payload(), payload);
    }
    // What was received without asking for more leaves nobody waiting.
    assert!(client.send_unawaited(to_server, b"fifth"));
    assert_eq!(server.recv().unwrap().payload(), b"fifth");
    assert_eq!(server.recv().err(), Some(Error::NothingQueued));
    assert!(!client.send_unawaited(to_server, b"somebody asked"));
    // To oneself, too.
    let (_, to_itself) = node(&server, &server);
    assert!(!server.send_unawaited(to_itself, b"somebody asked"));
    send(&server, &[to_itself], &[], b"first").unwrap();
    assert!(server.send_unawaited(to_itself, b"second"));
    for payload in [&b"first"[..], b"second"] {
        assert_eq!(server.recv().unwrap().payload(), payload);
    }
    world.end();
}

/// A message that was received before its node died stays received: its sender, who comes by later, does not take it back.
#[test]
fn snd_4_what_was_received_before_its_node_died_stays_received() {
    let world = World::new(3);
    let [first, second, client] = world.first();
    let (served, to_first) = node(first, client);
    let (_, to_second) = node(second, client);
    let mut sending = staged(client, &[to_first, to_second], b"both");
    let effects = sending.commit().unwrap();
    assert_eq!(recv(first).unwrap().payload(), b"both");
    release(first, &[served]).unwrap();
    let before = read_out(&world);
    effects.finish_silently();
    assert!(read_out(&world) == before, "nothing is left to be taken");
    assert_eq!(recv(second).unwrap().payload(), b"both");
    assert_eq!(recv_note(client), (Kind::NodeRelease, to_first));
    drop(sending);
    world.end();
}

/// What the embedder lets a message carry reaches every receiver, is charged like a handle, and is let go of when the messages are
/// received or dropped, or the send is given up.
#[test]
fn obj_1_messages_carry_objects_of_the_embedder() {
    let world = World::new(3);
    let [a, b, client] = world.first();
    let (of_a, to_a) = node(a, client);
    let (_, to_b) = node(b, client);
    let object = std::sync::Arc::new(7_u32);
    let prepare = |destinations: &[Id]| {
        let mut preparing = client.begin_send(0).unwrap();
        preparing
            .objects(vec![object.clone(), object.clone()])
            .unwrap();
        preparing.destinations(destinations).unwrap();
        preparing.prepared().unwrap().stage()
    };
    let n_before = objects_left(a);
    let mut staged = prepare(&[to_a, to_b]);
    assert!(
        n_before - objects_left(a) >= 2 * 3,
        "1 and 2 carried, twice"
    );
    staged.commit().unwrap().finish_silently();
    drop(staged);
    let receiving = a.begin_recv().unwrap();
    assert_eq!(
        receiving
            .objects()
            .iter()
            .map(|object| **object)
            .collect::<Vec<u32>>(),
        [7, 7]
    );
    receiving.commit().unwrap().finish_silently();
    assert_eq!(recv(b).unwrap().objects().len(), 2);
    assert_eq!(std::sync::Arc::strong_count(&object), 1);
    let most = vec![object.clone(); bus1_service::limits::TRANSFERS_MAX];
    let mut preparing = client.begin_send(0).unwrap();
    assert_eq!(preparing.objects(most), Ok(()), "as many as may be");
    preparing.abort().finish_silently();
    let before = read_out(&world);
    drop(prepare(&[to_a]));
    assert_eq!(std::sync::Arc::strong_count(&object), 1);
    assert_eq!(before, read_out(&world));
    prepare(&[to_a]).commit().unwrap().finish_silently();
    assert_eq!(std::sync::Arc::strong_count(&object), 3);
    release(a, &[of_a]).unwrap();
    assert_eq!(std::sync::Arc::strong_count(&object), 1);
    prepare(&[to_b]).commit().unwrap().finish_silently();
    b.begin_recv().unwrap().discard().unwrap().finish_silently();
    assert_eq!(std::sync::Arc::strong_count(&object), 1);
    world.end();
}

/// A handle that another call released, and that was the last on its node, is none, although the node is gone by the time the message
/// is sent: only what the sender could not know of is dropped in silence.
#[test]
fn snd_4_a_handle_released_before_the_commit_is_none() {
    for is_prepared in [false, true] {
        let world = World::new(2);
        let [owner, client] = world.first();
        let (node, handle) = node(owner, client);
        let mut preparing = client.begin_send(1).unwrap();
        preparing.destinations(&[handle]).unwrap();
        if is_prepared {
            let _ = preparing.step(u32::MAX).unwrap();
        }
        release(client, &[handle]).unwrap();
        assert_eq!(recv_note(owner), (Kind::HandleRelease, node));
        let result = preparing.prepared().unwrap().stage().commit().map(drop);
        let gone = Error::UnknownId(Place::Destination(0), handle);
        assert_eq!(result, Err(gone), "prepared before: {is_prepared}");
        world.end();
    }
}
