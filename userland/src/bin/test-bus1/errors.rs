//! Section 3: errors.

use crate::loose::{self, NO_ROOM, UNMAPPED};
use crate::objects::three;
use omnibus_userland::abi::bus1::{INVALID, IoVec, Message, Metadata, TRANSFER_FLAG_CREATE};
use omnibus_userland::abi::{Call, CapabilityNumber, Errno};
use omnibus_userland::bus::Peer;
use omnibus_userland::calls::{self, Outgoing};
use omnibus_userland::suite::wire::{Got, copy, create, expect_nothing, recv, send, send_with};
use omnibus_userland::{check_eq, tests};

tests! {
    /// A call that fails changed nothing: no message, no id, no charge.
    fn err_1_a_failing_call_changes_nothing(bench) {
        let (sender, p, q) = three(bench)?;
        let ((_, to_p), (_, to_q)) = (create(&p, &sender)?, create(&q, &sender)?);
        let before = bench.holdings()?;
        let unknown = to_p ^ to_q ^ 0xFFFF_0000_0000_0000;
        let fails = [
            send(&sender, &[to_p, to_q, unknown], b"A"),
            send_with(&sender, &[to_p, to_q], b"A", &[to_p, unknown]),
            calls::release(sender.number(), &[to_p, to_q, unknown]),
            calls::release(sender.number(), &[to_p, to_q, to_p]),
            copy(&sender, &p, unknown).map(drop),
        ];
        let expected = [
            Err(Errno::EBADRQC), Err(Errno::EBADRQC), Err(Errno::EBADRQC), Err(Errno::ENOTUNIQ),
            Err(Errno::EBADRQC),
        ];
        check_eq!(fails, expected, "the five errors");
        check_eq!(bench.holdings()?, before, "the account");
        for peer in [&sender, &p, &q] {
            expect_nothing(peer)?;
        }
        send(&sender, &[to_p, to_q], b"B")?;
        check_eq!(recv(&p)?.data(), b"B", "what comes through the handles as before");
        Ok(())
    }

    /// The capability is checked before the structure, the structure before its content.
    fn err_2_first_failure_decides(bench) {
        let peer = Peer::new(&bench.account)?;
        let stale = Peer::from_capability(CapabilityNumber(u64::MAX - 1));
        let wrong = Peer::from_capability(calls::capability_copy(bench.console, 1)?);
        let weak = Peer::from_capability(calls::capability_copy(peer.number(), 0)?);
        let commands = [(Call::Transfer, 40), (Call::Release, 24), (Call::Send, 40), (Call::Recv, 24)];
        for (call, size) in commands {
            let sizes = match call {
                Call::Transfer => [16, 0, 0],
                Call::Send => [56, 16, 0],
                _ => loose::SIZES,
            };
            let bad: &[u64] = &[1 << 40, u64::MAX, u64::MAX, UNMAPPED, UNMAPPED];
            let at = |peer: &Peer, size| loose::command(call, peer, bad, size, sizes);
            check_eq!(at(&stale, 3), Err(Errno::EBADF), "{call:?} on a stale capability");
            check_eq!(at(&wrong, 3), Err(Errno::EOPNOTSUPP), "{call:?} on a console");
            check_eq!(at(&weak, 3), Err(Errno::EPERM), "{call:?} without rights");
            check_eq!(at(&peer, 3), Err(Errno::EINVAL), "{call:?} with a small structure");
            check_eq!(at(&peer, size), Err(Errno::EINVAL), "{call:?} with unknown flags");
        }
        core::mem::forget(stale);
        Ok(())
    }

    /// A receive whose buffer cannot be written is EFAULT, and the message is still the first.
    fn err_3_efault_keeps_the_message(bench) {
        let peer = Peer::new(&bench.account)?;
        let (node, handle) = create(&peer, &peer)?;
        send_with(&peer, &[handle], b"first", &[handle])?;
        send(&peer, &[handle], b"second")?;
        let unwritable = [IoVec { base: UNMAPPED, length: 64 }];
        let room = Message {
            n_transfers: 4,
            ptr_transfers: UNMAPPED,
            n_data: 64,
            n_data_vecs: 1,
            ptr_data_vecs: unwritable.as_ptr() as u64,
            ..NO_ROOM
        };
        for _ in 0..3 {
            let result = loose::recv(&peer, 0, &mut Metadata::default(), &mut { room });
            check_eq!(result, Err(Errno::EFAULT), "RECV into nothing");
        }
        let (mut metadata, mut message) = (Metadata::default(), room);
        let metadata_at = core::ptr::from_mut(&mut metadata) as u64;
        let message_at = core::ptr::from_mut(&mut message) as u64;
        for pointers in [[UNMAPPED, message_at], [metadata_at, UNMAPPED]] {
            let words = [0, pointers[0], pointers[1]];
            let result = loose::command(Call::Recv, &peer, &words, 24, loose::SIZES);
            check_eq!(result, Err(Errno::EFAULT), "RECV with the structures at {pointers:x?}");
        }
        let account = bench.account.state()?.number;
        let got = recv(&peer)?;
        let ids = got.handles().to_vec();
        check_eq!(ids.len(), 1, "carried handles");
        check_eq!(got, Got::Message(node, account, b"first".to_vec(), ids), "the first message");
        check_eq!(recv(&peer)?.data(), b"second", "the second message");
        Ok(())
    }

    /// What is read and written must be writable: in read-only memory, with a content that would be right, it is EFAULT, and nothing
    /// happened.
    fn err_3_read_only_memory_is_not_written(bench) {
        static NODE: [u64; 2] = [TRANSFER_FLAG_CREATE, INVALID];
        static ROOM: [u64; 7] = [0, INVALID, 0, 0, 0, 0, 0];
        let peer = Peer::new(&bench.account)?;
        let (_, handle) = create(&peer, &peer)?;
        let before = bench.holdings()?;
        let mut target = [0_u64; 2];
        let [source, target] = [NODE.as_ptr() as u64, target.as_mut_ptr() as u64];
        let words = [0, INVALID, 1, source, target];
        let result = loose::command(Call::Transfer, &peer, &words, 40, [16]);
        check_eq!(result, Err(Errno::EFAULT), "TRANSFER from a constant");
        check_eq!(bench.holdings()?, before, "the account");
        send(&peer, &[handle], b"")?;
        let mut metadata = Metadata::default();
        let words = [0, core::ptr::from_mut(&mut metadata) as u64, ROOM.as_ptr() as u64];
        let result = loose::command(Call::Recv, &peer, &words, 24, loose::SIZES);
        check_eq!(result, Err(Errno::EFAULT), "RECV into a constant");
        check_eq!(recv(&peer)?.data(), b"", "the message is still there");
        Ok(())
    }

    /// A notification whose metadata cannot be written is still the first, and its handle still known.
    fn err_3_efault_keeps_the_notification(bench) {
        let (owner, holder, _) = three(bench)?;
        let (node, handle) = create(&owner, &holder)?;
        calls::release(owner.number(), &[node])?;
        let mut message = NO_ROOM;
        let words = [0, UNMAPPED, core::ptr::from_mut(&mut message) as u64];
        let result = loose::command(Call::Recv, &holder, &words, 24, loose::SIZES);
        check_eq!(result, Err(Errno::EFAULT), "RECV without metadata");
        // SND-4: as long as the notice was not received, sending succeeds.
        check_eq!(send(&holder, &[handle], b"A"), Ok(()), "SEND before the notice is received");
        check_eq!(recv(&holder)?, Got::NodeRelease(handle), "the notice");
        check_eq!(send(&holder, &[handle], b"A"), Err(Errno::EBADRQC), "SEND after it");
        Ok(())
    }

    /// A payload that cannot be read is EFAULT, the last check, and gives its charge back.
    fn err_3_unreadable_payload_leaves_nothing(bench) {
        let peer = Peer::new(&bench.account)?;
        let (_, handle) = create(&peer, &peer)?;
        let before = bench.holdings()?;
        let good = [1u8; 16];
        let vectors = [
            IoVec { base: good.as_ptr() as u64, length: 16 },
            IoVec { base: UNMAPPED, length: 16 },
        ];
        let message = Message {
            n_data: 32,
            n_data_vecs: 2,
            ptr_data_vecs: vectors.as_ptr() as u64,
            ..Message::default()
        };
        check_eq!(loose::send(&peer, &[handle], &message), Err(Errno::EFAULT), "SEND");
        check_eq!(bench.holdings()?, before, "the account");
        expect_nothing(&peer)
    }

    /// EDQUOT is the account's limit, and leaves everything as it was.
    fn err_4_edquot_leaves_everything(bench) {
        let small = bench.account.carve(64, 4096, 64)?;
        let receiver = Peer::new(&small)?;
        let sender = Peer::new(&bench.account)?;
        let (_, handle) = create(&receiver, &sender)?;
        let before = (small.state()?, small.claims()?);
        let large = [0; 4096];
        check_eq!(send(&sender, &[handle], &large), Err(Errno::EDQUOT), "a message too large");
        check_eq!((small.state()?, small.claims()?), before, "the account");
        expect_nothing(&receiver)?;
        let empty = calls::send(sender.number(), &[handle], Outgoing::default());
        check_eq!(empty, Ok(()), "an empty message");
        Ok(())
    }
}
