//! One test for each litmus test: a module of every test program that has a `check`.

use crate::check;
use crate::evidence::litmus::{PROGRAMS, named};

/// L1: One sender's messages to one receiver come in the order they were sent.
#[test]
fn l1() {
    check(named("L1"));
}

/// L2: Messages of two senders come in either order: both occur.
#[test]
fn l2() {
    check(named("L2"));
}

/// L3: Two transactions to the same two receivers are seen in one order.
#[test]
fn l3() {
    check(named("L3"));
}

/// L4: What answers a transaction comes after it, at its other receiver too.
#[test]
fn l4() {
    check(named("L4"));
}

/// L5: What follows a transaction through shared memory comes after it.
#[test]
fn l5() {
    check(named("L5"));
}

/// L6: What follows a transaction through a receiver and shared memory comes after it.
#[test]
fn l6() {
    check(named("L6"));
}

/// L7: Three transactions to three pairs of receivers are in no cycle.
#[test]
fn l7() {
    check(named("L7"));
}

/// L8: Two transactions are seen in one order by receivers that read while they are sent.
#[test]
fn l8() {
    check(named("L8"));
}

/// L9: Causality holds along a chain of receivers.
#[test]
fn l9() {
    check(named("L9"));
}

/// L10: Messages of one transaction to one receiver are adjacent.
#[test]
fn l10() {
    check(named("L10"));
}

/// L11: What answers a second message comes after the first, elsewhere.
#[test]
fn l11() {
    check(named("L11"));
}

/// L12: The order is one for the sender too, if it sends to itself.
#[test]
fn l12() {
    check(named("L12"));
}

/// L13: A receiver finds what was sent although another transaction is undecided.
#[test]
fn l13() {
    check(named("L13"));
}

/// L14: A sender that is stopped half-way holds up neither another sender nor a receiver.
#[test]
fn l14() {
    check(named("L14"));
}

/// L15: Transactions without a common receiver may be seen in either order by a third.
#[test]
fn l15() {
    check(named("L15"));
}

/// L16: A message, a transaction and its answer come in this order.
#[test]
fn l16() {
    check(named("L16"));
}

/// L17: Nobody sleeps while there is something to receive.
#[test]
fn l17() {
    check(named("L17"));
}

/// R1: HANDLE_RELEASE comes after the last message through the handle.
#[test]
fn r1() {
    check(named("R1"));
}

/// R2: Nothing is delivered on a node whose release has returned.
#[test]
fn r2() {
    check(named("R2"));
}

/// R3: The release of two nodes is one transaction: what answers one NODE_RELEASE comes after the other.
#[test]
fn r3() {
    check(named("R3"));
}

/// R4: NODE_RELEASE comes after what its owner sent before.
#[test]
fn r4() {
    check(named("R4"));
}

/// R5: A closing peer gives up its nodes before its handles.
#[test]
fn r5() {
    check(named("R5"));
}

/// R6: A handle that travels while its node is released learns of it, after it has arrived.
#[test]
fn r6() {
    check(named("R6"));
}

/// R7: HANDLE_RELEASE comes once, when the last of all handles goes, travelling ones included.
#[test]
fn r7() {
    check(named("R7"));
}

/// R8: NODE_RELEASE comes before what follows the release through shared memory.
#[test]
fn r8() {
    check(named("R8"));
}

/// R9: Peers that close with each other's handles in their queues leave nothing behind.
#[test]
fn r9() {
    check(named("R9"));
}

/// R10: A release and a transaction are seen in one order by receivers of both.
#[test]
fn r10() {
    check(named("R10"));
}

/// R11: Two releases are seen in one order by receivers of both.
#[test]
fn r11() {
    check(named("R11"));
}

/// R12: Releasing the last handles of two nodes is one transaction.
#[test]
fn r12() {
    check(named("R12"));
}

/// R13: Which handle was the last is decided by the order of the releases.
#[test]
fn r13() {
    check(named("R13"));
}

