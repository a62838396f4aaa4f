//! Experiments that measure.

mod creation;
mod death;
mod fan_out;
mod footprint;
mod round_trip;
mod throughput;
mod transfer;

use crate::teller::Teller;
use alloc::vec::Vec;
use omnibus_compare as plan;
use omnibus_userland::bench_server::Host;
use omnibus_userland::check::{Failure, Outcome};

/// What is measured here.
type Subject<'a> = omnibus_compare::measure::Subject<'a, Failure>;

/// The means of an experiment.
type Subjects = for<'a> fn(Host<'a>) -> Outcome<Vec<Subject<'a>>>;

/// Runs those that are wanted.
pub(crate) fn run(teller: &mut Teller, host: Host<'_>) -> Outcome {
    timed(teller, host, plan::ROUND_TRIP, round_trip::subjects)?;
    timed(teller, host, plan::TRANSFER, transfer::subjects)?;
    if teller.wants(plan::FAN_OUT) {
        // One number of receivers after the other, as on Linux.
        for n_receivers in plan::RECEIVERS {
            teller.measure(plan::FAN_OUT, fan_out::subjects(host, n_receivers)?)?;
        }
    }
    timed(teller, host, plan::THROUGHPUT, throughput::subjects)?;
    timed(teller, host, plan::DEATH, death::subjects)?;
    timed(teller, host, plan::CREATION, creation::subjects)?;
    if teller.wants(plan::FOOTPRINT) {
        footprint::of_endpoints(teller, host)?;
    }
    if teller.wants(plan::FOOTPRINT_MESSAGE) {
        footprint::of_messages(teller, host)?;
    }
    Ok(())
}

fn timed(teller: &mut Teller, host: Host<'_>, name: &str, subjects: Subjects) -> Outcome {
    if teller.wants(name) {
        teller.measure(name, subjects(host)?)?;
    }
    Ok(())
}
