//! A receiver is killed with a message unread.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::mqueue::MQ_OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, recv, send};
use omnibus_compare::asked::{CARRIED, KEPT, LATER_SEND, NEXT_SEND, NOTHING, RELEASED, TOLD};
use omnibus_compare::observe::Answers;

use super::net::Datagram;
use super::{Subject, name, outcome};
use crate::channel::{Channel, Pipe, Queue, Socket};
use crate::sys::{Process, Result, send_descriptor};

pub(super) const SUBJECTS: &[Subject] = &[
    ("seqpacket", by_connection),
    ("dgram", by_datagram),
    ("pipe", by_pipe),
    ("mqueue", by_queue),
];

/// Milliseconds that a sender waits to be told something.
const PATIENCE_MS: u16 = 100;

/// A process that has what it inherits and does nothing, until it is killed.
fn receiver() -> Result<Process> {
    Process::start("receiver", || poll(&mut [], PollTimeout::NONE).map(drop))
}

/// Whether nobody has the writing end of a pipe any more.
pub(super) fn is_released(pipe: &Pipe) -> Result<&'static str> {
    let mut items = [PollFd::new(pipe.reader().as_fd(), PollFlags::empty())];
    let n_events = poll(&mut items, PollTimeout::from(PATIENCE_MS))?;
    Ok(if n_events > 0 { RELEASED } else { KEPT })
}

fn by_connection() -> Result<Answers> {
    let Socket { from, to } = Socket::new()?;
    by_socket(from.as_fd(), to)
}

fn by_datagram() -> Result<Answers> {
    let Datagram { from, to } = Datagram::new()?;
    by_socket(from.as_fd(), to)
}

fn by_socket(from: BorrowedFd<'_>, to: impl AsFd) -> Result<Answers> {
    let mut token = Pipe::new()?;
    send_descriptor(from, b"A", token.writer().as_fd(), 0)?;
    token.close_writer();
    // The receiver inherits its end, and nobody else has it then.
    let receiver = receiver()?;
    drop(to);
    drop(receiver);
    let carried = is_released(&token)?;
    let try_send = || send(from.as_raw_fd(), b"B", MsgFlags::MSG_NOSIGNAL).map(drop);
    let next = outcome(try_send());
    let mut items = [PollFd::new(from, PollFlags::POLLIN)];
    let told = match poll(&mut items, PollTimeout::from(PATIENCE_MS))? {
        0 => NOTHING.to_owned(),
        _ => match recv(from.as_raw_fd(), &mut [0], MsgFlags::MSG_DONTWAIT) {
            Ok(_) => "end of file".to_owned(),
            Err(error) => name(error),
        },
    };
    Ok(vec![
        (CARRIED, carried.to_owned()),
        (NEXT_SEND, next),
        (TOLD, told),
        (LATER_SEND, outcome(try_send())),
    ])
}

/// Nothing travels in a pipe but bytes.
fn by_pipe() -> Result<Answers> {
    let pipe = Pipe::new()?;
    pipe.send(b"A")?;
    let receiver = receiver()?;
    let writer = pipe.into_writer();
    drop(receiver);
    let try_send = || nix::unistd::write(&writer, b"B").map(drop);
    let next = outcome(try_send());
    let mut items = [PollFd::new(writer.as_fd(), PollFlags::POLLOUT)];
    poll(&mut items, PollTimeout::from(PATIENCE_MS))?;
    let is_told = items[0]
        .revents()
        .is_some_and(|events| events.contains(PollFlags::POLLERR));
    let told = if is_told { "POLLERR" } else { NOTHING };
    Ok(vec![
        (NEXT_SEND, next),
        (TOLD, told.to_owned()),
        (LATER_SEND, outcome(try_send())),
    ])
}

/// A queue belongs to nobody: it stays.
fn by_queue() -> Result<Answers> {
    let queue = Queue::new(4, 1, MQ_OFlag::O_NONBLOCK)?;
    queue.send(b"A")?;
    drop(receiver()?);
    let next = outcome(queue.send(b"B"));
    Ok(vec![
        (NEXT_SEND, next),
        (TOLD, NOTHING.to_owned()),
        (LATER_SEND, outcome(queue.send(b"C"))),
    ])
}
