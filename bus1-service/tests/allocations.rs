//! Memory: what objects cost, that every allocation may fail, and that giving up needs none.

mod allocator;
mod common;

use std::sync::Arc;

use allocator::{bytes_left, refusing};
use bus1_service::{
    Account, EVENT_WORDS_MAX, Error, Handed, Id, Kind, Peer, PreparingSend, PreparingTransfer,
    Receivers, Source,
};
use common::*;

/// Bytes per object, everything counted that is allocated for it: at most 512 for a peer, 128 for a node, 160 for a handle and
/// 192 for a queued empty message.
#[test]
fn acc_2_objects_are_small() {
    const N: isize = 10_000;
    let mut world = World::new(2);
    let (owner, holder) = (world.peers[0].clone(), world.peers[1].clone());
    let account = world.accounts[1].clone();
    let mut peers = Vec::with_capacity(N as usize);
    let (n_bytes, ()) = bytes_left(|| {
        peers.extend((0..N).map(|_| Peer::<Host>::new(&account, Default::default()).unwrap()))
    });
    // The watch of the tests is a counted pointer with memory of its own.
    let (n_watch, _watch) = bytes_left(<Arc<Bell>>::default);
    let per_peer = n_bytes / N - n_watch;
    world.peers.extend(peers);

    let (n_bytes, first) = bytes_left(|| (0..N).fold(Id::INVALID, |_, _| node(&owner, &holder).1));
    let per_node_and_handle = n_bytes / N;
    let (n_bytes, ()) = bytes_left(|| {
        (0..N).for_each(|_| {
            let _ = copy(&holder, &holder, first).unwrap();
        })
    });
    let per_handle = n_bytes / N;
    let (n_bytes, ()) =
        bytes_left(|| (0..N).for_each(|_| send(&holder, &[first], &[], &[]).unwrap()));
    let per_message = n_bytes / N;
    let per_node = per_node_and_handle - per_handle;
    println!(
        "bytes per peer {per_peer}, node {per_node}, handle {per_handle}, queued empty message {per_message}"
    );
    assert!(per_peer <= 512, "{per_peer} bytes per peer");
    assert!(per_node <= 128, "{per_node} bytes per node");
    assert!(per_handle <= 160, "{per_handle} bytes per handle");
    assert!(
        per_message <= 192,
        "{per_message} bytes per queued empty message"
    );
    drop(account);
    world.end();
}

/// What a peer held for a moment costs little afterwards, however much that was and whatever it still holds of it: of its id table, two
/// segments of 4 KiB and the list of one block beside those that it began with. 1 KiB is for what else remains.
#[test]
fn acc_2_id_tables_give_memory_back() {
    const N: usize = 100_000;
    let world = World::new(2);
    let (owner, holder) = (&world.peers[0], &world.peers[1]);
    let first = node(owner, holder).1;
    let (n_bytes, ()) = bytes_left(|| {
        let copies: Vec<Id> = (0..N)
            .map(|_| copy(holder, holder, first).unwrap())
            .collect();
        for some in copies[..N - 1].chunks(4096) {
            release(holder, some).unwrap();
        }
    });
    assert!(
        n_bytes < 3 * 4096 + 64 * 56 + 1024,
        "{n_bytes} bytes remain"
    );
    world.end();
}

/// Does `operation` with its 1st, 2nd, 3rd, … allocation refused, until none is: each time it must say so and leave all as it was.
fn fail_each(world: &World, what: &str, mut operation: impl FnMut() -> Result<(), Error>) {
    fail_each_given(world, what, || (), |()| operation());
}

