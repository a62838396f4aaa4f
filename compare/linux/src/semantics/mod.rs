//! Experiments that show what happens. The host tool's checker says what it means.

mod cycle;
mod death_order;
mod guessing;
mod last_message;
mod net;
mod revocation;
mod scenes;
mod unread;

use std::error::Error;

use nix::errno::Errno;
use omnibus_compare as plan;
use omnibus_compare::line::Event;

use crate::sys::Result;
use crate::teller::Teller;

/// What became of a send, in the words of both sides.
fn outcome(sent: Result<()>) -> String {
    match sent {
        Ok(()) => plan::asked::TAKEN.to_owned(),
        Err(error) => name(error),
    }
}

/// The name of an error.
fn name(error: Errno) -> String {
    format!("{error:?}")
}

/// Whether something, or nothing.
fn whether(is_so: bool) -> &'static str {
    if is_so {
        plan::asked::YES
    } else {
        plan::asked::NO
    }
}

/// What was asked, and the answer.
type Answers = Vec<(&'static str, String)>;

/// A means, and one run with it.
type Subject = (&'static str, fn() -> Result<Answers>);

/// Runs those that are wanted.
pub(crate) fn run(teller: &mut Teller) -> std::result::Result<(), Box<dyn Error>> {
    scenes::run(teller)?;
    let experiments: [(&str, &[Subject]); 6] = [
        (plan::LAST_MESSAGE, last_message::SUBJECTS),
        (plan::CYCLE, cycle::SUBJECTS),
        (plan::UNREAD, unread::SUBJECTS),
        (plan::DEATH_ORDER, death_order::SUBJECTS),
        (plan::REVOCATION, revocation::SUBJECTS),
        (plan::GUESSING, guessing::SUBJECTS),
    ];
    for (experiment, subjects) in experiments {
        if !teller.wants(experiment) {
            continue;
        }
        for (means, make) in subjects {
            for run in 0..plan::N_SURE_RUNS {
                let answers = make().map_err(|error| format!("{experiment}, {means}: {error}"))?;
                for (step, (event, detail)) in answers.iter().enumerate() {
                    teller.event(&Event {
                        experiment,
                        means,
                        run,
                        step: step as u64,
                        actor: "S",
                        event,
                        detail,
                    });
                }
            }
        }
    }
    Ok(())
}
