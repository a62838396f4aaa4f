//! Reaching a receiver without having been given anything.

use std::os::fd::AsRawFd;
use std::sync::atomic::Ordering;

use nix::mqueue::{MQ_OFlag, MqAttr, mq_open, mq_send, mq_unlink};
use nix::poll::{PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, Backlog, MsgFlags, SockFlag, SockType, UnixAddr, bind, connect, listen, send,
    socket,
};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Uid, close, setuid};
use omnibus_compare::N_GUESSES;
use omnibus_compare::asked::N_REACHED;
use omnibus_compare::observe::Answers;

use super::Subject;
use crate::binder::{Binder, Late, MANAGER};
use crate::channel::Socket;
use crate::sys::{Process, Result, Shared};

pub(super) const SUBJECTS: &[Subject] = &[
    ("descriptor-number", by_number),
    ("abstract-name", by_abstract_name),
    ("mqueue", by_queue_name),
];

/// A user that was given nothing.
const STRANGER: u32 = 1002;

/// Whose number the receiver's name has.
const NUMBER: u64 = 1234;

/// How many guesses of another user reach somebody.
fn guess(mut try_guess: impl FnMut(u64) -> bool) -> Result<Answers> {
    let told = Shared::new(4096)?;
    Process::start("stranger", || {
        // What it inherited would have been given to it.
        for number in 3..256 {
            let _ = close(number);
        }
        setuid(Uid::from_raw(STRANGER))?;
        let n_reached = (0..N_GUESSES).filter(|number| try_guess(*number)).count();
        told.word(0).store(n_reached as u32, Ordering::SeqCst);
        Ok(())
    })?
    .finish()?;
    let n_reached = told.word(0).load(Ordering::SeqCst);
    Ok(vec![(N_REACHED, n_reached.to_string())])
}

/// Numbers of descriptors mean nothing in another process.
fn by_number() -> Result<Answers> {
    let _receiver = Socket::new()?;
    guess(|number| {
        let number = 3 + number as i32;
        send(
            number,
            b"A",
            MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL,
        )
        .is_ok()
    })
}

/// unix(7), abstract namespace: names without permissions.
fn by_abstract_name() -> Result<Answers> {
    let new = || {
        let flags = SockFlag::SOCK_NONBLOCK;
        socket(AddressFamily::Unix, SockType::SeqPacket, flags, None)
    };
    let address = |number: u64| UnixAddr::new_abstract(format!("service-{number}").as_bytes());
    let receiver = new()?;
    bind(receiver.as_raw_fd(), &address(NUMBER)?)?;
    listen(&receiver, Backlog::new(8)?)?;
    guess(|number| {
        let connected = new().and_then(|own| connect(own.as_raw_fd(), &address(number)?));
        connected.is_ok()
    })
}

/// A queue whose mode lets all write, as a service that serves all must have it.
fn by_queue_name() -> Result<Answers> {
    let name = |number: u64| format!("/service-{number}");
    let (own, attributes) = (name(NUMBER), MqAttr::new(0, 4, 16, 0));
    let flags = MQ_OFlag::O_CREAT | MQ_OFlag::O_RDWR | MQ_OFlag::O_NONBLOCK;
    // A mode is cut by the process's mask.
    umask(Mode::empty());
    let mode = Mode::S_IRUSR | Mode::S_IWUSR | Mode::S_IWGRP | Mode::S_IWOTH;
    let queue = mq_open(own.as_str(), flags, mode, Some(&attributes))?;
    let answers = guess(|number| {
        let flags = MQ_OFlag::O_WRONLY | MQ_OFlag::O_NONBLOCK;
        let opened = mq_open(name(number).as_str(), flags, Mode::empty(), None);
        opened.is_ok_and(|queue| mq_send(&queue, b"A", 0).is_ok())
    });
    mq_unlink(own.as_str())?;
    close(queue.as_raw_fd())?;
    answers
}

/// Numbers of handles. The object is held by the context manager; handle 0 is that itself, which nobody has to be given.
pub(super) fn by_handle() -> Result<Answers> {
    let mut manager = Binder::open_manager()?;
    let _owner = Process::start("owner", || {
        let mut binder = Binder::open()?;
        binder.call_with_node(MANAGER, 0, 1, &mut [])?;
        poll(&mut [], PollTimeout::NONE).map(drop)
    })?;
    manager.adopt()?;
    let mut own = Late::default();
    guess(|number| {
        let device = own.device();
        device
            .and_then(|device| device.send(number as u32, 0, b"A"))
            .is_ok()
    })
}
