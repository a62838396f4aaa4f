//! Section 7: closing a peer.

use crate::objects::three;
use alloc::vec::Vec;
use omnibus_userland::abi::Errno;
use omnibus_userland::bus::Peer;
use omnibus_userland::suite::wire::{
    Got, copy, create, drain, expect_nothing, recv, send, send_with,
};
use omnibus_userland::{check_eq, tests, thread};

tests! {
    /// Closing releases the nodes first, in one transaction, and the held handles last.
    fn clo_1_nodes_first_handles_last(bench) {
        let (closing, other, _) = three(bench)?;
        let (theirs, _) = create(&other, &closing)?;
        let ids = [create(&closing, &other)?.1, create(&closing, &other)?.1];
        drop(closing);
        let mut notices = [recv(&other)?, recv(&other)?];
        if notices[0] == Got::NodeRelease(ids[1]) {
            notices.reverse();
        }
        check_eq!(notices, ids.map(Got::NodeRelease), "the nodes");
        check_eq!(recv(&other)?, Got::HandleRelease(theirs), "the handle");
        expect_nothing(&other)
    }

    /// Undelivered messages are dropped, and what they carry is released.
    fn clo_1_undelivered_messages_release_what_they_carry(bench) {
        let (closing, owner, sender) = three(bench)?;
        let (_, to_closing) = create(&closing, &sender)?;
        let (node, carried) = create(&owner, &sender)?;
        send_with(&sender, &[to_closing], b"A", &[carried])?;
        drop(sender);
        expect_nothing(&owner)?;
        drop(closing);
        check_eq!(recv(&owner)?, Got::HandleRelease(node), "the carried handle's end");
        Ok(())
    }

    /// Messages that a peer sent stay with their receivers; those on their way to it are dropped.
    fn clo_2_sent_messages_stay(bench) {
        let (closing, other, _) = three(bench)?;
        let (_, to_other) = create(&other, &closing)?;
        let (_, to_closing) = create(&closing, &other)?;
        send(&closing, &[to_other], b"A")?;
        send(&other, &[to_closing], b"B")?;
        drop(closing);
        check_eq!(drain(&other)?, b"ANH", "what the other gets");
        Ok(())
    }

    /// Two peers that hold each other's handles in queued messages leave nothing behind.
    fn clo_3_cycles_leave_nothing(bench) {
        let before = bench.holdings()?;
        for _ in 0..10 {
            let (p, q, _) = three(bench)?;
            let ((_, q_to_p), (_, p_to_q)) = (create(&p, &q)?, create(&q, &p)?);
            let (_, own) = create(&p, &p)?;
            for _ in 0..5 {
                send_with(&p, &[p_to_q, own], b"A", &[own, p_to_q])?;
                send_with(&q, &[q_to_p], b"B", &[q_to_p])?;
            }
            drop((p, q));
        }
        check_eq!(bench.holdings()?, before, "the account");
        Ok(())
    }

    /// Closing works with the account full and many holders, and everything comes back.
    fn clo_4_needs_nothing(bench) {
        let small = bench.account.carve(600, 1 << 16, 64)?;
        let before = omnibus_userland::suite::holdings(&small)?;
        let (p, q) = (Peer::new(&small)?, Peer::new(&small)?);
        let (_, first) = create(&p, &q)?;
        let mut handles = Vec::from([first]);
        while let Ok(handle) = copy(&q, &q, first) {
            handles.push(handle);
        }
        check_eq!(copy(&q, &q, first), Err(Errno::EDQUOT), "a full account");
        drop(p);
        check_eq!(drain(&q)?.len(), handles.len(), "notices");
        drop(q);
        check_eq!(omnibus_userland::suite::holdings(&small)?, before, "the account");
        Ok(())
    }

    /// The call that drops the last capability returns with the nodes released; the rest follows
    /// without further calls, and a thread that waits does not keep the peer open.
    fn clo_5_a_waiter_does_not_keep_it_open(bench) {
        let (closing, holder, _) = three(bench)?;
        let (_, handle) = create(&closing, &holder)?;
        let waiter = closing.clone();
        let waiting = thread::spawn(move || waiter.recv().map(drop))?;
        for _ in 0..3 {
            thread::yield_now();
        }
        closing.close()?;
        check_eq!(recv(&holder)?, Got::NodeRelease(handle), "the notice");
        check_eq!(waiting.join()?, Err(Errno::EBADF), "the waiter's next call");
        Ok(())
    }
}
