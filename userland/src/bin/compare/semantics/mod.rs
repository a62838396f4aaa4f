//! Experiments that show what happens. The host tool's checker says what it means.

mod exhaustion;
mod scenes;
mod sure;

use crate::teller::Teller;
use omnibus_compare as plan;
use omnibus_compare::observe::{Answers, Subject};
use omnibus_userland::bench_server::Host;
use omnibus_userland::check::Outcome;

/// One run.
type Run = fn(Host<'_>) -> Outcome<Answers>;

/// Runs those that are wanted.
pub(crate) fn run(teller: &mut Teller, host: Host<'_>) -> Outcome {
    scenes::run(teller, host)?;
    let experiments: [(&str, &[Subject<Run>]); 7] = [
        (plan::LAST_MESSAGE, &[("handle", sure::last_message)]),
        (plan::CYCLE, &[("handle", sure::cycle)]),
        (plan::UNREAD, &[("handle", sure::unread)]),
        (plan::EXHAUSTION, exhaustion::SUBJECTS),
        (plan::DEATH_ORDER, &[("handle", sure::death_order)]),
        (plan::REVOCATION, &[("handle", sure::revocation)]),
        (plan::GUESSING, &[("handle", sure::guessing)]),
    ];
    for (experiment, subjects) in experiments {
        if teller.wants(experiment) {
            teller.observe(experiment, subjects, |make| make(host))?;
        }
    }
    Ok(())
}
