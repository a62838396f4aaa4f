//! Section 4: SEND.

use crate::loose::{self, UNMAPPED};
use crate::objects::three;
use alloc::vec;
use alloc::vec::Vec;
use omnibus_userland::abi::bus1::{IoVec, Message};
use omnibus_userland::abi::{Call, Errno};
use omnibus_userland::bus::Peer;
use omnibus_userland::calls::{self, IoSlice, IoSliceMut, Outgoing};
use omnibus_userland::suite::holdings;
use omnibus_userland::suite::wire::{
    Got, create, drain, expect_nothing, recv, release, send, send_with,
};
use omnibus_userland::{check, check_eq, tests};

tests! {
    /// Only the first n_data bytes of the vectors are sent; memory behind them is not touched.
    fn snd_1_first_n_data_bytes(bench) {
        let peer = Peer::new(&bench.account)?;
        let (_, handle) = create(&peer, &peer)?;
        let bytes = *b"abcdef";
        let vectors = [
            IoVec { base: bytes.as_ptr() as u64, length: 4 },
            IoVec { base: bytes.as_ptr() as u64 + 4, length: 1 << 40 },
            IoVec { base: UNMAPPED, length: 1 },
        ];
        let message = |n_data| Message {
            n_data,
            n_data_vecs: 3,
            ptr_data_vecs: vectors.as_ptr() as u64,
            ..Message::default()
        };
        for n_data in [0, 3, 4, 6] {
            loose::send(&peer, &[handle], &message(n_data))?;
            check_eq!(recv(&peer)?.data(), &bytes[..n_data as usize], "of {n_data} bytes");
        }
        let short = Message { n_data_vecs: 1, ..message(5) };
        let result = loose::send(&peer, &[handle], &short);
        check_eq!(result, Err(Errno::EMSGSIZE), "vectors of 4 bytes for 5");
        Ok(())
    }

    /// Every byte arrives as it was sent, whatever the size and however the pieces are cut on both sides.
    fn snd_1_payload_is_exact(bench) {
        let peer = Peer::new(&bench.account)?;
        let (_, handle) = create(&peer, &peer)?;
        let sizes = [1, 7, 15, 16, 17, 63, 64, 65, 127, 4095, 4096, 4097, 65_537, 262_149, 1 << 20];
        let sent: Vec<u8> = (0..1u32 << 20).map(|i| (i.wrapping_mul(0x9E37_79B1) >> 24) as u8).collect();
        let mut received = vec![0; sent.len() + 1];
        for size in sizes {
            // Cut at a third on one side, at a quarter on the other, and off any alignment there.
            let (head, tail) = sent[..size].split_at(size / 3);
            let message = Outgoing {
                data: &[IoSlice::new(head), IoSlice::new(&[]), IoSlice::new(tail)],
                transfers: &[],
            };
            calls::send(peer.number(), &[handle], message)?;
            received.fill(0xEE);
            let (first, second) = received[1..].split_at_mut(size / 4);
            let mut room = [IoSliceMut::new(first), IoSliceMut::new(second)];
            let (incoming, result) = calls::recv(peer.number(), &mut room, &mut []);
            check_eq!(result, Ok(()), "RECV of {size} bytes");
            check_eq!(incoming.message.n_data, size as u64, "the size");
            check!(received[1..=size] == sent[..size], "{size} bytes arrived changed");
            check!(received[size + 1..].iter().all(|byte| *byte == 0xEE), "bytes behind {size}");
        }
        Ok(())
    }

    /// The errors array: 0 on success; on a bad destination its error, 0 before it, untouched behind.
    fn snd_2_errors_per_destination(bench) {
        let (sender, p, q) = three(bench)?;
        let ((_, to_p), (_, to_q)) = (create(&p, &sender)?, create(&q, &sender)?);
        let unknown = to_p ^ (1 << 60);
        let run = |ids: &[u64]| {
            let mut errors = [77; 3];
            let result = calls::send_reporting(sender.number(), ids, &mut errors, Outgoing::default());
            (result, errors)
        };
        check_eq!(run(&[to_p, to_q, to_p]), (Ok(()), [0; 3]), "three good ones");
        let bad = Errno::EBADRQC.number();
        check_eq!(run(&[to_p, unknown, to_q]), (Err(Errno::EBADRQC), [0, bad, 77]), "the second bad");
        drain(&p)?;
        drain(&q)?;
        let message = Message::default();
        let ids = [to_p, to_q];
        let words = [0, 2, ids.as_ptr() as u64, UNMAPPED, core::ptr::from_ref(&message) as u64];
        let fault = loose::command(Call::Send, &sender, &words, 40, [56, 16]);
        check_eq!(fault, Err(Errno::EFAULT), "an errors array that cannot be written");
        expect_nothing(&p)
    }

    /// A destination whose account refuses is named in the errors array with EDQUOT.
    fn snd_2_edquot_names_the_destination(bench) {
        let small = bench.account.carve(16, 4096, 64)?;
        let (sender, rich, _) = three(bench)?;
        let poor = Peer::new(&small)?;
        let ((_, to_rich), (_, to_poor)) = (create(&rich, &sender)?, create(&poor, &sender)?);
        let large = [0; 4096];
        let mut errors = [77; 3];
        let message = Outgoing { data: &[IoSlice::new(&large)], transfers: &[] };
        let ids = [to_rich, to_poor, to_rich];
        let result = calls::send_reporting(sender.number(), &ids, &mut errors, message);
        check_eq!(result, Err(Errno::EDQUOT), "SEND");
        check_eq!(errors, [0, Errno::EDQUOT.number(), 77], "the errors");
        expect_nothing(&rich)
    }

    /// Every destination gets its own copies of carried handles; a repeated one is two handles.
    fn snd_3_own_copies_for_each(bench) {
        let (sender, p, q) = three(bench)?;
        let ((_, to_p), (_, to_q)) = (create(&p, &sender)?, create(&q, &sender)?);
        send_with(&sender, &[to_p, to_q], b"A", &[to_p, to_q, to_p])?;
        for peer in [&p, &q] {
            let ids = recv(peer)?.handles().to_vec();
            check_eq!(ids.len(), 3, "handles");
            check!(ids[0] != ids[2], "a handle carried twice has one id");
            send(peer, &ids, b"B")?;
        }
        check_eq!(drain(&p)?, b"BBBB", "at P");
        check_eq!(drain(&q)?, b"BB", "at Q");
        Ok(())
    }

    /// One destination named twice, or two handles to one node, give two messages in array order.
    fn snd_3_repeated_destinations(bench) {
        let (sender, p, _) = three(bench)?;
        let ((n, first), (m, second)) = (create(&p, &sender)?, create(&p, &sender)?);
        send(&sender, &[second, first, second], b"A")?;
        let nodes: Vec<_> = [(); 3]
            .iter()
            .filter_map(|()| match recv(&p) { Ok(Got::Message(id, ..)) => Some(id), _ => None })
            .collect();
        check_eq!(nodes, [m, n, m], "nodes in order");
        Ok(())
    }

    /// No destinations: everything is checked and nothing is sent; an empty message is a message.
    fn snd_3_nothing_and_empty(bench) {
        let peer = Peer::new(&bench.account)?;
        let (node, handle) = create(&peer, &peer)?;
        check_eq!(send(&peer, &[], b"A"), Ok(()), "no destinations");
        check_eq!(send_with(&peer, &[], b"", &[node]), Err(Errno::EBADRQC), "a bad handle carried");
        let message = Message { kind: 5, ..Message::default() };
        check_eq!(loose::send(&peer, &[], &message), Err(Errno::EINVAL), "a bad type");
        expect_nothing(&peer)?;
        send(&peer, &[handle], b"")?;
        check_eq!(recv(&peer)?.data(), b"", "an empty message");
        expect_nothing(&peer)
    }

    /// To a released node, or a closed owner: success and nothing charged until the notice is
    /// received, EBADRQC after.
    fn snd_4_silent_until_the_notice(bench) {
        let receiver = bench.account.carve(256, 1 << 16, 64)?;
        for closes in [false, true] {
            let sender = Peer::new(&bench.account)?;
            let owner = Peer::new(&receiver)?;
            let (node, handle) = create(&owner, &sender)?;
            if closes {
                owner.close()?;
            } else {
                release(&owner, &[node])?;
            }
            let before = holdings(&receiver)?;
            for _ in 0..100 {
                check_eq!(send(&sender, &[handle], &[0; 1024]), Ok(()), "SEND before the notice");
            }
            check_eq!(holdings(&receiver)?, before, "the receiver's account");
            check_eq!(recv(&sender)?, Got::NodeRelease(handle), "the notice");
            let after = send(&sender, &[handle], b"");
            check_eq!(after, Err(Errno::EBADRQC), "SEND after it");
        }
        Ok(())
    }

    /// The errors of SEND in the order of SND-5: each is found although all later ones are there.
    fn snd_5_order_of_checks(bench) {
        let peer = Peer::new(&bench.account)?;
        let (_, handle) = create(&peer, &peer)?;
        let unknown = handle ^ (1 << 60);
        let carried = [0, unknown];
        let carried_bad = [8, handle];
        let good_bytes = [IoVec { base: UNMAPPED, length: 8 }];
        let wrap = [IoVec { base: 0, length: u64::MAX }; 2];
        let at = |array: *const u64| array as u64;
        let vectors = |array: *const IoVec| array as u64;
        // From the last check to the first: each step adds an error that hides those before it.
        let last = Message {
            flags: 0,
            kind: 0,
            n_transfers: 0,
            ptr_transfers: 0,
            n_data: 8,
            n_data_vecs: 1,
            ptr_data_vecs: vectors(good_bytes.as_ptr()),
        };
        let with_handle = Message { n_transfers: 1, ptr_transfers: at(carried.as_ptr()), ..last };
        let with_flag = Message { ptr_transfers: at(carried_bad.as_ptr()), ..with_handle };
        let with_fault = Message { ptr_transfers: UNMAPPED, ..with_handle };
        let short = Message { n_data: 9, ..with_fault };
        let no_vectors = Message { ptr_data_vecs: UNMAPPED, ..short };
        let wrapping = Message { n_data_vecs: 2, ptr_data_vecs: vectors(wrap.as_ptr()), ..short };
        let many_vectors = Message { n_data_vecs: 1025, ..no_vectors };
        let many_handles = Message { n_transfers: 1025, ..many_vectors };
        let kind = Message { kind: 1, ..many_handles };
        let steps = [
            (last, handle, Errno::EFAULT),
            (last, unknown, Errno::EBADRQC),
            (with_handle, unknown, Errno::EBADRQC),
            (with_flag, unknown, Errno::EINVAL),
            (with_fault, unknown, Errno::EFAULT),
            (short, unknown, Errno::EMSGSIZE),
            (no_vectors, unknown, Errno::EFAULT),
            (wrapping, unknown, Errno::EINVAL),
            (many_handles, unknown, Errno::EMSGSIZE),
            (kind, unknown, Errno::EINVAL),
        ];
        for (step, (message, destination, expected)) in steps.into_iter().enumerate() {
            let result = loose::send(&peer, &[destination], &message);
            check_eq!(result, Err(expected), "step {step}");
        }
        expect_nothing(&peer)
    }

    /// A peer may send to its own nodes, and a message may carry the handle it goes through.
    fn snd_6_to_itself_with_itself(bench) {
        let peer = Peer::new(&bench.account)?;
        let (node, handle) = create(&peer, &peer)?;
        send_with(&peer, &[handle], b"A", &[handle])?;
        release(&peer, &[handle])?;
        let carried = recv(&peer)?.handles().to_vec();
        send(&peer, &carried, b"B")?;
        check_eq!(recv(&peer)?.data(), b"B", "through the carried handle");
        release(&peer, &carried)?;
        check_eq!(recv(&peer)?, Got::HandleRelease(node), "the end of the last handle");
        Ok(())
    }
}
