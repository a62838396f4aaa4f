//! Section 6: order. The litmus programs have a suite of their own.

use crate::objects::three;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};
use omnibus_userland::abi::Errno;
use omnibus_userland::bus::Peer;
use omnibus_userland::suite::wire::{Got, create, drain, expect_nothing, recv, release, send};
use omnibus_userland::{check, check_eq, tests, thread};

tests! {
    /// A transaction that returned before another was called comes first at a common receiver.
    fn ord_1_returned_before_called(bench) {
        let (p, q, s) = three(bench)?;
        let ((_, s_to_p), (_, q_to_p)) = (create(&p, &s)?, create(&p, &q)?);
        let (_, s_to_q) = create(&q, &s)?;
        for _ in 0..50 {
            send(&s, &[s_to_p, s_to_q], b"A")?;
            check_eq!(recv(&q)?.data(), b"A", "at Q");
            send(&q, &[q_to_p], b"B")?;
            check_eq!(drain(&p)?, b"AB", "at P");
        }
        Ok(())
    }

    /// Messages of one sender arrive in the order sent, whatever nodes they come in on.
    fn ord_2_one_sender_is_fifo(bench) {
        let (p, s, _) = three(bench)?;
        let handles = [create(&p, &s)?.1, create(&p, &s)?.1, create(&p, &s)?.1];
        let numbers: Vec<u8> = (0..200).collect();
        for &number in &numbers {
            send(&s, &[handles[usize::from(number) % 3]], &[number])?;
        }
        check_eq!(drain(&p)?, numbers, "the numbers");
        Ok(())
    }

    /// Order follows causes, also those that travel through shared memory.
    fn ord_3_causal_through_memory(bench) {
        let (p, q, s) = three(bench)?;
        let ((_, s_to_p), (_, s_to_q)) = (create(&p, &s)?, create(&q, &s)?);
        let (_, q_to_p) = create(&p, &q)?;
        for _ in 0..50 {
            let flag = Arc::new(AtomicBool::new(false));
            let (seen, other) = (Arc::clone(&flag), q.clone());
            let second = thread::spawn(move || {
                while !seen.load(Ordering::Acquire) {
                    thread::yield_now();
                }
                send(&other, &[q_to_p], b"B")
            })?;
            send(&s, &[s_to_p, s_to_q], b"A")?;
            flag.store(true, Ordering::Release);
            second.join()??;
            check_eq!(drain(&p)?, b"AB", "at P");
            check_eq!(drain(&q)?, b"A", "at Q");
        }
        Ok(())
    }

    /// Two senders, two receivers of both: the receivers agree on the order, every time.
    fn ord_4_receivers_agree(bench) {
        let (p, q, s) = three(bench)?;
        let r = Peer::new(&bench.account)?;
        let senders = [s, r];
        let mut threads = Vec::new();
        for (sender, number) in senders.iter().zip(0u8..) {
            let handles = [create(&p, sender)?.1, create(&q, sender)?.1];
            let sender = sender.clone();
            threads.push(thread::spawn(move || {
                for k in 0..100 {
                    send(&sender, &handles, &[2 * k + number])?;
                    if k % 3 == 0 {
                        thread::yield_now();
                    }
                }
                Ok::<_, Errno>(())
            })?);
        }
        for thread in threads {
            thread.join()??;
        }
        let (at_p, at_q) = (drain(&p)?, drain(&q)?);
        check_eq!(at_p.len(), 200, "messages at P");
        check!(at_p == at_q, "P saw {at_p:?}, Q saw {at_q:?}");
        Ok(())
    }

    /// Members of one transaction are adjacent: messages first, then node releases, then handle releases.
    fn ord_5_members_are_adjacent(bench) {
        let (p, s, _) = three(bench)?;
        let (_, to_p) = create(&p, &s)?;
        let (node, at_p) = create(&s, &p)?;
        let (theirs, mine) = create(&p, &s)?;
        send(&s, &[to_p, to_p], b"A")?;
        release(&s, &[mine, node])?;
        send(&s, &[to_p], b"B")?;
        let got = [recv(&p)?, recv(&p)?, recv(&p)?, recv(&p)?, recv(&p)?];
        check_eq!([got[0].data(), got[1].data()], [b"A", b"A"], "the messages");
        let notices = [Got::NodeRelease(at_p), Got::HandleRelease(theirs)];
        check_eq!([&got[2], &got[3]], [&notices[0], &notices[1]], "the release");
        check_eq!(got[4].data(), b"B", "the last message");
        Ok(())
    }

    /// RECV sees every transaction that returned before it was called.
    fn ord_6_returned_is_visible(bench) {
        let (p, q, s) = three(bench)?;
        let handles = [create(&p, &s)?.1, create(&q, &s)?.1];
        for _ in 0..200 {
            send(&s, &handles, b"A")?;
            for peer in [&p, &q] {
                check_eq!(recv(peer)?.data(), b"A", "right after the send");
                expect_nothing(peer)?;
            }
        }
        Ok(())
    }

    /// Peers with nothing in common do not order each other: each pair's traffic is its own.
    fn ord_7_disjoint_pairs(bench) {
        let mut threads = Vec::new();
        for _ in 0..3 {
            let (p, s, _) = three(bench)?;
            let (_, handle) = create(&p, &s)?;
            threads.push(thread::spawn(move || {
                for number in 0..200u8 {
                    send(&s, &[handle], &[number])?;
                    if recv(&p)?.data() != [number] {
                        return Err(Errno::EINVAL);
                    }
                }
                Ok::<_, Errno>(())
            })?);
        }
        for thread in threads {
            thread.join()??;
        }
        Ok(())
    }
}
