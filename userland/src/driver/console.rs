//! A serial port as the console of many programs: what the driver does for each session ([`crate::console`] has the requests).
//!
//! * **Lines do not mix.** Bytes of one session stand together, and if another one, or the kernel, goes on behind a line that has not
//!   ended, a line is begun for it.
//! * **Nobody takes what is there for all.** What waits to be sent is bounded, because the driver takes no request while much does; a
//!   session has one drain in flight; one session listens.
//! * **What comes in** goes to whoever listens, as he asks for it; if nobody listens, it is lost. Until then it waits here, and behind
//!   that in the chip and with whoever sends it.

use super::Registers;
use super::uart::Uart;
use crate::bus::{Handle, Node};
use crate::calls::Result;
use crate::console::{DRAIN, LISTEN, MORE, PIECE_BYTES, WRITE};
use crate::service::frame::Frame;
use crate::service::server::{Answer, Request, Service};
use alloc::vec::Vec;
use omnibus_abi::Errno;

/// Bytes that wait to be sent before nothing more is taken from clients.
const OUTGOING_MAX: usize = 8192;

/// Who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// The kernel.
    Kernel,
    /// A session.
    Session(u64),
}

/// Who listens.
#[derive(Debug)]
struct Listener {
    session: u64,
    handle: Handle,
    /// Whether he has asked for what comes next.
    is_asking: bool,
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Console<R: Registers> {
    /// The port.
    pub uart: Uart<R>,
    door: Option<Node>,
    /// Who began the line that has not ended.
    of_line: Option<Writer>,
    /// Sessions that want to know when all is sent.
    waiting: Vec<(u64, Handle)>,
    /// Who gets what comes in.
    listener: Option<Listener>,
}

impl<R: Registers> Console<R> {
    /// The console at this port, with the door at which sessions are opened.
    pub const fn new(uart: Uart<R>, door: Option<Node>) -> Self {
        Self {
            uart,
            door,
            of_line: None,
            waiting: Vec::new(),
            listener: None,
        }
    }

    /// Whether there is room for another request.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.uart.n_outgoing() < OUTGOING_MAX
    }

    /// Whether somebody wants to know when all is sent.
    #[must_use]
    pub const fn is_awaited(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Queues bytes of a writer.
    ///
    /// # Errors
    /// Those of the way to the chip.
    pub fn write(&mut self, writer: Writer, bytes: &[u8]) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        if self.of_line.is_some_and(|of_line| of_line != writer) {
            self.uart.send(b"\r\n")?;
        }
        self.of_line = (!bytes.ends_with(b"\n")).then_some(writer);
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            match line.strip_suffix(b"\n") {
                Some(text) => {
                    self.uart.send(text)?;
                    self.uart.send(b"\r\n")?;
                }
                None => self.uart.send(line)?,
            }
        }
        Ok(())
    }

    /// Tells those who wait for it if all is sent; whether it is.
    ///
    /// # Errors
    /// Those of the way to the chip.
    pub fn tell_if_idle(&mut self) -> Result<bool> {
        let is_idle = self.uart.is_idle()?;
        if is_idle {
            for (_, handle) in self.waiting.drain(..) {
                // Who has gone does not want to know.
                let _ = handle.send(b"");
            }
        }
        Ok(is_idle)
    }

    /// Hands on what came in, if somebody has asked for it.
    ///
    /// # Errors
    /// Those of the way to the chip.
    pub fn hand_on(&mut self) -> Result<()> {
        let listener = self.listener.as_ref();
        if listener.is_some_and(|listener| !listener.is_asking) {
            return Ok(());
        }
        let received = core::iter::from_fn(|| self.uart.receive());
        let bytes: Vec<u8> = received.take(PIECE_BYTES).collect();
        if bytes.is_empty() {
            return Ok(());
        }
        if let Some(listener) = &mut self.listener {
            listener.is_asking = false;
            // Whose account has no room for what he asked for loses it.
            let _ = listener.handle.send(&bytes);
        }
        self.uart.enable()
    }
}

impl<R: Registers> Service for Console<R> {
    /// Its sessions need nothing but their numbers.
    type Client = ();

    fn open(&mut self, door: u64, _account: u64) -> Result<()> {
        let ours = self.door.as_ref().filter(|ours| ours.id() == door);
        ours.map(drop).ok_or(Errno::ENOENT)
    }

    fn request(&mut self, (): &mut (), request: Request<'_>, reply: Frame) -> Result<Answer<'_>> {
        let Request {
            session,
            operation,
            mut fields,
            mut handles,
        } = request;
        match operation {
            WRITE => {
                let bytes = fields.bytes()?;
                fields.end()?;
                self.write(Writer::Session(session), bytes)?;
            }
            DRAIN => {
                fields.end()?;
                let handle = handles.pop().ok_or(Errno::EINVAL)?;
                if self.waiting.iter().any(|(known, _)| *known == session) {
                    return Err(Errno::EBUSY);
                }
                self.waiting.push((session, handle));
            }
            LISTEN => {
                fields.end()?;
                let handle = handles.pop().ok_or(Errno::EINVAL)?;
                if self.listener.is_some() {
                    return Err(Errno::EBUSY);
                }
                self.listener = Some(Listener {
                    session,
                    handle,
                    is_asking: true,
                });
            }
            MORE => {
                fields.end()?;
                let listener = self.listener.as_mut();
                let listener = listener.filter(|listener| listener.session == session);
                listener.ok_or(Errno::ENOENT)?.is_asking = true;
            }
            _ => return Err(Errno::ENOSYS),
        }
        Ok(Answer::of(reply))
    }

    fn closed(&mut self, session: u64, (): ()) {
        self.waiting.retain(|(known, _)| *known != session);
        self.listener.take_if(|known| known.session == session);
    }

    fn lost(&mut self, handle: u64) {
        self.waiting.retain(|(_, known)| known.id() != handle);
        self.listener.take_if(|known| known.handle.id() == handle);
    }

    fn unreachable(&mut self, node: u64) {
        self.door.take_if(|door| door.id() == node);
    }

    fn is_out_of_reach(&self) -> bool {
        self.door.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::RefCell;

    /// A port that puts everything on the line at once.
    #[derive(Debug, Default)]
    struct Line(RefCell<Vec<u8>>);

    impl Registers for &Line {
        fn get(&self, _: u16) -> Result<u8> {
            // Of the line status: there is room, and the last byte has left.
            Ok(0x60)
        }

        fn set(&self, register: u16, value: u8) -> Result<()> {
            if register == 0 {
                self.0.borrow_mut().push(value);
            }
            Ok(())
        }
    }

    /// Whoever goes on behind a line of another one's that has not ended begins a line; who goes on with his own does not.
    #[test]
    fn con_lines_do_not_mix() {
        let line = Line::default();
        let mut console = Console::new(Uart::new(&line, false).unwrap(), None);
        let (one, two) = (Writer::Session(1), Writer::Session(2));
        for (writer, bytes) in [
            (one, "a "),
            (one, "line\n"),
            (two, "> "),
            (one, ""),
            (Writer::Kernel, "kernel: x\n"),
            (two, "go"),
            (one, "on\n"),
        ] {
            console.write(writer, bytes.as_bytes()).unwrap();
        }
        let sent = line.0.borrow();
        assert_eq!(
            sent.escape_ascii().to_string(),
            r"a line\r\n> \r\nkernel: x\r\ngo\r\non\r\n"
        );
    }
}
