//! Messages in registers: the rules of SEND, waiting and RECV hold for them, whichever way the kernel takes.

use alloc::vec::Vec;
use core::time::Duration;
use omnibus_userland::abi::bus1::{
    INVALID, MESSAGE_TYPE_HANDLE_RELEASE, MESSAGE_TYPE_NODE_RELEASE, MESSAGE_TYPE_USER,
    TRANSFER_FLAG_CAPABILITY, Transfer,
};
use omnibus_userland::abi::capability::peer;
use omnibus_userland::abi::{DEADLINE_NEVER, DEADLINE_NOW, Errno};
use omnibus_userland::bus::Peer;
use omnibus_userland::calls;
use omnibus_userland::check::Outcome;
use omnibus_userland::port::{Arrived, Port, Short};
use omnibus_userland::suite::wire::{Got, create, expect_nothing, recv, release, send, send_with};
use omnibus_userland::task::Command;
use omnibus_userland::{check, check_eq, tests, thread, time};

/// A deadline that is not reached.
const PATIENCE: Duration = Duration::from_secs(20);

/// Bytes 1, 2, 3 and so on.
fn counting(n_bytes: u64) -> Short {
    let byte = |word: u64, index: u64| (word * 8 + index + 1) << (8 * index);
    let words = core::array::from_fn(|word| (0..8).map(|i| byte(word as u64, i)).sum());
    Short { words, n_bytes }
}

fn bytes_of(arrived: &Arrived) -> Vec<u8> {
    let bytes = arrived.words.iter().flat_map(|word| word.to_le_bytes());
    bytes.take(arrived.descriptor.n_data() as usize).collect()
}

/// Answers calls with what came, until a notification comes.
fn serve(port: Port, reply: u64) -> Outcome<u64> {
    let mut request = port.next_short(DEADLINE_NEVER)?;
    let mut n_requests = 0;
    while request.descriptor.kind() == MESSAGE_TYPE_USER {
        n_requests += 1;
        let deadline_ns = if n_requests % 3 == 0 {
            DEADLINE_NEVER
        } else {
            time::deadline_in(PATIENCE)
        };
        request = port.call_short(reply, &request.to_short(), deadline_ns)?;
    }
    Ok(n_requests)
}

