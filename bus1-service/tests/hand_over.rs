//! Handing a message over is SEND and RECV in one: two worlds with the same history, one with it and one without, stay the same.

mod common;

use std::fmt::Debug;
use std::sync::Arc;

use bus1_service::{BYTES, Handed, Id, Metadata, Peer};
use common::{All, Bell, Host, MAXIMA, World, copy, node, read_out, release, ring, send, traced};
use proptest::prelude::*;

const N_PEERS: usize = 4;

/// The one whose account has hardly any room.
const POOR: usize = 3;

/// How what is handed over gets to its receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// By the embedder, once it is decided.
    Registers,
    /// It is delivered before.
    Memory,
    /// It cannot be delivered.
    Nowhere,
}

/// Hands a message over to somebody who waits, if it can be: what is told of it, and the id of the handle that came along.
fn hand_over(
    sender: &Peer<Host>,
    destination: Id,
    n_data: u64,
    is_reply_awaited: bool,
    way: Way,
    carried: Option<Id>,
) -> Option<(Metadata, Option<Id>)> {
    let aim = sender.aim(destination, is_reply_awaited)?;
    let mut received = None;
    let wake = &mut |_: &_, _| panic!("nobody wakes");
    let handed = match carried {
        None if way == Way::Registers => sender.hand_over(aim, n_data)?,
        Some(carried) if way == Way::Registers => {
            let (aim, cargo) = sender.aim_with(destination, carried, is_reply_awaited)?;
            let (handed, id) = sender.hand_over_with(aim, cargo, n_data, wake)?;
            received = Some(id);
            handed
        }
        _ => {
            let mut deliver = |id| {
                received = id;
                way != Way::Nowhere
            };
            sender.deliver(aim, carried, n_data, &mut deliver, wake)?
        }
    };
    let metadata = Metadata {
        id: handed.node,
        account: Some(handed.account),
    };
    Some((metadata, received))
}

/// What happens in both worlds. Numbers choose among what there is.
#[derive(Clone, Debug)]
enum Step {
    /// A message is queued.
    Send(usize, usize, usize),
    /// The first entry of a peer is received.
    Receive(usize),
    /// A message goes to somebody who waits for it, if it can; perhaps with a handle.
    Deliver(usize, usize, usize, bool, Way, Option<usize>),
    /// A message goes to all of several who wait for it, if it can.
    Together(usize, Vec<usize>, usize),
    /// A handle is copied to another peer.
    Copy(usize, usize, usize),
    /// An id is released.
    Release(usize, usize),
    /// The poor account holds this of itself, instead of what it held before.
    Hold([u64; 2]),
}

