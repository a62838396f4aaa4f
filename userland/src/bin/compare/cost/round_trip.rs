//! A request and its reply with the same bytes.

use super::Subject;
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use omnibus_compare::measure::Round;
use omnibus_compare::{SIZES, fill, n_rounds};
use omnibus_userland::abi::DEADLINE_NEVER;
use omnibus_userland::abi::capability::memory;
use omnibus_userland::abi::layout::PAGE_BYTES;
use omnibus_userland::abi::native::{VM_READ, VM_WRITE};
use omnibus_userland::bench_server::{Host, Pair};
use omnibus_userland::check;
use omnibus_userland::check::Outcome;
use omnibus_userland::memory::Memory;
use omnibus_userland::port::Short;

/// Every means with every size that it takes.
pub(super) fn subjects(host: Host<'_>) -> Outcome<Vec<Subject<'_>>> {
    let mut subjects = Vec::new();
    for n_bytes in SIZES {
        if n_bytes <= 64 {
            subjects.push(by_registers(host, n_bytes)?);
        }
        subjects.push(by_message(host, n_bytes)?);
        subjects.push(by_memory(host, n_bytes)?);
    }
    Ok(subjects)
}

/// A subject that sends `request` and gets `reply` by `exchange`.
fn echoed<'a>(
    means: &'static str,
    n_bytes: usize,
    mut exchange: impl FnMut(&[u8], &mut [u8]) -> Outcome + 'a,
) -> Subject<'a> {
    let mut request = vec![0; n_bytes];
    let mut reply = vec![0; n_bytes];
    Subject {
        means,
        parameter: n_bytes as u64,
        n_rounds: n_rounds(n_bytes),
        n_parts: 1,
        round: Box::new(move |round| {
            if let Round::Checked(number) = round {
                fill(&mut request, number);
                reply.fill(0);
            }
            exchange(&request, &mut reply)?;
            if let Round::Checked(_) = round {
                check!(reply == request, "the reply is another");
            }
            Ok(None)
        }),
    }
}

/// One call for each way, bytes in registers.
fn by_registers(host: Host<'_>, n_bytes: usize) -> Outcome<Subject<'_>> {
    let pair = Pair::start(host, "short", &[])?;
    let (port, to) = (pair.port(), pair.server.to);
    Ok(echoed("registers", n_bytes, move |request, reply| {
        let _ = &pair;
        let mut short = Short {
            n_bytes: request.len() as u64,
            ..Short::EMPTY
        };
        for (word, bytes) in short.words.iter_mut().zip(request.as_chunks().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        let arrived = port.call_short(to, &short, DEADLINE_NEVER)?;
        for (word, bytes) in arrived.words.iter().zip(reply.as_chunks_mut().0) {
            *bytes = word.to_le_bytes();
        }
        Ok(())
    }))
}

/// SEND, and RECV when there is something, on both sides.
fn by_message(host: Host<'_>, n_bytes: usize) -> Outcome<Subject<'_>> {
    let pair = Pair::start(host, "echo", &[])?;
    let (port, to) = (pair.port(), pair.server.to);
    Ok(echoed("message", n_bytes, move |request, reply| {
        let _ = &pair;
        port.exchange(to, request, &[], reply, &mut [])?;
        Ok(())
    }))
}

/// A memory object that both have mapped, and a call for whose turn it is.
fn by_memory(host: Host<'_>, n_bytes: usize) -> Outcome<Subject<'_>> {
    let half = n_bytes.next_multiple_of(PAGE_BYTES as usize) as u64;
    let object = Memory::new(host.account, 2 * half)?;
    let grants = [(object.number(), memory::READ | memory::WRITE)];
    let pair = Pair::start(host, "mapped", &grants)?;
    let mapping = object.map(VM_READ | VM_WRITE)?;
    let (port, to) = (pair.port(), pair.server.to);
    Ok(echoed("memory", n_bytes, move |request, reply| {
        let _ = (&pair, &object);
        let mut turn = Short {
            n_bytes: 8,
            ..Short::EMPTY
        };
        turn.words[0] = request.len() as u64;
        mapping.write(0, request);
        port.call_short(to, &turn, DEADLINE_NEVER)?;
        mapping.read(half, reply);
        Ok(())
    }))
}
