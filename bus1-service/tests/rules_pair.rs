//! A short message to two peers, which needs no word where nothing stands in its way: its place in the order is the same as if it had one.

mod common;

use bus1_service::{Id, Peer, Progress};
use common::*;

/// A node of each, and a handle of `sender` on it, through which something was sent already: the first message through a handle goes another way.
fn used<const N: usize>(sender: &Peer<Host>, receivers: [&Peer<Host>; N]) -> [Id; N] {
    receivers.map(|receiver| {
        let (_, handle) = node(receiver, sender);
        send(sender, &[handle], &[], b"-").unwrap();
        assert_eq!(drain(receiver), b"-");
        handle
    })
}

/// A message to two peers has one place in the order: whatever comes behind it at one of them comes behind all that came before it at the other.
#[test]
fn ord_1_a_pair_has_one_place() {
    let world = World::new(6);
    let [a, b, c, s, x, y] = world.first();
    let [s_to_a, s_to_b] = used(s, [a, b]);
    let [x_to_b, x_to_c] = used(x, [b, c]);
    let [y_to_a, y_to_c] = used(y, [a, c]);
    for _ in 0..4 {
        send(s, &[s_to_a], &[], b"-").unwrap();
    }
    assert_eq!(drain(a), b"----");
    let mut behind = begun(x, &[x_to_c, x_to_b], b"x");
    assert_eq!(behind.step(1), Progress::More, "it is at c, and not at b");
    commit(staged(y, &[y_to_a, y_to_c], b"y"));
    assert_eq!(drain(a), b"y");
    send(s, &[s_to_a, s_to_b], &[], b"s").unwrap();
    commit(behind);
    assert_eq!(drain(a), b"s");
    assert_eq!(drain(b), b"sx");
    assert_eq!(drain(c), b"yx", "y came before s at a, and s before x at b");
    world.end();
}

/// A message to two peers comes behind all that its sender sent to several before, whoever else received that.
#[test]
fn obj_8_a_pair_comes_behind_what_its_sender_decided() {
    let world = World::new(6);
    let [a, b, c, d, s, x] = world.first();
    let [s_to_a, s_to_b, s_to_c, s_to_d] = used(s, [a, b, c, d]);
    let [x_to_a, x_to_c] = used(x, [a, c]);
    for _ in 0..9 {
        send(s, &[s_to_d], &[], b"-").unwrap();
    }
    let mut behind = begun(x, &[x_to_c, x_to_a], b"x");
    assert_eq!(behind.step(1), Progress::More, "it is at c, and not at a");
    send(s, &[s_to_c, s_to_d], &[], b"1").unwrap();
    send(s, &[s_to_a, s_to_b], &[], b"2").unwrap();
    commit(behind);
    assert_eq!(drain(a), b"2x");
    assert_eq!(
        drain(c),
        b"1x",
        "s sent 1 before 2, and 2 came before x at a"
    );
    assert_eq!(
        (drain(b), drain(d)),
        (b"2".to_vec(), b"---------1".to_vec())
    );
    world.end();
}
