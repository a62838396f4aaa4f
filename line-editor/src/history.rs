//! Earlier lines, and the walk through them. The line that was being written when the walk began waits at its end.

use alloc::collections::VecDeque;
use alloc::string::String;

/// Lines that are kept.
const N_LINES_MAX: usize = 256;

#[derive(Debug, Default)]
pub(crate) struct History {
    lines: VecDeque<String>,
    /// How far back the walk is: 0 is the line that is being written.
    n_back: usize,
    written: String,
}

impl History {
    /// Keeps a finished line, unless it is empty or the one before, and ends the walk.
    pub(crate) fn add(&mut self, line: &str) {
        self.leave();
        if line.trim().is_empty() || self.lines.back().is_some_and(|last| last == line) {
            return;
        }
        if self.lines.len() == N_LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(line.into());
    }

    /// Ends the walk.
    pub(crate) fn leave(&mut self) {
        self.n_back = 0;
        self.written.clear();
    }

    /// The line before, while `current` is on the screen.
    pub(crate) fn back(&mut self, current: &str) -> Option<&str> {
        if self.n_back == self.lines.len() {
            return None;
        }
        if self.n_back == 0 {
            self.written = current.into();
        }
        self.n_back += 1;
        self.line()
    }

    /// The line behind; at last the one that was being written.
    pub(crate) fn forth(&mut self) -> Option<&str> {
        self.n_back = self.n_back.checked_sub(1)?;
        self.line()
    }

    fn line(&self) -> Option<&str> {
        match self.n_back {
            0 => Some(&self.written),
            n_back => self
                .lines
                .get(self.lines.len() - n_back)
                .map(String::as_str),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The walk goes back to the oldest line and forth to the one that was being written; nothing is kept twice in a row.
    #[test]
    fn ed_history_is_walked_and_left() {
        let mut history = History::default();
        assert_eq!(history.back("x"), None);
        for line in ["a", "b", "b", "", "  "] {
            history.add(line);
        }
        assert_eq!(history.back("half"), Some("b"));
        assert_eq!(history.back("b"), Some("a"));
        assert_eq!(history.back("a"), None);
        assert_eq!(history.forth(), Some("b"));
        assert_eq!(history.forth(), Some("half"));
        assert_eq!(history.forth(), None);
    }

    /// The oldest lines are forgotten.
    #[test]
    fn ed_history_has_a_bound() {
        let mut history = History::default();
        for number in 0..2 * N_LINES_MAX {
            history.add(&number.to_string());
        }
        let n_lines = core::iter::from_fn(|| history.back("").map(drop)).count();
        assert_eq!(n_lines, N_LINES_MAX);
    }
}
