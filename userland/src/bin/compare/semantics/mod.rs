//! Experiments that observe: what happens is told as events, and judged by nobody here.

mod ends;
mod limits;
mod order;
mod stage;

use crate::teller::Teller;
use omnibus_compare as plan;
use omnibus_compare::line::Event;
use omnibus_compare::{N_RACES, N_RUNS};
use omnibus_userland::check::Outcome;
use omnibus_userland::server::Host;
use stage::Log;

/// One run of an experiment through one means.
type Scene = fn(Host<'_>, u64, &Log) -> Outcome;

/// Experiment, means, runs, what happens.
const SCENES: [(&str, &str, u64, Scene); 13] = [
    (plan::CAUSAL_ORDER, "nodes", N_RACES, order::causal),
    (plan::FAN_OUT_ORDER, "multicast", N_RACES, order::fan_out),
    (
        plan::AGREEMENT,
        "multicasts of one order",
        N_RACES,
        |host, run, log| order::agreement(host, run, log, true),
    ),
    (
        plan::AGREEMENT,
        "multicasts of opposite orders",
        N_RACES,
        |host, run, log| order::agreement(host, run, log, false),
    ),
    (plan::LOST_MESSAGE, "handle", N_RUNS, ends::lost_message),
    (plan::CYCLES, "handles", N_RUNS, ends::cycles),
    (plan::FULL_QUEUE, "message", N_RUNS, limits::full_queue),
    (plan::DEATH_ORDER, "handle", N_RACES, ends::death_order),
    (plan::REVOCATION, "node", N_RUNS, ends::revoke_node),
    (plan::REVOCATION, "memory", N_RUNS, ends::revoke_memory),
    (plan::GUESSING, "ids", N_RUNS, limits::guess_ids),
    (
        plan::GUESSING,
        "capabilities",
        N_RUNS,
        limits::guess_capabilities,
    ),
    (plan::EXHAUSTION, "message", N_RUNS, limits::exhaustion),
];

/// Runs those that are wanted.
pub(crate) fn run(teller: &mut Teller, host: Host<'_>) -> Outcome {
    for (experiment, means, n_runs, scene) in SCENES {
        if !teller.wants(experiment) {
            continue;
        }
        for run in 0..n_runs {
            let log = Log::new();
            scene(host, run, &log)?;
            for (step, (actor, event, detail)) in (0..).zip(log.into_entries()) {
                teller.event(&Event {
                    experiment,
                    means,
                    run,
                    step,
                    actor,
                    event,
                    detail: &detail,
                });
            }
        }
    }
    Ok(())
}
