//! R1 to R15: releases and notices among messages.

use crate::race::{Flag, link, peers, program, race, rounds};
use alloc::vec::Vec;
use omnibus_userland::abi::Errno;
use omnibus_userland::abi::bus1::{INVALID, Message, Metadata};
use omnibus_userland::abi::{Call, bus1};
use omnibus_userland::raw;
use omnibus_userland::suite::wire::{
    Got, copy, create, drain, expect_nothing, recv, release, send, send_with, take,
};
use omnibus_userland::{check, check_eq, tests, thread};

tests! {
    /// R1: a message through a handle comes before the notice of that handle's end.
    fn r1_message_before_the_last_handle(bench) {
        for round in rounds(bench) {
            let [o, s] = peers(bench, round)?;
            let to_o = link(&s, &o)?;
            let sender = s.clone();
            race(round, [program(move || {
                send(&sender, &[to_o], b"M")?;
                release(&sender, &[to_o])
            })])?;
            check_eq!(drain(&o)?, b"MH", "at the owner");
        }
        Ok(())
    }

    /// R2: nothing arrives on a node after its release returned.
    fn r2_nothing_after_release(bench) {
        for round in rounds(bench) {
            let [o, s] = peers(bench, round)?;
            let (node, to_o) = create(&o, &s)?;
            let owner = o.clone();
            race(round, [
                program(move || {
                    release(&owner, &[node])?;
                    match recv(&owner) { Err(Errno::EAGAIN) => Ok(()), _ => Err(Errno::EEXIST) }
                }),
                program(move || send(&s, &[to_o], b"M")),
            ])?;
            expect_nothing(&o)?;
        }
        Ok(())
    }

    /// R3: two nodes released in one call: what follows from one notice comes after the other.
    fn r3_one_release_is_one_transaction(bench) {
        for round in rounds(bench) {
            let [o, p, q] = peers(bench, round)?;
            let ((n1, at_p), (n2, at_q)) = (create(&o, &p)?, create(&o, &q)?);
            let p_to_q = link(&p, &q)?;
            let holder = p.clone();
            race(round, [
                program(move || release(&o, &[n1, n2])),
                program(move || {
                    if take(&holder)? != Got::NodeRelease(at_p) { return Err(Errno::EINVAL); }
                    send(&holder, &[p_to_q], b"B")
                }),
            ])?;
            check_eq!(recv(&q)?, Got::NodeRelease(at_q), "the first at Q");
            check_eq!(recv(&q)?.data(), b"B", "the second at Q");
        }
        Ok(())
    }

    /// R4: a message comes before the release that its sender made after it.
    fn r4_message_before_release(bench) {
        for round in rounds(bench) {
            let [o, p] = peers(bench, round)?;
            let (node, _) = create(&o, &p)?;
            let to_p = link(&o, &p)?;
            let owner = o.clone();
            race(round, [program(move || {
                send(&owner, &[to_p], b"A")?;
                release(&owner, &[node])
            })])?;
            check_eq!(drain(&p)?, b"AN", "at P");
        }
        Ok(())
    }

    /// R5: a closing peer's nodes are announced before the handles it held.
    fn r5_closing_announces_nodes_first(bench) {
        for round in rounds(bench) {
            let [o, p] = peers(bench, round)?;
            link(&p, &o)?;
            link(&o, &p)?;
            race(round, [program(move || { drop(o); Ok(()) })])?;
            // Closing goes on after the call that began it.
            check_eq!(take(&p)?.data(), b"N", "the first at P");
            check_eq!(take(&p)?.data(), b"H", "the second at P");
        }
        Ok(())
    }

    /// R6: who gets a handle learns of its node's end, and after it has the handle.
    fn r6_travelling_handle_learns(bench) {
        for round in rounds(bench) {
            let [o, s, p] = peers(bench, round)?;
            let (node, at_s) = create(&o, &s)?;
            let s_to_p = link(&s, &p)?;
            let sender = s.clone();
            race(round, [
                program(move || send_with(&sender, &[s_to_p], b"A", &[at_s])),
                program(move || release(&o, &[node])),
            ])?;
            let got = recv(&p)?;
            check_eq!(got.handles().len(), 1, "handles in {got:?}");
            check_eq!(recv(&p)?, Got::NodeRelease(got.handles()[0]), "the notice");
        }
        Ok(())
    }

    /// R7: the last handle's notice comes once, and not before that handle was released.
    fn r7_last_handle_travels(bench) {
        for round in rounds(bench) {
            let [o, p, s, q] = peers(bench, round)?;
            let (node, at_p) = create(&o, &p)?;
            let at_s = copy(&p, &s, at_p)?;
            let s_to_q = link(&s, &q)?;
            let (owner, receiver) = (o.clone(), q.clone());
            race(round, [
                program(move || release(&p, &[at_p])),
                program(move || {
                    send_with(&s, &[s_to_q], b"A", &[at_s])?;
                    release(&s, &[at_s])
                }),
                program(move || {
                    let carried = take(&receiver)?.handles().to_vec();
                    thread::yield_now();
                    // The one handle that is left is here: it is too early for the notice.
                    if recv(&owner) != Err(Errno::EAGAIN) { return Err(Errno::EEXIST); }
                    release(&receiver, &carried)
                }),
            ])?;
            check_eq!(take(&o)?, Got::HandleRelease(node), "the notice");
            expect_nothing(&o)?;
        }
        Ok(())
    }

    /// R8: a signal through memory after a release orders what another thread sends.
    fn r8_side_channel_after_release(bench) {
        for round in rounds(bench) {
            let [o, p, r] = peers(bench, round)?;
            let (node, at_p) = create(&o, &p)?;
            let r_to_p = link(&r, &p)?;
            let flag = Flag::default();
            let seen = flag.clone();
            race(round, [
                program(move || { release(&o, &[node])?; flag.set(); Ok(()) }),
                program(move || { seen.wait(); send(&r, &[r_to_p], b"B") }),
            ])?;
            check_eq!(recv(&p)?, Got::NodeRelease(at_p), "the first at P");
            check_eq!(recv(&p)?.data(), b"B", "the second at P");
        }
        Ok(())
    }

    /// R9: peers that sent each other handles on each other's nodes and close unread leave nothing.
    fn r9_cycle_leaves_nothing(bench) {
        let before = bench.holdings()?;
        for round in rounds(bench) {
            let [p, q] = peers(bench, round)?;
            let (p_to_q, q_to_p) = (link(&p, &q)?, link(&q, &p)?);
            race(round, [
                program(move || { send_with(&p, &[p_to_q], b"", &[p_to_q])?; drop(p); Ok(()) }),
                program(move || {
                    match send_with(&q, &[q_to_p], b"", &[q_to_p]) {
                        // P may be gone already, and Q not have read of it.
                        Ok(()) | Err(Errno::EBADRQC) => Ok(()),
                        Err(error) => Err(error),
                    }
                }),
            ])?;
        }
        settle();
        check_eq!(bench.holdings()?, before, "the account");
        Ok(())
    }

    /// R10: a release and a message through the handles it ends are seen in one order.
    fn r10_release_against_send(bench) {
        for round in rounds(bench) {
            let [o, p, q, s] = peers(bench, round)?;
            let (node, at_p) = create(&o, &p)?;
            copy(&p, &q, at_p)?;
            let of_s = [link(&s, &p)?, link(&s, &q)?];
            let sender = s.clone();
            race(round, [
                program(move || release(&o, &[node])),
                program(move || send(&sender, &of_s, b"A")),
            ])?;
            let seen = [drain(&p)?, drain(&q)?];
            check!(seen[0] == seen[1], "P saw {:?}, Q saw {:?}", seen[0], seen[1]);
            check_eq!(seen[0].len(), 2, "what P saw");
        }
        Ok(())
    }

    /// R11: two releases, each seen by both holders, are seen in one order.
    fn r11_two_releases(bench) {
        for round in rounds(bench) {
            let [o1, o2, p, q] = peers(bench, round)?;
            let ((n1, p1), (n2, p2)) = (create(&o1, &p)?, create(&o2, &p)?);
            let (q1, q2) = (copy(&p, &q, p1)?, copy(&p, &q, p2)?);
            race(round, [
                program(move || release(&o1, &[n1])),
                program(move || release(&o2, &[n2])),
            ])?;
            let at_p = [recv(&p)?, recv(&p)?];
            let at_q = [recv(&q)?, recv(&q)?];
            let is_first = at_p == [Got::NodeRelease(p1), Got::NodeRelease(p2)];
            let expected = if is_first { [q1, q2] } else { [q2, q1] };
            check_eq!(at_q, expected.map(Got::NodeRelease), "Q's order, P's was {at_p:?}");
        }
        Ok(())
    }

    /// R12: two last handles released in one call: what follows from one notice comes after the other.
    fn r12_two_last_handles(bench) {
        for round in rounds(bench) {
            let [p, o1, o2] = peers(bench, round)?;
            let ((n1, h1), (n2, h2)) = (create(&o1, &p)?, create(&o2, &p)?);
            let o1_to_o2 = link(&o1, &o2)?;
            let owner = o1.clone();
            race(round, [
                program(move || release(&p, &[h1, h2])),
                program(move || {
                    if take(&owner)? != Got::HandleRelease(n1) { return Err(Errno::EINVAL); }
                    send(&owner, &[o1_to_o2], b"B")
                }),
            ])?;
            check_eq!(recv(&o2)?, Got::HandleRelease(n2), "the first at O2");
            check_eq!(recv(&o2)?.data(), b"B", "the second at O2");
        }
        Ok(())
    }

    /// R13: the last handle and a node released in one call: the node's notice comes before what
    /// follows from the handle's, if that release was the last.
    fn r13_last_handle_and_node(bench) {
        for round in rounds(bench) {
            let [o, p, q, z] = peers(bench, round)?;
            let (node, h1) = create(&o, &p)?;
            let h2 = copy(&p, &q, h1)?;
            let (m, at_z) = create(&p, &z)?;
            let o_to_z = link(&o, &z)?;
            let (owner, first, second) = (o.clone(), p.clone(), q.clone());
            race(round, [
                program(move || release(&first, &[h1, m])),
                program(move || release(&second, &[h2])),
                program(move || {
                    if take(&owner)? != Got::HandleRelease(node) { return Err(Errno::EINVAL); }
                    send(&owner, &[o_to_z], b"B")
                }),
            ])?;
            let mut seen = [recv(&z)?, recv(&z)?];
            // If Q's release was the last, either order is right; then P's was before it, and
            // both have returned, so both members are here.
            seen.sort_by_key(|got| *got != Got::NodeRelease(at_z));
            check_eq!(seen[0], Got::NodeRelease(at_z), "the notice at Z");
            check_eq!(seen[1].data(), b"B", "the message at Z");
        }
        Ok(())
    }

    /// R13 with P's release last: Z sees the node's notice first, always.
    fn r13_when_the_handle_is_the_last(bench) {
        for round in rounds(bench) {
            let [o, p, z] = peers(bench, round)?;
            let (node, h1) = create(&o, &p)?;
            let (m, at_z) = create(&p, &z)?;
            let o_to_z = link(&o, &z)?;
            let (owner, first) = (o.clone(), p.clone());
            race(round, [
                program(move || release(&first, &[h1, m])),
                program(move || {
                    if take(&owner)? != Got::HandleRelease(node) { return Err(Errno::EINVAL); }
                    send(&owner, &[o_to_z], b"B")
                }),
            ])?;
            check_eq!(recv(&z)?, Got::NodeRelease(at_z), "the first at Z");
            check_eq!(recv(&z)?.data(), b"B", "the second at Z");
        }
        Ok(())
    }

    /// R14: a RECV that fails with EFAULT never lets another thread take the second message first.
    fn r14_failed_receive_keeps_the_order(bench) {
        for round in rounds(bench) {
            let [p] = peers(bench, round)?;
            let to_p = link(&p, &p)?;
            for number in b"123456" {
                send(&p, &[to_p], &[*number])?;
            }
            let (failing, taking) = (p.clone(), p.clone());
            race(round, [
                program(move || {
                    for _ in 0..6 {
                        match receive_into_nothing(failing.number().0) {
                            Err(Errno::EFAULT | Errno::EAGAIN) => thread::yield_now(),
                            _ => return Err(Errno::EINVAL),
                        }
                    }
                    Ok(())
                }),
                program(move || {
                    let mut seen = Vec::new();
                    for _ in 0..6 {
                        seen.extend_from_slice(take(&taking)?.data());
                        thread::yield_now();
                    }
                    if seen == b"123456" { Ok(()) } else { Err(Errno::EBADRQC) }
                }),
            ])?;
        }
        Ok(())
    }

    /// R15: once a thread knows that a release returned, no other receives on that node.
    fn r15_release_then_flag(bench) {
        for round in rounds(bench) {
            let [o, s] = peers(bench, round)?;
            let (node, to_o) = create(&o, &s)?;
            for _ in 0..5 {
                send(&s, &[to_o], b"M")?;
            }
            let (first, second) = (o.clone(), o.clone());
            let flag = Flag::default();
            let seen = flag.clone();
            race(round, [
                program(move || { release(&first, &[node])?; flag.set(); Ok(()) }),
                program(move || {
                    seen.wait();
                    match recv(&second) { Err(Errno::EAGAIN) => Ok(()), _ => Err(Errno::EEXIST) }
                }),
            ])?;
        }
        Ok(())
    }
}

/// RECV with a vector where nothing is mapped.
fn receive_into_nothing(peer: u64) -> Result<u64, Errno> {
    let vector = bus1::IoVec {
        base: 0x1000,
        length: 64,
    };
    let mut message = Message {
        kind: INVALID,
        n_data: 64,
        n_data_vecs: 1,
        ptr_data_vecs: core::ptr::from_ref(&vector) as u64,
        ..Message::default()
    };
    let mut metadata = Metadata::default();
    let command = bus1::CmdRecv {
        flags: 0,
        ptr_metadata: core::ptr::from_mut(&mut metadata) as u64,
        ptr_message: core::ptr::from_mut(&mut message) as u64,
    };
    let at = core::ptr::from_ref(&command) as u64;
    // SAFETY: every address is of a local that lives through the call, or of nothing mapped.
    unsafe { raw::call(Call::Recv, [peer, at, 24, 24, 56, 16]) }
}

/// Lets the kernel end what goes on after the call that began it (CLO-5).
pub(crate) fn settle() {
    for _ in 0..100 {
        thread::yield_now();
    }
}
