//! The experiments, one function each.

use crate::rig::Rig;
use alloc::vec;
use alloc::vec::Vec;
use omnibus_userland::abi::capability::console;
use omnibus_userland::abi::{DEADLINE_NEVER, DEADLINE_NOW};
use omnibus_userland::bench_server::{NARROW, Pair, Server, order};
use omnibus_userland::bus::Peer;
use omnibus_userland::check::Outcome;
use omnibus_userland::port::{Port, Short};
use omnibus_userland::suite::wire::create;
use omnibus_userland::{calls, check, check_eq};

/// Rounds of the checking pass.
const N_CHECKED: u64 = 40;
/// Rounds of a timed batch.
const N_ROUNDS: u64 = 100;
/// Rounds of a timed batch in which many receivers or much memory take part.
const N_LONG_ROUNDS: u64 = 20;

/// Fills `bytes` with what no other round has there.
fn fill(bytes: &mut [u8], round: u64) {
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = (round as usize * 31 + index * 7 + index / 251) as u8;
    }
}

/// Entering the kernel and leaving it.
pub(crate) fn null(rig: &Rig) -> Outcome<u64> {
    rig.time(N_ROUNDS, calls::null)
}

/// A call and its reply with the same bytes, in registers.
pub(crate) fn call(rig: &Rig, n_bytes: u64) -> Outcome<u64> {
    let pair = Pair::start(rig.host(), "short", &[])?;
    let (port, to) = (pair.port(), pair.server.to);
    let mut request = Short {
        n_bytes,
        ..Short::EMPTY
    };
    let round = |request: &Short| port.call_short(to, request, DEADLINE_NEVER);
    for number in 0..N_CHECKED {
        for (index, word) in request.words.iter_mut().enumerate() {
            *word = (number + 1) * (index as u64 + 1) * 0x0101_0301_0101_0201;
        }
        let reply = round(&request)?;
        check_eq!(reply.descriptor.n_data(), n_bytes, "bytes of a reply");
        let n_words = n_bytes as usize / 8;
        check_eq!(reply.words[..n_words], request.words[..n_words], "a reply");
    }
    rig.time(N_ROUNDS, || round(&request).map(drop))
}

/// A call and its reply with the same bytes.
pub(crate) fn echo(rig: &Rig, n_bytes: usize) -> Outcome<u64> {
    let pair = Pair::start(rig.host(), "echo", &[])?;
    let (port, to) = (pair.port(), pair.server.to);
    let mut request = vec![0; n_bytes];
    let mut reply = vec![0; n_bytes];
    let round = |request: &[u8], reply: &mut [u8]| port.exchange(to, request, &[], reply, &mut []);
    for number in 0..N_CHECKED {
        fill(&mut request, number);
        let incoming = round(&request, &mut reply)?;
        check_eq!(incoming.message.n_data, n_bytes as u64, "bytes of a reply");
        check!(reply == request, "the reply to request {number} is another");
    }
    let n_rounds = if n_bytes > 4096 {
        N_LONG_ROUNDS
    } else {
        N_ROUNDS
    };
    rig.time(n_rounds, || round(&request, &mut reply).map(drop))
}

/// A call and its reply by separate calls for sending and for receiving, on both sides.
pub(crate) fn ping_pong(rig: &Rig) -> Outcome<u64> {
    let pair = Pair::start(rig.host(), "apart", &[])?;
    let (port, to) = (pair.port(), pair.server.to);
    let round = |request: &Short| {
        port.send_short(to, request)?;
        port.next_short(DEADLINE_NEVER)
    };
    for number in 0..N_CHECKED {
        let mut request = Short {
            n_bytes: 8,
            ..Short::EMPTY
        };
        request.words[0] = number * 0x0101_0301_0101_0201;
        let pong = round(&request)?;
        check_eq!(pong.descriptor.n_data(), 8, "bytes of a pong");
        check_eq!(pong.words[0], request.words[0], "a pong");
    }
    rig.time(N_ROUNDS, || round(&Short::EMPTY).map(drop))
}

