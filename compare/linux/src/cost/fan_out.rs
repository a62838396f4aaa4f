//! One message to many receivers, which Linux sends one by one.

use std::error::Error;
use std::rc::Rc;

use nix::errno::Errno;
use nix::mqueue::MQ_OFlag;
use omnibus_compare::measure::Round;
use omnibus_compare::{FAN_OUT, FAN_OUT_BYTES, RECEIVERS, fill};

use super::Subject;
use crate::channel::{Channel, Pipe, Queue, Socket};
use crate::sys::{Process, Result};
use crate::teller::Teller;

/// Messages that a receiver may lag behind: more than a round has.
const N_QUEUED: i64 = 10;

pub(super) fn run(teller: &mut Teller) -> std::result::Result<(), Box<dyn Error>> {
    // One number of receivers after the other: all of them at once would be two thousand processes.
    for n_receivers in RECEIVERS {
        let queue = || Queue::new(N_QUEUED, FAN_OUT_BYTES, MQ_OFlag::empty());
        let subjects = vec![
            to_all("seqpacket", n_receivers, Socket::new)?,
            to_all("pipe", n_receivers, Pipe::new)?,
            to_all("mqueue", n_receivers, queue)?,
        ];
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
    let round = move |round| {
        if let Round::Checked(number) = round {
            fill(&mut bytes, number);
        }
        for (receiver, _) in &receivers {
            receiver.send(&bytes)?;
        }
        acknowledged.recv(&mut acknowledgement)?;
        if acknowledgement == bytes {
            Ok(None)
        } else {
            Err(Errno::EBADMSG)
        }
    };
    Ok(Subject {
        means,
        parameter: n_receivers as u64,
        n_rounds: 20,
        n_parts: n_receivers as u64,
        round: Box::new(round),
    })
}
