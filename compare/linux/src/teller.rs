//! Tells what was seen, in lines for the host tool.

use nix::errno::Errno;
use omnibus_compare::line::{Cost, Event};
use omnibus_compare::measure::{Extent, Subject, measure};
use omnibus_compare::observe::{self, Answers};

use crate::sys::counter;

/// Knows which experiments are wanted, and counts the lines.
#[derive(Debug)]
pub(crate) struct Teller {
    only: Vec<String>,
    n_told: u64,
}

impl Teller {
    /// For these experiments; for all, if none is named.
    pub(crate) fn new(only: Vec<String>) -> Self {
        Self { only, n_told: 0 }
    }

    /// Whether an experiment is wanted.
    pub(crate) fn wants(&self, experiment: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == experiment)
    }

    /// Measures the subjects of an experiment and tells of each repetition.
    pub(crate) fn measure(
        &mut self,
        experiment: &str,
        subjects: Vec<Subject<'_, Errno>>,
    ) -> Result<(), String> {
        measure(experiment, Extent::WHOLE, subjects, counter, |cost| {
            println!("{cost}");
            self.n_told += 1;
        })
    }

    /// Asks the subjects of an experiment and tells of each answer.
    pub(crate) fn observe<R>(
        &mut self,
        experiment: &str,
        subjects: &[observe::Subject<R>],
        ask: impl FnMut(&R) -> Result<Answers, Errno>,
    ) -> Result<(), String> {
        observe::observe(experiment, Extent::WHOLE, subjects, ask, |event| {
            self.event(event);
        })
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
