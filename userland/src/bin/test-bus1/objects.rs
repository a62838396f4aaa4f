//! Section 1: objects.

use alloc::vec::Vec;
use omnibus_userland::abi::{Errno, Kind, capability};
use omnibus_userland::bus::Peer;
use omnibus_userland::calls::{self, Outgoing};
use omnibus_userland::suite::wire::{
    Got, copy, create, drain, expect_nothing, recv, release, send, send_with,
};
use omnibus_userland::{check, check_eq, tests, thread};

tests! {
    /// A sender is known to all receivers by one number, that of its account, and by nothing else.
    fn obj_1_one_account_number_for_all(bench) {
        let (sender, p, q) = three(bench)?;
        let ((n, to_p), (m, to_q)) = (create(&p, &sender)?, create(&q, &sender)?);
        send(&sender, &[to_p, to_q], b"A")?;
        let account = bench.account.state()?.number;
        check_eq!(recv(&p)?, Got::Message(n, account, b"A".to_vec(), Vec::new()), "what P got");
        check_eq!(recv(&q)?, Got::Message(m, account, b"A".to_vec(), Vec::new()), "what Q got");
        Ok(())
    }

    /// A node takes in what many handles send, each message under its id, and only at its peer.
    fn obj_2_many_handles_one_node(bench) {
        let (owner, p, q) = three(bench)?;
        let (node, at_p) = create(&owner, &p)?;
        let at_q = copy(&p, &q, at_p)?;
        send(&p, &[at_p], b"A")?;
        send(&q, &[at_q], b"B")?;
        for expected in [b"A", b"B"] {
            let got = recv(&owner)?;
            check!(
                matches!(&got, Got::Message(id, _, data, _) if *id == node && data == expected),
                "a message on the node, not {got:?}"
            );
        }
        expect_nothing(&p)?;
        expect_nothing(&q)
    }

    /// Every copy of a handle is a new handle with its own id, also on the peer that owns the node.
    fn obj_3_copies_are_never_coalesced(bench) {
        let (owner, holder, _) = three(bench)?;
        let (node, first) = create(&owner, &holder)?;
        let mut ids = Vec::from([first]);
        for _ in 0..4 {
            ids.push(copy(&holder, &holder, first)?);
        }
        send_with(&holder, &[first], b"A", &[first, first])?;
        let got = recv(&owner)?;
        let mut at_owner = Vec::from([node]);
        at_owner.extend_from_slice(got.handles());
        at_owner.push(copy(&holder, &owner, first)?);
        check_eq!(at_owner.len(), 4, "ids at the owner");
        for list in [&mut ids, &mut at_owner] {
            let n_ids = list.len();
            list.sort_unstable();
            list.dedup();
            check_eq!(list.len(), n_ids, "different ids");
        }
        Ok(())
    }

    /// An id that the kernel chose has bit 0 set, is not all ones, and never recurs.
    fn obj_4_managed_ids_never_recur(bench) {
        let peer = Peer::new(&bench.account)?;
        let mut ids = Vec::new();
        for _ in 0..1000 {
            let (node, handle) = create(&peer, &peer)?;
            ids.extend([node, handle]);
            release(&peer, &[node, handle])?;
        }
        check!(ids.iter().all(|id| id % 2 == 1 && *id != u64::MAX), "an id is not managed");
        let n_ids = ids.len();
        ids.sort_unstable();
        ids.dedup();
        check_eq!(ids.len(), n_ids, "different ids");
        Ok(())
    }

    /// A node's id is not a handle's: EBADRQC as destination, transfer and source; RELEASE takes both.
    fn obj_5_a_node_is_not_a_handle(bench) {
        let peer = Peer::new(&bench.account)?;
        let (node, handle) = create(&peer, &peer)?;
        check_eq!(send(&peer, &[node], b""), Err(Errno::EBADRQC), "a node as destination");
        check_eq!(send_with(&peer, &[handle], b"", &[node]), Err(Errno::EBADRQC), "a node carried");
        check_eq!(copy(&peer, &peer, node), Err(Errno::EBADRQC), "a node copied");
        expect_nothing(&peer)?;
        release(&peer, &[node, handle])?;
        Ok(())
    }

    /// A peer capability can do exactly what its rights say: USE, RECEIVE, GIVE.
    fn obj_6_rights_of_a_peer(bench) {
        use capability::peer::{GIVE, RECEIVE, USE};
        let (peer, other, _) = three(bench)?;
        let (_, handle) = create(&peer, &peer)?;
        for rights in 0..=Kind::Peer.all_rights() {
            let number = calls::capability_copy(peer.number(), rights)?;
            let weak = Peer::from_capability(number);
            let may = |right| if rights & right == right { Ok(()) } else { Err(Errno::EPERM) };
            check_eq!(send(&weak, &[handle], b"A"), may(USE), "SEND with rights {rights}");
            check_eq!(copy(&weak, &other, handle).map(drop), may(USE), "source, rights {rights}");
            check_eq!(copy(&peer, &weak, handle).map(drop), may(GIVE), "target, rights {rights}");
            check_eq!(release(&weak, &[]), may(USE), "RELEASE with rights {rights}");
            send(&peer, &[handle], b"B")?;
            check_eq!(recv(&weak).map(drop), may(RECEIVE), "RECV with rights {rights}");
            drain(&peer)?;
        }
        Ok(())
    }

    /// A peer lives as long as one capability refers to it, and closes with the last one.
    fn obj_6_a_peer_closes_with_its_last_capability(bench) {
        let (owner, holder, _) = three(bench)?;
        let (_, handle) = create(&owner, &holder)?;
        let second = Peer::from_capability(calls::capability_copy(owner.number(), 7)?);
        drop(owner);
        send(&holder, &[handle], b"A")?;
        check_eq!(recv(&second)?.data(), b"A", "a message through the second capability");
        expect_nothing(&holder)?;
        drop(second);
        check_eq!(recv(&holder)?, Got::NodeRelease(handle), "news of the close");
        Ok(())
    }

    /// Ids of another peer, nodes and handles alike, mean nothing here.
    fn obj_7_foreign_ids_mean_nothing(bench) {
        let (p, q, _) = three(bench)?;
        // More objects at P than at Q, so that most of P's ids have no twin there.
        let mut foreign = Vec::new();
        for _ in 0..32 {
            let (node, handle) = create(&p, &p)?;
            foreign.extend([node, handle]);
        }
        for id in foreign {
            check_eq!(send(&q, &[id], b""), Err(Errno::EBADRQC), "SEND to {id:#x}");
            check_eq!(copy(&q, &p, id), Err(Errno::EBADRQC), "a copy of {id:#x}");
            check_eq!(release(&q, &[id]), Err(Errno::EBADRQC), "RELEASE of {id:#x}");
        }
        expect_nothing(&p)
    }

    /// Two threads that receive on one peer get every message once, each thread in order.
    fn obj_8_receives_are_serial(bench) {
        const N_MESSAGES: u16 = 400;
        let peer = Peer::new(&bench.account)?;
        let (_, handle) = create(&peer, &peer)?;
        for number in 0..N_MESSAGES {
            send(&peer, &[handle], &number.to_le_bytes())?;
        }
        let readers = [(); 2].map(|()| {
            let peer = peer.clone();
            thread::spawn(move || {
                let mut numbers = Vec::new();
                while let Ok(got) = recv(&peer) {
                    numbers.extend(got.data().as_chunks().0.iter().map(|&n| u16::from_le_bytes(n)));
                    thread::yield_now();
                }
                numbers
            })
        });
        let mut all = Vec::new();
        for reader in readers {
            let numbers = reader?.join()?;
            check!(numbers.is_sorted(), "one thread overtook: {numbers:?}");
            all.extend(numbers);
        }
        all.sort_unstable();
        check!(all.iter().copied().eq(0..N_MESSAGES), "{} messages arrived, once each", all.len());
        Ok(())
    }

    /// Ids are looked up at the instant of the call: after a release they are unknown at once.
    fn obj_8_ids_are_looked_up_at_the_instant(bench) {
        let peer = Peer::new(&bench.account)?;
        let (_, handle) = create(&peer, &peer)?;
        release(&peer, &[handle])?;
        let result = calls::send(peer.number(), &[handle], Outgoing::default());
        check_eq!(result, Err(Errno::EBADRQC), "SEND through a released handle");
        Ok(())
    }
}

/// Three peers of the root account.
pub(crate) fn three(bench: &omnibus_userland::suite::Bench) -> Result<(Peer, Peer, Peer), Errno> {
    let peer = || Peer::new(&bench.account);
    Ok((peer()?, peer()?, peer()?))
}
