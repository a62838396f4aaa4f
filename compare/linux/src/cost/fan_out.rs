//! One message to many receivers, which Linux sends one by one.

use std::error::Error;
use std::rc::Rc;

use nix::errno::Errno;
use nix::mqueue::MQ_OFlag;
use omnibus_compare::measure::Round;
use omnibus_compare::{FAN_OUT, FAN_OUT_BYTES, RECEIVERS, fill};

use super::Subject;
use super::binder_server::MANAGER;
use crate::binder::{Arrived, Binder, Message};
use crate::channel::{Channel, Memory, Pipe, Queue, Socket};
use crate::guest::has_binder;
use crate::sys::{Process, Result};
use crate::teller::Teller;

/// Messages that a receiver may lag behind: more than a round has.
const N_QUEUED: i64 = 10;

pub(super) fn run(teller: &mut Teller) -> std::result::Result<(), Box<dyn Error>> {
    // One number of receivers after the other: all of them at once would be two thousand processes.
    for n_receivers in RECEIVERS {
        let queue = || Queue::new(N_QUEUED, FAN_OUT_BYTES, MQ_OFlag::empty());
        // A word with its memory for each receiver: what they share is theirs alone.
        let memory = || Memory::new(FAN_OUT_BYTES);
        let mut subjects = vec![
            to_all("seqpacket", n_receivers, Socket::new)?,
            to_all("pipe", n_receivers, Pipe::new)?,
            to_all("mqueue", n_receivers, queue)?,
            to_all("futex", n_receivers, memory)?,
        ];
        if has_binder() {
            subjects.push(by_binder(n_receivers)?);
        }
        teller.measure(FAN_OUT, subjects)?;
    }
    Ok(())
}

fn to_all<C: Channel + 'static>(
    means: &'static str,
    n_receivers: usize,
    new: impl Fn() -> Result<C>,
) -> Result<Subject<'static>> {
    let acknowledged = Rc::new(new()?);
    let mut receivers = Vec::new();
    for index in 0..n_receivers {
        let own = Rc::new(new()?);
        let is_last = index + 1 == n_receivers;
        let (there, back) = (Rc::clone(&own), Rc::clone(&acknowledged));
        let process = Process::start(means, move || {
            let mut bytes = [0; FAN_OUT_BYTES];
            loop {
                there.recv(&mut bytes)?;
                if is_last {
                    back.send(&bytes)?;
                }
            }
        })?;
        receivers.push((own, process));
    }
    let mut bytes = [0; FAN_OUT_BYTES];
    let mut acknowledgement = [0; FAN_OUT_BYTES];
    Ok(subject(means, n_receivers, move |round| {
        if let Round::Checked(number) = round {
            fill(&mut bytes, number);
        }
        for (receiver, _) in &receivers {
            receiver.send(&bytes)?;
        }
        acknowledged.recv(&mut acknowledgement)?;
        is_same(&acknowledgement, &bytes)
    }))
}

fn subject<'a>(
    means: &'static str,
    n_receivers: usize,
    round: impl FnMut(Round) -> Result<Option<u64>> + 'a,
) -> Subject<'a> {
    Subject {
        means,
        parameter: n_receivers as u64,
        n_rounds: 20,
        n_parts: n_receivers as u64,
        round: Box::new(round),
    }
}

fn is_same(acknowledgement: &[u8], bytes: &[u8]) -> Result<Option<u64>> {
    if acknowledgement == bytes {
        Ok(None)
    } else {
        Err(Errno::EBADMSG)
    }
}

/// One-way messages through a handle to a node of each receiver, which it gave to the context manager: this process.
fn by_binder(n_receivers: usize) -> Result<Subject<'static>> {
    let mut manager = Binder::open_manager()?;
    let mut receivers = Vec::new();
    for index in 0..n_receivers {
        let is_last = index + 1 == n_receivers;
        let process = Process::start("binder", move || {
            let mut binder = Binder::open()?;
            binder.call_with_node(MANAGER, 0, 1, &mut [])?;
            let mut bytes = [0; FAN_OUT_BYTES];
            loop {
                let request = next_request(&mut binder)?;
                binder.take(request, &mut bytes)?;
                if is_last {
                    binder.send(MANAGER, 0, &bytes)?;
                }
            }
        })?;
        receivers.push((manager.adopt()?, process));
    }
    let mut bytes = [0; FAN_OUT_BYTES];
    let mut acknowledgement = [0; FAN_OUT_BYTES];
    Ok(subject("binder", n_receivers, move |round| {
        if let Round::Checked(number) = round {
            fill(&mut bytes, number);
        }
        for (handle, _) in &receivers {
            manager.send(*handle, 0, &bytes)?;
        }
        let request = next_request(&mut manager)?;
        manager.take(request, &mut acknowledgement)?;
        is_same(&acknowledgement, &bytes)
    }))
}

fn next_request(binder: &mut Binder) -> Result<Message> {
    loop {
        if let Arrived::Request(request) = binder.next()? {
            return Ok(request);
        }
    }
}
