//! The log: lines with who wrote them, the last few of each account.
//!
//! A line tells the account of its writer, which the kernel says and nobody can choose, and the name of the door that it came in at. Each
//! account has a ring of its own: who writes much pushes out his own lines, and nobody else's. The last words of a program stay when it has
//! ended.

use super::frame::Frame;
use super::server::{Answer, Request, Service};
use super::session::Session;
use crate::account::Account;
use crate::bus::{Handle, Node};
use crate::calls::Result;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use omnibus_abi::Errno;

/// Writes a line: its text.
const WRITE: u32 = 1;
/// Asks for lines from a number on. The reply has as many as fit.
const READ: u32 = 2;

/// Lines that are kept of an account.
pub const LINES_PER_ACCOUNT: usize = 32;

/// Accounts of which lines are kept; beyond that, those whose last line is the oldest go.
pub const ACCOUNTS_MAX: usize = 64;

/// Bytes of a line; what is longer is refused.
pub const LINE_BYTES_MAX: usize = 256;

/// The name of the door at which lines are read; at all others they are written.
pub const READER: &str = "reader";

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number: lines are numbered in the order in which they came in.
    pub number: u64,
    /// Account of the writer.
    pub account: u64,
    /// Name of the door that it came in at.
    pub door: String,
    /// What it says.
    pub text: String,
}

/// The lines that are kept.
#[derive(Debug, Default)]
pub struct Lines {
    n_lines: u64,
    rings: BTreeMap<u64, VecDeque<Line>>,
}

impl Lines {
    /// Adds a line.
    ///
    /// # Errors
    /// `EMSGSIZE`: it is too long. `EINVAL`: it has a control character in it.
    pub fn add(&mut self, account: u64, door: &str, text: &str) -> Result<()> {
        if text.len() > LINE_BYTES_MAX {
            return Err(Errno::EMSGSIZE);
        }
        if text.chars().any(char::is_control) {
            return Err(Errno::EINVAL);
        }
        if !self.rings.contains_key(&account) && self.rings.len() == ACCOUNTS_MAX {
            let last = |ring: &VecDeque<Line>| ring.back().map(|line| line.number);
            let oldest = self.rings.iter().min_by_key(|(_, ring)| last(ring));
            if let Some(oldest) = oldest.map(|(account, _)| *account) {
                self.rings.remove(&oldest);
            }
        }
        let ring = self.rings.entry(account).or_default();
        if ring.len() == LINES_PER_ACCOUNT {
            ring.pop_front();
        }
        ring.push_back(Line {
            number: self.n_lines,
            account,
            door: door.into(),
            text: text.into(),
        });
        self.n_lines += 1;
        Ok(())
    }

    /// The lines from a number on, in order.
    #[must_use]
    pub fn from(&self, number: u64) -> Vec<&Line> {
        let lines = self.rings.values().flatten();
        let mut lines: Vec<_> = lines.filter(|line| line.number >= number).collect();
        lines.sort_by_key(|line| line.number);
        lines
    }
}

/// The server's state.
#[derive(Debug, Default)]
pub struct Log {
    doors: BTreeMap<u64, (String, Node)>,
    lines: Lines,
}

impl Log {
    /// Makes this node a door of this name.
    pub fn add_door(&mut self, node: Node, name: &str) {
        self.doors.insert(node.id(), (name.into(), node));
    }
}

/// What the server keeps for a session: its account, and the name of its door.
#[derive(Debug)]
pub struct Writer {
    account: u64,
    door: String,
}

impl Service for Log {
    type Client = Writer;

    fn open(&mut self, door: u64, account: u64) -> Result<Writer> {
        let (door, _) = self.doors.get(&door).ok_or(Errno::ENOENT)?;
        Ok(Writer {
            account,
            door: door.clone(),
        })
    }

