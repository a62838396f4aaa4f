//! The guest's serial line on the user's terminal, or on whatever else standard input and output are.
//!
//! ```text
//!   standard input ── reader ──┐                         QEMU's standard output ── reader ──> Happening
//!                    │         ├─> chunks ── writer ──> QEMU's standard input                   │
//!   size of the terminal ──────┘                                                 [`hold`] <─────┤──> standard output
//!                    └ Ctrl-] ──────────────────────────────────────────────────────────────────┘
//! ```
//!
//! **Who begins.** A line has no size and loses what nobody listens for. So a guest that wants to converse asks for the size of the text
//! area (XTerm Control Sequences, CSI 18 t) when it is ready. The tool answers in the terminal's place (CSI 8 ; rows ; columns t), and again
//! when the size changes, and lets the input through from then on. Without a terminal both numbers are 0.
//!
//! **How it ends.** With QEMU; or the user leaves with Ctrl-], which no guest gets to see, and which ends the machine, also one that never
//! asks and never listens: input is read from the beginning, and waits here. When standard input ends and is no terminal, the guest
//! gets a line end and Ctrl-D.

use std::io::{self, Read, Write};
use std::iter;
use std::process::Child;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use crate::console::{self, Tail};
use crate::guest::{POLL, Watched, read_bounded};
use crate::signals;
use crate::terminal::Terminal;
use crate::verdict::CutShort;

/// The key that leaves: Ctrl-], as in telnet.
const LEAVE: u8 = 0x1d;
/// What the guest is told at the end of the input.
const END_OF_INPUT: &[u8] = b"\n\x04";
/// What the guest asks when it is ready.
const ASK_SIZE: &[u8] = b"\x1b[18t";
/// Chunks of what the guest says that may wait.
const N_CHUNKS_WAITING: usize = 64;
/// Chunks that may wait for the guest. What is typed beyond that is lost, as it is at any terminal; what is piped in waits.
const N_CHUNKS_TYPED_AHEAD: usize = 4096;
/// Bytes of the console's end that are kept for a failure's message.
const N_BYTES_KEPT: usize = 8192;

/// What happens on the host's side.
enum Happening {
    /// The guest said this.
    Output(Vec<u8>),
    /// QEMU has closed its end of the line.
    End,
    /// The user pressed [`LEAVE`].
    Leave,
}

