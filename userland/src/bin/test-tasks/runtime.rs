//! The runtime library: what is released on drop, the heap, panics.

use crate::director;
use alloc::vec;
use alloc::vec::Vec;
use omnibus_userland::actor::{Allowance, PATIENCE};
use omnibus_userland::bus::{Peer, Received};
use omnibus_userland::suite::holdings;
use omnibus_userland::task::Ending;
use omnibus_userland::{check, check_eq, tests, time};

tests! {
    /// A node, a handle, a message's handles and a peer are released when they are dropped.
    fn run_1_released_on_drop(bench) {
        let (p, q) = (Peer::new(&bench.account)?, Peer::new(&bench.account)?);
        let (node, handle) = p.node_for(&q)?;
        let (back, to_q) = q.node_for(&p)?;
        to_q.send_with(b"keep this", &[&to_q])?;
        let message = q.recv()?.message();
        drop(handle);
        let is_end_of = |received: Option<Received>, id| {
            matches!(received, Some(Received::HandleRelease { node }) if node == id)
        };
        check!(is_end_of(p.try_recv()?, node.id()), "no notice of the handle's drop");
        drop(to_q);
        check!(q.try_recv()?.is_none(), "a notice though the message has a handle");
        drop(message);
        check!(is_end_of(q.try_recv()?, back.id()), "no notice of the message's drop");
        let (node, handle) = p.node_for(&q)?;
        let id = handle.id();
        drop(node);
        let notice = q.try_recv()?;
        check!(
            matches!(notice, Some(Received::NodeRelease { handle }) if handle == id),
            "{notice:?} instead of the node's notice"
        );
        Ok(())
    }

    /// An id that is kept is not released, and can be taken over again.
    fn run_2_kept_ids(bench) {
        let peer = Peer::new(&bench.account)?;
        let (node, handle) = peer.node()?;
        let (node, handle) = (node.into_id(), handle.into_id());
        peer.adopt(handle).send(b"A")?;
        let notice = [peer.try_recv()?, peer.try_recv()?];
        let is_expected = matches!(
            &notice,
            [Some(Received::Message(m)), Some(Received::HandleRelease { node: id })]
                if m.node == node && *id == node
        );
        check!(is_expected, "{notice:?} instead of a message and the end of the adopted handle");
        Ok(())
    }

    /// A peer that was made, used and dropped leaves its account as it was.
    fn run_3_nothing_is_left(bench) {
        let account = bench.account.carve(1024, 1 << 16, 64)?;
        for _ in 0..50 {
            let peer = Peer::new(&account)?;
            let (_node, handle) = peer.node()?;
            handle.send_with(b"unread", &[&handle])?;
        }
        check_eq!(holdings(&account)?, [], "what is held");
        Ok(())
    }

    /// Large blocks and many small ones come from the heap, keep what is written, and are used again.
    fn run_4_heap(_) {
        for round in 0..3u8 {
            let large = vec![round; 4 << 20];
            let small: Vec<Vec<u8>> = (0..500).map(|n| vec![n as u8; n]).collect();
            let is_kept = small.iter().enumerate().all(|(n, block)| {
                block.len() == n && block.iter().all(|byte| *byte == n as u8)
            });
            check!(is_kept, "a small block changed");
            check!(large.iter().all(|byte| *byte == round), "the large block changed");
        }
        Ok(())
    }

    /// An allocation beyond the account's frames fails as a value, and the task goes on.
    fn run_5_out_of_memory_is_a_value(bench) {
        let director = director(bench)?;
        let allowance = Allowance { frames: 512, ..Allowance::default() };
        let puppet = director.cast_with("puppet", "puppet", &[&"reserve"], allowance)?;
        let report = director.hear(&puppet)?.data;
        check_eq!(report, b"refused, then 64 KiB", "what the puppet told");
        Ok(())
    }

    /// A panic ends the task with status 101, in any thread.
    fn run_6_a_panic_is_status_101(bench) {
        let director = director(bench)?;
        for what in ["panic", "thread-panic"] {
            let puppet = director.cast("puppet", "puppet", &[&what])?;
            let ending = puppet.task.wait_until(time::deadline_in(PATIENCE))?;
            check_eq!(ending, Ending::Exited(101), "the end of {what}");
        }
        Ok(())
    }
}