    fn request(
        &mut self,
        client: &mut Writer,
        request: Request<'_>,
        reply: Frame,
    ) -> Result<Answer<'_>> {
        let Request {
            operation,
            mut fields,
            ..
        } = request;
        let is_reader = client.door == READER;
        match (operation, is_reader) {
            (WRITE, false) => {
                let text = fields.text()?;
                fields.end()?;
                self.lines.add(client.account, &client.door, text)?;
                Ok(Answer::of(reply))
            }
            (READ, true) => {
                let number = fields.number()?;
                fields.end()?;
                let mut frame = reply;
                for line in self.lines.from(number) {
                    // Two numbers and two lengths.
                    if !frame.has_room_for(line.door.len() + line.text.len() + 24) {
                        break;
                    }
                    frame = frame.number(line.number).number(line.account);
                    frame = frame.text(&line.door).text(&line.text);
                }
                Ok(Answer::of(frame))
            }
            (WRITE | READ, _) => Err(Errno::EPERM),
            _ => Err(Errno::ENOSYS),
        }
    }

    fn closed(&mut self, _session: u64, _client: Writer) {}

    fn unreachable(&mut self, node: u64) {
        self.doors.remove(&node);
    }
}

/// The client's end.
#[derive(Debug)]
pub struct Client(Session);

impl Client {
    /// Opens a session at a door of the server.
    ///
    /// # Errors
    /// Those of [`Session::open`].
    pub fn open(account: &Account, door: &Handle) -> Result<Self> {
        Session::open(account, door).map(Self)
    }

    /// Writes a line.
    ///
    /// # Errors
    /// `EPERM`: the door is for reading. `EMSGSIZE`: it is too long. `EINVAL`: it has a control character in it.
    pub fn write(&self, text: &str) -> Result<()> {
        self.0.call(WRITE, |frame| frame.text(text), &[]).map(drop)
    }

    /// All lines from a number on.
    ///
    /// # Errors
    /// `EPERM`: the door is for writing.
    pub fn read_from(&self, mut number: u64) -> Result<Vec<Line>> {
        let mut lines = Vec::new();
        loop {
            let reply = self.0.call(READ, |frame| frame.number(number), &[])?;
            let mut fields = reply.fields()?;
            if fields.is_at_end() {
                return Ok(lines);
            }
            while !fields.is_at_end() {
                let line = Line {
                    number: fields.number()?,
                    account: fields.number()?,
                    door: fields.text()?.to_string(),
                    text: fields.text()?.to_string(),
                };
                number = line.number + 1;
                lines.push(line);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &Lines, number: u64) -> Vec<String> {
        lines
            .from(number)
            .iter()
            .map(|line| line.text.clone())
            .collect()
    }

    /// Lines come back in the order in which they came in, whoever wrote them, with account and door.
    #[test]
    fn log_lines_are_in_order() {
        let mut lines = Lines::default();
        for (account, text) in [(2, "a"), (1, "b"), (2, "c")] {
            lines.add(account, "door", text).unwrap();
        }
        assert_eq!(texts(&lines, 0), ["a", "b", "c"]);
        assert_eq!(texts(&lines, 1), ["b", "c"]);
        assert_eq!(
            (lines.from(1)[0].account, &*lines.from(1)[0].door),
            (1, "door")
        );
    }

    /// Who writes much pushes out his own lines only; of more accounts than are kept, the one that was silent for longest goes.
    #[test]
    fn log_a_flood_harms_nobody_else() {
        let mut lines = Lines::default();
        lines.add(1, "", "first").unwrap();
        for number in 0..1000 {
            lines.add(2, "", &number.to_string()).unwrap();
        }
        let kept = texts(&lines, 0);
        assert_eq!(
            (kept.len(), &*kept[0], &*kept[1]),
            (LINES_PER_ACCOUNT + 1, "first", "968")
        );
        for account in 3..=ACCOUNTS_MAX as u64 {
            lines.add(account, "", "x").unwrap();
        }
        assert_eq!(texts(&lines, 0)[0], "first");
        lines.add(1000, "", "one too many").unwrap();
        assert_eq!(texts(&lines, 0)[0], "968");
    }

    /// A line is one line of printable text, of bounded length.
    #[test]
    fn log_bad_lines_are_refused() {
        let mut lines = Lines::default();
        assert_eq!(lines.add(1, "", "a\nb"), Err(Errno::EINVAL));
        assert_eq!(lines.add(1, "", "\u{1b}[2J"), Err(Errno::EINVAL));
        let long = "x".repeat(LINE_BYTES_MAX + 1);
        assert_eq!(lines.add(1, "", &long), Err(Errno::EMSGSIZE));
        assert_eq!(lines.add(1, "", &long[1..]), Ok(()));
    }
}
