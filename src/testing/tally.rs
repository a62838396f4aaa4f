//! The count of tests, and the line that each of them gets.

use std::io::{self, Write};

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
#[derive(Debug, Default)]
pub(crate) struct Tally {
    filter: Option<String>,
    n_passed: usize,
    failed: Vec<String>,
}

impl Tally {
    /// A tally of the tests whose id contains `filter`.
    pub(crate) fn new(filter: Option<String>) -> Self {
        Self {
            filter,
            ..Self::default()
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

    /// Counts a test and prints its line.
    ///
    /// # Errors
    /// Those of standard output.
    pub(crate) fn add(&mut self, outcome: &Outcome) -> io::Result<()> {
        let Outcome {
            id,
            sentence,
            failure,
        } = outcome;
        let mut stdout = io::stdout().lock();
        match failure {
            None => {
                self.n_passed += 1;
                writeln!(stdout, "pass  {id} | {sentence}")
            }
            Some(reason) => {
                self.failed.push(id.clone());
                writeln!(stdout, "FAIL  {id} | {sentence}")?;
                reason
                    .lines()
                    .try_for_each(|line| writeln!(stdout, "      {line}"))
            }
        }
    }

    /// Prints the ids of what failed and, as the last line, `N passed, M failed`. Returns whether all is well: nothing
    /// failed, and something ran.
    ///
    /// # Errors
    /// Those of standard output.
    pub(crate) fn finish(self) -> io::Result<bool> {
        let mut stdout = io::stdout().lock();
        for id in &self.failed {
            writeln!(stdout, "failed: {id}")?;
        }
        if let (0, 0, Some(filter)) = (self.n_passed, self.failed.len(), &self.filter) {
            writeln!(stdout, "no test has \"{filter}\" in its id")?;
        }
        writeln!(
            stdout,
            "{} passed, {} failed",
            self.n_passed,
            self.failed.len()
        )?;
        Ok(self.failed.is_empty() && self.n_passed > 0)
    }
}
