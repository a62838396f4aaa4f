//! Completion: what the word before the cursor may become.

use alloc::string::String;
use alloc::vec::Vec;
use unicode_width::UnicodeWidthStr;

/// What can be written in place of the text from byte `start` on to the cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// Where the word begins.
    pub start: usize,
    /// What it may become, sorted, each beginning with what is there.
    pub candidates: Vec<String>,
}

impl Completion {
    /// What all candidates begin with.
    pub(crate) fn common(&self) -> &str {
        let mut candidates = self.candidates.iter();
        let Some(first) = candidates.next() else {
            return "";
        };
        candidates.fold(first.as_str(), |common, other| {
            let same = common.char_indices().zip(other.chars());
            let differs = same
                .map(|((at, a), b)| (at, a != b))
                .find(|(_, differs)| *differs);
            let n_bytes = differs.map_or(common.len().min(other.len()), |(at, _)| at);
            &common[..n_bytes]
        })
    }
}

/// Knows the names that can be completed.
pub trait Completer {
    /// What the word at the end of `text`, which is the line up to the cursor, may become.
    fn complete(&self, text: &str) -> Completion;
}

/// Knows none.
#[derive(Clone, Copy, Debug)]
pub struct NoCompletion;

impl Completer for NoCompletion {
    fn complete(&self, _: &str) -> Completion {
        Completion::default()
    }
}

/// Blanks between the columns of a list.
const GAP: usize = 2;

/// Names side by side in rows of at most so many columns, each name whole.
#[must_use]
pub fn columns(names: &[String], n_columns: usize) -> Vec<String> {
    let longest = names.iter().map(|name| name.width()).max();
    let width = longest.unwrap_or(0) + GAP;
    let n_in_row = ((n_columns + GAP) / width).max(1);
    let row = |names: &[String]| {
        let mut row = String::new();
        for name in names {
            let n_blank = row.width().next_multiple_of(width) - row.width();
            row.extend(core::iter::repeat_n(' ', n_blank));
            row.push_str(name);
        }
        row
    };
    names.chunks(n_in_row).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The common beginning is cut between characters.
    #[test]
    fn ed_common_beginnings() {
        let common = |candidates: &[&str]| {
            let candidates = candidates.iter().map(|&text| text.into()).collect();
            Completion {
                start: 0,
                candidates,
            }
            .common()
            .to_owned()
        };
        assert_eq!(common(&[]), "");
        assert_eq!(common(&["stop"]), "stop");
        assert_eq!(common(&["start", "status", "store"]), "st");
        assert_eq!(common(&["test", "test-bus1"]), "test");
        assert_eq!(common(&["é", "è"]), "");
    }

    /// Names stand below each other, and a name that is longer than a row has one of its own.
    #[test]
    fn ed_names_side_by_side() {
        let names = ["a", "bcd", "é", "fg"].map(String::from);
        assert_eq!(columns(&names, 8), ["a    bcd", "é    fg"]);
        assert_eq!(columns(&names, 7), ["a", "bcd", "é", "fg"]);
        assert_eq!(columns(&names, 2), ["a", "bcd", "é", "fg"]);
        assert_eq!(columns(&[], 7), [""; 0]);
    }
}