/// The same for an operation that takes over what its caller has allocated.
fn fail_each_given<T>(
    world: &World,
    what: &str,
    mut given: impl FnMut() -> T,
    mut operation: impl FnMut(T) -> Result<(), Error>,
) {
    for n in 0.. {
        let before = read_out(world);
        let argument = given();
        let (n_bytes, (was_refused, result)) = bytes_left(|| refusing(n, || operation(argument)));
        if !was_refused {
            assert_eq!(result, Ok(()), "{what}");
            assert!(n > 0, "{what}: allocates nothing, so nothing was tried");
            return;
        }
        assert_eq!(
            result,
            Err(Error::OutOfMemory),
            "{what}: allocation {n} refused"
        );
        assert_eq!(before, read_out(world), "{what}: allocation {n} refused");
        // The id table may have grown: that memory stays with the peer. Words of earlier calls, 16 bytes each, may have gone.
        assert!(
            (-256..=8192).contains(&n_bytes),
            "{what}: allocation {n} refused left {n_bytes} bytes"
        );
    }
}

/// Each allocation of each operation may fail: with one and several destinations and handles, of two accounts.
#[test]
fn err_1_every_allocation_may_fail() {
    let mut world = World::new(3);
    let other = world.account(MAXIMA);
    world.peer(other);
    let peers = world.peers.clone();
    let [client, a, b, c] = &peers[..] else {
        unreachable!("four peers")
    };
    let mut nodes = [None; 6];
    let mut to = [Id::INVALID; 6];
    for (index, server) in [a, b, c, a, b, c].into_iter().enumerate() {
        let (node, handle) = node(server, client);
        nodes[index] = Some(node);
        to[index] = handle;
    }
    // Sizes at which the id tables grow, too.
    for round in 0..40 {
        fail_each(&world, "create", || {
            let sources = [Source::Create, Source::Copy(to[0]), Source::Create];
            client
                .transfer(c, &sources, &mut [None; 3], &mut [Id::INVALID; 3])
                .map(|effects| effects.finish_silently())
        });
        fail_each(&world, "unicast", || {
            send(client, &to[round % 6..=round % 6], &[], &[1; 100])
        });
        for n_bytes in [0, 8, 64] {
            fail_each(&world, "short unicast", || {
                send(client, &to[1..=1], &[], &[1; 64][..n_bytes])
            });
        }
        fail_each(&world, "unicast with handles", || {
            send(client, &to[..1], &to[..round % 6 + 1], &[1; 100])
        });
        fail_each(&world, "multicast", || {
            send(client, &to, &to[..round % 4], b"12")
        });
        let object = Arc::new(7);
        let objects = || vec![object.clone(); round % 3 + 1];
        fail_each_given(&world, "multicast with objects", objects, |objects| {
            let mut send = client.begin_send(100)?;
            send.transfers(&to[..round % 4])?;
            send.objects(objects)?;
            send.destinations(&to)?;
            let mut prepared = send.prepared()?;
            prepared.payload_extend(&[1; 100]);
            prepared.stage().commit()?.finish_silently();
            Ok(())
        });
        fail_each(&world, "copies", || {
            let sources = [Source::Copy(to[0]); 3];
            client
                .transfer(b, &sources, &mut [None; 3], &mut [Id::INVALID; 3])
                .map(|effects| effects.finish_silently())
        });
        while recv(a).is_some() {}
    }
    fail_each(&world, "event", || {
        client.new_event(to[0], EVENT_WORDS_MAX).map(drop)
    });
    let account = world.accounts[other].clone();
    let watch = <Arc<Bell>>::default();
    fail_each(&world, "peer", || {
        Peer::<Host>::new(&account, watch.clone()).map(|peer| close(&peer))
    });
    fail_each(&world, "charge", || {
        account.charge(&account.actor(), [1, 1]).map(drop)
    });
    fail_each(&world, "account", || {
        account.child(&account.actor(), [1, 1]).map(drop)
    });
    drop(account);
    world.end();
}

/// A message that is handed over to who waits for it needs no memory.
#[test]
fn snd_1_handing_over_needs_no_memory() {
    let world = World::new(2);
    let [server, client] = world.first();
    let (_, handle) = node(server, client);
    send(client, &[handle], &[], b"").unwrap();
    recv_message(server);
    let (was_refused, handed) = refusing(0, || {
        let aim = client.aim(handle, true).unwrap();
        client.hand_over(aim, 64)
    });
    assert!(handed.is_some() && !was_refused);
    world.end();
}

