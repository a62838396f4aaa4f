//! How both sides measure: every subject is checked first, then timed in repetitions that take turns.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Display;

use crate::line::Cost;
use crate::scene::N_RUNS;
use crate::{N_CHECKED, N_REPETITIONS};

/// What a round is for.
#[derive(Clone, Copy, Debug)]
pub enum Round {
    /// To see that it does what it should; the number says which bytes to send.
    Checked(u64),
    /// To be timed.
    Timed,
}

/// A round, over and over; what of it counts, if not all.
pub type Body<'a, E> = Box<dyn FnMut(Round) -> Result<Option<u64>, E> + 'a>;

/// One means with one parameter.
pub struct Subject<'a, E> {
    /// The means.
    pub means: &'static str,
    /// The parameter.
    pub parameter: u64,
    /// Rounds of a repetition.
    pub n_rounds: u64,
    /// What a round is divided by: 1, or the messages in it.
    pub n_parts: u64,
    /// A round.
    pub round: Body<'a, E>,
}

/// How much of everything is done.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Repetitions of a measurement.
    pub n_repetitions: u64,
    /// Rounds of a repetition, at most.
    pub n_rounds_most: u64,
    /// Runs of a scene.
    pub n_runs: u64,
    /// Runs of any other experiment that observes, at most.
    pub n_runs_most: u64,
}

impl Extent {
    /// For figures.
    pub const WHOLE: Self = Self {
        n_repetitions: N_REPETITIONS,
        n_rounds_most: u64::MAX,
        n_runs: N_RUNS,
        n_runs_most: u64::MAX,
    };
    /// To see that everything still runs; its figures mean nothing.
    pub const QUICK: Self = Self {
        n_repetitions: 1,
        n_rounds_most: 2,
        n_runs: 6,
        n_runs_most: 1,
    };
}

/// The argument of a side that asks for [`Extent::QUICK`].
pub const QUICK: &str = "quick";

/// Measures the subjects of an experiment by `counter` and tells of each repetition.
///
/// # Errors
/// That of the first round that fails, with the subject's name.
pub fn measure<E: Display>(
    experiment: &str,
    extent: Extent,
    mut subjects: Vec<Subject<'_, E>>,
    counter: impl Fn() -> u64,
    mut tell: impl FnMut(&Cost<'_>),
) -> Result<(), String> {
    for subject in &mut subjects {
        for number in 0..N_CHECKED {
            subject.make(experiment, Round::Checked(number))?;
        }
    }
    for repetition in 0..extent.n_repetitions {
        for subject in &mut subjects {
            let n_rounds = subject.n_rounds.min(extent.n_rounds_most);
            let began = counter();
            let mut counted = None;
            for _ in 0..n_rounds {
                if let Some(part) = subject.make(experiment, Round::Timed)? {
                    counted = Some(counted.unwrap_or(0) + part);
                }
            }
            let took = counted.unwrap_or(counter() - began);
            let n_parts = n_rounds * subject.n_parts;
            tell(&Cost {
                experiment,
                means: subject.means,
                parameter: subject.parameter,
                repetition,
                amount: (took + n_parts / 2) / n_parts,
            });
        }
    }
    Ok(())
}

impl<E: Display> Subject<'_, E> {
    fn make(&mut self, experiment: &str, round: Round) -> Result<Option<u64>, String> {
        (self.round)(round).map_err(|error| {
            let (means, parameter) = (self.means, self.parameter);
            format!("{experiment}, {means}, {parameter}: {round:?}: {error}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::Cell;

    /// A figure is the time of a repetition by its rounds and their parts, rounded; repetitions take turns, checks come first.
    #[test]
    fn subjects_take_turns_after_their_checks() {
        let clock = Cell::new(0);
        let n_checked = Cell::new(0);
        let (clock, n_checked) = (&clock, &n_checked);
        let subject = |means, cost| Subject::<&str> {
            means,
            parameter: 1,
            n_rounds: 10,
            n_parts: 2,
            round: Box::new(move |round| {
                match round {
                    Round::Checked(_) => n_checked.set(n_checked.get() + 1),
                    Round::Timed => assert_eq!(n_checked.get(), 2 * N_CHECKED),
                }
                clock.set(clock.get() + cost);
                Ok(None)
            }),
        };
        let subjects = alloc::vec![subject("a", 14), subject("b", 15)];
        let mut told = Vec::new();
        measure(
            "x",
            Extent::WHOLE,
            subjects,
            || clock.get(),
            |cost| told.push((cost.repetition, cost.amount)),
        )
        .unwrap();
        assert_eq!(told[..4], [(0, 7), (0, 8), (1, 7), (1, 8)]);
        assert_eq!(told.len() as u64, 2 * N_REPETITIONS);
    }

    /// Where a round says what of it counts, only that does.
    #[test]
    fn a_part_of_a_round_may_count() {
        let clock = Cell::new(0);
        let subject = Subject::<&str> {
            means: "a",
            parameter: 0,
            n_rounds: 10,
            n_parts: 1,
            round: Box::new(|_| {
                clock.set(clock.get() + 100);
                Ok(Some(7))
            }),
        };
        let tell = |cost: &Cost<'_>| assert_eq!(cost.amount, 7);
        measure(
            "x",
            Extent::WHOLE,
            alloc::vec![subject],
            || clock.get(),
            tell,
        )
        .unwrap();
    }

    /// A round that fails is named.
    #[test]
    fn a_failing_round_is_named() {
        let subject = Subject {
            means: "pipe",
            parameter: 8,
            n_rounds: 1,
            n_parts: 1,
            round: Box::new(|_| Err("broken")),
        };
        let complaint =
            measure("x", Extent::WHOLE, alloc::vec![subject], || 0, |_| {}).unwrap_err();
        assert_eq!(complaint, "x, pipe, 8: Checked(0): broken");
    }
}
