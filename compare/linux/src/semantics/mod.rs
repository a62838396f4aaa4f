//! Experiments that show what happens. The host tool's checker says what it means.

mod binder;
mod cycle;
mod death_order;
mod exhaustion;
mod guessing;
mod last_message;
mod net;
mod revocation;
mod scenes;
mod unread;

use std::error::Error;

use nix::errno::Errno;
use omnibus_compare as plan;
use omnibus_compare::observe::{self, Answers};

use crate::guest::has_binder;
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

/// A means, and one run with it.
type Subject = observe::Subject<fn() -> Result<Answers>>;

/// Those for which the binder driver is needed, by experiment.
const BY_BINDER: [(&str, &[Subject]); 5] = [
    (
        plan::LAST_MESSAGE,
        &[
            ("binder", binder::last_message),
            ("binder-call", binder::last_call),
        ],
    ),
    (plan::CYCLE, &[("binder", binder::cycle)]),
    (plan::UNREAD, &[("binder", unread::by_binder)]),
    (plan::DEATH_ORDER, &[("binder", binder::death_order)]),
    (plan::GUESSING, &[("binder", guessing::by_handle)]),
];

/// Runs those that are wanted.
pub(crate) fn run(teller: &mut Teller) -> std::result::Result<(), Box<dyn Error>> {
    scenes::run(teller)?;
    let experiments: [(&str, &[Subject]); 7] = [
        (plan::LAST_MESSAGE, last_message::SUBJECTS),
        (plan::CYCLE, cycle::SUBJECTS),
        (plan::UNREAD, unread::SUBJECTS),
        (plan::EXHAUSTION, exhaustion::SUBJECTS),
        (plan::DEATH_ORDER, death_order::SUBJECTS),
        (plan::REVOCATION, revocation::SUBJECTS),
        (plan::GUESSING, guessing::SUBJECTS),
    ];
    let by_binder = has_binder().then_some(BY_BINDER).into_iter().flatten();
    for (experiment, subjects) in experiments.into_iter().chain(by_binder) {
        if teller.wants(experiment) {
            teller.observe(experiment, subjects, |make| make())?;
        }
    }
    Ok(())
}
