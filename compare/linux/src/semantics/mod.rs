//! Experiments that observe: what happens is told as events, and judged by nobody here.

mod ends;
mod limits;
mod order;
mod stage;

use std::error::Error;

use nix::sys::socket::SockType;
use omnibus_compare as plan;
use omnibus_compare::{N_RACES, N_RUNS};

use crate::channel::Queue;
use crate::guest::has_binder;
use crate::sys::Result;
use crate::teller::Teller;
use limits::Means;
use order::{Choice, Datagrams};
use stage::Log;

/// One run of an experiment through one means.
type Scene = fn(&Log, u64) -> Result<()>;

/// Experiment, means, runs, what happens.
#[rustfmt::skip]
const SCENES: [(&str, &str, u64, Scene); 34] = [
    (plan::CAUSAL_ORDER, "two sockets by poll", N_RACES, |log, run| order::causal_connections(log, run, Choice::Poll)),
    (plan::CAUSAL_ORDER, "two sockets by epoll", N_RACES, |log, run| order::causal_connections(log, run, Choice::Epoll)),
    (plan::CAUSAL_ORDER, "one datagram socket", N_RACES, order::causal_inbox::<Datagrams>),
    (plan::CAUSAL_ORDER, "one mqueue", N_RACES, order::causal_inbox::<Queue>),
    (plan::FAN_OUT_ORDER, "datagrams", N_RACES, |log, run| order::fan_out::<Datagrams>(log, run, false)),
    (plan::FAN_OUT_ORDER, "datagrams with a pause", N_RACES, |log, run| order::fan_out::<Datagrams>(log, run, true)),
    (plan::FAN_OUT_ORDER, "mqueues with a pause", N_RACES, |log, run| order::fan_out::<Queue>(log, run, true)),
    (plan::AGREEMENT, "datagrams in opposite orders", N_RACES, |log, run| order::agreement::<Datagrams>(log, run, false, false)),
    (plan::AGREEMENT, "datagrams in one order with pauses", N_RACES, |log, run| order::agreement::<Datagrams>(log, run, true, true)),
    (plan::AGREEMENT, "datagrams in opposite orders with pauses", N_RACES, |log, run| order::agreement::<Datagrams>(log, run, false, true)),
    (plan::AGREEMENT, "mqueues in opposite orders with pauses", N_RACES, |log, run| order::agreement::<Queue>(log, run, false, true)),
    (plan::LOST_MESSAGE, "seqpacket", N_RUNS, |log, _| ends::lost_in_socket(log, SockType::SeqPacket)),
    (plan::LOST_MESSAGE, "datagram", N_RUNS, |log, _| ends::lost_in_socket(log, SockType::Datagram)),
    (plan::LOST_MESSAGE, "mqueue", N_RUNS, |log, _| ends::lost_in_queue(log)),
    (plan::CYCLES, "sockets", N_RUNS, |log, _| ends::cycles(log, false)),
    (plan::CYCLES, "sockets and another closed", N_RUNS, |log, _| ends::cycles(log, true)),
    (plan::FULL_QUEUE, "pipe", N_RUNS, |log, _| limits::full_queue(log, Means::Pipe)),
    (plan::FULL_QUEUE, "seqpacket", N_RUNS, |log, _| limits::full_queue(log, Means::SeqPacket)),
    (plan::FULL_QUEUE, "datagram", N_RUNS, |log, _| limits::full_queue(log, Means::Datagram)),
    (plan::FULL_QUEUE, "mqueue", N_RUNS, |log, _| limits::full_queue(log, Means::MessageQueue)),
    (plan::FULL_QUEUE, "binder one-way", N_RUNS, |log, _| limits::full_queue(log, Means::Binder)),
    (plan::FULL_QUEUE, "descriptors in flight", N_RUNS, |log, _| limits::full_queue(log, Means::Descriptors)),
    (plan::DEATH_ORDER, "seqpacket", N_RACES, ends::death_by_socket),
    (plan::DEATH_ORDER, "seqpacket and pidfd", N_RACES, ends::death_by_process),
    (plan::REVOCATION, "seqpacket", N_RUNS, |log, _| ends::revoke_connection(log)),
    (plan::REVOCATION, "descriptor of a file", N_RUNS, |log, _| ends::revoke_file(log)),
    (plan::GUESSING, "abstract sockets", N_RUNS, |log, _| limits::guess_sockets(log)),
    (plan::GUESSING, "mqueues", N_RUNS, |log, _| limits::guess_queues(log)),
    (plan::GUESSING, "descriptors", N_RUNS, |log, _| limits::guess_descriptors(log)),
    (plan::GUESSING, "binder handles", N_RUNS, |log, _| limits::guess_handles(log)),
    (plan::EXHAUSTION, "datagram", N_RUNS, |log, _| limits::exhaustion(log, Means::Datagram)),
    (plan::EXHAUSTION, "pipe", N_RUNS, |log, _| limits::exhaustion(log, Means::Pipe)),
    (plan::EXHAUSTION, "mqueue", N_RUNS, |log, _| limits::exhaustion(log, Means::MessageQueue)),
    (plan::EXHAUSTION, "binder one-way", N_RUNS, |log, _| limits::exhaustion(log, Means::Binder)),
];

/// Runs those that are wanted.
pub(crate) fn run(teller: &mut Teller) -> std::result::Result<(), Box<dyn Error>> {
    let log = Log::new()?;
    for (experiment, means, n_runs, scene) in SCENES {
        let is_possible = !means.starts_with("binder") || has_binder();
        if !teller.wants(experiment) || !is_possible {
            continue;
        }
        for run in 0..n_runs {
            log.clear();
            scene(&log, run)
                .map_err(|error| format!("{experiment}, {means}, run {run}: {error}"))?;
            for (step, entry) in (0..).zip(log.entries()) {
                let mut fields = entry.splitn(3, ',');
                let fields = [(); 3].map(|()| fields.next().unwrap_or_default());
                teller.event(experiment, means, run, step, fields);
            }
        }
    }
    Ok(())
}