/// Converses until QEMU has ended; ends it at the time limit, on a signal, when the user leaves or standard output is gone.
///
/// # Errors
/// If the host cannot do its part.
pub(crate) fn hold(mut child: Child, time_limit: Option<Duration>) -> Result<Watched> {
    let (Some(stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        bail!("QEMU was started without pipes");
    };
    let (happen, happenings) = mpsc::sync_channel(N_CHUNKS_WAITING);
    let (to_guest, chunks) = mpsc::sync_channel(N_CHUNKS_TYPED_AHEAD);
    let (first_answer, is_ready) = mpsc::channel();
    thread::spawn(move || write_chunks(stdin, &is_ready, &chunks));
    let says = happen.clone();
    thread::spawn(move || read_chunks(stdout, &says));
    let stderr_reader = thread::spawn(move || read_bounded(stderr));

    let terminal = Terminal::take()?;
    let has_terminal = terminal.is_some();
    let from_user = to_guest.clone();
    // This one waits in a read that nothing ends; it ends with the tool.
    thread::spawn(move || read_user(io::stdin(), has_terminal, &from_user, &happen));
    let mut line = Line {
        terminal,
        to_guest,
        first_answer: Some(first_answer),
        question: Question::default(),
        has_size_to_tell: false,
        last_bytes: Vec::new(),
    };
    let attended = line.attend(&happenings, time_limit);
    if !matches!(attended, Ok(Way::End)) {
        child.kill().context("cannot kill QEMU")?;
    }
    // What the guest had said by then still belongs to the user.
    while let Ok(Happening::Output(bytes)) = happenings.recv_timeout(POLL) {
        line.show(&bytes)?;
    }
    drop(happenings);
    let status = child.wait().context("cannot wait for QEMU")?;
    let tail = line.tail();
    // The terminal is given back before anything is said about the end.
    drop(line);
    if let Some(stopped) = signals::received() {
        return Err(stopped.into());
    }
    let cut_short = match attended? {
        Way::End | Way::Stopped => None,
        Way::Left => Some(CutShort::Left),
        Way::OutOfTime => time_limit.map(CutShort::TimeLimit),
    };
    let stderr = stderr_reader
        .join()
        .map_err(|_| anyhow!("the reader of QEMU's messages panicked"))?;
    Ok(Watched {
        status,
        cut_short,
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
        tail,
    })
}

/// How a conversation came to its end.
enum Way {
    /// QEMU has closed its end of the line.
    End,
    /// The user left.
    Left,
    /// The time limit passed.
    OutOfTime,
    /// A signal asks the tool to end.
    Stopped,
}

/// The host's end of the line.
struct Line {
    terminal: Option<Terminal>,
    to_guest: SyncSender<Vec<u8>>,
    /// Lets the input through, behind the first answer.
    first_answer: Option<Sender<Vec<u8>>>,
    question: Question,
    /// The guest is to be told the size.
    has_size_to_tell: bool,
    /// The end of what the guest said.
    last_bytes: Vec<u8>,
}

impl Line {
    fn attend(
        &mut self,
        happenings: &Receiver<Happening>,
        time_limit: Option<Duration>,
    ) -> Result<Way> {
        let deadline = time_limit.map(|limit| Instant::now() + limit);
        loop {
            if signals::received().is_some() {
                return Ok(Way::Stopped);
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Ok(Way::OutOfTime);
            }
            match happenings.recv_timeout(POLL) {
                Ok(Happening::Output(bytes)) => self.show(&bytes)?,
                Ok(Happening::Leave) => return Ok(Way::Left),
                Ok(Happening::End) | Err(RecvTimeoutError::Disconnected) => return Ok(Way::End),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if self.question.n_asked > 0 {
                let has_changed = self.terminal.as_ref().is_some_and(Terminal::has_changed);
                self.has_size_to_tell |= has_changed;
                self.tell_size();
            }
        }
    }

    /// Shows what the guest said, but for its question.
    fn show(&mut self, bytes: &[u8]) -> Result<()> {
        let n_questions = self.question.n_asked;
        let rest = self.question.take_out(bytes);
        if self.question.n_asked > n_questions {
            self.has_size_to_tell = true;
        }
        let mut stdout = io::stdout().lock();
        stdout
            .write_all(&rest)
            .and_then(|()| stdout.flush())
            .context("cannot write to standard output")?;
        self.last_bytes.extend_from_slice(&rest);
        let n_beyond = self.last_bytes.len().saturating_sub(N_BYTES_KEPT);
        self.last_bytes.drain(..n_beyond);
        Ok(())
    }

    /// Tells the guest the size, if it is to be told and there is room for it on the way.
    fn tell_size(&mut self) {
        if !self.has_size_to_tell {
            return;
        }
        let (rows, columns) = self.terminal.as_ref().map_or((0, 0), Terminal::size);
        let answer = format!("\x1b[8;{rows};{columns}t").into_bytes();
        self.has_size_to_tell = match self.first_answer.take() {
            // Who does not wait for it has ended.
            Some(first_answer) => first_answer.send(answer).is_err(),
            None => self.to_guest.try_send(answer).is_err(),
        };
    }

    fn tail(&self) -> Tail {
        let mut tail = Tail::default();
        console::read_lines(self.last_bytes.as_slice(), |line| {
            tail.push(line);
            true
        });
        tail
    }
}

/// Looks for [`ASK_SIZE`] in what the guest says, wherever it is cut.
#[derive(Debug, Default)]
struct Question {
    /// Bytes of it that came last.
    n_seen: usize,
    n_asked: u64,
}

impl Question {
    /// What is to be shown of these bytes.
    fn take_out(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut rest = Vec::with_capacity(bytes.len());
        for &byte in bytes {
            if byte != ASK_SIZE[self.n_seen] {
                // It begins with a byte that comes only once in it.
                rest.extend_from_slice(&ASK_SIZE[..self.n_seen]);
                self.n_seen = 0;
            }
            if byte == ASK_SIZE[self.n_seen] {
                self.n_seen += 1;
            } else {
                rest.push(byte);
            }
            if self.n_seen == ASK_SIZE.len() {
                self.n_seen = 0;
                self.n_asked += 1;
            }
        }
        rest
    }
}

/// Hands on what the guest says until it has ended or nobody listens.
fn read_chunks(mut source: impl Read, happen: &SyncSender<Happening>) {
    while let Some(bytes) = read(&mut source) {
        if happen.send(Happening::Output(bytes)).is_err() {
            return;
        }
    }
    let _ = happen.send(Happening::End);
}

/// Hands on what the user says until he leaves, it has ended, or nobody listens.
fn read_user(
    mut source: impl Read,
    has_terminal: bool,
    to_guest: &SyncSender<Vec<u8>>,
    happen: &SyncSender<Happening>,
) {
    while let Some(mut bytes) = read(&mut source) {
        let leave = bytes.iter().position(|&byte| byte == LEAVE && has_terminal);
        if let Some(leave) = leave {
            bytes.truncate(leave);
        }
        let sent = if has_terminal {
            // The key that leaves must be seen also by who types to a guest that takes nothing.
            match to_guest.try_send(bytes) {
                Err(TrySendError::Full(_)) => Ok(()),
                sent => sent.map_err(drop),
            }
        } else {
            to_guest.send(bytes).map_err(drop)
        };
        if leave.is_some() {
            let _ = happen.send(Happening::Leave);
            return;
        }
        if sent.is_err() {
            return;
        }
    }
    let _ = to_guest.send(END_OF_INPUT.to_vec());
}

/// Writes to the guest until it has ended, or nobody has anything to write any more: the answer to its first question, then all else.
fn write_chunks(
    mut guest: impl Write,
    first_answer: &Receiver<Vec<u8>>,
    chunks: &Receiver<Vec<u8>>,
) {
    let first_answer = first_answer.recv().into_iter();
    for bytes in first_answer.flat_map(|answer| iter::once(answer).chain(chunks)) {
        if guest
            .write_all(&bytes)
            .and_then(|()| guest.flush())
            .is_err()
        {
            return;
        }
    }
}

/// The next bytes; nothing at the end, or when there is an error, which for a line is the same.
fn read(source: &mut impl Read) -> Option<Vec<u8>> {
    let mut buffer = [0; 4096];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return None,
            Ok(n_bytes) => return Some(buffer[..n_bytes].to_vec()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The guest's question is found wherever it is cut, and nothing else is taken out.
    #[test]
    fn sh_the_question_for_the_size_is_taken_out() {
        let said = b"\x1b[2Ja\x1b[18t\x1b[1\x1b[18tb\x1b[18";
        for cut in 0..said.len() {
            let mut question = Question::default();
            let mut rest = question.take_out(&said[..cut]);
            rest.extend(question.take_out(&said[cut..]));
            assert_eq!(rest, b"\x1b[2Ja\x1b[1b", "cut at {cut}");
            assert_eq!(question.n_asked, 2);
        }
    }

    /// What the user types arrives up to the key that leaves; the guest never gets that key, and no end of the input either.
    #[test]
    fn sh_the_key_that_leaves() {
        let (to_guest, chunks) = mpsc::sync_channel(8);
        let (happen, happenings) = mpsc::sync_channel(8);
        read_user(&b"ab\x1dcd"[..], true, &to_guest, &happen);
        assert_eq!(chunks.try_recv(), Ok(b"ab".to_vec()));
        assert!(chunks.try_recv().is_err());
        assert!(matches!(happenings.try_recv(), Ok(Happening::Leave)));
    }

    /// Who types more than a guest takes that takes nothing still leaves with the key that leaves.
    #[test]
    fn sh_the_key_that_leaves_is_seen_behind_too_much() {
        let (to_guest, chunks) = mpsc::sync_channel(0);
        let (happen, happenings) = mpsc::sync_channel(8);
        read_user(&b"typed\x1d"[..], true, &to_guest, &happen);
        assert!(matches!(happenings.try_recv(), Ok(Happening::Leave)));
        drop(chunks);
    }

    /// What is typed before the guest asks reaches it behind the answer, and nothing does if it never asks.
    #[test]
    fn sh_the_answer_comes_first() {
        for has_asked in [true, false] {
            let (to_guest, chunks) = mpsc::sync_channel(8);
            let (first_answer, is_ready) = mpsc::channel();
            to_guest.send(b"typed ahead".to_vec()).unwrap();
            drop(to_guest);
            if has_asked {
                first_answer.send(b"answer, ".to_vec()).unwrap();
            }
            drop(first_answer);
            let mut guest = Vec::new();
            write_chunks(&mut guest, &is_ready, &chunks);
            let all: &[u8] = b"answer, typed ahead";
            assert_eq!(guest, if has_asked { all } else { b"" });
        }
    }

    /// Input that is no terminal arrives whole, and its end is told.
    #[test]
    fn sh_the_end_of_the_input_is_told() {
        let (to_guest, chunks) = mpsc::sync_channel(8);
        let (happen, happenings) = mpsc::sync_channel(8);
        read_user(&b"ab\x1dcd"[..], false, &to_guest, &happen);
        assert_eq!(chunks.try_recv(), Ok(b"ab\x1dcd".to_vec()));
        assert_eq!(chunks.try_recv(), Ok(END_OF_INPUT.to_vec()));
        assert!(happenings.try_recv().is_err());
    }
}
