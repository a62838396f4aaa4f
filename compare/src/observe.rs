//! How both sides observe what is no scene: each means is asked the same, in each of its runs, and tells its answers as events.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Display;

use crate::line::Event;
use crate::measure::Extent;
use crate::n_runs;

/// What was asked (the words of [`crate::asked`]), and the answer, in the order in which it happened.
pub type Answers = Vec<(&'static str, String)>;

/// A means, and one run with it.
pub type Subject<R> = (&'static str, R);

/// Asks every subject in as many runs as the experiment has, and tells each answer as an event.
///
/// # Errors
/// That of the first run that fails, with the means and the run.
pub fn observe<R, E: Display>(
    experiment: &str,
    extent: Extent,
    subjects: &[Subject<R>],
    mut ask: impl FnMut(&R) -> Result<Answers, E>,
    mut tell: impl FnMut(&Event<'_>),
) -> Result<(), String> {
    for (means, subject) in subjects {
        for run in 0..n_runs(experiment).min(extent.n_runs_most) {
            let answers =
                ask(subject).map_err(|error| format!("{experiment}, {means}, {run}: {error}"))?;
            for (step, (event, detail)) in answers.iter().enumerate() {
                tell(&Event {
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
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    /// Every answer of every run becomes an event, in order; a run that fails is named.
    #[test]
    fn answers_become_events() {
        let ask = |is_good: &bool| match is_good {
            true => Ok(alloc::vec![
                ("first", "x".to_string()),
                ("second", "y".to_string())
            ]),
            false => Err("broken"),
        };
        let extent = Extent {
            n_runs_most: 2,
            ..Extent::WHOLE
        };
        let mut told = Vec::new();
        let tell = |event: &Event<'_>| told.push((event.run, event.step, event.event.to_string()));
        observe("e", extent, &[("good", true)], ask, tell).unwrap();
        let at = |run, step, name: &str| (run, step, name.to_string());
        assert_eq!(
            told,
            [
                at(0, 0, "first"),
                at(0, 1, "second"),
                at(1, 0, "first"),
                at(1, 1, "second")
            ]
        );
        let complaint = observe("e", extent, &[("bad", false)], ask, |_| {}).unwrap_err();
        assert_eq!(complaint, "e, bad, 0: broken");
    }
}
