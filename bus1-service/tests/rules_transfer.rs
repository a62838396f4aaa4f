//! TRANSFER, and what peers and messages cost, rule by rule.

mod common;

use bus1_service::{Account, Error, Id, Peer, Place, Source};
use common::*;

/// Entries are made in order; the same source twice yields two handles; none succeeds.
#[test]
fn tra_2_entries_yield_one_handle_each() {
    let world = World::new(2);
    let [from, to] = world.first();
    let (_, original) = node(from, from);
    let sources = [
        Source::Create,
        Source::Copy(original),
        Source::Create,
        Source::Copy(original),
    ];
    let (mut nodes, mut handles) = ([None; 4], [Id::INVALID; 4]);
    from.transfer(to, &sources, &mut nodes, &mut handles)
        .unwrap()
        .finish_silently();
    assert_eq!(nodes.map(|node| node.is_some()), [true, false, true, false]);
    for (index, handle) in handles.iter().enumerate() {
        send(to, &[*handle], &[], &[index as u8]).unwrap();
        let received = recv(from).unwrap();
        assert_eq!(received.payload(), [index as u8]);
        if let Some(node) = nodes[index] {
            assert_eq!(received.metadata().id, node);
        }
    }
    from.transfer(to, &[], &mut [], &mut [])
        .unwrap()
        .finish_silently();
    world.end();
}

/// All or nothing: an unknown source, or a node where a handle is needed, leaves no trace.
#[test]
fn tra_4_all_or_nothing() {
    let world = World::new(2);
    let [from, to] = world.first();
    let (own_node, original) = node(from, from);
    let before = read_out(&world);
    for bad in [own_node, Id::INVALID, Id::from_u64(7)] {
        let sources = [Source::Create, Source::Copy(original), Source::Copy(bad)];
        let error = from
            .transfer(to, &sources, &mut [None; 3], &mut [Id::INVALID; 3])
            .err();
        assert_eq!(error, Some(Error::UnknownId(Place::Transfer(2), bad)));
    }
    assert_eq!(before, read_out(&world));
    world.end();
}

/// The new ids are known before the commit and name nothing until then, on both peers.
#[test]
fn tra_4_nothing_is_known_before_the_commit() {
    let world = World::new(2);
    let [from, to] = world.first();
    let mut preparing = from.begin_transfer(to).unwrap();
    preparing.sources(&[Source::Create]).unwrap();
    let mut prepared = preparing.prepared().unwrap();
    let (node_id, handle) = (prepared.node(0).unwrap(), prepared.handle(0).unwrap());
    assert_eq!(
        send(to, &[handle], &[], b""),
        Err(Error::UnknownId(Place::Destination(0), handle))
    );
    assert_eq!(
        release(from, &[node_id]),
        Err(Error::UnknownId(Place::Release(0), node_id))
    );
    prepared.commit().unwrap().finish_silently();
    send(to, &[handle], &[], b"").unwrap();
    assert_eq!(recv(from).unwrap().metadata().id, node_id);
    world.end();
}

/// A transfer that is given up leaves no trace, whenever that happens, and nobody is told of its nodes.
#[test]
fn err_1_a_transfer_given_up_leaves_no_trace() {
    let world = World::new(2);
    let [from, to] = world.first();
    let (_, original) = node(to, from);
    let before = read_out(&world);
    for n_steps in 0..8 {
        let mut preparing = from.begin_transfer(to).unwrap();
        preparing
            .sources(&[Source::Create, Source::Copy(original), Source::Create])
            .unwrap();
        for _ in 0..n_steps {
            let _ = preparing.step(1).unwrap();
        }
        drop(preparing);
        assert_eq!(before, read_out(&world), "after {n_steps} steps");
    }
    assert!(recv(from).is_none() && recv(to).is_none());
    world.end();
}

