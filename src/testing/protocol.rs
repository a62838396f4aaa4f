//! What a suite of tests inside the guest says on the console, one line each:
//!
//! | line | meaning |
//! |---|---|
//! | `test ID \| SENTENCE` | this test begins |
//! | `pass ID` | it held |
//! | `fail ID \| REASON` | it did not |
//! | `quiet` | until this test ends, a line of the kernel makes it fail |
//! | `suite-done PROGRAM N` | the suite is over; N tests ended, one way or the other |
//!
//! Other lines are for people. A test that began and never ended has failed, and so has a suite that did not count to its
//! end: silence proves nothing.

use std::collections::BTreeSet;

use super::tally::Outcome;

/// A suite as heard so far.
#[derive(Debug)]
pub(crate) struct Listener {
    program: String,
    open: Option<(String, String)>,
    /// Whether the kernel has to be silent, and what it said in spite of that.
    quiet: Option<Option<String>>,
    seen: BTreeSet<String>,
    n_ended: usize,
    n_failed: usize,
    is_done: bool,
}

impl Listener {
    /// A suite that has said nothing yet.
    pub(crate) fn new(program: &str) -> Self {
        Self {
            program: program.to_owned(),
            open: None,
            quiet: None,
            seen: BTreeSet::new(),
            n_ended: 0,
            n_failed: 0,
            is_done: false,
        }
    }

