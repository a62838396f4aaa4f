//! Messages that are handed over together: when they are, and when not.

mod common;

use std::sync::Arc;

use bus1_service::{Handed, Id, Receivers};
use common::{All, Bell, Host, MAXIMA, World, copy, node, send};

/// Several are handed over together when all of them wait, in any number up to 64, and none if one does not, or two have one account.
#[test]
fn snd_3_together_or_not_at_all() {
    let mut world = World::new(1);
    let accounts: Vec<_> = (0..64).map(|_| world.account(MAXIMA)).collect();
    let receivers: Vec<_> = accounts
        .iter()
        .map(|&account| world.peer(account))
        .collect();
    let sender = world.peers[0].clone();
    let (nodes, handles): (Vec<_>, Vec<_>) = receivers
        .iter()
        .map(|receiver| node(receiver, &sender))
        .unzip();
    let receive_all = |n_each: usize| {
        for receiver in &receivers {
            (0..n_each).for_each(|_| drop(receiver.recv().expect("a message")));
            assert!(!receiver.is_readable());
        }
    };
    let together = |handles: &[Id], n_data| {
        let mut all = All::default();
        let is_handed = sender.hand_over_together(handles, n_data, &mut all);
        let given: Vec<_> = all.0.into_iter().filter_map(|(_, handed)| handed).collect();
        assert_eq!(given.len(), if is_handed { handles.len() } else { 0 });
        is_handed.then_some(given)
    };
    assert_eq!(together(&handles[..2], 8), None, "before the first send");
    send(&sender, &handles, &[], b"first").expect("the first send");
    assert_eq!(together(&handles, 8), None, "with messages queued");
    receive_all(1);
    for n in [0, 1, 2, 3, 7, 8, 9, 33, 63, 64] {
        for n_data in [0, 8, 64, 100] {
            let given = together(&handles[..n], n_data);
            let expected = (n >= 2).then(|| nodes[..n].to_vec());
            let given = given.map(|given| given.iter().map(|handed| handed.node).collect());
            assert_eq!(given, expected, "{n_data} bytes to {n}");
        }
        assert!(receivers.iter().all(|receiver| !receiver.is_readable()));
    }
    // One of them has something to receive, and what does not wait is not waited for.
    send(&sender, &handles[40..41], &[], b"one").expect("a send");
    assert_eq!(together(&handles, 8), None);
    receivers[40].recv().expect("that one");
    struct Busy(usize);
    impl Receivers<Host> for Busy {
        fn take(&mut self, _: &Arc<Bell>) -> bool {
            self.0 += 1;
            self.0 <= 20
        }
        fn give(&mut self, _: usize, _: Handed) {
            panic!("one does not wait");
        }
        fn let_go(&mut self, index: usize) {
            assert!(index < 20);
        }
    }
    assert!(!sender.hand_over_together(&handles, 8, &mut Busy(0)));
    // Two handles to one node, and two peers of one account.
    let again = copy(&sender, &sender, handles[0]).expect("a copy");
    send(&sender, &[again], &[], b"through the copy").expect("a send");
    receivers[0].recv().expect("it");
    assert_eq!(together(&[handles[0], handles[1], again], 8), None);
    let neighbour = world.peer(accounts[5]);
    let (_, beside) = node(&neighbour, &sender);
    send(&sender, &[beside], &[], b"to the neighbour").expect("a send");
    neighbour.recv().expect("it");
    let with_neighbour: Vec<_> = handles[1..40].iter().copied().chain([beside]).collect();
    assert_eq!(together(&with_neighbour, 8), None);
    let without = with_neighbour
        .iter()
        .copied()
        .filter(|&id| id != handles[5]);
    assert!(together(&without.collect::<Vec<_>>(), 8).is_some());
    drop(neighbour);
    world.end();
}

/// Of 63 destinations, two that have one account are found, whichever they are.
#[test]
fn snd_3_two_peers_of_one_account_are_found_among_many() {
    let mut world = World::new(1);
    let sender = world.peers[0].clone();
    let accounts: Vec<_> = (0..62).map(|_| world.account(MAXIMA)).collect();
    let mut handles_on_each = || -> Vec<Id> {
        let handles = accounts.iter().map(|&account| {
            let receiver = world.peer(account);
            let (_, handle) = node(&receiver, &sender);
            send(&sender, &[handle], &[], b"first").expect("the first send");
            receiver.recv().expect("it");
            handle
        });
        handles.collect()
    };
    let (handles, neighbours) = (handles_on_each(), handles_on_each());
    let together = |to: &[Id]| sender.hand_over_together(to, 8, &mut All::default());
    assert!(together(&handles) && together(&neighbours));
    for &neighbour in &neighbours {
        let to: Vec<_> = handles.iter().copied().chain([neighbour]).collect();
        assert!(!together(&to));
    }
    world.end();
}
