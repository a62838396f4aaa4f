//! The guest's console as lines: cut, made printable, and the last few remembered.

use std::collections::VecDeque;
use std::io::{self, Read};

/// A line longer than this many bytes is cut into several, so that a guest cannot make the tool hold any amount.
const MAX_LINE_BYTES: usize = 4096;

/// Reads `console` to its end and hands over each line, without its end, as soon as it is there. What follows the last
/// line end counts as a line too. `take` answers whether it wants more.
pub(crate) fn read_lines(mut console: impl Read, mut take: impl FnMut(String) -> bool) {
    let mut buffer = [0; 4096];
    let mut line = Vec::new();
    loop {
        let n_bytes = match console.read(&mut buffer) {
            Ok(0) => break,
            Ok(n_bytes) => n_bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        for &byte in &buffer[..n_bytes] {
            if byte != b'\n' {
                line.push(byte);
                if line.len() < MAX_LINE_BYTES {
                    continue;
                }
            }
            if !take(printable(&line)) {
                return;
            }
            line.clear();
        }
    }
    if !line.is_empty() {
        take(printable(&line));
    }
}

/// A line as it may be shown on a terminal: no control bytes but the tab, so a guest cannot steer the user's terminal.
fn printable(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let mut text = String::with_capacity(line.len());
    for character in String::from_utf8_lossy(line).chars() {
        if character.is_control() && character != '\t' {
            text.extend(character.escape_default());
        } else {
            text.push(character);
        }
    }
    text
}

/// The last lines of a console.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    lines: VecDeque<String>,
}

impl Tail {
    /// How many lines are kept.
    pub(crate) const N_LINES: usize = 20;

    /// Remembers a line and forgets the oldest one beyond the limit.
    pub(crate) fn push(&mut self, line: String) {
        if self.lines.len() == Self::N_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// The lines kept, oldest first.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        read_lines(bytes, |line| {
            lines.push(line);
            true
        });
        lines
    }

    /// Lines end with LF or CR LF, and an unended last one is not lost.
    #[test]
    fn cuts_lines() {
        assert_eq!(lines(b"a\r\n\nb"), ["a", "", "b"]);
        assert_eq!(lines(b""), [""; 0]);
    }

    /// A guest cannot send escape sequences to the user's terminal, but text in any script passes.
    #[test]
    fn control_bytes_are_shown_not_sent() {
        assert_eq!(lines("\x1b[2J\té\n".as_bytes()), ["\\u{1b}[2J\té"]);
        assert_eq!(lines(b"\xff\n"), ["\u{fffd}"]);
    }

    /// A line without end is cut and not held for ever.
    #[test]
    fn an_endless_line_is_cut() {
        let cut = lines(&vec![b'x'; 2 * MAX_LINE_BYTES + 1]);
        assert_eq!(
            cut.iter().map(String::len).collect::<Vec<_>>(),
            [MAX_LINE_BYTES, MAX_LINE_BYTES, 1]
        );
    }

    /// Only the newest lines are kept, in order.
    #[test]
    fn tail_forgets_the_oldest() {
        let mut tail = Tail::default();
        for number in 0..Tail::N_LINES + 3 {
            tail.push(number.to_string());
        }
        assert_eq!(tail.lines().next(), Some("3"));
        assert_eq!(tail.lines().count(), Tail::N_LINES);
    }
}
