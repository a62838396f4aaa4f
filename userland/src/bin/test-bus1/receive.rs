//! Section 4: RECV, and readiness.

use crate::loose::{self, NO_ROOM};
use crate::objects::three;
use core::time::Duration;
use omnibus_userland::abi::bus1::{IoVec, Message, Metadata, RECV_FLAG_DISCARD, Transfer};
use omnibus_userland::abi::native::{EVENT_HANG_UP, EVENT_READABLE};
use omnibus_userland::abi::{DEADLINE_NEVER, DEADLINE_NOW, Errno};
use omnibus_userland::bus::Peer;
use omnibus_userland::calls::{self, IoSliceMut};
use omnibus_userland::suite::wire::{
    Got, create, drain, expect_nothing, recv, release, send, send_with,
};
use omnibus_userland::wait::WaitSet;
use omnibus_userland::{check, check_eq, tests, thread, time};

tests! {
    /// RECV wants flags 0 and type INVALID, says EAGAIN if there is nothing, and checks vectors
    /// only for messages of peers.
    fn rcv_1_order_of_checks(bench) {
        let (owner, holder, _) = three(bench)?;
        let (node, handle) = create(&owner, &holder)?;
        let bad_vectors = Message { n_data_vecs: 1025, ptr_data_vecs: 0, ..NO_ROOM };
        let run = |peer, mut message| loose::recv(peer, 0, &mut Metadata::default(), &mut message);
        let kind = Message { kind: 0, ..bad_vectors };
        check_eq!(run(&holder, kind), Err(Errno::EINVAL), "a type on input");
        check_eq!(run(&holder, bad_vectors), Err(Errno::EAGAIN), "an empty queue");
        send(&holder, &[handle], b"A")?;
        check_eq!(run(&owner, bad_vectors), Err(Errno::EINVAL), "vectors for a message");
        release(&owner, &[node])?;
        check_eq!(run(&holder, bad_vectors).map(drop), Ok(()), "vectors for a notice");
        Ok(())
    }

    /// Too small: EMSGSIZE with the sizes needed and the metadata, and nothing else happened.
    fn rcv_2_too_small(bench) {
        let peer = Peer::new(&bench.account)?;
        let (node, handle) = create(&peer, &peer)?;
        send_with(&peer, &[handle], b"12345", &[handle, handle])?;
        let before = bench.holdings()?;
        for (n_bytes, n_handles) in [(4, 2), (5, 1), (0, 0)] {
            let mut data = [0xEE; 8];
            let mut transfers = [Transfer { flags: 7, id: 7 }; 2];
            let mut room = [IoSliceMut::new(&mut data[..n_bytes])];
            let (incoming, result) =
                calls::recv(peer.number(), &mut room, &mut transfers[..n_handles]);
            check_eq!(result, Err(Errno::EMSGSIZE), "room for {n_bytes} and {n_handles}");
            check_eq!(incoming.metadata.id, node, "the node");
            let needed = [incoming.message.n_data, incoming.message.n_transfers];
            check_eq!(needed, [5, 2], "the sizes needed");
            check_eq!(data, [0xEE; 8], "the buffer");
            check_eq!(transfers, [Transfer { flags: 7, id: 7 }; 2], "the transfers");
        }
        check_eq!(bench.holdings()?, before, "the account");
        check_eq!(recv(&peer)?.handles().len(), 2, "handles of the message at last");
        Ok(())
    }

    /// Handles come in the sender's order, sizes are the actual ones, bytes behind are untouched.
    fn rcv_3_exactly_what_was_sent(bench) {
        let (sender, p, q) = three(bench)?;
        let ((n, to_p), (m, to_q)) = (create(&p, &sender)?, create(&q, &sender)?);
        send_with(&sender, &[to_p], b"abc", &[to_q, to_p])?;
        let (mut first, mut second) = ([0xEE; 2], [0xEE; 6]);
        let mut transfers = [Transfer { flags: 7, id: 7 }; 4];
        let mut room = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        let (incoming, result) = calls::recv(p.number(), &mut room, &mut transfers);
        check_eq!(result, Ok(()), "RECV");
        check_eq!([incoming.message.n_data, incoming.message.n_transfers], [3, 2], "sizes");
        check_eq!((&first, &second), (b"ab", b"c\xEE\xEE\xEE\xEE\xEE"), "the vectors");
        check_eq!(transfers[2], Transfer { flags: 7, id: 7 }, "behind the transfers");
        send(&p, &[transfers[0].id], b"Q")?;
        send(&p, &[transfers[1].id], b"P")?;
        check!(matches!(recv(&q)?, Got::Message(id, ..) if id == m), "the first leads to Q");
        check!(matches!(recv(&p)?, Got::Message(id, ..) if id == n), "the second leads to P");
        Ok(())
    }

    /// The metadata: node and account of a message; handle or node, and no account, of a notice.
    fn rcv_4_metadata(bench) {
        let other = bench.account.carve(64, 4096, 64)?;
        let sender = Peer::new(&other)?;
        let owner = Peer::new(&bench.account)?;
        let (node, handle) = create(&owner, &sender)?;
        send(&sender, &[handle], b"A")?;
        let account = other.state()?.number;
        let message = Got::Message(node, account, b"A".to_vec(), [].to_vec());
        check_eq!(recv(&owner)?, message, "the message");
        release(&sender, &[handle])?;
        let (incoming, result) = calls::recv(owner.number(), &mut [], &mut []);
        check_eq!(result, Ok(()), "RECV of a notice");
        let metadata = Metadata { flags: 0, id: node, account: u64::MAX };
        check_eq!(incoming.metadata, metadata, "metadata of a notice");
        Ok(())
    }

    /// Receiving a notice frees the id that it names.
    fn rcv_5_notices_free_ids(bench) {
        let (owner, holder, _) = three(bench)?;
        let (first, first_handle) = create(&owner, &holder)?;
        let (second, second_handle) = create(&owner, &holder)?;
        release(&owner, &[first])?;
        check_eq!(recv(&holder)?, Got::NodeRelease(first_handle), "the node's notice");
        check_eq!(release(&holder, &[first_handle]), Err(Errno::EBADRQC), "the handle's id");
        release(&holder, &[second_handle])?;
        check_eq!(recv(&owner)?, Got::HandleRelease(second), "the handle's notice");
        check_eq!(release(&owner, &[second]), Err(Errno::EBADRQC), "the node's id");
        Ok(())
    }

    /// A peer is readable exactly when RECV would not say EAGAIN.
    fn rcv_6_readable_means_receivable(bench) {
        let (owner, holder, _) = three(bench)?;
        let (node, handle) = create(&owner, &holder)?;
        let events = |peer: &Peer| {
            match WaitSet::new().peer(peer).wait(DEADLINE_NOW) {
                Ok(items) => Ok(items[0].events),
                Err(error) => Err(error),
            }
        };
        check_eq!(events(&owner), Err(Errno::ETIMEDOUT), "an empty queue");
        send(&holder, &[handle], b"A")?;
        check_eq!(events(&owner), Ok(EVENT_READABLE), "a message");
        check_eq!(events(&owner), Ok(EVENT_READABLE), "a message, asked again");
        recv(&owner)?;
        check_eq!(events(&owner), Err(Errno::ETIMEDOUT), "the queue emptied");
        send(&holder, &[handle], b"A")?;
        release(&owner, &[node])?;
        check_eq!(events(&owner), Err(Errno::ETIMEDOUT), "a message dropped with its node");
        check_eq!(events(&holder), Ok(EVENT_READABLE), "a notice");
        Ok(())
    }

    /// Every waiter wakes when a peer becomes readable, and hangs up when the slot is dropped.
    fn rcv_6_every_waiter_wakes(bench) {
        let owner = Peer::new(&bench.account)?;
        let (_, handle) = create(&owner, &owner)?;
        for expected in [EVENT_READABLE, EVENT_HANG_UP] {
            let waiters = [(); 3].map(|()| {
                let owner = owner.clone();
                thread::spawn(move || {
                    let deadline_ns = time::deadline_in(Duration::from_secs(10));
                    WaitSet::new().peer(&owner).wait(deadline_ns).map(|items| items[0].events)
                })
            });
            // Time for all of them to be asleep.
            time::sleep(Duration::from_millis(20));
            if expected == EVENT_READABLE {
                send(&owner, &[handle], b"A")?;
            } else {
                drain(&owner)?;
                owner.close()?;
            }
            for waiter in waiters {
                let events = waiter?.join()??;
                check!(events & expected == expected, "events {events} without {expected}");
            }
            if expected == EVENT_READABLE {
                drain(&owner)?;
            }
        }
        Ok(())
    }

    /// DISCARD removes the first message, releases what it carries, and touches no other buffer.
    fn rcv_7_discard(bench) {
        let (owner, sender, other) = three(bench)?;
        let (node, handle) = create(&owner, &sender)?;
        let (carried, to_other) = create(&other, &sender)?;
        send_with(&sender, &[handle], b"12345", &[to_other])?;
        send(&sender, &[handle], b"B")?;
        release(&sender, &[to_other])?;
        expect_nothing(&other)?;
        let vectors = [IoVec { base: 8, length: 8 }];
        let mut message = Message {
            n_transfers: 9,
            ptr_transfers: 8,
            n_data: 8,
            n_data_vecs: 1,
            ptr_data_vecs: vectors.as_ptr() as u64,
            ..NO_ROOM
        };
        let mut metadata = Metadata::default();
        loose::recv(&owner, RECV_FLAG_DISCARD, &mut metadata, &mut message)?;
        check_eq!(metadata.id, node, "the node");
        check_eq!([message.n_data, message.n_transfers], [5, 1], "the sizes");
        check_eq!(recv(&other)?, Got::HandleRelease(carried), "the end of the carried handle");
        check_eq!(recv(&owner)?.data(), b"B", "the next message");
        let nothing = calls::recv_discard(owner.number()).1;
        check_eq!(nothing, Err(Errno::EAGAIN), "nothing to discard");
        Ok(())
    }

    /// A wait on a peer that is readable already returns at once, whatever its deadline.
    fn rcv_6_wait_returns_at_once(bench) {
        let peer = Peer::new(&bench.account)?;
        let (_, handle) = create(&peer, &peer)?;
        send(&peer, &[handle], b"A")?;
        for deadline_ns in [DEADLINE_NOW, 1, DEADLINE_NEVER - 1, DEADLINE_NEVER] {
            let mut set = WaitSet::new().peer(&peer);
            check_eq!(set.wait(deadline_ns)?[0].events, EVENT_READABLE, "deadline {deadline_ns}");
        }
        Ok(())
    }
}