/// Messages that are handed over together need one word, which serves for the next as well.
#[test]
fn snd_1_handing_over_together_needs_memory_once() {
    struct Waiting;
    impl Receivers<Host> for Waiting {
        fn take(&mut self, _: &Arc<Bell>) -> bool {
            true
        }
        fn give(&mut self, _: usize, _: Handed) {}
        fn let_go(&mut self, _: usize) {
            panic!("both wait");
        }
    }
    let mut world = World::new(1);
    let client = world.peers[0].clone();
    let handles = [(); 2].map(|()| {
        let account = world.account(MAXIMA);
        let server = world.peer(account);
        let (_, handle) = node(&server, &client);
        send(&client, &[handle], &[], b"").unwrap();
        recv_message(&server);
        handle
    });
    assert!(client.hand_over_together(&handles, 8, &mut Waiting));
    let (was_refused, is_handed) =
        refusing(0, || client.hand_over_together(&handles, 8, &mut Waiting));
    assert!(is_handed && !was_refused);
    world.end();
}

/// RECV, DISCARD, RELEASE and closing need no memory, with handles and notifications of every kind.
#[test]
fn rel_3_giving_up_and_receiving_need_no_memory() {
    let world = World::new(3);
    let [owner, p, q] = world.first();
    let handles: Vec<(Id, Id)> = (0..50).map(|_| node(owner, p)).collect();
    let (of_q, to_q) = node(q, p);
    for &(_, handle) in &handles {
        send(p, &[to_q, handle], &[handle, to_q], b"payload").unwrap();
        copy(p, q, handle).unwrap();
    }
    let (was_refused, ()) = refusing(0, || {
        assert!(owner.recv().unwrap().kind() == Kind::User);
        owner
            .begin_recv()
            .unwrap()
            .discard()
            .unwrap()
            .finish_silently();
        q.begin_recv().unwrap().commit().unwrap().finish_silently();
        for chunk in handles.chunks(8) {
            let mut ids = [Id::INVALID; 8];
            for (place, &(node, _)) in ids.iter_mut().zip(chunk) {
                *place = node;
            }
            owner.release(&ids[..chunk.len()], &mut |_, _| {}).unwrap();
        }
        p.release(&[to_q, handles[0].1], &mut |_, _| {}).unwrap();
        while q.recv().is_ok() {}
        q.release(&[of_q], &mut |_, _| {}).unwrap();
        while p.recv().is_ok() {}
        for peer in [p, q, owner] {
            peer.close(&mut |_, _| {});
        }
    });
    assert!(!was_refused, "an allocation was tried");
    world.end();
}

/// A closed peer keeps nothing of its id table, even while messages that were on their way to it are still promised ids there.
#[test]
fn clo_4_a_closed_peer_keeps_no_table() {
    let world = World::new(3);
    let [dying, p, q] = world.first();
    let (_, to_dying) = node(dying, p);
    let (of_q, handle) = node(q, p);
    let mut preparing = p.begin_send(3).unwrap();
    preparing.transfers(&[handle; 3]).unwrap();
    preparing.destinations(&[to_dying; 100]).unwrap();
    // The ids of the first message are promised before the peer closes, those of the others when its table is gone.
    let _ = preparing.step(102).unwrap();
    let (n_bytes, ()) = bytes_left(|| {
        (0..10_000).for_each(|_| {
            let _ = node(dying, dying);
        });
        close(dying);
    });
    assert!(n_bytes <= 0, "{n_bytes} bytes are left");
    let mut prepared = preparing.prepared().unwrap();
    prepared.payload_extend(b"out");
    prepared.stage().commit().unwrap().finish_silently();
    release(p, &[handle]).unwrap();
    assert_eq!(recv_note(q), (Kind::HandleRelease, of_q));
    world.end();
}