/// A call that carries a handle, which the server keeps or drops.
pub(crate) fn carry(rig: &Rig, kind: &str) -> Outcome<u64> {
    let pair = Pair::start(rig.host(), kind, &[])?;
    let (port, to) = (pair.port(), pair.server.to);
    let token = Peer::new(rig.account())?;
    let (node, _) = create(&token, &token)?;
    let (_, carried) = create(&token, &pair.client)?;
    let round = |asked: u8| {
        let mut request = Short {
            n_bytes: 8,
            ..Short::EMPTY
        };
        request.words[0] = asked.into();
        port.call_with(to, &request, Some(carried), DEADLINE_NEVER)
    };
    for number in 0..N_CHECKED {
        round(order::USE)?;
        let used = Port::of(&token).next(&mut [0; 8], &mut [])?;
        check!(
            used.metadata.id != node && used.message.n_data == 0,
            "handle {number} leads elsewhere: {used:?}"
        );
    }
    round(order::RELEASE)?;
    let cost = rig.time(N_ROUNDS, || round(0).map(drop))?;
    round(order::RELEASE)?;
    Ok(cost)
}

/// Sending to oneself and receiving, through the queue, by one call that waits for nothing.
pub(crate) fn to_oneself(rig: &Rig) -> Outcome<u64> {
    let peer = Peer::new(rig.account())?;
    let (node, handle) = create(&peer, &peer)?;
    let port = Port::of(&peer);
    let mut message = Short {
        n_bytes: 64,
        ..Short::EMPTY
    };
    let round = |message: &Short| port.call_short(handle, message, DEADLINE_NOW);
    for number in 0..N_CHECKED {
        for (index, word) in message.words.iter_mut().enumerate() {
            *word = (number + 1) * (index as u64 + 1) * 0x0101_0301_0101_0201;
        }
        let received = round(&message)?;
        check_eq!(received.id, node, "where it came in");
        check_eq!(received.to_short(), message, "what was sent");
    }
    rig.time(N_ROUNDS, || round(&message).map(drop))
}

/// One message to `n_receivers` servers, and one acknowledgement from the last of them; per receiver.
pub(crate) fn fan_out(rig: &Rig, n_receivers: usize) -> Outcome<u64> {
    let client = Peer::new(rig.account())?;
    let mut servers = Vec::new();
    for index in 1..=n_receivers {
        let is_last = index == n_receivers;
        let kind = if is_last { "acknowledge" } else { "count" };
        servers.push(Server::start(rig.host(), &client, kind, NARROW, &[])?);
    }
    let handles: Vec<u64> = servers.iter().map(|server| server.to).collect();
    let port = Port::of(&client);
    let round = |data: &[u8]| {
        port.multicast(&handles, data, &[])?;
        port.next_short(DEADLINE_NEVER)
    };
    for number in 0..N_CHECKED {
        let mut data = [number as u8; 64];
        data[0] = order::CHECK;
        round(&data)?;
    }
    let ticks = rig.time(N_LONG_ROUNDS, || round(&[0; 64]).map(drop))?;
    // Everyone got everything, and what was checked was as it should be.
    for (index, &handle) in handles.iter().enumerate() {
        port.send(handle, &[order::REPORT], &[])?;
        let reply = port.next_short(DEADLINE_NEVER)?;
        check_eq!(
            reply.words[0],
            N_CHECKED + Rig::n_timed(N_LONG_ROUNDS),
            "messages that receiver {index} got"
        );
    }
    Ok((ticks + n_receivers as u64 / 2) / n_receivers as u64)
}

/// Copying a capability in one's own table and deleting the copy.
pub(crate) fn copy_and_delete(rig: &Rig) -> Outcome<u64> {
    let original = rig.console();
    let round = || {
        let copy = calls::capability_copy(original, console::WRITE)?;
        calls::capability_drop(copy).map(|()| copy)
    };
    for _ in 0..N_CHECKED {
        let copy = calls::capability_copy(original, console::WRITE)?;
        let info = calls::capability_info(copy)?;
        check_eq!(info.rights, console::WRITE, "rights of the copy");
        calls::capability_drop(copy)?;
        check!(
            calls::capability_info(copy).is_err(),
            "the copy is there still"
        );
    }
    rig.time(N_ROUNDS, || round().map(drop))
}
