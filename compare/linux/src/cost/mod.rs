//! Experiments that measure.

mod binder_server;
mod creation;
mod death;
mod fan_out;
mod footprint;
mod round_trip;
mod throughput;
mod transfer;

use std::error::Error;

use nix::errno::Errno;
use omnibus_compare as plan;

use crate::teller::Teller;

/// What is measured here.
type Subject<'a> = omnibus_compare::measure::Subject<'a, Errno>;

/// Makes an experiment and tells of it.
type Experiment = fn(&mut Teller) -> Result<(), Box<dyn Error>>;

/// Runs those that are wanted.
pub(crate) fn run(teller: &mut Teller) -> Result<(), Box<dyn Error>> {
    let experiments: [(&str, Experiment); 8] = [
        (plan::ROUND_TRIP, round_trip::run),
        (plan::TRANSFER, transfer::run),
        (plan::FAN_OUT, fan_out::run),
        (plan::THROUGHPUT, throughput::run),
        (plan::DEATH, death::run),
        (plan::CREATION, creation::run),
        (plan::FOOTPRINT, footprint::of_endpoints),
        (plan::FOOTPRINT_MESSAGE, footprint::of_messages),
    ];
    for (name, run) in experiments {
        if teller.wants(name) {
            run(teller).map_err(|error| format!("{name}: {error}"))?;
        }
    }
    Ok(())
}
