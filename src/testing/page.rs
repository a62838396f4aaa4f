//! `docs/first-program.md` as a test: what it says to type is typed, and what it shows must come.
//!
//! Of the page's fenced blocks, `sh` is typed, `rust FILE` is written to the file, and every line of `text` must be among the lines that
//! came since the last block that was typed, in this order. `…` in a line stands for anything.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::child;
use super::tally::Tally;
use crate::scratch::ScratchDirectory;

/// Id and sentence.
pub(crate) const TEST: (&str, &str) = (
    "page.first-program",
    "A program of one's own: what docs/first-program.md says to type is typed, and what it shows comes.",
);

/// The page.
const PAGE: &str = "docs/first-program.md";

/// The program and its libraries are compiled, on whatever machine this is.
const TIME_LIMIT: Duration = Duration::from_secs(600);

/// Printed between two blocks; ends as no line of a program does.
const MARK: &str = "---- the next block of the page ----";

/// Does what the page says, in a folder of its own.
///
/// # Errors
/// If the host cannot do its part.
pub(crate) fn run(root: &Path, tally: &mut Tally) -> Result<()> {
    let (id, sentence) = TEST;
    tally.judge(id, sentence, || {
        let path = root.join(PAGE);
        let page =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let blocks = blocks(&page);
        let directory = ScratchDirectory::new()?;
        let mut command = Command::new("bash");
        command
            .args(["-e", "-c", &script(&blocks)])
            .current_dir(directory.path())
            .env("OMNIBUS", root);
        let mut lines = Vec::new();
        let failure = child::run(command, TIME_LIMIT, |line| {
            eprintln!("  | {line}");
            lines.push(line.to_owned());
            Ok(())
        })?;
        Ok(failure.or_else(|| difference(&blocks, &lines)))
    })
}

/// A fenced block: what stands behind the fence, and its lines.
type Block<'a> = (&'a str, Vec<&'a str>);

fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut open: Option<Block<'_>> = None;
    for line in page.lines() {
        match (line.strip_prefix("```"), open.as_mut()) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(kind), None) => open = Some((kind, Vec::new())),
            (None, Some((_, lines))) => lines.push(line),
            (None, None) => {}
        }
    }
    blocks
}

/// What is typed, with a mark before each block.
fn script(blocks: &[Block<'_>]) -> String {
    let mut script = String::new();
    for (kind, lines) in blocks {
        let text = lines.join("\n");
        // A string takes everything.
        let _ = match kind.split_once(' ') {
            Some(("rust", file)) => writeln!(
                script,
                "cat > {file} <<'END OF BLOCK'\n{text}\nEND OF BLOCK"
            ),
            None if *kind == "sh" => writeln!(script, "echo '{MARK}'\n{text}"),
            _ => Ok(()),
        };
    }
    script
}

/// What the page shows and did not come.
fn difference(blocks: &[Block<'_>], lines: &[String]) -> Option<String> {
    let mut parts = lines.split(|line| line == MARK).skip(1);
    let mut came: &[String] = &[];
    for (kind, shown) in blocks {
        match *kind {
            "sh" => came = parts.next().unwrap_or_default(),
            "text" => {
                let mut rest = came.iter();
                for line in shown.iter().filter(|line| !line.is_empty()) {
                    if !rest.any(|came| is_like(came, line)) {
                        return Some(format!("the page shows \"{line}\", but that did not come"));
                    }
                }
            }
            _ => {}
        }
    }
    None
}

fn is_like(came: &str, shown: &str) -> bool {
    let mut rest = came;
    let mut parts = shown.split('…').peekable();
    let mut is_first = true;
    while let Some(part) = parts.next() {
        let place = match (is_first, parts.peek()) {
            (true, _) => rest.starts_with(part).then_some(0),
            (false, None) => return rest.ends_with(part),
            (false, Some(_)) => rest.find(part),
        };
        let Some(place) = place else {
            return false;
        };
        rest = &rest[place + part.len()..];
        is_first = false;
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str =
        "Type\n```sh\necho a\n```\nand see\n```text\na\n```\n\n```rust x.rs\nfn\n```\n";

    /// The blocks of a page are found with what stands behind their fences, and become what is typed.
    #[test]
    fn a_page_is_typed_block_by_block() {
        let blocks = blocks(EXAMPLE);
        let kinds: Vec<_> = blocks.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds, ["sh", "text", "rust x.rs"]);
        let script = script(&blocks);
        assert_eq!(
            script,
            format!("echo '{MARK}'\necho a\ncat > x.rs <<'END OF BLOCK'\nfn\nEND OF BLOCK\n")
        );
    }

    /// What is shown must come, behind the block that it is shown for, and in order.
    #[test]
    fn what_a_page_shows_must_come() {
        let blocks = blocks(EXAMPLE);
        let lines = |lines: &[&str]| lines.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            difference(&blocks, &lines(&["noise", MARK, "b", "a"])),
            None
        );
        for wrong in [&["a", MARK, "b"][..], &["a"], &[]] {
            let complaint = difference(&blocks, &lines(wrong));
            assert!(complaint.is_some_and(|words| words.contains("\"a\"")));
        }
    }

    /// A dot-dot-dot stands for anything, also for nothing.
    #[test]
    fn dots_stand_for_anything() {
        for (came, shown) in [
            ("a 12 b", "a … b"),
            ("a  b", "a … b"),
            ("abc", "…c"),
            ("abc", "a…"),
        ] {
            assert!(is_like(came, shown), "{came} {shown}");
        }
        for (came, shown) in [
            ("a 12 c", "a … b"),
            ("abc", "ab"),
            ("abc", "…b"),
            ("xabc", "a…"),
        ] {
            assert!(!is_like(came, shown), "{came} {shown}");
        }
    }
}
