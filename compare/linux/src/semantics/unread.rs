//! A user sends to a receiver that does not read, until refused; then another user does.

use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;
use nix::mqueue::MQ_OFlag;
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::socket::{MsgFlags, send};
use nix::unistd::{Uid, pipe2, setuid, write};
use omnibus_compare::asked::{N_TAKEN, OTHER_USER, REFUSED, TAKEN};
use omnibus_compare::observe::Answers;
use std::sync::atomic::Ordering;

use super::net::Datagram;
use super::{Subject, binder, name};
use crate::binder::{Late, MANAGER, manager};
use crate::channel::{Channel, Pipe, Queue, Socket};
use crate::sys::{Process, Result, Shared, send_descriptor};

pub(super) const SUBJECTS: &[Subject] = &[
    ("seqpacket", by_connection),
    ("dgram", by_datagram),
    ("pipe", by_pipe),
    ("mqueue", by_queue),
    ("eventfd", by_event),
    ("scm-rights", by_descriptors),
];

/// Two users, neither of them root.
pub(super) const USERS: [u32; 2] = [1000, 1001];

/// Bytes of a message.
const BYTES: [u8; 64] = [1; 64];

/// More than any means takes.
const N_TRIED: u32 = 1 << 20;

/// What a process of a user saw: messages taken, then how the next one was refused.
fn as_user(
    user: u32,
    n_tried: u32,
    mut try_send: impl FnMut(u32) -> Result<()>,
) -> Result<(u32, Option<Errno>)> {
    let told = Shared::new(4096)?;
    Process::start("user", || {
        setuid(Uid::from_raw(user))?;
        let refused = (0..n_tried).find_map(|nth| {
            let result = try_send(nth);
            result
                .err()
                .inspect(|_| told.word(0).store(nth, Ordering::SeqCst))
        });
        match refused {
            Some(error) => told.word(1).store(error as u32, Ordering::SeqCst),
            None => told.word(0).store(n_tried, Ordering::SeqCst),
        }
        Ok(())
    })?
    .finish()?;
    let error = told.word(1).load(Ordering::SeqCst);
    let error = (error != 0).then(|| Errno::from_raw(error as i32));
    Ok((told.word(0).load(Ordering::SeqCst), error))
}

/// The first user until refused, by what it has; then the second, once, by what that has.
fn both(
    by_first: impl FnMut(u32) -> Result<()>,
    by_second: impl FnMut(u32) -> Result<()>,
) -> Result<Answers> {
    both_as(name, by_first, by_second)
}

/// The same with names of its own for refusals.
fn both_as(
    name: fn(Errno) -> String,
    by_first: impl FnMut(u32) -> Result<()>,
    by_second: impl FnMut(u32) -> Result<()>,
) -> Result<Answers> {
    let (n_taken, refused) = as_user(USERS[0], N_TRIED, by_first)?;
    let (_, other) = as_user(USERS[1], 1, by_second)?;
    Ok(vec![
        (N_TAKEN, n_taken.to_string()),
        (REFUSED, refused.map_or_else(|| "never".to_owned(), name)),
        (OTHER_USER, other.map_or_else(|| TAKEN.to_owned(), name)),
    ])
}

/// Each user has a connection of its own.
fn by_connection() -> Result<Answers> {
    let connections = [Socket::new()?, Socket::new()?];
    let [first, second] = connections.each_ref().map(|socket| {
        move |_| send(socket.from.as_raw_fd(), &BYTES, MsgFlags::MSG_DONTWAIT).map(drop)
    });
    both(first, second)
}

/// All users send to one socket.
fn by_datagram() -> Result<Answers> {
    let socket = Datagram::new()?;
    both(|_| socket.try_send(&BYTES), |_| socket.try_send(&BYTES))
}

fn by_pipe() -> Result<Answers> {
    let (_reader, writer) = pipe2(nix::fcntl::OFlag::O_NONBLOCK)?;
    let try_send = |_| write(&writer, &BYTES).map(drop);
    both(try_send, try_send)
}

fn by_queue() -> Result<Answers> {
    // As many messages as an unprivileged user may ask for by default.
    let queue = Queue::new(10, BYTES.len(), MQ_OFlag::O_NONBLOCK)?;
    both(|_| queue.send(&BYTES), |_| queue.send(&BYTES))
}

/// A counter takes what fits in 64 bits.
fn by_event() -> Result<Answers> {
    let event = EventFd::from_value_and_flags(0, EfdFlags::EFD_NONBLOCK)?;
    both(
        |_| event.write(1 << 63).map(drop),
        |_| event.write(1 << 63).map(drop),
    )
}

/// Descriptors in messages that nobody reads, over as many connections as it takes; and another user over one of its own.
fn by_descriptors() -> Result<Answers> {
    const N_OPEN: u64 = 256;
    const PER_CONNECTION: u32 = 64;
    let connections = (0..16).map(|_| Socket::new()).collect::<Result<Vec<_>>>()?;
    let (own, token) = (Socket::new()?, Pipe::new()?);
    let give = |socket: &Socket| {
        let (from, descriptor) = (socket.from.as_fd(), token.writer().as_fd());
        send_descriptor(from, b"A", descriptor, libc::MSG_DONTWAIT)
    };
    let first = |nth: u32| {
        if nth == 0 {
            // What may be open may be in flight (unix(7), ETOOMANYREFS).
            setrlimit(Resource::RLIMIT_NOFILE, N_OPEN, N_OPEN)?;
        }
        let socket = connections.get((nth / PER_CONNECTION) as usize);
        give(socket.ok_or(Errno::ENOSPC)?)
    };
    let answers = both(first, |_| give(&own))?;
    // Nothing of it may stay in flight for the next run.
    drop(connections);
    Ok(answers)
}

/// All users send one-way messages to one object.
pub(super) fn by_binder() -> Result<Answers> {
    let _receiver = manager(binder::unread)?;
    let sender = || {
        let mut own = Late::default();
        move |_| own.device()?.send(MANAGER, 0, &BYTES)
    };
    both_as(binder::name, sender(), sender())
}
