//! Messages one way, as fast as they go.

use std::error::Error;

use nix::errno::Errno;
use nix::mqueue::MQ_OFlag;
use omnibus_compare::measure::Round;
use omnibus_compare::{BURST, QUEUED_SIZES, THROUGHPUT, fill};

use super::Subject;
use super::binder_server::{Client, ECHO, MANAGER};
use crate::channel::{Channel, Pipe, Queue, Socket};
use crate::sys::{Process, Result};
use crate::teller::Teller;

pub(super) fn run(teller: &mut Teller) -> std::result::Result<(), Box<dyn Error>> {
    let client = Client::start()?;
    let mut subjects = Vec::new();
    for n_bytes in QUEUED_SIZES {
        let queue = || Queue::new(BURST as i64, n_bytes, MQ_OFlag::empty());
        subjects.push(burst("pipe", n_bytes, Pipe::new)?);
        subjects.push(burst("seqpacket", n_bytes, Socket::new)?);
        subjects.push(burst("mqueue", n_bytes, queue)?);
        subjects.extend(client.clone().map(|client| by_binder(client, n_bytes)));
    }
    Ok(teller.measure(THROUGHPUT, subjects)?)
}

fn subject<'a>(
    means: &'static str,
    n_bytes: usize,
    round: impl FnMut(Round) -> Result<Option<u64>> + 'a,
) -> Subject<'a> {
    Subject {
        means,
        parameter: n_bytes as u64,
        n_rounds: 20,
        n_parts: BURST as u64,
        round: Box::new(round),
    }
}

/// A burst to a process that acknowledges its end by the last message.
fn burst<C: Channel + 'static>(
    means: &'static str,
    n_bytes: usize,
    new: impl Fn() -> Result<C>,
) -> Result<Subject<'static>> {
    let (there, back) = (new()?, new()?);
    let server = Process::start(means, || {
        let mut bytes = vec![0; n_bytes];
        loop {
            for _ in 0..BURST {
                there.recv(&mut bytes)?;
            }
            back.send(&bytes)?;
        }
    })?;
    let mut bytes = vec![0; n_bytes];
    let mut last = vec![0; n_bytes];
    let round = move |round| {
        let _ = &server;
        if let Round::Checked(number) = round {
            fill(&mut bytes, number);
        }
        for _ in 0..BURST {
            there.send(&bytes)?;
        }
        back.recv(&mut last)?;
        if last == bytes {
            Ok(None)
        } else {
            Err(Errno::EBADMSG)
        }
    };
    Ok(subject(means, n_bytes, round))
}

/// One-way transactions, and a call that comes back when they are through.
fn by_binder(client: Client, n_bytes: usize) -> Subject<'static> {
    let bytes = vec![1; n_bytes];
    let mut last = vec![0; n_bytes];
    subject("binder", n_bytes, move |_| {
        let mut binder = client.binder.borrow_mut();
        for _ in 1..BURST {
            binder.send(MANAGER, ECHO, &bytes)?;
        }
        binder.call(MANAGER, ECHO, &bytes, &mut last)?;
        if last == bytes {
            Ok(None)
        } else {
            Err(Errno::EBADMSG)
        }
    })
}
