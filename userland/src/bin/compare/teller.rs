//! Knows which experiments are wanted, and tells what was seen.

use alloc::vec::Vec;
use omnibus_compare::line::{Cost, Event};
use omnibus_compare::measure::{Extent, QUICK, Subject, measure};
use omnibus_compare::observe::{self, Answers};
use omnibus_userland::check::{Failure, Outcome};
use omnibus_userland::{println, raw};

/// The lines told so far.
pub(crate) struct Teller {
    only: Vec<&'static str>,
    /// How much of everything is done.
    pub(crate) extent: Extent,
    n_told: u64,
}

impl Teller {
    /// For these experiments; for all, if none is named. The word `quick` among them asks for little of each.
    pub(crate) fn new(mut only: Vec<&'static str>) -> Self {
        let n_words = only.len();
        only.retain(|word| *word != QUICK);
        let is_quick = only.len() < n_words;
        let extent = if is_quick {
            Extent::QUICK
        } else {
            Extent::WHOLE
        };
        Self {
            only,
            extent,
            n_told: 0,
        }
    }

    /// Whether an experiment is wanted.
    pub(crate) fn wants(&self, experiment: &str) -> bool {
        self.only.is_empty() || self.only.contains(&experiment)
    }

    /// Measures the subjects of an experiment and tells of each repetition.
    pub(crate) fn measure(
        &mut self,
        experiment: &str,
        subjects: Vec<Subject<'_, Failure>>,
    ) -> Outcome {
        let extent = self.extent;
        let result = measure(experiment, extent, subjects, raw::counter, |cost| {
            self.cost(cost);
        });
        result.map_err(Failure::new)
    }

    /// Asks the subjects of an experiment and tells of each answer.
    pub(crate) fn observe<R>(
        &mut self,
        experiment: &str,
        subjects: &[observe::Subject<R>],
        ask: impl FnMut(&R) -> Outcome<Answers>,
    ) -> Outcome {
        let extent = self.extent;
        let result = observe::observe(experiment, extent, subjects, ask, |event| self.event(event));
        result.map_err(Failure::new)
    }

    /// Tells of one repetition.
    pub(crate) fn cost(&mut self, cost: &Cost<'_>) {
        println!("{cost}");
        self.n_told += 1;
    }

    /// Tells of an event.
    pub(crate) fn event(&mut self, event: &Event<'_>) {
        println!("{event}");
        self.n_told += 1;
    }

    /// Says that this was all.
    pub(crate) fn finish(self) {
        println!("compare-done {}", self.n_told);
    }
}