/// R14: A RECV that fails leaves its message first for every other.
#[test]
fn r14() {
    check(named("R14"));
}

/// R15: After a release returned, a RECV of another thread finds nothing on the node.
#[test]
fn r15() {
    check(named("R15"));
}

/// Q1: A peer near its limit can receive what was sent to it.
#[test]
fn q1() {
    check(named("Q1"));
}

/// Q2: Counters come back when sends meet closing and release.
#[test]
fn q2() {
    check(named("Q2"));
}

/// H1: What is handed over comes behind what was sent before it.
#[test]
fn h1() {
    check(named("H1"));
}

/// H2: A message that is handed over has one place in the order of all: what its sender sends next comes behind it.
#[test]
fn h2() {
    check(named("H2"));
}

/// H3: Who is handed a handle learns of the death of its node afterwards, whenever that died.
#[test]
fn h3() {
    check(named("H3"));
}

/// H4: Nothing is handed over to a node whose release has returned.
#[test]
fn h4() {
    check(named("H4"));
}

/// H5: A hand-over beside the release of its handle comes before it or not at all, and the last handle is told of once.
#[test]
fn h5() {
    check(named("H5"));
}

/// H6: Nothing is left of a handle that is delivered to a peer that closes.
#[test]
fn h6() {
    check(named("H6"));
}

/// H7: A handle that is delivered beside the release of the one it is a copy of counts, if it arrives.
#[test]
fn h7() {
    check(named("H7"));
}

/// H8: A message that is handed over to two comes once to each, before or behind what another sends one of them.
#[test]
fn h8() {
    check(named("H8"));
}

/// H9: A message that is handed over to two and one that is sent to both are seen in one order.
#[test]
fn h9() {
    check(named("H9"));
}

/// H10: Two messages that are handed over to the same two, who are looked for in opposite order, are seen in one order.
#[test]
fn h10() {
    check(named("H10"));
}

/// H11: A message that is handed over to two, and the release of a node that both hold, are seen in one order.
#[test]
fn h11() {
    check(named("H11"));
}

/// H12: Of a message that is handed over to two, one of whom releases its node, the other gets all; behind the release nothing comes.
#[test]
fn h12() {
    check(named("H12"));
}

/// H13: What answers a message that is handed over to two comes after it, at the one who is given it later too.
#[test]
fn h13() {
    check(named("H13"));
}

/// H14: A receiver who looks for himself beside a message that is handed over to him and another finds everything, in order.
#[test]
fn h14() {
    check(named("H14"));
}

/// H15: Of a message that is handed over to two, one of whom closes, the other gets it, and nothing is left.
#[test]
fn h15() {
    check(named("H15"));
}

/// H16: Three messages that are handed over to three pairs of receivers are in no cycle.
#[test]
fn h16() {
    check(named("H16"));
}

/// M1: Two transactions to the same two receivers, each sent in one section if it can be, are seen in one order.
#[test]
fn m1() {
    check(named("M1"));
}

/// M2: Three transactions to three pairs of receivers, each sent in one section if it can be, are in no cycle.
#[test]
fn m2() {
    check(named("M2"));
}

/// M3: A transaction that is sent to two in one section is seen in one order with a release that both are told of.
#[test]
fn m3() {
    check(named("M3"));
}

/// M4: What answers a transaction that is sent to two in one section comes after it, at its other receiver too.
#[test]
fn m4() {
    check(named("M4"));
}

/// M5: A transaction to two in one section reaches one of them whatever becomes of the other's node.
#[test]
fn m5() {
    check(named("M5"));
}

/// Every litmus test of the list has its test here.
#[test]
fn every_litmus_test_is_run() {
    let source = include_str!("tests.rs");
    for litmus in PROGRAMS {
        let call = format!("check(named({:?}))", litmus.id);
        assert!(source.contains(&call), "{} is not run", litmus.id);
    }
}
