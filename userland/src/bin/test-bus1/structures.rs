//! Section 2: structures and their bounds.

use crate::loose::{self, NO_ROOM, SIZES, UNMAPPED};
use crate::objects::three;
use alloc::vec;
use omnibus_userland::abi::bus1::{IoVec, Message, Metadata, TRANSFER_FLAG_CAPABILITY, Transfer};
use omnibus_userland::abi::limits::{
    COPIES_MAX, DATA_BYTES_MAX, DATA_VECTORS_MAX, DESTINATIONS_MAX, IDS_MAX, TRANSFERS_MAX,
};
use omnibus_userland::abi::{Call, Errno};
use omnibus_userland::bus::Peer;
use omnibus_userland::calls;
use omnibus_userland::suite::wire::{create, drain, expect_nothing, recv, send, send_with};
use omnibus_userland::{check, check_eq, tests};

tests! {
    /// Unknown flags are EINVAL in every structure.
    fn str_1_unknown_flags_are_einval(bench) {
        let peer = Peer::new(&bench.account)?;
        let (_, handle) = create(&peer, &peer)?;
        let mut target = [0u64; 2];
        for bit in 0..64 {
            let flags = 1u64 << bit;
            let einval = Err(Errno::EINVAL);
            let transfer = |words: [u64; 5]| {
                loose::command(Call::Transfer, &peer, &words, 40, [16])
            };
            let nothing = [flags, u64::MAX, 0, 0, 0];
            check_eq!(transfer(nothing), einval, "TRANSFER, bit {bit}");
            let release = loose::command(Call::Release, &peer, &[flags, 0, 0], 24, []);
            check_eq!(release, einval, "RELEASE, bit {bit}");
            let message = Message { flags, ..Message::default() };
            check_eq!(loose::send(&peer, &[handle], &message), einval, "message, bit {bit}");
            let good = Message::default();
            let words = [flags, 0, 0, 0, core::ptr::from_ref(&good) as u64];
            let send = loose::command(Call::Send, &peer, &words, 40, [56, 16]);
            check_eq!(send, einval, "SEND, bit {bit}");
            let mut room = Message { flags, ..NO_ROOM };
            let recv = loose::recv(&peer, 0, &mut Metadata::default(), &mut room);
            check_eq!(recv, einval, "RECV's message, bit {bit}");
            if bit != 63 {
                let recv = loose::recv(&peer, flags, &mut Metadata::default(), &mut { NO_ROOM });
                check_eq!(recv, einval, "RECV, bit {bit}");
            }
            if bit != 0 {
                let mut source = [flags, handle];
                let [src, dst] = [source.as_mut_ptr(), target.as_mut_ptr()].map(|p| p as u64);
                check_eq!(transfer([0, u64::MAX, 1, src, dst]), einval, "an entry, bit {bit}");
            }
            let carried = [Transfer { flags, id: handle }];
            let message = Message {
                n_transfers: 1,
                ptr_transfers: carried.as_ptr() as u64,
                ..Message::default()
            };
            // A transfer with this flag is a capability, and the id of a handle is none.
            let expected = match flags {
                TRANSFER_FLAG_CAPABILITY => Err(Errno::EBADF),
                _ => einval,
            };
            check_eq!(loose::send(&peer, &[handle], &message), expected, "carried, bit {bit}");
        }
        expect_nothing(&peer)
    }

    /// Any alignment is accepted, elements lie at multiples of the size passed, and pointers of
    /// empty arrays are not looked at.
    fn str_1_any_alignment_and_stride(bench) {
        let peer = Peer::new(&bench.account)?;
        let (_, handle) = create(&peer, &peer)?;
        // Two entries of 24 bytes each, the structures one byte off.
        let mut bytes = [0u8; 200];
        for (at, word) in [(1, 0u64), (9, handle), (25, 0), (33, handle)] {
            bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
        }
        let base = bytes.as_mut_ptr() as u64;
        let words = [0, u64::MAX, 2, base + 1, base + 101];
        loose::command(Call::Transfer, &peer, &words, 40, [24])?;
        let id = |at: usize| bytes[at..at + 8].try_into().map(u64::from_le_bytes).unwrap_or(0);
        for copy in [id(109), id(133)] {
            send(&peer, &[copy], b"A")?;
        }
        check_eq!(drain(&peer)?, b"AA", "what came through both copies");
        let words = [0, u64::MAX, 0, UNMAPPED, UNMAPPED];
        loose::command(Call::Transfer, &peer, &words, 40, [16])?;
        loose::command(Call::Release, &peer, &[0, 0, UNMAPPED], 24, [])?;
        let empty = Message {
            ptr_transfers: UNMAPPED,
            ptr_data_vecs: UNMAPPED,
            ..Message::default()
        };
        let message = core::ptr::from_ref(&empty) as u64;
        let words = [0, 0, UNMAPPED, 0, message];
        loose::command(Call::Send, &peer, &words, 40, [56, 16])?;
        loose::send(&peer, &[handle], &empty)?;
        check_eq!(drain(&peer)?, b"", "an empty message");
        Ok(())
    }

    /// The bounds of one command: at each one it works, above it is EINVAL or EMSGSIZE.
    fn str_2_bounds(bench) {
        let (p, q, _) = three(bench)?;
        let (_, handle) = create(&q, &p)?;
        let vectors = |n: u64| {
            let vectors = vec![IoVec::default(); n as usize];
            let message = Message {
                n_data_vecs: n,
                ptr_data_vecs: vectors.as_ptr() as u64,
                ..Message::default()
            };
            loose::send(&p, &[handle], &message).map(drop)
        };
        check_eq!(vectors(DATA_VECTORS_MAX), Ok(()), "most vectors");
        check_eq!(vectors(DATA_VECTORS_MAX + 1), Err(Errno::EINVAL), "one vector more");
        let wrapping = [IoVec { base: 0, length: u64::MAX }, IoVec { base: 0, length: 1 }];
        let message = Message {
            n_data_vecs: 2,
            ptr_data_vecs: wrapping.as_ptr() as u64,
            ..Message::default()
        };
        check_eq!(loose::send(&p, &[handle], &message), Err(Errno::EINVAL), "a sum that wraps");
        let bytes = vec![7; DATA_BYTES_MAX as usize + 1];
        check_eq!(send(&p, &[handle], &bytes), Err(Errno::EMSGSIZE), "one byte more");
        check_eq!(send(&p, &[handle], &bytes[1..]), Ok(()), "most bytes");
        let destinations = vec![handle; DESTINATIONS_MAX as usize + 1];
        check_eq!(send(&p, &destinations, b""), Err(Errno::EMSGSIZE), "one destination more");
        check_eq!(send(&p, &destinations[1..], b""), Ok(()), "most destinations");
        let many = vec![handle; TRANSFERS_MAX as usize + 1];
        check_eq!(send_with(&p, &[handle], b"", &many), Err(Errno::EMSGSIZE), "one handle more");
        check_eq!(send_with(&p, &[handle], b"", &many[1..]), Ok(()), "most handles");
        let five = [handle; 5];
        let product = send_with(&p, &five, b"", &many[..=(COPIES_MAX / 5) as usize]);
        check_eq!(product, Err(Errno::EMSGSIZE), "too many copies");
        let ids = vec![handle; IDS_MAX as usize + 1];
        check_eq!(calls::release(p.number(), &ids), Err(Errno::EMSGSIZE), "one id more");
        check_eq!(calls::release(p.number(), &ids[1..]), Err(Errno::ENOTUNIQ), "most ids");
        let mut source = vec![Transfer { flags: 0, id: handle }; TRANSFERS_MAX as usize + 1];
        let mut target = source.clone();
        let more = calls::transfer(p.number(), p.number(), &mut source, &mut target);
        check_eq!(more, Err(Errno::EMSGSIZE), "one transfer more");
        let most = calls::transfer(p.number(), p.number(), &mut source[1..], &mut target[1..]);
        check_eq!(most, Ok(()), "most transfers");
        Ok(())
    }

    /// A structure smaller than version 1 is EINVAL, a larger one with a zero tail is taken, and
    /// with a tail that is not zero it is E2BIG.
    fn str_3_structures_grow(bench) {
        let peer = Peer::new(&bench.account)?;
        let (_, handle) = create(&peer, &peer)?;
        let ids = [handle];
        let ids_at = ids.as_ptr() as u64;
        let mut metadata = [0u64; 8];
        let mut room = [0u64; 16];
        room[1] = u64::MAX;
        let message = Message::default();
        let message_at = core::ptr::from_ref(&message) as u64;
        let pointers = [metadata.as_mut_ptr(), room.as_mut_ptr()].map(|p| p as u64);
        let commands: [(Call, [u64; 8], u64); 4] = [
            (Call::Transfer, [0, u64::MAX, 0, 0, 0, 0, 0, 0], 40),
            (Call::Release, [0, 0, 0, 0, 0, 0, 0, 0], 24),
            (Call::Send, [0, 1, ids_at, 0, message_at, 0, 0, 0], 40),
            (Call::Recv, [0, pointers[0], pointers[1], 0, 0, 0, 0, 0], 24),
        ];
        for (call, words, size) in commands {
            let sizes = match call {
                Call::Transfer => [16, 0, 0],
                Call::Send => [56, 16, 0],
                _ => SIZES,
            };
            for small in [0, 1, size - 8, size - 1] {
                let result = loose::command(call, &peer, &words, small, sizes);
                check_eq!(result, Err(Errno::EINVAL), "{call:?} of {small} bytes");
            }
            let grown = loose::command(call, &peer, &words, 64, sizes);
            check!(
                grown.is_ok() || (call == Call::Recv && grown == Err(Errno::EAGAIN)),
                "{call:?} of 64 bytes: {grown:?}"
            );
            drain(&peer)?;
            let mut tail = words;
            tail[7] = 1 << 63;
            let result = loose::command(call, &peer, &tail, 64, sizes);
            check_eq!(result, Err(Errno::E2BIG), "{call:?} with a tail");
            expect_nothing(&peer)?;
        }
        Ok(())
    }

    /// A message type other than 0 is refused: only a peer that asked for it could get it.
    fn str_3_unknown_types_are_einval(bench) {
        let peer = Peer::new(&bench.account)?;
        let (_, handle) = create(&peer, &peer)?;
        for kind in [1, 2, 3, 4, 1 << 32, u64::MAX] {
            let message = Message { kind, ..Message::default() };
            let result = loose::send(&peer, &[handle], &message);
            check_eq!(result, Err(Errno::EINVAL), "type {kind}");
        }
        expect_nothing(&peer)
    }

    /// What a sender wrote behind the arrays' ends is not read, and RECV's outputs are not either.
    fn str_1_outputs_are_not_read(bench) {
        let peer = Peer::new(&bench.account)?;
        let (_, handle) = create(&peer, &peer)?;
        let mut source = [Transfer { flags: 0, id: handle }];
        let mut target = [Transfer { flags: u64::MAX, id: 77 }];
        calls::transfer(peer.number(), peer.number(), &mut source, &mut target)?;
        check_eq!(target[0].flags, 0, "flags of the new handle");
        send_with(&peer, &[handle], b"A", &[handle])?;
        let mut transfers = [Transfer { flags: u64::MAX, id: 77 }];
        let mut data = [0; 4];
        let mut data = [calls::IoSliceMut::new(&mut data)];
        let (incoming, result) = calls::recv(peer.number(), &mut data, &mut transfers);
        check_eq!(result, Ok(()), "RECV into dirty buffers");
        check_eq!(incoming.metadata.flags, 0, "flags of the metadata");
        check_eq!(transfers[0].flags, 0, "flags of the carried handle");
        check_eq!(recv(&peer).map(drop), Err(Errno::EAGAIN), "an empty queue");
        Ok(())
    }
}