/// Any step; of those that are `plain`, hand-overs carry nothing, and none fails for want of a place.
fn step(is_plain: bool) -> impl Strategy<Value = Step> {
    let (peer, index) = (0..N_PEERS, 0..16_usize);
    let held = (0..40_u64, 0..200_u64);
    let n_bytes = prop_oneof![Just(0_usize), Just(64), 0..200_usize];
    let way = prop_oneof![
        3 => Just(Way::Registers),
        3 => Just(Way::Memory),
        u32::from(!is_plain) => Just(Way::Nowhere),
    ];
    let carried = if is_plain {
        Just(None).boxed()
    } else {
        prop::option::of(index.clone()).boxed()
    };
    prop_oneof![
        2 => (peer.clone(), index.clone(), n_bytes.clone())
            .prop_map(|(peer, id, n)| Step::Send(peer, id, n)),
        3 => peer.clone().prop_map(Step::Receive),
        3 => (peer.clone(), prop::collection::vec(index.clone(), 0..5), n_bytes.clone())
            .prop_map(|(peer, ids, n)| Step::Together(peer, ids, n)),
        5 => (peer.clone(), index.clone(), n_bytes, any::<bool>(), way, carried)
            .prop_map(|(peer, id, n, is_call, way, carried)| {
                Step::Deliver(peer, id, n, is_call, way, carried)
            }),
        1 => (peer.clone(), index.clone(), peer.clone())
            .prop_map(|(peer, id, to)| Step::Copy(peer, id, to)),
        1 => (peer, index).prop_map(|(peer, id)| Step::Release(peer, id)),
        1 => held.prop_map(|(n_objects, n_bytes)| Step::Hold([n_objects, n_bytes])),
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

/// Sends, and lets the receiver receive at once: the peer that became readable. Which that is, and what it received.
fn send_and_receive(
    world: &World,
    from: usize,
    id: Id,
    carried: &[Id],
    payload: &[u8],
) -> (usize, (Metadata, usize, Vec<Id>)) {
    let was_readable: Vec<_> = world.peers.iter().map(|peer| peer.is_readable()).collect();
    send(&world.peers[from], &[id], carried, payload).expect("what was handed over can be sent");
    let receiver =
        (0..N_PEERS).find(|&peer| !was_readable[peer] && world.peers[peer].is_readable());
    let receiver = receiver.expect("somebody became readable");
    (receiver, receive(world, receiver).expect("a message"))
}

/// Does the same in both worlds, which must give the same and tell the same.
fn in_both<R: PartialEq + Debug>(
    worlds: &[&World; 2],
    step: &Step,
    work: impl Fn(&World) -> R,
) -> R {
    let [fast, plain] = worlds.map(|world| traced(|| work(world)));
    assert_eq!(fast, plain, "{step:?}");
    fast.0
}

/// The same for SEND. One that failed has told nothing (ERR-1).
fn send_in_both(
    worlds: &[&World; 2],
    step: &Step,
    from: usize,
    to: Id,
    carried: &[Id],
    payload: &[u8],
) {
    let [fast, plain] =
        worlds.map(|world| traced(|| send(&world.peers[from], &[to], carried, payload)));
    assert_eq!(fast, plain, "{step:?}");
    assert_eq!(fast.0.is_ok(), !fast.1.is_empty(), "{step:?}");
}

fn run(steps: &[Step]) -> usize {
    let ((fast, mut ids), (plain, _)) = (world(), world());
    let both = [fast, plain];
    let worlds = both.each_ref();
    let [fast, plain] = worlds;
    let (mut n_handed, mut is_plain) = (0, true);
    let mut held = [None, None];
    for step in steps {
        let choose = |ids: &[Id], index: usize| ids.get(index % ids.len().max(1)).copied();
        match *step {
            Step::Send(peer, index, n_bytes) => {
                if let Some(id) = choose(&ids[peer], index) {
                    send_in_both(&worlds, step, peer, id, &[], &vec![7; n_bytes]);
                }
            }
            Step::Receive(peer) => {
                in_both(&worlds, step, |world| receive(world, peer));
            }
            Step::Deliver(peer, index, n_bytes, is_call, way, carried) => {
                let Some(id) = choose(&ids[peer], index) else {
                    continue;
                };
                let payload = vec![7; n_bytes];
                let sender = &fast.peers[peer];
                let is_idle = sender.is_idle();
                let carried = carried.and_then(|index| choose(&ids[peer], index));
                let n_data = n_bytes as u64;
                let (handed, told) =
                    traced(|| hand_over(sender, id, n_data, is_call, way, carried));
                let carried = carried.as_slice();
                match handed {
                    Some((metadata, received)) => {
                        assert!(is_idle || !is_call, "the sender had something to receive");
                        assert_ne!(way, Way::Nowhere, "it was not delivered");
                        let handed = (metadata, n_bytes, Vec::from_iter(received));
                        let ((receiver, plainly), told_plainly) =
                            traced(|| send_and_receive(plain, peer, id, carried, &payload));
                        assert_eq!((handed, told), (plainly, told_plainly), "{step:?}");
                        ids[receiver].extend(received);
                        is_plain &= received.is_none();
                        n_handed += 1;
                    }
                    // Nothing has happened: the general path says what is to be said.
                    None => {
                        assert_eq!(told, [], "{step:?}");
                        is_plain &= way != Way::Nowhere && carried.is_empty();
                        send_in_both(&worlds, step, peer, id, carried, &payload);
                    }
                }
            }
            Step::Together(peer, ref indices, n_bytes) => {
                let to: Vec<_> = indices
                    .iter()
                    .filter_map(|&index| choose(&ids[peer], index))
                    .collect();
                let mut all = All::default();
                let n_data = n_bytes as u64;
                let (is_handed, told) =
                    traced(|| fast.peers[peer].hand_over_together(&to, n_data, &mut all));
                let payload = vec![7; n_bytes];
                let all = all.0;
                if is_handed {
                    let (received, told_plainly) = traced(|| {
                        send(&plain.peers[peer], &to, &[], &payload).expect("what was handed over");
                        let of = |bell: &Arc<Bell>| {
                            let mut peers = fast.peers.iter();
                            peers.position(|peer| Arc::ptr_eq(peer.watch(), bell))
                        };
                        let receive = |bell: &Arc<Bell>| receive(plain, of(bell).expect("a bell"));
                        let received = all.iter().map(|(bell, _)| receive(bell));
                        received.collect::<Vec<_>>()
                    });
                    let given = all.iter().map(|(_, handed)| {
                        let Handed { node: id, account } = handed.expect("nothing was released");
                        let account = Some(account);
                        Some((Metadata { id, account }, n_bytes, Vec::new()))
                    });
                    assert_eq!(
                        (given.collect(), told),
                        (received, told_plainly),
                        "{step:?}"
                    );
                    assert_eq!(all.len(), to.len());
                    n_handed += 1;
                } else {
                    assert!(all.iter().all(|(_, handed)| handed.is_none()), "{step:?}");
                    assert_eq!(told, [], "{step:?}");
                    let _ = in_both(&worlds, step, |world| {
                        send(&world.peers[peer], &to, &[], &payload)
                    });
                }
            }
            Step::Copy(peer, index, to) => {
                if let Some(id) = choose(&ids[peer], index) {
                    let copied = in_both(&worlds, step, |world| {
                        copy(&world.peers[peer], &world.peers[to], id)
                    });
                    ids[to].extend(copied.as_ref().ok());
                }
            }
            Step::Release(peer, index) => {
                if let Some(id) = choose(&ids[peer], index) {
                    let _ = in_both(&worlds, step, |world| release(&world.peers[peer], &[id]));
                }
            }
            Step::Hold(amounts) => {
                drop(std::mem::take(&mut held));
                held = worlds.map(|world| {
                    let poor = world.peers[POOR].account();
                    poor.charge(&poor.actor(), amounts).ok()
                });
                assert_eq!(held[0].is_some(), held[1].is_some(), "{step:?}");
            }
        }
        assert_eq!(read_out(fast), read_out(plain), "after {step:?}");
        // What could not be delivered may have had its place in the order, or its handle's leaving, and SEND decides what carries a handle by a word.
        if is_plain {
            assert_eq!(clocks(fast), clocks(plain), "after {step:?}");
        }
    }
    drop(held);
    both.into_iter().for_each(World::end);
    n_handed
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happened before and happens after, a message that is handed over leaves results, queues, ids, accounts and clocks as SEND
    /// and RECV would, and tells the same.
    #[test]
    fn snd_1_hand_over_is_send_and_recv(steps in prop::collection::vec(step(true), 1..80)) {
        run(&steps);
    }

    /// The same for messages that carry a handle, and with some that cannot be delivered, but for the clocks.
    #[test]
    fn snd_3_hand_over_with_handles_is_send_and_recv(steps in prop::collection::vec(step(false), 1..80)) {
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
    let deliver = |n_data| {
        let both = [Way::Registers, Way::Memory].map(|way| {
            let handed = hand_over(&sender, handle, n_data, true, way, None);
            handed.map(|(metadata, _)| metadata.account)
        });
        let [registers, memory] = both;
        assert_eq!(registers, memory, "two ways");
        registers
    };
    assert_eq!(deliver(0), None, "before the first send");
    send(&sender, &[handle], &[], b"").expect("the first send");
    assert_eq!(deliver(0), None, "with a message queued");
    receiver.recv().expect("the first message");
    assert_eq!(deliver(0), Some(Some(sender.account().number())));
    assert!(deliver(8).is_some());
    // What SEND refuses with this much is not handed over either.
    for n_bytes in [0, 4, 8, 16, 32, 64, 128, 199] {
        let is_sent = send(&sender, &[handle], &[], &vec![0; n_bytes]).is_ok();
        if is_sent {
            receiver.recv().expect("what was sent");
        }
        assert_eq!(
            deliver(n_bytes as u64).is_some(),
            is_sent,
            "{n_bytes} bytes"
        );
    }
    world.end();
}

/// What was granted once is refused as soon as the account holds so much that SEND is refused, and granted when that is given back.
#[test]
fn acc_2_what_was_granted_is_granted_as_long_as_nothing_changes() {
    let mut world = World::new(1);
    let poor = world.account([100, 4000]);
    let receiver = world.peer(poor);
    let sender = world.peers[0].clone();
    let (_, handle) = node(&receiver, &sender);
    send(&sender, &[handle], &[], b"").expect("the first send");
    receiver.recv().expect("the first message");
    let account = receiver.account();
    let actor = account.actor();
    let is_granted = |n_data| hand_over(&sender, handle, n_data, true, Way::Registers, None);
    let (mut n_granted, mut n_refused) = (0, 0);
    for amounts in (0..50).map(|n| [n, 0]).chain((0..200).map(|n| [0, 10 * n])) {
        for n_data in [0, 8, 64] {
            assert!(is_granted(n_data).is_some(), "with nothing held");
            let held = account.charge(&actor, amounts).expect("its own");
            let (first, again) = (is_granted(n_data), is_granted(n_data));
            assert_eq!(first, again, "{amounts:?}");
            let is_sent = send(&sender, &[handle], &[], &vec![0; n_data as usize]).is_ok();
            assert_eq!(first.is_some(), is_sent, "{n_data} bytes, {amounts:?} held");
            if is_sent {
                receiver.recv().expect("what was sent");
                n_granted += 1;
            } else {
                n_refused += 1;
            }
            drop(held);
        }
    }
    assert!(n_granted > 20 && n_refused > 20, "both happen");
    drop((actor, account));
    world.end();
}

/// A handle that was sent through leads nowhere from the moment on in which its release takes effect, long before all of it is done.
#[test]
fn rel_2_a_released_handle_hands_nothing_over() {
    let world = World::new(2);
    let [receiver, sender] = world.first();
    let handles: Vec<_> = (0..200).map(|_| node(receiver, sender).1).collect();
    let last = handles[199];
    send(sender, &[last], &[], b"").expect("the first send");
    receiver.recv().expect("the first message");
    assert!(hand_over(sender, last, 8, false, Way::Registers, None).is_some());
    sender.begin_release(&handles).expect("all are held");
    let mut n_steps = 0;
    let mut n_known = 0;
    while sender.work(1, &mut |bell, wake| ring(bell, wake)) == bus1_service::Progress::More {
        let is_known = sender.find_unknown(&[last]).is_none();
        let is_looked_up = sender.aim(last, false).is_some();
        assert!(is_known || !is_looked_up, "after {n_steps} steps");
        n_known += u32::from(is_known);
        n_steps += 1;
    }
    assert!(n_steps > n_known, "the release took effect before its end");
    assert!(sender.aim(last, false).is_none());
    world.end();
}

/// A message of no bytes has nothing to do with the bytes that others of its account have queued there, however little is left.
#[test]
fn acc_2_handing_over_no_bytes_looks_at_no_bytes() {
    for (n_bytes_max, n_own) in [(1024, 300), (1 << 20, 0)] {
        let mut world = World::new(0);
        let (target, claimant) = (world.account([1 << 20, n_bytes_max]), world.account(MAXIMA));
        let [busy, idle] = [(); 2].map(|()| world.peer(target));
        let [a, b] = [(); 2].map(|()| world.peer(claimant));
        let (_, waited_for) = node(&idle, &a);
        send(&a, &[waited_for], &[], b"").unwrap();
        idle.recv().unwrap();
        // As in sequence S3: what the second takes of the first's share is missing there.
        send(&a, &[node(&busy, &a).1], &[], &[0; 42]).unwrap();
        send(&b, &[node(&busy, &b).1], &[], &[0; 21]).unwrap();
        let target = world.accounts[target].clone();
        let own = target.charge(&target.actor(), [1, n_own]).unwrap();
        let bytes = || {
            let mut found = vec![target.inspect().available[BYTES]];
            let mut place = Some(0);
            while let Some((quota, next)) = place.and_then(|place| target.inspect_quota(place)) {
                found.extend([quota.claimed[BYTES], quota.available[BYTES]]);
                place = next;
            }
            found
        };
        let before = bytes();
        for way in [Way::Registers, Way::Memory] {
            assert!(hand_over(&a, waited_for, 0, false, way, None).is_some());
            assert_eq!(bytes(), before);
        }
        drop((own, target));
        world.end();
    }
}

/// The random programs do hand messages over, with handles and without.
#[test]
fn hand_over_is_usual() {
    let deliver = |way, carried: Option<usize>| {
        (0..40).map(move |i| {
            let carried = carried.map(|first| first + i);
            Step::Deliver(i % N_PEERS, i, 8, true, way, carried)
        })
    };
    let receive = || (0..200).map(|i| Step::Receive(i % N_PEERS));
    for carried in [None, Some(0), Some(1), Some(3)] {
        let steps = deliver(Way::Nowhere, None).chain(receive());
        // What was not handed over was sent, and has to be received before anything can be handed over there.
        let steps = steps.chain(deliver(Way::Memory, carried).flat_map(|step| {
            [step]
                .into_iter()
                .chain((0..2 * N_PEERS).map(|i| Step::Receive(i % N_PEERS)))
        }));
        let n_handed = run(&steps.collect::<Vec<_>>());
        assert!(n_handed >= 5, "{n_handed} with {carried:?}");
    }
}
