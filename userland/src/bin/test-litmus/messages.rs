//! L1 to L17: messages.

use crate::race::{
    Flag, agree, find, hear, in_order, link, messages, peers, position, program, race, rounds,
};
use alloc::vec;
use alloc::vec::Vec;
use omnibus_userland::abi::DEADLINE_NEVER;
use omnibus_userland::suite::wire::{recv, send};
use omnibus_userland::wait::WaitSet;
use omnibus_userland::{check, check_eq, tests};

tests! {
    /// L1: one sender's messages arrive in the order sent.
    fn l1_one_sender(bench) {
        for round in rounds(bench) {
            let [p, s] = peers(bench, round)?;
            let to_p = link(&s, &p)?;
            race(round, [program(move || {
                send(&s, &[to_p], b"A")?;
                send(&s, &[to_p], b"B")
            })])?;
            check_eq!(messages(&p)?, b"AB", "round {round}");
        }
        Ok(())
    }

    /// L2: of two senders either may come first, and both happen.
    fn l2_two_senders_both_orders(bench) {
        let mut n_first = [0, 0];
        for round in rounds(bench) {
            let [p, s, r] = peers(bench, round)?;
            let (s_to_p, r_to_p) = (link(&s, &p)?, link(&r, &p)?);
            race(round, [
                program(move || send(&s, &[s_to_p], b"A")),
                program(move || send(&r, &[r_to_p], b"B")),
            ])?;
            n_first[usize::from(messages(&p)?[0] == b'A')] += 1;
        }
        check!(n_first[0] > 0 && n_first[1] > 0, "B first {} times, A {}", n_first[0], n_first[1]);
        Ok(())
    }

    /// L3: two transactions to the same two receivers are seen in one order.
    fn l3_two_receivers_agree(bench) {
        for round in rounds(bench) {
            let [p, q, s, r] = peers(bench, round)?;
            let of_s = [link(&s, &p)?, link(&s, &q)?];
            let of_r = [link(&r, &q)?, link(&r, &p)?];
            race(round, [
                program(move || send(&s, &of_s, b"A")),
                program(move || send(&r, &of_r, b"B")),
            ])?;
            check_eq!(agree([&p, &q])?.len(), 2, "messages");
        }
        Ok(())
    }

    /// L4: what follows from a received member comes after its transaction everywhere.
    fn l4_caused_by_a_member(bench) {
        for round in rounds(bench) {
            let [p, q, s] = peers(bench, round)?;
            let of_s = [link(&s, &p)?, link(&s, &q)?];
            let q_to_p = link(&q, &p)?;
            race(round, [
                program(move || send(&s, &of_s, b"A")),
                program(move || { hear(&q)?; send(&q, &[q_to_p], b"B") }),
            ])?;
            in_order(&messages(&p)?, b'A', b'B')?;
        }
        Ok(())
    }

    /// L5: a flag in memory, set after the send returned, orders what another thread sends.
    fn l5_side_channel_after_the_send(bench) {
        for round in rounds(bench) {
            let [p, q, s, r] = peers(bench, round)?;
            let of_s = [link(&s, &p)?, link(&s, &q)?];
            let r_to_p = link(&r, &p)?;
            let flag = Flag::default();
            let seen = flag.clone();
            race(round, [
                program(move || { send(&s, &of_s, b"A")?; flag.set(); Ok(()) }),
                program(move || { seen.wait(); send(&r, &[r_to_p], b"B") }),
            ])?;
            in_order(&messages(&p)?, b'A', b'B')?;
        }
        Ok(())
    }

    /// L6: a flag in memory, set by a receiver, orders what a third thread sends.
    fn l6_side_channel_after_the_receive(bench) {
        for round in rounds(bench) {
            let [p, q, s, r] = peers(bench, round)?;
            let of_s = [link(&s, &p)?, link(&s, &q)?];
            let r_to_p = link(&r, &p)?;
            let flag = Flag::default();
            let seen = flag.clone();
            race(round, [
                program(move || send(&s, &of_s, b"A")),
                program(move || { hear(&q)?; flag.set(); Ok(()) }),
                program(move || { seen.wait(); send(&r, &[r_to_p], b"B") }),
            ])?;
            in_order(&messages(&p)?, b'A', b'B')?;
        }
        Ok(())
    }

    /// L7: three transactions, each to two of three receivers, never form a cycle.
    fn l7_no_cycle(bench) {
        for round in rounds(bench) {
            let [p, q, r, a, b, c] = peers(bench, round)?;
            let of_a = [link(&a, &p)?, link(&a, &q)?];
            let of_b = [link(&b, &q)?, link(&b, &r)?];
            let of_c = [link(&c, &r)?, link(&c, &p)?];
            race(round, [
                program(move || send(&a, &of_a, b"A")),
                program(move || send(&b, &of_b, b"B")),
                program(move || send(&c, &of_c, b"C")),
            ])?;
            let seen = [messages(&p)?, messages(&q)?, messages(&r)?];
            let seen: Vec<&[u8]> = seen.iter().map(Vec::as_slice).collect();
            let cycles: [[&[u8]; 3]; 2] = [[b"AC", b"BA", b"CB"], [b"CA", b"AB", b"BC"]];
            check!(cycles.iter().all(|cycle| seen != cycle), "a cycle: {seen:?}");
            check_eq!(seen.iter().map(|order| order.len()).sum::<usize>(), 6, "messages");
        }
        Ok(())
    }

    /// L8: receivers that read while the sends run agree too.
    fn l8_reading_meanwhile(bench) {
        for round in rounds(bench) {
            let [p, q, s, r, first, second] = peers(bench, round)?;
            let of_s = [link(&s, &p)?, link(&s, &q)?];
            let of_r = [link(&r, &p)?, link(&r, &q)?];
            let mut programs = vec![
                program(move || send(&s, &of_s, b"A")),
                program(move || send(&r, &of_r, b"B")),
            ];
            // Each reader passes on what it reads, in its order.
            for (reader, log) in [(p, &first), (q, &second)] {
                let to_log = link(&reader, log)?;
                programs.push(program(move || {
                    for _ in 0..2 {
                        let got = hear(&reader)?;
                        send(&reader, &[to_log], got.data())?;
                    }
                    Ok(())
                }));
            }
            race(round, programs)?;
            let seen = [messages(&first)?, messages(&second)?];
            check!(seen[0] == seen[1], "one read {:?}, the other {:?}", seen[0], seen[1]);
            check_eq!(seen[0].len(), 2, "messages");
        }
        Ok(())
    }

    /// L9: order is kept along a chain of three.
    fn l9_a_chain(bench) {
        for round in rounds(bench) {
            let [p, q, r, s] = peers(bench, round)?;
            let of_s = [link(&s, &p)?, link(&s, &q)?, link(&s, &r)?];
            let (p_to_q, q_to_r) = (link(&p, &q)?, link(&q, &r)?);
            let reader = q.clone();
            race(round, [
                program(move || send(&s, &of_s, b"A")),
                program(move || { hear(&p)?; send(&p, &[p_to_q], b"B") }),
                program(move || {
                    let order = [hear(&reader)?, hear(&reader)?];
                    let is_in_order = order[0].data() == b"A" && order[1].data() == b"B";
                    send(&reader, &[q_to_r], if is_in_order { b"C" } else { b"X" })
                }),
            ])?;
            check_eq!(messages(&r)?, b"AC", "at R, where X says that Q saw BA");
            messages(&q)?;
        }
        Ok(())
    }

    /// L10: two messages of one transaction to one receiver are adjacent.
    fn l10_adjacent(bench) {
        for round in rounds(bench) {
            let [p, s, r] = peers(bench, round)?;
            let to_p = link(&s, &p)?;
            let r_to_p = link(&r, &p)?;
            race(round, [
                program(move || send(&s, &[to_p, to_p], b"A")),
                program(move || send(&r, &[r_to_p], b"B")),
            ])?;
            let seen = messages(&p)?;
            check!(seen == b"AAB" || seen == b"BAA", "the order was {seen:?}");
        }
        Ok(())
    }

    /// L11: causal order over two peers with single messages.
    fn l11_causal_over_two(bench) {
        for round in rounds(bench) {
            let [p, q, s] = peers(bench, round)?;
            let (s_to_p, s_to_q, q_to_p) = (link(&s, &p)?, link(&s, &q)?, link(&q, &p)?);
            race(round, [
                program(move || { send(&s, &[s_to_p], b"A")?; send(&s, &[s_to_q], b"B") }),
                program(move || { hear(&q)?; send(&q, &[q_to_p], b"C") }),
            ])?;
            in_order(&messages(&p)?, b'A', b'C')?;
        }
        Ok(())
    }

    /// L12: a sender among its own destinations sees the order of all.
    fn l12_sender_among_destinations(bench) {
        for round in rounds(bench) {
            let [p, q, s, r] = peers(bench, round)?;
            let of_s = [link(&s, &p)?, link(&s, &s)?, link(&s, &q)?];
            let of_r = [link(&r, &q)?, link(&r, &s)?, link(&r, &p)?];
            let sender = s.clone();
            race(round, [
                program(move || send(&sender, &of_s, b"A")),
                program(move || send(&r, &of_r, b"B")),
            ])?;
            check_eq!(agree([&p, &q, &s])?.len(), 2, "messages");
        }
        Ok(())
    }

    /// L13: a message is there when its send has returned, whatever else is under way.
    fn l13_visible_after_return(bench) {
        for round in rounds(bench) {
            let [p, q, s, r] = peers(bench, round)?;
            let s_to_p = link(&s, &p)?;
            let of_r = [link(&r, &p)?, link(&r, &q)?];
            let receiver = p.clone();
            race(round, [
                program(move || {
                    send(&s, &[s_to_p], b"A")?;
                    // B may be first; A must be there without waiting.
                    find(&receiver, b"A")?;
                    Ok(())
                }),
                program(move || send(&r, &of_r, b"B")),
            ])?;
        }
        Ok(())
    }

    /// L14: a large transaction that is preempted on its way holds up nobody.
    fn l14_nobody_waits(bench) {
        for round in rounds(bench).step_by(4) {
            let [p, q, s, r] = peers(bench, round)?;
            let s_to_p = link(&s, &p)?;
            let mut of_r = vec![link(&r, &q)?; 500];
            of_r.push(link(&r, &p)?);
            let receiver = p.clone();
            race(round, [
                program(move || send(&r, &of_r, b"B")),
                program(move || {
                    for _ in 0..20 {
                        send(&s, &[s_to_p], b"A")?;
                        find(&receiver, b"A")?;
                    }
                    Ok(())
                }),
            ])?;
        }
        Ok(())
    }

    /// L15: without a common receiver no order of A and B may be relied on; C still is one transaction.
    fn l15_no_common_receiver(bench) {
        for round in rounds(bench) {
            let [p, q, s, r, t] = peers(bench, round)?;
            let (s_to_p, r_to_q) = (link(&s, &p)?, link(&r, &q)?);
            let of_t = [link(&t, &p)?, link(&t, &q)?];
            let flag = Flag::default();
            let seen = flag.clone();
            race(round, [
                program(move || { send(&s, &[s_to_p], b"A")?; flag.set(); Ok(()) }),
                program(move || { seen.wait(); send(&r, &[r_to_q], b"B") }),
                program(move || send(&t, &of_t, b"C")),
            ])?;
            let (at_p, at_q) = (messages(&p)?, messages(&q)?);
            for (seen, message) in [(&at_p, b'A'), (&at_p, b'C'), (&at_q, b'B'), (&at_q, b'C')] {
                position(seen, message)?;
            }
        }
        Ok(())
    }

    /// L16: single and multiple messages of one sender, and what follows from them, keep one order.
    fn l16_mixed(bench) {
        for round in rounds(bench) {
            let [p, q, s] = peers(bench, round)?;
            let (s_to_p, s_to_q, q_to_p) = (link(&s, &p)?, link(&s, &q)?, link(&q, &p)?);
            race(round, [
                program(move || {
                    send(&s, &[s_to_p], b"A")?;
                    send(&s, &[s_to_q, s_to_p], b"B")
                }),
                program(move || { hear(&q)?; send(&q, &[q_to_p], b"C") }),
            ])?;
            let seen = messages(&p)?;
            check_eq!(seen, b"ABC", "the order at P");
        }
        Ok(())
    }

    /// L17: whoever finds nothing and then waits is not asleep while the peer is readable.
    fn l17_no_lost_wake_up(bench) {
        for round in rounds(bench) {
            let [p, s] = peers(bench, round)?;
            let s_to_p = link(&s, &p)?;
            let waiter = p.clone();
            race(round, [
                program(move || send(&s, &[s_to_p], b"A")),
                program(move || {
                    while recv(&waiter).is_err() {
                        WaitSet::new().peer(&waiter).wait(DEADLINE_NEVER)?;
                    }
                    Ok(())
                }),
            ])?;
        }
        Ok(())
    }
}
