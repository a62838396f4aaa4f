//! Handing a message over is SEND and RECV in one: two worlds with the same history, one with it and one without, stay the same.

mod common;

use bus1_service::{Id, Metadata, Unusual};
use common::{MAXIMA, World, copy, node, read_out, release, send};
use proptest::prelude::*;

const N_PEERS: usize = 4;

/// What happens in both worlds. Numbers choose among what there is.
#[derive(Clone, Debug)]
enum Step {
    /// A message is queued.
    Send(usize, usize, usize),
    /// The first entry of a peer is received.
    Receive(usize),
    /// A message goes to somebody who waits for it, if it can.
    Deliver(usize, usize, usize, bool),
    /// A handle is copied to another peer.
    Copy(usize, usize, usize),
    /// An id is released.
    Release(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let (peer, index) = (0..N_PEERS, 0..16_usize);
    let n_bytes = prop_oneof![Just(0_usize), Just(64), 0..200_usize];
    prop_oneof![
        2 => (peer.clone(), index.clone(), n_bytes.clone())
            .prop_map(|(peer, id, n)| Step::Send(peer, id, n)),
        3 => peer.clone().prop_map(Step::Receive),
        5 => (peer.clone(), index.clone(), n_bytes, any::<bool>())
            .prop_map(|(peer, id, n, is_call)| Step::Deliver(peer, id, n, is_call)),
        1 => (peer.clone(), index.clone(), peer.clone())
            .prop_map(|(peer, id, to)| Step::Copy(peer, id, to)),
        1 => (peer, index).prop_map(|(peer, id)| Step::Release(peer, id)),
    ]
}

/// A world whose peers have handles to each other. Two peers act for one account, one has hardly any room.
fn world() -> (World, Vec<Vec<Id>>) {
    let mut world = World::new(2);
    let other = world.account(MAXIMA);
    world.peer(other);
    let poor = world.account([40, 200]);
    world.peer(poor);
    let mut ids = vec![Vec::new(); N_PEERS];
    for owner in 0..N_PEERS {
        for holder in 0..N_PEERS {
            let (node, handle) = node(&world.peers[owner], &world.peers[holder]);
            ids[holder].push(handle);
            if owner != holder {
                ids[owner].push(node);
            }
        }
    }
    (world, ids)
}

/// Who owns the node that the handle leads to: the one whose queue a message through it enters.
fn receive(world: &World, peer: usize) -> Option<(Metadata, usize, Vec<Id>)> {
    let received = common::recv(&world.peers[peer])?;
    let transfers = received.transfers().to_vec();
    Some((received.metadata(), received.payload().len(), transfers))
}

/// The clocks, by peer, which `read_out` leaves out.
fn clocks(world: &World) -> Vec<u64> {
    world
        .peers
        .iter()
        .map(|peer| peer.inspect().clock)
        .collect()
}

/// Sends, and lets the receiver receive at once: the peer that became readable.
fn send_and_receive(world: &World, from: usize, id: Id, payload: &[u8]) -> (Metadata, usize) {
    let was_readable: Vec<_> = world.peers.iter().map(|peer| peer.is_readable()).collect();
    send(&world.peers[from], &[id], &[], payload).expect("what was handed over can be sent");
    let receiver =
        (0..N_PEERS).find(|&peer| !was_readable[peer] && world.peers[peer].is_readable());
    let receiver = receiver.expect("somebody became readable");
    let (metadata, n_data, _) = receive(world, receiver).expect("a message");
    (metadata, n_data)
}

fn run(steps: &[Step]) -> usize {
    let ((fast, mut ids), (plain, _)) = (world(), world());
    let mut n_handed = 0;
    for step in steps {
        let choose = |ids: &[Id], index: usize| ids.get(index % ids.len().max(1)).copied();
        match *step {
            Step::Send(peer, index, n_bytes) => {
                if let Some(id) = choose(&ids[peer], index) {
                    let payload = vec![7; n_bytes];
                    let both =
                        [&fast, &plain].map(|world| send(&world.peers[peer], &[id], &[], &payload));
                    assert_eq!(both[0], both[1], "{step:?}");
                }
            }
            Step::Receive(peer) => {
                assert_eq!(receive(&fast, peer), receive(&plain, peer), "{step:?}");
            }
            Step::Deliver(peer, index, n_bytes, is_call) => {
                let Some(id) = choose(&ids[peer], index) else {
                    continue;
                };
                let payload = vec![7; n_bytes];
                let sender = &fast.peers[peer];
                let is_idle = sender.is_idle();
                match sender.hand_over(id, n_bytes as u64, is_call, |_| Some(())) {
                    Ok(((), metadata)) => {
                        assert!(is_idle || !is_call, "the sender had something to receive");
                        let plainly = send_and_receive(&plain, peer, id, &payload);
                        assert_eq!((metadata, n_bytes), plainly, "{step:?}");
                        n_handed += 1;
                    }
                    // Nothing has happened: the general path says what is to be said.
                    Err(Unusual::Nobody | Unusual::Refused(())) => {
                        let both = [&fast, &plain]
                            .map(|world| send(&world.peers[peer], &[id], &[], &payload));
                        assert_eq!(both[0], both[1], "{step:?}");
                    }
                }
            }
            Step::Copy(peer, index, to) => {
                if let Some(id) = choose(&ids[peer], index) {
                    let both =
                        [&fast, &plain].map(|world| copy(&world.peers[peer], &world.peers[to], id));
                    assert_eq!(both[0], both[1], "{step:?}");
                    ids[to].extend(both[0].as_ref().ok());
                }
            }
            Step::Release(peer, index) => {
                if let Some(id) = choose(&ids[peer], index) {
                    let both = [&fast, &plain].map(|world| release(&world.peers[peer], &[id]));
                    assert_eq!(both[0], both[1], "{step:?}");
                }
            }
        }
        assert_eq!(read_out(&fast), read_out(&plain), "after {step:?}");
        assert_eq!(clocks(&fast), clocks(&plain), "after {step:?}");
    }
    fast.end();
    plain.end();
    n_handed
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happened before and happens after, a message that is handed over leaves results, queues, ids, accounts and clocks as SEND
    /// and RECV would.
    #[test]
    fn snd_1_hand_over_is_send_and_recv(steps in prop::collection::vec(step(), 1..80)) {
        run(&steps);
    }
}

/// From the second send on, a message to somebody who waits is handed over, and refused when the quota refuses it.
#[test]
fn acc_2_hand_over_checks_the_quota() {
    let mut world = World::new(1);
    let poor = world.account([40, 200]);
    let receiver = world.peer(poor);
    let sender = world.peers[0].clone();
    let (_, handle) = node(&receiver, &sender);
    let deliver = |n_bytes| {
        let handed = sender.hand_over(handle, n_bytes, true, |_| Some(()));
        handed.map(|((), metadata)| metadata.account)
    };
    assert!(
        matches!(deliver(0), Err(Unusual::Refused(()))),
        "before the first send"
    );
    send(&sender, &[handle], &[], b"").expect("the first send");
    assert!(
        matches!(deliver(0), Err(Unusual::Refused(()))),
        "with a message queued"
    );
    receiver.recv().expect("the first message");
    assert_eq!(deliver(0).ok(), Some(Some(sender.account().number())));
    assert!(deliver(8).is_ok());
    // What SEND refuses with this much is not handed over either.
    for n_bytes in [0, 4, 8, 16, 32, 64, 128, 199] {
        let is_sent = send(&sender, &[handle], &[], &vec![0; n_bytes]).is_ok();
        if is_sent {
            receiver.recv().expect("what was sent");
        }
        assert_eq!(deliver(n_bytes as u64).is_ok(), is_sent, "{n_bytes} bytes");
    }
    world.end();
}

/// The random programs do hand messages over.
#[test]
fn hand_over_is_usual() {
    let steps: Vec<_> = (0..40)
        .flat_map(|i| {
            [
                Step::Deliver(i % N_PEERS, i, 8, false),
                Step::Receive((i + 1) % N_PEERS),
                Step::Receive(i % N_PEERS),
            ]
        })
        .chain((0..60).map(|i| Step::Receive(i % N_PEERS)))
        .chain((0..40).map(|i| Step::Deliver(i % N_PEERS, i, 8, true)))
        .collect();
    assert!(run(&steps) >= 10);
}