/// A send that is given up leaves no trace, whenever that happens: before, while and after it is prepared, and staged.
#[test]
fn err_1_a_send_given_up_leaves_no_trace() {
    let world = World::new(3);
    let [client, a, b] = world.first();
    let (_, to_a) = node(a, client);
    let (_, to_b) = node(b, client);
    send(client, &[to_a, to_b], &[], b"").unwrap();
    let before = read_out(&world);
    for n_steps in 0..20 {
        let mut preparing = client.begin_send(100).unwrap();
        preparing.transfers(&[to_a, to_b]).unwrap();
        preparing.destinations(&[to_a, to_b, to_a]).unwrap();
        for _ in 0..n_steps {
            let _ = preparing.step(1).unwrap();
        }
        drop(preparing);
        assert_eq!(before, read_out(&world), "after {n_steps} steps");
    }
    for n_steps in 0..4 {
        let mut preparing = client.begin_send(100).unwrap();
        preparing.transfers(&[to_a, to_b]).unwrap();
        preparing.destinations(&[to_a, to_b, to_a]).unwrap();
        let mut staged = preparing.prepared().unwrap().stage();
        let _ = staged.step(n_steps);
        drop(staged);
        assert_eq!(before, read_out(&world), "after {n_steps} steps");
    }
    world.end();
}

/// A send whose ids another call releases meanwhile fails as if they had been unknown, and leaves no trace.
#[test]
fn obj_8_ids_released_before_the_instant_are_unknown() {
    let world = World::new(2);
    let [client, server] = world.first();
    let (_, handle) = node(server, client);
    let keeper = copy(client, server, handle).unwrap();
    for is_carried in [false, true] {
        let victim = copy(client, client, handle).unwrap();
        let mut preparing = client.begin_send(1).unwrap();
        let carried = [victim];
        preparing
            .transfers(&carried[..usize::from(is_carried)])
            .unwrap();
        preparing
            .destinations(&[if is_carried { handle } else { victim }])
            .unwrap();
        let mut staged = preparing.prepared().unwrap().stage();
        release(client, &[victim]).unwrap();
        let place = if is_carried {
            Place::Transfer(0)
        } else {
            Place::Destination(0)
        };
        assert_eq!(staged.commit().err(), Some(Error::UnknownId(place, victim)));
        staged.abort().finish_silently();
        assert!(recv(server).is_none());
    }
    release(server, &[keeper]).unwrap();
    world.end();
}

/// What peers, nodes, handles and messages cost, and to whom; on receipt a message's charge is settled.
#[test]
fn acc_2_prices() {
    let mut world = World::new(0);
    let (server_account, client_account) = (world.account(MAXIMA), world.account(MAXIMA));
    let (server, client) = (world.peer(server_account), world.peer(client_account));
    let held = |world: &World, index: usize| -> [u64; 2] {
        let account: &Account<Host> = &world.accounts[index];
        let mut sum = [0; 2];
        let mut place = Some(0);
        while let Some((quota, next)) = place.and_then(|place| account.inspect_quota(place)) {
            let mut at = Some(0);
            while let Some((trace, next)) =
                at.and_then(|at| account.inspect_trace(quota.claimant, at))
            {
                sum = [sum[0] + trace.claimed[0], sum[1] + trace.claimed[1]];
                at = next;
            }
            place = next;
        }
        sum
    };
    assert_eq!(
        [held(&world, server_account), held(&world, client_account)],
        [[1, 0], [1, 0]]
    );
    let (_, handle) = node(&server, &client);
    assert_eq!(
        [held(&world, server_account), held(&world, client_account)],
        [[2, 0], [2, 0]]
    );
    send(&client, &[handle, handle], &[handle; 3], b"12345").unwrap();
    assert_eq!(
        held(&world, server_account),
        [2 + 2 * 4, 10],
        "in full for every destination"
    );
    let handles = recv_message(&server).1;
    assert_eq!(
        held(&world, server_account),
        [2 + 4 + 3, 5],
        "the handles are the receiver's own"
    );
    server
        .begin_recv()
        .unwrap()
        .discard()
        .unwrap()
        .finish_silently();
    assert_eq!(held(&world, server_account), [2 + 3, 0]);
    release(&server, &handles).unwrap();
    release(&client, &[handle]).unwrap();
    assert_eq!(
        [held(&world, server_account), held(&world, client_account)],
        [[2, 0], [1, 0]]
    );
    assert!(recv(&server).is_some());
    assert_eq!(held(&world, server_account), [1, 0]);
    world.end();
}

