//! Experiments that show what happens. The host tool's checker says what it means.

mod scenes;
mod sure;

use crate::teller::Teller;
use alloc::string::String;
use alloc::vec::Vec;
use omnibus_compare as plan;
use omnibus_compare::line::Event;
use omnibus_userland::bench_server::Host;
use omnibus_userland::check::Outcome;

/// What was asked, and the answer.
type Answers = Vec<(&'static str, String)>;

/// One run.
type Run = fn(Host<'_>) -> Outcome<Answers>;

/// Runs those that are wanted.
pub(crate) fn run(teller: &mut Teller, host: Host<'_>) -> Outcome {
    scenes::run(teller, host)?;
    let experiments: [(&str, Run); 6] = [
        (plan::LAST_MESSAGE, sure::last_message),
        (plan::CYCLE, sure::cycle),
        (plan::UNREAD, sure::unread),
        (plan::DEATH_ORDER, sure::death_order),
        (plan::REVOCATION, sure::revocation),
        (plan::GUESSING, sure::guessing),
    ];
    for (experiment, make) in experiments {
        if !teller.wants(experiment) {
            continue;
        }
        for run in 0..teller.extent.n_sure_runs {
            for (step, (event, detail)) in make(host)?.iter().enumerate() {
                teller.event(&Event {
                    experiment,
                    means: "handle",
                    run,
                    step: step as u64,
                    actor: "S",
                    event,
                    detail,
                });
            }
        }
    }
    Ok(())
}
