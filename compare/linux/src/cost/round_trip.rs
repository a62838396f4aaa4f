//! A request and its reply with the same bytes.

use std::error::Error;

use nix::errno::Errno;
use omnibus_compare::measure::Round;
use omnibus_compare::{ROUND_TRIP, SIZES, fill, n_rounds};

use super::Subject;
use super::binder_server::{Client, ECHO, MANAGER};
use crate::channel::{Event, Memory, Pipe, Queue, Socket, Ways};
use crate::sys::{Process, Result};
use crate::teller::Teller;

pub(super) fn run(teller: &mut Teller) -> std::result::Result<(), Box<dyn Error>> {
    let client = Client::start()?;
    let mut subjects = Vec::new();
    for n_bytes in SIZES {
        subjects.push(echoed("pipe", n_bytes, Pipe::ways()?)?);
        subjects.push(echoed("seqpacket", n_bytes, Socket::ways()?)?);
        subjects.push(echoed("mqueue", n_bytes, Queue::ways(n_bytes)?)?);
        subjects.push(echoed("futex", n_bytes, Memory::ways(n_bytes)?)?);
        subjects.extend(client.clone().map(|client| by_binder(client, n_bytes)));
        if n_bytes == 8 {
            subjects.push(echoed("eventfd", n_bytes, Event::ways()?)?);
        }
    }
    Ok(teller.measure(ROUND_TRIP, subjects)?)
}

/// A process that returns every message, and a round of it.
fn echoed(means: &'static str, n_bytes: usize, (there, back): Ways) -> Result<Subject<'static>> {
    let server = Process::start(means, || {
        let mut bytes = vec![0; n_bytes];
        loop {
            there.recv(&mut bytes)?;
            back.send(&bytes)?;
        }
    })?;
    let mut request = vec![0; n_bytes];
    let mut reply = vec![0; n_bytes];
    let round = move |round| {
        // The process lives as long as its rounds.
        let _ = &server;
        if let Round::Checked(number) = round {
            fill(&mut request, number);
            reply.fill(0);
        }
        there.send(&request)?;
        back.recv(&mut reply)?;
        match round {
            Round::Checked(_) if reply != request => Err(Errno::EBADMSG),
            _ => Ok(None),
        }
    };
    Ok(Subject {
        means,
        parameter: n_bytes as u64,
        n_rounds: n_rounds(n_bytes),
        n_parts: 1,
        round: Box::new(round),
    })
}

/// A call and its reply through binder.
fn by_binder(client: Client, n_bytes: usize) -> Subject<'static> {
    let mut request = vec![0; n_bytes];
    let mut reply = vec![0; n_bytes];
    let round = move |round| {
        if let Round::Checked(number) = round {
            fill(&mut request, number);
            reply.fill(0);
        }
        let mut binder = client.binder.borrow_mut();
        binder.call(MANAGER, ECHO, &request, &mut reply)?;
        match round {
            Round::Checked(_) if reply != request => Err(Errno::EBADMSG),
            _ => Ok(None),
        }
    };
    Subject {
        means: "binder",
        parameter: n_bytes as u64,
        n_rounds: n_rounds(n_bytes),
        n_parts: 1,
        round: Box::new(round),
    }
}