/// When a world has ended, every byte is back.
#[test]
fn clo_3_every_byte_is_back() {
    // Whatever the test harness allocates once, it has allocated after the first round.
    for round in 0..3 {
        let (n_bytes, ()) = bytes_left(|| {
            let mut world = World::new(3);
            let other = world.account(MAXIMA);
            world.peer(other);
            let handles: Vec<Id> = (1..4)
                .map(|index| node(&world.peers[index], &world.peers[0]).1)
                .collect();
            for index in 0..3 {
                send(&world.peers[0], &handles, &handles[..index], &[3; 1000]).unwrap();
                let _ = copy(&world.peers[0], &world.peers[index], handles[index]).unwrap();
            }
            recv_message(&world.peers[3]);
            world.end();
        });
        assert!(round == 0 || n_bytes == 0, "{n_bytes} bytes are left");
    }
    let (n_bytes, ()) = bytes_left(|| drop(Account::<Host>::root([1, 1]).unwrap()));
    assert_eq!(n_bytes, 0);
}

/// What a send or a transfer takes before anybody is charged for it is what it says it will take, in whatever pieces it is told its ids, so that an
/// embedder can charge it.
#[test]
fn acc_2_the_lists_of_a_call_are_as_long_as_it_says() {
    let world = World::new(2);
    let [server, client] = world.first();
    let (_, handle) = node(server, client);
    for n in [0, 1, 2, 4, 33, 500, 1024] {
        let (many, few) = (vec![handle; n], [handle; 4]);
        for (carried, destinations) in [
            (&many[..], &few[..]),
            (&few[..], &many[..]),
            (&[], &many[..]),
            (&many[..], &[]),
        ] {
            let said = PreparingSend::<Host>::list_bytes(carried.len(), destinations.len())
                .map(|n| n as isize);
            for n_at_once in [1, 64, 1024] {
                let (n_bytes, send) = bytes_left(|| {
                    let mut send = client.begin_send(1 << 20).unwrap();
                    send.transfers(&[]).unwrap();
                    for ids in carried.chunks(n_at_once) {
                        send.transfers(ids).unwrap();
                    }
                    send.destinations(&[]).unwrap();
                    for ids in destinations.chunks(n_at_once) {
                        send.destinations(ids).unwrap();
                    }
                    send
                });
                assert_eq!(n_bytes, said.iter().sum::<isize>(), "SEND with {n}");
                send.abort().finish_silently();
            }
        }
        let (n_bytes, transfer) = bytes_left(|| {
            let mut transfer = client.begin_transfer(server).unwrap();
            transfer.reserve(n).unwrap();
            for _ in 0..n {
                transfer.sources(&[Source::Copy(handle)]).unwrap();
            }
            transfer
        });
        let [own, _] = PreparingTransfer::<Host>::list_bytes(n);
        assert_eq!(n_bytes, own as isize, "TRANSFER with {n}");
        transfer.abort().finish_silently();
    }
    world.end();
}

/// A payload that nobody gets, and so nobody is charged for, takes no memory: without destinations, and with dead ones only.
#[test]
fn snd_4_a_payload_for_nobody_takes_no_memory() {
    let world = World::new(2);
    let [server, client] = world.first();
    let (dead, to_dead) = node(server, client);
    let (_, to_living) = node(server, client);
    release(server, &[dead]).unwrap();
    for (destinations, is_kept) in [
        (&[to_living][..], true),
        (&[], false),
        (&[to_dead], false),
        (&[to_dead, to_dead], false),
        (&[to_dead, to_living], true),
    ] {
        let mut send = client.begin_send(1 << 20).unwrap();
        send.destinations(destinations).unwrap();
        let (n_bytes, mut prepared) = bytes_left(|| send.prepared().unwrap());
        assert_eq!(
            n_bytes > 1 << 20,
            is_kept,
            "{n_bytes} bytes for {destinations:?}"
        );
        assert_eq!(prepared.n_kept(), if is_kept { 1 << 20 } else { 0 });
        assert_eq!(prepared.payload_mut().len(), prepared.n_kept());
        prepared.stage().commit().unwrap().finish_silently();
    }
    for _ in 0..2 {
        assert_eq!(recv(server).unwrap().payload().len(), 1 << 20);
    }
    world.end();
}
