//! One test for each litmus test: included where a checker defines `check`.

/// Makes a test of each line.
macro_rules! litmus_tests {
    ($($(#[$doc:meta])* $name:ident = $id:literal;)*) => {
        $(
            $(#[$doc])*
            #[test]
            fn $name() {
                crate::check($crate::evidence::litmus::named($id));
            }
        )*

        /// Every litmus test has its test here.
        #[test]
        fn ord_1_every_litmus_test_is_run() {
            let tested = [$($id),*];
            let listed: Vec<_> = crate::evidence::litmus::PROGRAMS.iter().map(|litmus| litmus.id).collect();
            assert_eq!(tested.as_slice(), listed);
        }
    };
}

litmus_tests! {
    /// L1: One sender's messages to one receiver come in the order they were sent.
    l1 = "L1";
    /// L2: Messages of two senders come in either order: both occur.
    l2 = "L2";
    /// L3: Two transactions to the same two receivers are seen in one order.
    l3 = "L3";
    /// L4: What answers a transaction comes after it, at its other receiver too.
    l4 = "L4";
    /// L5: What follows a transaction through shared memory comes after it.
    l5 = "L5";
    /// L6: What follows a transaction through a receiver and shared memory comes after it.
    l6 = "L6";
    /// L7: Three transactions to three pairs of receivers are in no cycle.
    l7 = "L7";
    /// L8: Two transactions are seen in one order by receivers that read while they are sent.
    l8 = "L8";
    /// L9: Causality holds along a chain of receivers.
    l9 = "L9";
    /// L10: Messages of one transaction to one receiver are adjacent.
    l10 = "L10";
    /// L11: What answers a second message comes after the first, elsewhere.
    l11 = "L11";
    /// L12: The order is one for the sender too, if it sends to itself.
    l12 = "L12";
    /// L13: A receiver finds what was sent although another transaction is undecided.
    l13 = "L13";
    /// L14: A sender that is stopped half-way holds up neither another sender nor a receiver.
    l14 = "L14";
    /// L15: Transactions without a common receiver may be seen in either order by a third.
    l15 = "L15";
    /// L16: A message, a transaction and its answer come in this order.
    l16 = "L16";
    /// L17: Nobody sleeps while there is something to receive.
    l17 = "L17";
    /// R1: HANDLE_RELEASE comes after the last message through the handle.
    r1 = "R1";
    /// R2: Nothing is delivered on a node whose release has returned.
    r2 = "R2";
    /// R3: The release of two nodes is one transaction: what answers one NODE_RELEASE comes after the other.
    r3 = "R3";
    /// R4: NODE_RELEASE comes after what its owner sent before.
    r4 = "R4";
    /// R5: A closing peer gives up its nodes before its handles.
    r5 = "R5";
    /// R6: A handle that travels while its node is released learns of it, after it has arrived.
    r6 = "R6";
    /// R7: HANDLE_RELEASE comes once, when the last of all handles goes, travelling ones included.
    r7 = "R7";
    /// R8: NODE_RELEASE comes before what follows the release through shared memory.
    r8 = "R8";
    /// R9: Peers that close with each other's handles in their queues leave nothing behind.
    r9 = "R9";
    /// R10: A release and a transaction are seen in one order by receivers of both.
    r10 = "R10";
    /// R11: Two releases are seen in one order by receivers of both.
    r11 = "R11";
    /// R12: Releasing the last handles of two nodes is one transaction.
    r12 = "R12";
    /// R13: Which handle was the last is decided by the order of the releases.
    r13 = "R13";
    /// R14: A RECV that fails leaves its message first for every other.
    r14 = "R14";
    /// R15: After a release returned, a RECV of another thread finds nothing on the node.
    r15 = "R15";
    /// Q1: A peer near its limit can receive what was sent to it.
    q1 = "Q1";
    /// Q2: Counters come back when sends meet closing and release.
    q2 = "Q2";
}
