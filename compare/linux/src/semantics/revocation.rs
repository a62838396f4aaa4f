//! Taking back what was given.

use std::os::fd::{AsFd, AsRawFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, Shutdown, recv, send, shutdown};
use omnibus_compare::asked::{ARRIVES, NEXT_SEND};
use omnibus_compare::observe::Answers;

use super::{Subject, outcome, whether};
use crate::channel::{Pipe, Socket};
use crate::sys::{Result, recv_descriptor, send_descriptor};

pub(super) const SUBJECTS: &[Subject] = &[("pipe", by_closing), ("seqpacket", by_shutting_down)];

/// The owner closes its own descriptor, which is all that it can do to one that it gave away.
fn by_closing() -> Result<Answers> {
    let way = Socket::new()?;
    let mut pipe = Pipe::new()?;
    send_descriptor(way.from.as_fd(), b"A", pipe.writer().as_fd(), 0)?;
    pipe.close_writer();
    let (_, given) = recv_descriptor(way.to.as_fd(), &mut [0])?;
    let given = given.ok_or(nix::errno::Errno::EBADMSG)?;
    let used = nix::unistd::write(&given, b"B").map(drop);
    let mut items = [PollFd::new(pipe.reader().as_fd(), PollFlags::POLLIN)];
    poll(&mut items, PollTimeout::ZERO)?;
    let is_there = items[0]
        .revents()
        .is_some_and(|events| events.contains(PollFlags::POLLIN));
    Ok(vec![
        (NEXT_SEND, outcome(used)),
        (ARRIVES, whether(is_there).to_owned()),
    ])
}

/// The owner shuts the connection of which it gave an end away.
fn by_shutting_down() -> Result<Answers> {
    let (way, given) = (Socket::new()?, Socket::new()?);
    send_descriptor(way.from.as_fd(), b"A", given.from.as_fd(), 0)?;
    let Socket { from, to } = given;
    drop(from);
    let (_, given) = recv_descriptor(way.to.as_fd(), &mut [0])?;
    let given = given.ok_or(nix::errno::Errno::EBADMSG)?;
    shutdown(to.as_raw_fd(), Shutdown::Both)?;
    let used = send(given.as_raw_fd(), b"B", MsgFlags::MSG_NOSIGNAL).map(drop);
    let n_bytes = recv(to.as_raw_fd(), &mut [0], MsgFlags::MSG_DONTWAIT).unwrap_or(0);
    Ok(vec![
        (NEXT_SEND, outcome(used)),
        (ARRIVES, whether(n_bytes > 0).to_owned()),
    ])
}