tests! {
    /// A message of any length up to 64 bytes arrives whole, from registers in memory and from memory in registers.
    fn snd_1_registers_hold_the_payload(bench) {
        let owner = Peer::new(&bench.account)?;
        let (node, handle) = create(&owner, &owner)?;
        let port = Port::of(&owner);
        let account = bench.account.state()?.number;
        let all: Vec<u8> = (1..=64).collect();
        for n_bytes in 0..=64_usize {
            let expected = &all[..n_bytes];
            port.send_short(handle, &counting(n_bytes as u64))?;
            check_eq!(recv(&owner)?, Got::Message(node, account, expected.into(), Vec::new()), "from registers");
            send(&owner, &[handle], expected)?;
            let arrived = port.next_short(DEADLINE_NOW)?;
            check_eq!((arrived.id, arrived.account), (node, account), "whence");
            check_eq!(arrived.descriptor.kind(), MESSAGE_TYPE_USER, "the type");
            check_eq!(bytes_of(&arrived), expected, "into registers");
            let rest = arrived.words.get(n_bytes / 8).copied().unwrap_or_default();
            check!(rest >> (8 * (n_bytes % 8)) == 0, "behind {n_bytes} bytes: {rest:#x}");
        }
        expect_nothing(&owner)
    }

    /// A call that waits for nothing sends to the end of its own queue and takes what stands first there, whatever that is.
    fn ord_2_calls_to_oneself_go_by_the_queue(bench) {
        let peer = Peer::new(&bench.account)?;
        let (node, handle) = create(&peer, &peer)?;
        let port = Port::of(&peer);
        let before = bench.holdings()?;
        for n_bytes in (0..=64).chain([64, 64]) {
            let arrived = port.call_short(handle, &counting(n_bytes), DEADLINE_NOW)?;
            check_eq!(arrived.id, node, "whence");
            check!(arrived.descriptor.is_sent(), "it was sent");
            let expected: Vec<u8> = (1..=n_bytes as u8).collect();
            check_eq!(bytes_of(&arrived), expected, "by itself");
        }
        check_eq!(bench.holdings()?, before, "the account");
        // Behind others, and behind what does not fit.
        port.send_short(handle, &counting(1))?;
        for n_bytes in 2..6 {
            let arrived = port.call_short(handle, &counting(n_bytes), DEADLINE_NOW)?;
            check_eq!(bytes_of(&arrived).len() as u64, n_bytes - 1, "in its turn");
        }
        send(&peer, &[handle], &[7; 100])?;
        check_eq!(bytes_of(&port.call_short(handle, &counting(6), DEADLINE_NOW)?).len(), 5, "the last before that");
        let refused = port.try_call_short(handle, &counting(7), DEADLINE_NOW);
        let Err((Errno::EMSGSIZE, descriptor)) = refused else {
            return Err(omnibus_userland::check::Failure::new(format_args!("not too large: {refused:?}")));
        };
        check!(descriptor.is_sent() && descriptor.n_data() == 100, "sent, and too large: {descriptor:?}");
        for n_data in [100, 6, 7] {
            check_eq!(recv(&peer)?.data().len(), n_data, "what is left");
        }
        // To another: sent, and nothing is there.
        let other = Peer::new(&bench.account)?;
        let (_, to_other) = create(&other, &peer)?;
        for n_bytes in 1..4 {
            let called = port.try_call_short(to_other, &counting(n_bytes), DEADLINE_NOW);
            check!(matches!(called, Err((Errno::ETIMEDOUT, descriptor)) if descriptor.is_sent()), "nothing there");
        }
        for n_data in 1..4 {
            check_eq!(recv(&other)?.data().len(), n_data, "all were sent");
        }
        expect_nothing(&peer)
    }

    /// A message with more than 64 bytes or with handles does not fit: its sizes are told, and it stays the first.
    fn rcv_2_too_much_for_registers(bench) {
        let peer = Peer::new(&bench.account)?;
        let (_, handle) = create(&peer, &peer)?;
        let port = Port::of(&peer);
        for (n_bytes, carried) in [(65, &[][..]), (4096, &[]), (0, &[handle, handle])] {
            let data = alloc::vec![7; n_bytes];
            send_with(&peer, &[handle], &data, carried)?;
            let before = bench.holdings()?;
            for _ in 0..2 {
                let refused = port.try_next_short(DEADLINE_NEVER);
                let Err((error, descriptor)) = refused else {
                    return Err(omnibus_userland::check::Failure::new("it fitted"));
                };
                let sizes = (descriptor.n_data(), descriptor.n_transfers());
                check_eq!(error, Errno::EMSGSIZE, "{n_bytes} bytes");
                check_eq!(sizes, (n_bytes as u64, carried.len() as u64), "sizes");
                check!(!descriptor.is_sent(), "nothing was sent");
            }
            check_eq!(bench.holdings()?, before, "the account");
            check_eq!(recv(&peer)?.handles().len(), carried.len(), "handles at last");
        }
        expect_nothing(&peer)
    }

    /// A copy of a handle travels by a register, beside up to 56 bytes: from there into memory, from memory there, and from register to register.
    fn snd_3_a_handle_in_a_register(bench) {
        let owner = Peer::new(&bench.account)?;
        let (node, handle) = create(&owner, &owner)?;
        let (other, carried) = create(&owner, &owner)?;
        let port = Port::of(&owner);
        let account = bench.account.state()?.number;
        let before = bench.holdings()?;
        let leads_there = |copy: u64| -> Outcome {
            check!(copy != carried, "a copy has an id of its own");
            port.send_short(copy, &Short::EMPTY)?;
            check_eq!(port.next_short(DEADLINE_NOW)?.id, other, "where the copy leads");
            Ok(release(&owner, &[copy])?)
        };
        for n_bytes in [0, 1, 8, 48, 55, 56] {
            let message = counting(n_bytes);
            let bytes: Vec<u8> = (1..=n_bytes as u8).collect();
            port.send_with(handle, &message, carried)?;
            let arrived = port.next_with(DEADLINE_NOW)?;
            check_eq!((arrived.id, arrived.account), (node, account), "whence");
            check_eq!(bytes_of(&arrived), bytes, "by registers");
            leads_there(arrived.carried().unwrap_or(INVALID))?;
            send_with(&owner, &[handle], &bytes, &[carried])?;
            let arrived = port.next_with(DEADLINE_NOW)?;
            check_eq!(bytes_of(&arrived), bytes, "from memory");
            leads_there(arrived.carried().unwrap_or(INVALID))?;
            port.send_with(handle, &message, carried)?;
            let got = recv(&owner)?;
            check_eq!(got.data(), &bytes[..], "into memory");
            check_eq!(got.handles().len(), 1, "handles in memory");
            leads_there(got.handles()[0])?;
        }
        check_eq!(bench.holdings()?, before, "the account");
        expect_nothing(&owner)
    }

    /// What does not fit beside a handle is refused, and what there is no room for stays the first.
    fn rcv_2_too_much_beside_a_handle(bench) {
        let peer = Peer::new(&bench.account)?;
        let (_, handle) = create(&peer, &peer)?;
        let port = Port::of(&peer);
        for n_bytes in [57, 64] {
            check_eq!(port.send_with(handle, &counting(n_bytes), handle), Err(Errno::EMSGSIZE), "too long to send");
            send_with(&peer, &[handle], &alloc::vec![7; n_bytes as usize], &[handle])?;
            check_eq!(port.next_with(DEADLINE_NOW).map(drop), Err(Errno::EMSGSIZE), "too long to receive");
            check_eq!(recv(&peer)?.handles().len(), 1, "it stayed");
            port.send_short(handle, &counting(n_bytes))?;
            let arrived = port.next_with(DEADLINE_NOW)?;
            check_eq!((arrived.descriptor.n_data(), arrived.carried()), (n_bytes, None), "without a handle");
        }
        send_with(&peer, &[handle], &[], &[handle, handle])?;
        check_eq!(port.next_with(DEADLINE_NOW).map(drop), Err(Errno::EMSGSIZE), "two handles");
        check_eq!(recv(&peer)?.handles().len(), 2, "they stayed");
        port.send_with(handle, &Short::EMPTY, handle)?;
        check_eq!(port.next_short(DEADLINE_NOW).map(drop), Err(Errno::EMSGSIZE), "no room");
        check!(port.next_with(DEADLINE_NOW)?.carried().is_some(), "with room");
        for unknown in [INVALID, handle ^ (1 << 60)] {
            check_eq!(port.send_with(handle, &Short::EMPTY, unknown), Err(Errno::EBADRQC), "an unknown handle");
        }
        calls::send(peer.number(), &[handle], calls::Outgoing {
            data: &[],
            transfers: &[Transfer { flags: TRANSFER_FLAG_CAPABILITY, id: bench.account.number().0 }],
        })?;
        check_eq!(port.next_with(DEADLINE_NOW).map(drop), Err(Errno::EMSGSIZE), "a capability is no handle");
        check_eq!(calls::recv_discard(peer.number()).1, Ok(()), "it stayed");
        expect_nothing(&peer)
    }

    /// Notifications arrive in registers like messages, in the order of the queue, and free their ids.
    fn rcv_4_notifications_in_registers(bench) {
        let (owner, holder) = (Peer::new(&bench.account)?, Peer::new(&bench.account)?);
        let (node, handle) = create(&owner, &holder)?;
        let (other, last) = create(&owner, &holder)?;
        release(&owner, &[node])?;
        let gone = Port::of(&holder).next_short(DEADLINE_NOW)?;
        check_eq!((gone.descriptor.kind(), gone.id), (MESSAGE_TYPE_NODE_RELEASE, handle), "the node's end");
        check_eq!(gone.account, INVALID, "its account");
        check_eq!(Port::of(&holder).send_short(handle, &Short::EMPTY), Err(Errno::EBADRQC), "its handle");
        release(&holder, &[last])?;
        let gone = Port::of(&owner).next_short(DEADLINE_NOW)?;
        check_eq!((gone.descriptor.kind(), gone.id), (MESSAGE_TYPE_HANDLE_RELEASE, other), "the last handle's end");
        Ok(())
    }

    /// A receive ends at its deadline, and a call too, whose message is sent all the same.
    fn rcv_6_short_deadlines(bench) {
        let (owner, holder) = (Peer::new(&bench.account)?, Peer::new(&bench.account)?);
        let (_, handle) = create(&owner, &holder)?;
        let port = Port::of(&holder);
        check_eq!(port.next_short(DEADLINE_NOW).map(drop), Err(Errno::ETIMEDOUT), "a look");
        let deadline_ns = time::deadline_in(Duration::from_millis(3));
        check_eq!(port.next_short(deadline_ns).map(drop), Err(Errno::ETIMEDOUT), "a wait");
        check!(time::now_ns() >= deadline_ns, "it ended early");
        let called = port.try_call_short(handle, &counting(9), DEADLINE_NOW);
        let is_sent = called.map_err(|(error, descriptor)| (error, descriptor.is_sent()));
        check_eq!(is_sent.map(drop), Err((Errno::ETIMEDOUT, true)), "a call");
        check_eq!(recv(&owner)?.data().len(), 9, "its message");
        // Somebody waits for it, and does not answer.
        let waiting = thread::spawn(move || Port::of(&owner).next_short(DEADLINE_NEVER).map(|arrived| (owner, arrived)))?;
        thread::yield_now();
        let deadline_ns = time::deadline_in(Duration::from_millis(3));
        let called = port.try_call_short(handle, &counting(9), deadline_ns);
        let is_sent = called.map_err(|(error, descriptor)| (error, descriptor.is_sent()));
        check_eq!(is_sent.map(drop), Err((Errno::ETIMEDOUT, true)), "a call that is handed over");
        check!(time::now_ns() >= deadline_ns, "it ended early");
        let (_owner, arrived) = waiting.join()??;
        check_eq!(arrived.descriptor.n_data(), 9, "what was handed over");
        let unknown = port.try_call_short(handle ^ 2, &counting(9), DEADLINE_NOW);
        let is_sent = unknown.map_err(|(error, descriptor)| (error, descriptor.is_sent()));
        check_eq!(is_sent.map(drop), Err((Errno::EBADRQC, false)), "a call that could not be sent");
        Ok(())
    }

    /// Calls and their replies reach each other, byte for byte, in either direction first, with deadlines or without, and the accounts are as
    /// before.
    fn ord_2_calls_between_threads(bench) {
        let (server, client) = (Peer::new(&bench.account)?, Peer::new(&bench.account)?);
        let (node, to) = create(&server, &client)?;
        let (own, back) = create(&client, &server)?;
        let account = bench.account.state()?.number;
        let port = Port::of(&server);
        let thread = thread::spawn(move || serve(port, back))?;
        let port = Port::of(&client);
        let before = bench.holdings()?;
        for round in 0..200_u64 {
            // Some at once, some when the server waits.
            if round % 3 == 0 {
                thread::yield_now();
            }
            let request = counting(round % 65);
            let deadline_ns = if round % 2 == 0 { DEADLINE_NEVER } else { time::deadline_in(PATIENCE) };
            let reply = port.call_short(to, &request, deadline_ns)?;
            check_eq!((reply.id, reply.account), (own, account), "whence");
            check_eq!(reply.to_short().n_bytes, request.n_bytes, "bytes in round {round}");
            let all: Vec<u8> = (1..=request.n_bytes as u8).collect();
            check_eq!(bytes_of(&reply), all, "round {round}");
        }
        check_eq!(bench.holdings()?, before, "the account");
        release(&server, &[node])?;
        let (_, to) = create(&server, &client)?;
        release(&client, &[to])?;
        check_eq!(thread.join()??, 200, "requests");
        Ok(())
    }

    /// A handle that a call carries is the server's when it gets the call, whoever waits for whom, and is used and released there.
    fn snd_3_calls_with_handles_between_threads(bench) {
        let (server, client) = (Peer::new(&bench.account)?, Peer::new(&bench.account)?);
        let (node, to) = create(&server, &client)?;
        let (own, back) = create(&client, &server)?;
        let (token, carried) = create(&client, &client)?;
        let (port, number) = (Port::of(&server), server.number());
        let thread = thread::spawn(move || -> Outcome<u64> {
            let mut n_handles = 0;
            let mut request = port.next_with(DEADLINE_NEVER)?;
            while request.descriptor.kind() == MESSAGE_TYPE_USER {
                if let Some(carried) = request.carried() {
                    n_handles += 1;
                    port.send_short(carried, &request.to_short())?;
                    calls::release(number, &[carried])?;
                }
                request = port.call_with(back, &request.to_short(), None, DEADLINE_NEVER)?;
            }
            Ok(n_handles)
        })?;
        let port = Port::of(&client);
        for round in 0..120_u64 {
            // Some at once, some when the server waits; some from memory.
            if round % 3 == 0 {
                thread::yield_now();
            }
            let request = counting(round % 57);
            let bytes: Vec<u8> = (1..=request.n_bytes as u8).collect();
            let deadline_ns = if round % 5 == 0 { time::deadline_in(PATIENCE) } else { DEADLINE_NEVER };
            let carried = (round % 4 > 0).then_some(carried);
            let used = match carried {
                Some(id) if round % 7 == 0 => {
                    let carried = [Transfer { flags: 0, id }];
                    let mut into = [0; 64];
                    let incoming = port.exchange(to, &bytes, &carried, &mut into, &mut [])?;
                    check_eq!(&into[..incoming.message.n_data as usize], &bytes[..], "from memory in round {round}");
                    incoming.metadata.id
                }
                _ => {
                    let arrived = port.call_with(to, &request, carried, deadline_ns)?;
                    check_eq!(bytes_of(&arrived), bytes, "round {round}");
                    arrived.id
                }
            };
            check_eq!(used, if carried.is_some() { token } else { own }, "what comes first in round {round}");
            if carried.is_some() {
                check_eq!(port.next_short(DEADLINE_NEVER)?.id, own, "the reply");
            }
        }
        release(&server, &[node])?;
        let (_, to) = create(&server, &client)?;
        release(&client, &[to])?;
        check_eq!(thread.join()??, 90, "handles");
        Ok(())
    }

    /// Short messages and others keep the order in which they were sent, also when the receiver waits in between.
    fn ord_2_short_and_other_messages(bench) {
        let (owner, holder) = (Peer::new(&bench.account)?, Peer::new(&bench.account)?);
        let (_, handle) = create(&owner, &holder)?;
        let port = Port::of(&owner);
        let reader = thread::spawn(move || -> Outcome<Vec<u64>> {
            let mut seen = Vec::new();
            while seen.len() < 300 {
                seen.push(port.next_short(DEADLINE_NEVER)?.words[0]);
            }
            Ok(seen)
        })?;
        for number in 0..300_u64 {
            let mut message = Short { n_bytes: 8, ..Short::EMPTY };
            message.words[0] = number;
            match number % 7 {
                0 => thread::yield_now(),
                3 => {
                    send(&holder, &[handle], &number.to_le_bytes())?;
                    continue;
                }
                _ => {}
            }
            Port::of(&holder).send_short(handle, &message)?;
        }
        let expected: Vec<u64> = (0..300).collect();
        check_eq!(reader.join()??, expected, "the order");
        Ok(())
    }

    /// Who waits for a message learns that the slot of the peer was emptied, and a task that is killed while it waits leaves nothing.
    fn clo_5_waiting_in_a_receive_keeps_nothing_open(bench) {
        let peer = Peer::new(&bench.account)?;
        let copy = calls::capability_copy(peer.number(), peer::USE | peer::RECEIVE)?;
        let port = Port::new(copy);
        let waiting = thread::spawn(move || port.next_short(DEADLINE_NEVER).map(drop))?;
        thread::yield_now();
        calls::capability_drop(copy)?;
        check_eq!(waiting.join()?, Err(Errno::EBADF), "a receive whose slot was emptied");
        let before = bench.holdings()?;
        let own = Peer::new(&bench.account)?;
        let (_, handle) = create(&peer, &own)?;
        let task = Command::new("bench-server")
            .argument("short")
            .argument(handle)
            .grant(own.number(), peer::USE | peer::RECEIVE)
            .spawn(&bench.account)?;
        drop(own);
        thread::yield_now();
        task.kill()?;
        task.wait()?;
        drop(task);
        while recv(&peer).is_ok() {}
        check_eq!(bench.holdings()?, before, "after a task that waited");
        Ok(())
    }
}
