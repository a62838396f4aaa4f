//! The run that `README.md` shows as a test: it comes line by line, but for numbers, which depend on sizes and clocks, and for the order of
//! lines of tasks that run side by side.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::child;
use super::tally::Tally;

/// Id and sentence.
pub(crate) const TEST: (&str, &str) = (
    "page.readme",
    "Without a word the tool shows what README.md says that you will see, but for numbers.",
);

/// The heading above the run.
const HEADING: &str = "## What you will see";

const TIME_LIMIT: Duration = Duration::from_secs(120);

/// Boots as one does who has just come, and compares.
///
/// # Errors
/// If the host cannot do its part.
pub(crate) fn run(root: &Path, tally: &mut Tally) -> Result<()> {
    let (id, sentence) = TEST;
    tally.judge(id, sentence, || {
        let path = root.join("README.md");
        let page =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut lines = Vec::new();
        // This tool itself, whatever is at its path by now.
        let failure = child::run(Command::new("/proc/self/exe"), TIME_LIMIT, |line| {
            eprintln!("  | {line}");
            lines.push(line.to_owned());
            Ok(())
        })?;
        Ok(failure.or_else(|| difference(&shown(&page), &lines)))
    })
}

/// The lines of the first fenced block below the heading.
fn shown(page: &str) -> Vec<&str> {
    page.lines()
        .skip_while(|line| *line != HEADING)
        .skip_while(|line| !line.starts_with("```"))
        .skip(1)
        .take_while(|line| !line.starts_with("```"))
        .collect()
}

/// A line that only one of them has.
fn difference(shown: &[&str], came: &[String]) -> Option<String> {
    let mut came: Vec<String> = came.iter().map(|line| without_numbers(line)).collect();
    if shown.is_empty() {
        return Some("README.md shows no run".to_owned());
    }
    for line in shown {
        let line_without = without_numbers(line);
        match came.iter().position(|came| *came == line_without) {
            Some(place) => drop(came.swap_remove(place)),
            None => return Some(format!("README.md shows \"{line}\", but that did not come")),
        }
    }
    let more = came.first()?;
    Some(format!("\"{more}\" came, but README.md does not show that"))
}

/// The line with a `#` for each number, decimal or hexadecimal.
fn without_numbers(line: &str) -> String {
    let mut text = String::new();
    let mut is_in_number = false;
    for c in line.trim_end().chars() {
        is_in_number = c.is_ascii_digit() || is_in_number && matches!(c, 'a'..='f' | 'x' | '.');
        if !is_in_number {
            text.push(c);
        } else if !text.ends_with('#') {
            text.push('#');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# A\n```\nx\n```\n## What you will see\n\n```\nfirst 0x4f of 12\n\nsecond\n```\n```\ny\n```\n";

    /// The run below the heading is found, and numbers and order may differ, but no line may be missing or new.
    #[test]
    fn a_run_is_compared_but_for_numbers() {
        let shown = shown(PAGE);
        assert_eq!(shown, ["first 0x4f of 12", "", "second"]);
        let lines = |lines: &[&str]| lines.iter().map(ToString::to_string).collect::<Vec<_>>();
        let same = lines(&["second", "first 0xa0 of 9", ""]);
        assert_eq!(difference(&shown, &same), None);
        for (wrong, word) in [
            (&["second", "first one of 9", ""][..], "first 0x4f"),
            (&["first 1 of 2", ""], "second"),
            (&["first 1 of 2", "", "second", "third"], "third"),
        ] {
            let complaint = difference(&shown, &lines(wrong));
            assert!(
                complaint.is_some_and(|words| words.contains(word)),
                "{word}"
            );
        }
        assert!(difference(&[], &same).is_some());
    }
}