    /// Takes a line of the console and returns the test that ended with it, if one did.
    pub(crate) fn take(&mut self, line: &str) -> Option<Outcome> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "quiet" => {
                self.quiet = Some(None);
                None
            }
            "kernel:" => {
                if let Some(heard @ None) = &mut self.quiet {
                    *heard = Some(rest.to_owned());
                }
                None
            }
            "test" => {
                let (id, sentence) = rest.split_once(" | ")?;
                let unfinished = self.end_open("began, and the next test began before it ended");
                self.open = Some((id.to_owned(), sentence.to_owned()));
                unfinished
            }
            "pass" => self.end(rest, None),
            "fail" => {
                let (id, reason) = rest.split_once(" | ").unwrap_or((rest, "without a reason"));
                self.end(id, Some(reason))
            }
            "suite-done" => self.finish(rest),
            _ => None,
        }
    }

    /// The run is over. `failure` is what was wrong with the run as a whole. Returns the failures that only the end shows.
    pub(crate) fn end_of_run(mut self, failure: Option<&str>) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        let reason = failure.unwrap_or("the guest ended with status 0");
        outcomes.extend(self.end_open(&format!("began and did not end: {reason}")));
        let complaint = match failure {
            Some(failure) if self.n_failed == 0 => Some(failure.to_owned()),
            None if self.n_failed > 0 => {
                Some("tests failed, and the guest still reported status 0".to_owned())
            }
            _ if !self.is_done => Some(format!("the suite never said that it was done: {reason}")),
            _ => None,
        };
        outcomes.extend(complaint.map(|complaint| self.about_the_suite(complaint)));
        outcomes
    }

    fn end(&mut self, id: &str, reason: Option<&str>) -> Option<Outcome> {
        let said = self.quiet.take().flatten();
        match self.open.take() {
            Some((open_id, sentence)) if open_id == id => {
                let is_new = self.seen.insert(open_id);
                let failure = match reason {
                    None if said.is_some() => said.map(|said| format!("the kernel said: {said}")),
                    None if !is_new => Some("a test of this id ended before".to_owned()),
                    reason => reason.map(ToOwned::to_owned),
                };
                Some(self.ended(id, &sentence, failure))
            }
            open => {
                self.open = open;
                let complaint = format!("the end of \"{id}\" came while it was not running");
                self.n_failed += 1;
                Some(self.about_the_suite(complaint))
            }
        }
    }

    fn end_open(&mut self, reason: &str) -> Option<Outcome> {
        let (id, sentence) = self.open.take()?;
        self.quiet = None;
        Some(self.ended(&id, &sentence, Some(reason.to_owned())))
    }

    fn ended(&mut self, id: &str, sentence: &str, failure: Option<String>) -> Outcome {
        self.n_ended += 1;
        self.n_failed += usize::from(failure.is_some());
        Outcome {
            id: id.to_owned(),
            sentence: sentence.to_owned(),
            failure,
        }
    }

    fn finish(&mut self, rest: &str) -> Option<Outcome> {
        let unfinished = self.end_open("began, and the suite was done before it ended");
        if unfinished.is_some() {
            return unfinished;
        }
        let expected = format!("{} {}", self.program, self.n_ended);
        if self.is_done || rest != expected {
            self.n_failed += 1;
            return Some(self.about_the_suite(format!(
                "it says it is done with \"{rest}\", heard was \"{expected}\""
            )));
        }
        self.is_done = true;
        None
    }

    fn about_the_suite(&self, complaint: String) -> Outcome {
        Outcome {
            id: self.program.clone(),
            sentence: "The suite runs to its end and counts its tests.".to_owned(),
            failure: Some(complaint),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each outcome as `id`, or `id: reason` if it failed.
    fn heard(lines: &[&str], failure: Option<&str>) -> Vec<String> {
        let mut listener = Listener::new("test-x");
        let mut outcomes = lines
            .iter()
            .filter_map(|line| listener.take(line))
            .collect::<Vec<_>>();
        outcomes.extend(listener.end_of_run(failure));
        let shown = |outcome: Outcome| match outcome.failure {
            None => outcome.id,
            Some(reason) => format!("{}: {reason}", outcome.id),
        };
        outcomes.into_iter().map(shown).collect()
    }

    /// Each of a suite's tests is counted once, between other lines of the console.
    #[test]
    fn a_good_suite() {
        let lines = [
            "hello",
            "test a | A.",
            "noise",
            "pass a",
            "test b | B.",
            "pass b",
            "suite-done test-x 2",
        ];
        assert_eq!(heard(&lines, None), ["a", "b"]);
    }

    /// A failed test fails with its reason, and the failing status that follows is not counted again.
    #[test]
    fn a_failed_test_is_one_failure() {
        let lines = ["test a | A.", "fail a | 1 is not 2", "suite-done test-x 1"];
        assert_eq!(
            heard(&lines, Some("the guest reported status 1")),
            ["a: 1 is not 2"]
        );
    }

    /// A test that wants the kernel silent fails if it is not; the next one may hear it again.
    #[test]
    fn a_kernel_that_should_be_quiet_is_a_failure() {
        let lines = [
            "kernel: boots",
            "test a | A.",
            "quiet",
            "kernel: careful",
            "pass a",
            "test b | B.",
            "kernel: fault",
            "pass b",
            "test c | C.",
            "quiet",
            "pass c",
            "suite-done test-x 3",
        ];
        assert_eq!(
            heard(&lines, Some("status 0")),
            ["a: the kernel said: careful", "b", "c"]
        );
    }

    /// A test that hangs or crashes fails with the reason of the run's end.
    #[test]
    fn a_hang_is_a_failure() {
        let outcomes = heard(
            &["test a | A.", "pass a", "test b | B."],
            Some("time limit"),
        );
        assert_eq!(
            outcomes,
            [
                "a",
                "b: began and did not end: time limit",
                "test-x: the suite never said that it was done: time limit"
            ]
        );
    }

    /// A suite that falls silent, miscounts, or reports success over a failure is itself a failure.
    #[test]
    fn silence_and_miscounting_are_failures() {
        assert_eq!(heard(&[], None).len(), 1);
        assert_eq!(heard(&["test a | A.", "pass a"], None).len(), 2);
        assert_eq!(
            heard(&["test a | A.", "pass a", "suite-done test-x 2"], None).len(),
            3
        );
        assert_eq!(
            heard(&["test a | A.", "pass a", "suite-done test-y 1"], None).len(),
            3
        );
        let lied = heard(&["test a | A.", "fail a | no", "suite-done test-x 1"], None);
        assert!(lied[1].contains("still reported status 0"), "{lied:?}");
        let failed = heard(
            &["test a | A.", "pass a", "suite-done test-x 1"],
            Some("status 9"),
        );
        assert_eq!(failed, ["a", "test-x: status 9"]);
    }

    /// The end of a test that is not running, a second test of one id, and a test begun inside another are failures.
    #[test]
    fn out_of_order_is_a_failure() {
        assert!(heard(&["pass a", "suite-done test-x 0"], None)[0].contains("not running"));
        let twice = [
            "test a | A.",
            "pass a",
            "test a | A.",
            "pass a",
            "suite-done test-x 2",
        ];
        assert!(heard(&twice, Some("status 1"))[1].contains("ended before"));
        let inside = [
            "test a | A.",
            "test b | B.",
            "pass b",
            "suite-done test-x 2",
        ];
        assert!(heard(&inside, Some("status 1"))[0].contains("next test began"));
    }
}
