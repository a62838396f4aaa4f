//! What comes in on the shell's peer: input, ends of programs, and what programs ask of their console.
//!
//! To a program the shell is the driver of the console ([`omnibus_userland::console`]). What it prints in the foreground appears as it
//! comes; in the background line by line, above the line that is being typed.

use alloc::vec::Vec;

use omnibus_line_editor::{Event, Key, NoCompletion};
use omnibus_userland::abi::Errno;
use omnibus_userland::calls::Result;
use omnibus_userland::console::{self, Console, DRAIN, LISTEN, MORE, WRITE};
use omnibus_userland::service::frame::Frame;
use omnibus_userland::service::server::{Answer, Request, Service};
use omnibus_userland::task::Ending;

use super::jobs::{self, Listener};
use super::{Doing, Shell};

/// Interrupts what is in the foreground.
const CTRL_C: u8 = 3;
/// Puts it into the background.
const CTRL_Z: u8 = 26;
/// Bytes of a line that are kept until it ends.
const LINE_BYTES_MAX: usize = 4096;

/// A session of a program.
pub(crate) struct Session {
    /// The task that it was opened for; those that it has started use its door, too.
    task: u64,
    /// What was printed of a line that has not ended.
    line: Vec<u8>,
}

impl Service for Shell {
    type Client = Session;

    fn open(&mut self, door: u64, _account: u64) -> Result<Session> {
        let mut jobs = self.jobs.iter();
        let job = jobs.find(|(_, job)| job.door.id() == door);
        let (task, _) = job.ok_or(Errno::ENOENT)?;
        Ok(Session {
            task: *task,
            line: Vec::new(),
        })
    }

    fn request(
        &mut self,
        session: &mut Session,
        request: Request<'_>,
        reply: Frame,
    ) -> Result<Answer<'_>> {
        let Request {
            session: number,
            operation,
            mut fields,
            mut handles,
        } = request;
        let bytes = if operation == WRITE {
            fields.bytes()?
        } else {
            &[]
        };
        fields.end()?;
        match operation {
            WRITE => self.print(session, bytes),
            DRAIN => {
                let handle = handles.pop().ok_or(Errno::EINVAL)?;
                console::own(Console::drain)?;
                handle.send(b"")?;
            }
            LISTEN => {
                let handle = handles.pop().ok_or(Errno::EINVAL)?;
                let job = self.jobs.get_mut(&session.task).ok_or(Errno::ESRCH)?;
                if job.listener.is_some() {
                    return Err(Errno::EBUSY);
                }
                job.listener = Some(Listener {
                    session: number,
                    handle,
                    is_asking: true,
                });
            }
            MORE => {
                let listener = self
                    .jobs
                    .get_mut(&session.task)
                    .and_then(|job| job.listener.as_mut());
                let listener = listener.filter(|listener| listener.session == number);
                listener.ok_or(Errno::ENOENT)?.is_asking = true;
            }
            _ => return Err(Errno::ENOSYS),
        }
        Ok(Answer::of(reply))
    }

    fn closed(&mut self, number: u64, mut session: Session) {
        self.flush(&mut session);
        if let Some(job) = self.jobs.get_mut(&session.task) {
            job.listener.take_if(|listener| listener.session == number);
        }
    }

    fn heard(&mut self, node: u64, payload: &[u8]) {
        if node == self.input.id() {
            self.owes_more = true;
            self.typed(payload);
        } else if node == self.ends.0.id()
            && let Some((task, ending)) = Ending::of_message(payload)
        {
            self.ended(task, ending);
        }
    }

    fn lost(&mut self, handle: u64) {
        for job in self.jobs.values_mut() {
            job.listener
                .take_if(|listener| listener.handle.id() == handle);
        }
    }

    fn unreachable(&mut self, node: u64) {
        if node == self.input.id() {
            // The console has gone: nobody can say anything any more.
            self.exit = Some(self.status);
        }
    }
}

impl Shell {
    /// Prints what a program prints.
    fn print(&mut self, session: &mut Session, bytes: &[u8]) {
        if self.doing == Doing::Foreground(session.task) {
            self.flush(session);
            return self.desk.print(bytes);
        }
        session.line.extend_from_slice(bytes);
        if let Some(end) = session.line.iter().rposition(|&byte| byte == b'\n') {
            let rest = session.line.split_off(end + 1);
            self.desk.print(&session.line);
            session.line = rest;
        }
        if session.line.len() > LINE_BYTES_MAX {
            self.flush(session);
        }
    }

    fn flush(&mut self, session: &mut Session) {
        self.desk.print(&session.line);
        session.line.clear();
    }

    /// Takes input. Where something is in the foreground, two keys are the shell's and act at once, whatever was typed before them.
    pub(crate) fn typed(&mut self, mut bytes: &[u8]) {
        let is_special = |byte: &u8| matches!(*byte, CTRL_C | CTRL_Z);
        while self.has_foreground()
            && let Some(place) = bytes.iter().position(is_special)
        {
            self.desk.forget();
            if bytes[place] == CTRL_C {
                self.interrupt();
            } else {
                self.put_into_background();
            }
            bytes = &bytes[place + 1..];
        }
        self.desk.arrived(bytes);
    }

    fn has_foreground(&self) -> bool {
        matches!(self.doing, Doing::Foreground(_) | Doing::Receiving(_))
    }

    /// A key for a program that listens: it gets lines, edited like commands.
    pub(crate) fn key_for_program(&mut self, task: u64, key: Key) {
        let event = self.desk.key(key, &NoCompletion);
        let Some(job) = self.jobs.get_mut(&task) else {
            return;
        };
        match event {
            Some(Event::Line(mut line)) => {
                line.push('\n');
                if let Some(listener) = &mut job.listener {
                    listener.is_asking = false;
                    // Whose account has no room for what he asked for loses it.
                    let _ = listener.handle.send(line.as_bytes());
                }
            }
            Some(Event::End) => job.listener = None,
            Some(Event::Interrupt) | None => {}
        }
    }

    /// What Ctrl-C does while something is in the foreground.
    fn interrupt(&mut self) {
        self.desk.print(b"^C");
        match &self.doing {
            Doing::Foreground(task) => {
                if let Some(job) = self.jobs.get(task) {
                    job.kill();
                }
            }
            Doing::Receiving(_) => {
                self.status = jobs::KILLED;
                self.doing = Doing::Prompt;
            }
            Doing::Starting | Doing::Prompt => {}
        }
    }
}
