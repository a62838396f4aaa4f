//! Section 4: RELEASE.

use crate::loose::{self, UNMAPPED};
use crate::objects::three;
use alloc::vec::Vec;
use omnibus_userland::abi::{Call, Errno};
use omnibus_userland::bus::Peer;
use omnibus_userland::calls::{self, Outgoing};
use omnibus_userland::suite::wire::{
    Got, copy, create, drain, expect_nothing, recv, release, send, send_with,
};
use omnibus_userland::{check_eq, tests, thread};

tests! {
    /// All ids are checked before anything happens: EFAULT, then EBADRQC, then ENOTUNIQ.
    fn rel_1_checks_come_first(bench) {
        let (owner, holder, _) = three(bench)?;
        let (node, handle) = create(&owner, &holder)?;
        let (_, own) = create(&holder, &owner)?;
        let words = [0, 3, UNMAPPED];
        let fault = loose::command(Call::Release, &owner, &words, 24, []);
        check_eq!(fault, Err(Errno::EFAULT), "ids that cannot be read");
        let unknown = node ^ (1 << 60);
        check_eq!(release(&owner, &[node, own, unknown]), Err(Errno::EBADRQC), "an unknown id");
        check_eq!(release(&owner, &[node, own, node]), Err(Errno::ENOTUNIQ), "an id named twice");
        expect_nothing(&holder)?;
        send(&holder, &[handle], b"A")?;
        check_eq!(recv(&owner)?.data(), b"A", "through the handle as before");
        Ok(())
    }

    /// After RELEASE nothing that names the ids is delivered here, also not what was queued.
    fn rel_2_nothing_is_delivered_after(bench) {
        let (owner, holder, _) = three(bench)?;
        let (node, handle) = create(&owner, &holder)?;
        let (other, to_other) = create(&owner, &holder)?;
        send(&holder, &[handle, to_other], b"A")?;
        send(&holder, &[handle], b"B")?;
        release(&owner, &[node])?;
        let got = recv(&owner)?;
        let is_other = matches!(&got, Got::Message(id, _, data, _) if *id == other && data == b"A");
        check_eq!(is_other, true, "{got:?} on the other node");
        expect_nothing(&owner)?;
        // A notice that is queued for an own handle is withdrawn with it.
        check_eq!(release(&holder, &[handle]), Ok(()), "RELEASE of a handle with a notice queued");
        expect_nothing(&holder)
    }

    /// A release works when the account has nothing left.
    fn rel_3_needs_no_quota(bench) {
        let small = bench.account.carve(64, 4096, 64)?;
        let (p, q) = (Peer::new(&small)?, Peer::new(&small)?);
        let mut ids = Vec::new();
        let refusal = loop {
            match create(&p, &q) {
                Ok(pair) => ids.push(pair),
                Err(error) => break error,
            }
        };
        check_eq!(refusal, Errno::EDQUOT, "the end of the account");
        let (nodes, handles): (Vec<_>, Vec<_>) = ids.into_iter().unzip();
        check_eq!(release(&q, &handles), Ok(()), "RELEASE of every handle");
        // Their nodes' notices went out with the last handles; the ids are known until received.
        check_eq!(release(&p, &nodes), Ok(()), "RELEASE of every node");
        check_eq!(drain(&p)?, b"", "what is delivered after");
        Ok(())
    }

    /// However many holders, each gets its notice, and any mix of nodes and handles goes at once.
    fn rel_4_one_instant_for_all_holders(bench) {
        let (owner, p, q) = three(bench)?;
        let (node, first) = create(&owner, &p)?;
        let mut expected_p = Vec::from([Got::NodeRelease(first)]);
        let mut expected_q = Vec::new();
        for _ in 0..100 {
            expected_p.push(Got::NodeRelease(copy(&p, &p, first)?));
            expected_q.push(Got::NodeRelease(copy(&p, &q, first)?));
        }
        let (m, own_handle) = create(&p, &owner)?;
        release(&owner, &[node, own_handle])?;
        for (peer, mut expected) in [(&p, expected_p), (&q, expected_q)] {
            let mut got = Vec::new();
            while let Ok(one) = recv(peer) {
                got.push(one);
            }
            if got.last() == Some(&Got::HandleRelease(m)) {
                got.pop();
                check_eq!(core::ptr::eq(peer, &p), true, "the owner of the other node");
            }
            let key = |got: &Got| match got { Got::NodeRelease(id) => *id, _ => 0 };
            got.sort_by_key(key);
            expected.sort_by_key(key);
            check_eq!(got, expected, "the notices");
        }
        Ok(())
    }

    /// RELEASE and SEND of two threads through the same handles: each send either arrived or
    /// failed, and nothing is left.
    fn rel_2_release_against_send(bench) {
        let before = bench.holdings()?;
        for round in 0..20 {
            let owner = Peer::new(&bench.account)?;
            let holder = Peer::new(&bench.account)?;
            let (node, handle) = create(&owner, &holder)?;
            let sender = holder.clone();
            let sending = thread::spawn(move || {
                let mut n_sent = 0;
                for _ in 0..50 {
                    match calls::send(sender.number(), &[handle], Outgoing::default()) {
                        Ok(()) => n_sent += 1,
                        Err(Errno::EBADRQC) => break,
                        Err(error) => return Err(error),
                    }
                }
                Ok(n_sent)
            })?;
            for _ in 0..round {
                thread::yield_now();
                let _ = recv(&owner);
            }
            release(&owner, &[node])?;
            expect_nothing(&owner)?;
            check_eq!(recv(&holder)?, Got::NodeRelease(handle), "the notice");
            check_eq!(sending.join()?.is_ok(), true, "the sender's errors");
            check_eq!(send_with(&holder, &[handle], b"", &[]), Err(Errno::EBADRQC), "afterwards");
        }
        check_eq!(bench.holdings()?, before, "the account");
        Ok(())
    }
}
