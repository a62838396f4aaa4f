//! A process sends a message and dies; another looks when both have happened.

use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, recv};
use omnibus_compare::asked::{BOTH, DEATH, LEARNED, MESSAGE};
use omnibus_compare::observe::Answers;

use super::Subject;
use crate::channel::{Channel, Socket};
use crate::sys::{Process, Result};

pub(super) const SUBJECTS: &[Subject] = &[("seqpacket", by_connection), ("pidfd", by_descriptor)];

/// Starts a process that sends and ends, and waits until it has.
fn sent_and_died(socket: &Socket) -> Result<Process> {
    let process = Process::start("sender", || socket.send(b"A"))?;
    let descriptor = process.descriptor()?;
    let mut items = [PollFd::new(descriptor.as_fd(), PollFlags::POLLIN)];
    poll(&mut items, PollTimeout::NONE)?;
    Ok(process)
}

/// The end of the connection comes behind what was sent through it.
fn by_connection() -> Result<Answers> {
    let socket = Socket::new()?;
    let _process = sent_and_died(&socket)?;
    let Socket { from, to } = socket;
    drop(from);
    let mut learned = Vec::new();
    for _ in 0..2 {
        let n_bytes = recv(to.as_raw_fd(), &mut [0], MsgFlags::empty())?;
        let what = if n_bytes == 1 { MESSAGE } else { DEATH };
        learned.push((LEARNED, what.to_owned()));
    }
    Ok(learned)
}

/// The end of a process is told beside what it sent, to who waits for both.
fn by_descriptor() -> Result<Answers> {
    let socket = Socket::new()?;
    let process = sent_and_died(&socket)?;
    let descriptor = process.descriptor()?;
    let mut items = [
        PollFd::new(descriptor.as_fd(), PollFlags::POLLIN),
        PollFd::new(socket.to.as_fd(), PollFlags::POLLIN),
    ];
    poll(&mut items, PollTimeout::NONE)?;
    let what = match items.map(|item| item.any()) {
        [Some(true), Some(true)] => BOTH,
        [Some(true), _] => DEATH,
        [_, Some(true)] => MESSAGE,
        _ => return Err(Errno::EIO),
    };
    Ok(vec![(LEARNED, what.to_owned())])
}
