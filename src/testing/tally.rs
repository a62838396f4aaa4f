//! The count of tests, and the line that each of them gets.

use std::collections::BTreeSet;
use std::io::{self, Write};

use anyhow::Result;

/// How one test ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The test's id, stable from run to run.
    pub(crate) id: String,
    /// What it shows, in one sentence.
    pub(crate) sentence: String,
    /// Why it failed, if it did.
    pub(crate) failure: Option<String>,
}

/// The tests so far.
pub(crate) struct Tally {
    output: Box<dyn Write>,
    filter: Option<String>,
    seen: BTreeSet<String>,
    n_passed: usize,
    failed: Vec<String>,
}

impl Tally {
    /// A tally of the tests whose id contains `filter`, which prints to `output`.
    pub(crate) fn new(filter: Option<String>, output: Box<dyn Write>) -> Self {
        Self {
            output,
            filter,
            seen: BTreeSet::new(),
            n_passed: 0,
            failed: Vec::new(),
        }
    }

    /// The text that selects tests, if one was given.
    pub(crate) fn filter(&self) -> Option<&str> {
        self.filter.as_deref()
    }

    /// Whether a test of this id is to run.
    pub(crate) fn is_selected(&self, id: &str) -> bool {
        self.filter
            .as_deref()
            .is_none_or(|filter| id.contains(filter))
    }

    /// Counts a test and prints its line. An id that was counted before is a failure: ids name tests.
    ///
    /// # Errors
    /// Those of the output.
    pub(crate) fn add(&mut self, outcome: &Outcome) -> io::Result<()> {
        let Outcome {
            id,
            sentence,
            failure,
        } = outcome;
        let is_new = self.seen.insert(id.clone());
        let failure = match failure {
            None if !is_new => Some("another test of this id ran before"),
            failure => failure.as_deref(),
        };
        let output = &mut self.output;
        match failure {
            None => {
                self.n_passed += 1;
                writeln!(output, "pass  {id} | {sentence}")
            }
            Some(reason) => {
                self.failed.push(id.clone());
                writeln!(output, "FAIL  {id} | {sentence}")?;
                reason
                    .lines()
                    .try_for_each(|line| writeln!(output, "      {line}"))
            }
        }
    }

    /// Does `work`, which says why it failed if it did, and counts it as the test `id`; does nothing if that is not selected.
    ///
    /// # Errors
    /// Those of `work` and of the output.
    pub(crate) fn judge(
        &mut self,
        id: &str,
        sentence: &str,
        work: impl FnOnce() -> Result<Option<String>>,
    ) -> Result<()> {
        if !self.is_selected(id) {
            return Ok(());
        }
        let failure = work()?;
        self.add(&Outcome {
            id: id.to_owned(),
            sentence: sentence.to_owned(),
            failure,
        })?;
        Ok(())
    }

    /// Prints the ids of what failed and, as the last line, `N passed, M failed`. Returns whether all is well: nothing
    /// failed, and something ran.
    ///
    /// # Errors
    /// Those of the output.
    pub(crate) fn finish(mut self) -> io::Result<bool> {
        let output = &mut self.output;
        for id in &self.failed {
            writeln!(output, "failed: {id}")?;
        }
        if let (0, 0, Some(filter)) = (self.n_passed, self.failed.len(), &self.filter) {
            writeln!(output, "no test has \"{filter}\" in its id")?;
        }
        writeln!(
            output,
            "{} passed, {} failed",
            self.n_passed,
            self.failed.len()
        )?;
        Ok(self.failed.is_empty() && self.n_passed > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(id: &str, failure: Option<&str>) -> Outcome {
        Outcome {
            id: id.to_owned(),
            sentence: "Printed by a test of the tally, and not a test itself.".to_owned(),
            failure: failure.map(ToOwned::to_owned),
        }
    }

    fn is_well(outcomes: &[Outcome], filter: Option<&str>) -> bool {
        let mut tally = Tally::new(filter.map(ToOwned::to_owned), Box::new(io::sink()));
        outcomes
            .iter()
            .for_each(|outcome| tally.add(outcome).unwrap());
        tally.finish().unwrap()
    }

    /// A run is well if something ran and nothing failed, and an id that comes twice is a failure.
    #[test]
    fn a_run_that_shows_nothing_is_not_well() {
        assert!(is_well(&[outcome("a", None), outcome("b", None)], None));
        assert!(!is_well(&[], Some("no such test")));
        assert!(!is_well(
            &[outcome("a", None), outcome("b", Some("no"))],
            None
        ));
        assert!(!is_well(&[outcome("a", None), outcome("a", None)], None));
    }

    /// The filter selects by a part of the id; without one everything is selected.
    #[test]
    fn a_filter_is_a_part_of_the_id() {
        let tally =
            |filter: Option<&str>| Tally::new(filter.map(ToOwned::to_owned), Box::new(io::sink()));
        assert!(tally(None).is_selected("anything"));
        assert!(tally(Some("snd")).is_selected("qemu.snd-4"));
        assert!(!tally(Some("snd")).is_selected("qemu.rcv-4"));
    }
}
