//! Messages that are handed over together: when they are, and when not.

mod common;

use std::sync::Arc;

use bus1_service::{Handed, Id, Progress, Receivers, StagedSend};
use common::{All, Bell, Host, MAXIMA, World, begun, copy, drain, node, send, staged};

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

/// What comes to a receiver between the decision and the giving is behind the message in the order of all: of two transactions, one ordered
/// before the message at its first receiver and one behind it at its second, a third peer receives the former first.
#[test]
fn ord_1_what_comes_before_the_giving_is_behind_the_decision() {
    /// The message to the second receiver, staged elsewhere, comes there when the first is given what is handed over.
    struct Late(Option<StagedSend<Host>>);
    impl Receivers<Host> for Late {
        fn take(&mut self, _: &Arc<Bell>) -> bool {
            true
        }
        fn give(&mut self, _: usize, _: Handed) {
            if let Some(mut late) = self.0.take() {
                assert_eq!(late.step(1), Progress::Done);
                late.commit().expect("it is sent").finish_silently();
            }
        }
        fn let_go(&mut self, _: usize) {
            panic!("everybody is given the message");
        }
    }
    let mut world = World::new(0);
    let [first, second, third, sender, before, behind] = std::array::from_fn(|_| {
        let account = world.account(MAXIMA);
        world.peer(account)
    });
    let to = [node(&first, &sender).1, node(&second, &sender).1];
    // The clock of the first is ahead of all others.
    for _ in 0..8 {
        send(&sender, &to[..1], &[], b"-").expect("a send");
    }
    send(&sender, &to[1..], &[], b"-").expect("a send");
    assert_eq!((drain(&first).len(), drain(&second).len()), (8, 1));
    let to_third_and_second = [node(&third, &behind).1, node(&second, &behind).1];
    let mut late = begun(&behind, &to_third_and_second, b"C");
    assert_eq!(late.step(1), Progress::More);
    // The third is not swept yet.
    let to_first_and_third = [node(&first, &before).1, node(&third, &before).1];
    let mut early = staged(&before, &to_first_and_third, b"A");
    let effects = early.commit().expect("it is sent");
    assert_eq!(drain(&first), b"A");
    assert!(sender.hand_over_together(&to, 1, &mut Late(Some(late))));
    assert_eq!(drain(&second), b"C", "behind what was handed over");
    assert_eq!(drain(&third), b"AC", "or there is a cycle");
    effects.finish_silently();
    world.end();
}