/// A sender that floods a receiver which does not read is refused after its share, others can still send, and reading helps.
#[test]
fn acc_4_a_flood_is_refused_and_others_can_send() {
    let mut world = World::new(0);
    let (server_account, flood_account, other_account) = (
        world.account([1024, 1 << 20]),
        world.account(MAXIMA),
        world.account(MAXIMA),
    );
    let (server, flood, other) = (
        world.peer(server_account),
        world.peer(flood_account),
        world.peer(other_account),
    );
    let (_, from_flood) = node(&server, &flood);
    let (_, from_other) = node(&server, &other);
    let mut n_sent = 0;
    let error = loop {
        match send(&flood, &[from_flood], &[], b"") {
            Ok(()) => n_sent += 1,
            Err(error) => break error,
        }
    };
    let Error::Quota(Place::Destination(0), quota) = error else {
        panic!("{error:?}")
    };
    assert_eq!(
        (quota.target, quota.claimant),
        (
            world.accounts[server_account].number(),
            world.accounts[flood_account].number()
        )
    );
    assert!(n_sent > 20, "{n_sent}");
    assert!(send(&flood, &[from_flood], &[], b"").is_err());
    send(&other, &[from_other], &[], b"").unwrap();
    for _ in 0..n_sent {
        assert_eq!(
            recv(&server).unwrap().metadata().account,
            Some(world.accounts[flood_account].number())
        );
    }
    send(&flood, &[from_flood], &[], b"").unwrap();
    world.end();
}

/// RECV needs no quota: the charge of carried handles moves even when no further charge would pass (S8, Q1).
#[test]
fn acc_3_receipt_is_never_refused() {
    let mut world = World::new(0);
    let (server_account, client_account) = (world.account([64, 1 << 20]), world.account(MAXIMA));
    let (server, client) = (world.peer(server_account), world.peer(client_account));
    let (_, handle) = node(&server, &client);
    send(&client, &[handle], &[handle, handle], b"abc").unwrap();
    // Siblings take what they may.
    let account = world.accounts[server_account].clone();
    let siblings: Vec<_> = (0..10).map(|_| account.actor()).collect();
    let mut charges = Vec::new();
    for sibling in &siblings {
        while let Ok(charge) = account.charge(sibling, [1, 0]) {
            charges.push(charge);
        }
    }
    assert!(account.charge(&account.actor(), [1, 0]).is_err());
    assert_eq!(recv_message(&server).1.len(), 2);
    check_books(&account);
    drop((charges, siblings, account));
    world.end();
}

/// A message that waits keeps its sender's account, though all else of that is gone; received, it lets the account go.
#[test]
fn acc_8_a_waiting_message_keeps_its_account() {
    let world = World::new(1);
    let [server] = world.first();
    let root = world.accounts[0].clone();
    let account = root.child(&root.actor(), MAXIMA).unwrap();
    let client = Peer::new(&account, Default::default()).unwrap();
    let before = root.inspect().available;
    let (_, handle) = node(server, &client);
    send(&client, &[handle], &[], b"").unwrap();
    let number = account.number();
    close(&client);
    drop((client, account));
    assert_eq!(root.inspect().available, before, "it is still there");
    assert_eq!(recv(server).unwrap().metadata().account, Some(number));
    assert_ne!(root.inspect().available, before, "its maxima are back");
    drop(root);
    recv_note(server);
    world.end();
}

/// A refused charge names the destination, and gives the charges of the destinations before it back.
#[test]
fn err_4_a_refused_destination_costs_nothing() {
    let mut world = World::new(1);
    let poor_account = world.account([8, 100]);
    let poor = world.peer(poor_account);
    let client = world.peers[0].clone();
    let (_, to_poor) = node(&poor, &client);
    let (_, own) = node(&client, &client);
    let before = read_out(&world);
    let error = send(&client, &[own, own, to_poor, own], &[own], &[0; 64]).unwrap_err();
    assert!(
        matches!(error, Error::Quota(Place::Destination(2), _)),
        "{error:?}"
    );
    assert_eq!((error.errno(), error.destination()), (122, Some(2)));
    assert_eq!(before, read_out(&world));
    world.end();
}

/// A peer is 1 object of its account, which can refuse it.
#[test]
fn acc_2_a_peer_is_an_object() {
    let root = Account::<Host>::root([2, 2]).unwrap();
    let peer = Peer::new(&root, Default::default()).unwrap();
    assert!(matches!(
        Peer::new(&root, Default::default()),
        Err(Error::Quota(Place::Call, _))
    ));
    close(&peer);
    assert_eq!(root.inspect().available, [2, 2]);
}
