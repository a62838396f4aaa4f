//! Killing a process, until another knows.

use std::error::Error;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, recv};
use omnibus_compare::{DEATH, N_DEATHS};

use super::Subject;
use crate::binder::{Arrived, Binder, MANAGER};
use crate::channel::{Channel, Pipe, Socket};
use crate::guest::has_binder;
use crate::sys::{Process, Result, counter};
use crate::teller::Teller;

pub(super) fn run(teller: &mut Teller) -> std::result::Result<(), Box<dyn Error>> {
    let mut subjects = vec![
        subject("seqpacket", by_socket),
        subject("pidfd", by_descriptor),
    ];
    if has_binder() {
        let mut manager = Binder::open_manager()?;
        subjects.push(subject("binder", move || by_binder(&mut manager)));
    }
    Ok(teller.measure(DEATH, subjects)?)
}

/// A subject of which only what `death` times counts.
fn subject<'a>(means: &'static str, mut death: impl FnMut() -> Result<u64> + 'a) -> Subject<'a> {
    Subject {
        means,
        parameter: 0,
        n_rounds: N_DEATHS,
        n_parts: 1,
        round: Box::new(move |_| death().map(Some)),
    }
}

/// A process that says that it runs, and then waits for ever.
fn victim(before: impl FnOnce() -> Result<()>) -> Result<Process> {
    let ready = Pipe::new()?;
    let process = Process::start("victim", || {
        before()?;
        ready.send(&[1])?;
        poll(&mut [], PollTimeout::NONE).map(drop)
    })?;
    ready.recv(&mut [0])?;
    Ok(process)
}

fn wait_until_readable(descriptor: BorrowedFd<'_>) -> Result<()> {
    poll(
        &mut [PollFd::new(descriptor, PollFlags::POLLIN)],
        PollTimeout::NONE,
    )
    .map(drop)
}

/// The end of a connection.
fn by_socket() -> Result<u64> {
    let socket = Socket::new()?;
    let process = victim(|| Ok(()))?;
    // The other end is the victim's alone.
    let Socket { from, to } = socket;
    drop(to);
    let began = counter();
    process.kill()?;
    wait_until_readable(from.as_fd())?;
    let n_bytes = recv(from.as_raw_fd(), &mut [0], MsgFlags::empty())?;
    let took = counter() - began;
    if n_bytes == 0 {
        Ok(took)
    } else {
        Err(Errno::EBADMSG)
    }
}

/// A descriptor of the process.
fn by_descriptor() -> Result<u64> {
    let process = victim(|| Ok(()))?;
    let descriptor = process.descriptor()?;
    let began = counter();
    process.kill()?;
    wait_until_readable(descriptor.as_fd())?;
    Ok(counter() - began)
}

/// A notice of a node's death, which binder sends to who asked for it.
fn by_binder(manager: &mut Binder) -> Result<u64> {
    let process = Process::start("victim", || {
        let mut binder = Binder::open()?;
        binder.call_with_node(MANAGER, 0, 1, &mut [])?;
        poll(&mut [], PollTimeout::NONE).map(drop)
    })?;
    let handle = manager.adopt()?;
    let began = counter();
    process.kill()?;
    while manager.next()? != Arrived::Dead {}
    let took = counter() - began;
    manager.forget(handle);
    Ok(took)
}
