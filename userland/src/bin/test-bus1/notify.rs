//! Section 5: notifications.

use crate::objects::three;
use omnibus_userland::abi::Errno;
use omnibus_userland::bus::Peer;
use omnibus_userland::suite::wire::{
    Got, copy, create, drain, expect_nothing, recv, release, send, send_with,
};
use omnibus_userland::{check, check_eq, tests};

tests! {
    /// A node's release sends one notice for each handle, the owner's own ones included.
    fn not_1_one_notice_for_each_handle(bench) {
        let (owner, holder, _) = three(bench)?;
        let (node, own) = create(&owner, &owner)?;
        let ids = [copy(&owner, &holder, own)?, copy(&owner, &holder, own)?];
        release(&owner, &[node])?;
        check_eq!(recv(&owner)?, Got::NodeRelease(own), "the owner's own notice");
        expect_nothing(&owner)?;
        let mut notices = [recv(&holder)?, recv(&holder)?];
        if notices[0] == Got::NodeRelease(ids[1]) {
            notices.reverse();
        }
        check_eq!(notices, ids.map(Got::NodeRelease), "the holder's notices");
        expect_nothing(&holder)
    }

    /// A copy that is sent after the release gets its notice behind the message that carries it.
    fn not_1_late_copies_learn_too(bench) {
        let (owner, p, q) = three(bench)?;
        let (node, handle) = create(&owner, &p)?;
        let (_, to_q) = create(&q, &p)?;
        send_with(&p, &[to_q], b"A", &[handle])?;
        release(&owner, &[node])?;
        send_with(&p, &[to_q], b"B", &[handle])?;
        for expected in [b"A", b"B"] {
            let got = recv(&q)?;
            check_eq!(got.data(), expected, "the message");
            let carried = got.handles().to_vec();
            // A's handle travelled when the node was released, B's was copied after: for both the
            // notice stands behind the message.
            check_eq!(recv(&q)?, Got::NodeRelease(carried[0]), "the notice of its handle");
        }
        check_eq!(recv(&p)?, Got::NodeRelease(handle), "the notice of the sender's handle");
        Ok(())
    }

    /// The owner hears of the last handle's end once, and not before; travelling handles count.
    fn not_2_only_the_last_handle(bench) {
        let (owner, p, q) = three(bench)?;
        let (node, first) = create(&owner, &p)?;
        let (_, to_q) = create(&q, &p)?;
        send_with(&p, &[to_q], b"A", &[first])?;
        release(&p, &[first])?;
        expect_nothing(&owner)?;
        let second = recv(&q)?.handles()[0];
        let own = copy(&q, &owner, second)?;
        release(&q, &[second])?;
        expect_nothing(&owner)?;
        release(&owner, &[own])?;
        check_eq!(recv(&owner)?, Got::HandleRelease(node), "the notice");
        expect_nothing(&owner)
    }

    /// A handle in a message that is dropped with its node is released before RELEASE returns.
    fn not_2_handles_in_dropped_messages(bench) {
        let (owner, p, q) = three(bench)?;
        let (node, handle) = create(&owner, &p)?;
        let (inbox, to_q) = create(&q, &p)?;
        send_with(&p, &[to_q], b"A", &[handle])?;
        release(&p, &[handle])?;
        expect_nothing(&owner)?;
        release(&q, &[inbox])?;
        check_eq!(recv(&owner)?, Got::HandleRelease(node), "the notice");
        check_eq!(drain(&q)?, b"", "at Q");
        Ok(())
    }

    /// Notices keep their place among messages.
    fn not_3_notices_keep_the_order(bench) {
        let (owner, p, _) = three(bench)?;
        let (_, to_p) = create(&p, &owner)?;
        let (node, handle) = create(&owner, &p)?;
        send(&owner, &[to_p], b"1")?;
        release(&owner, &[node])?;
        send(&owner, &[to_p], b"2")?;
        check_eq!(drain(&p)?, b"1N2", "the order at P");
        check_eq!(send(&p, &[handle], b""), Err(Errno::EBADRQC), "the handle afterwards");
        Ok(())
    }

    /// Notices are sent though the account of the one who gets them is full.
    fn not_4_notices_need_no_memory(bench) {
        let small = bench.account.carve(64, 4096, 64)?;
        let owner = Peer::new(&bench.account)?;
        let holder = Peer::new(&small)?;
        let mut n_nodes = 0;
        let mut nodes = alloc::vec::Vec::new();
        while let Ok((node, _)) = create(&owner, &holder) {
            nodes.push(node);
            n_nodes += 1;
        }
        check!(n_nodes > 8, "only {n_nodes} handles fit");
        check_eq!(create(&owner, &holder).map(drop), Err(Errno::EDQUOT), "a full account");
        release(&owner, &nodes)?;
        check_eq!(drain(&holder)?.len(), n_nodes, "notices");
        Ok(())
    }
}
