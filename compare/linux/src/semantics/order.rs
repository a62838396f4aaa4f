//! In which order messages are seen.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::thread::sleep;
use std::time::Duration;

use nix::mqueue::{MQ_OFlag, mq_receive, mq_send};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, socketpair};

use omnibus_compare::n_yields;

use super::stage::{Log, Part, play};
use crate::channel::{Queue, Socket};
use crate::sys::Result;

/// An inbox that many can send to.
pub(super) trait Inbox {
    /// Makes one.
    fn new() -> Result<Self>
    where
        Self: Sized;
    /// Sends a byte to it.
    fn put(&self, byte: u8) -> Result<()>;
    /// Takes the next byte.
    fn take(&self) -> Result<u8>;
}

/// A datagram socket: one queue, whoever sends.
#[derive(Debug)]
pub(super) struct Datagrams {
    writer: OwnedFd,
    reader: OwnedFd,
}

impl Inbox for Datagrams {
    fn new() -> Result<Self> {
        let (writer, reader) = socketpair(
            AddressFamily::Unix,
            SockType::Datagram,
            None,
            SockFlag::empty(),
        )?;
        Ok(Self { writer, reader })
    }

    fn put(&self, byte: u8) -> Result<()> {
        send(self.writer.as_raw_fd(), &[byte], MsgFlags::empty()).map(drop)
    }

    fn take(&self) -> Result<u8> {
        let mut byte = [0];
        recv(self.reader.as_raw_fd(), &mut byte, MsgFlags::empty())?;
        Ok(byte[0])
    }
}

impl Inbox for Queue {
    fn new() -> Result<Self> {
        Queue::new(8, 1, MQ_OFlag::empty())
    }

    fn put(&self, byte: u8) -> Result<()> {
        mq_send(&self.0, &[byte], 0)
    }

    fn take(&self) -> Result<u8> {
        let mut byte = [0];
        mq_receive(&self.0, &mut byte, &mut 0)?;
        Ok(byte[0])
    }
}

/// Takes a message from an inbox and logs it.
fn hear(log: &Log, actor: &str, inbox: &impl Inbox) -> Result<()> {
    log.tell(actor, "received", char::from(inbox.take()?));
    Ok(())
}

/// How a receiver of two connections finds the one to read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Choice {
    /// poll(2): the first that is ready, in the order asked.
    Poll,
    /// epoll(7), one event at a time.
    Epoll,
}

/// Two senders, each with a connection of its own.
pub(super) fn causal_connections(log: &Log, run: u64, choice: Choice) -> Result<()> {
    // P lists R first; any order is as good as the other.
    let (of_r, of_s) = (Socket::new()?, Socket::new()?);
    let epoll = Epoll::new(EpollCreateFlags::empty())?;
    for (number, socket) in [(0, &of_r), (1, &of_s)] {
        epoll.add(&*socket.to, EpollEvent::new(EpollFlags::EPOLLIN, number))?;
    }
    let ready = |choice| -> Result<&Socket> {
        let is_r = match choice {
            Choice::Poll => {
                let mut asked = [
                    PollFd::new(of_r.to.as_fd(), PollFlags::POLLIN),
                    PollFd::new(of_s.to.as_fd(), PollFlags::POLLIN),
                ];
                poll(&mut asked, PollTimeout::NONE)?;
                asked[0].any().unwrap_or(false)
            }
            Choice::Epoll => {
                let mut events = [EpollEvent::empty()];
                epoll.wait(&mut events, EpollTimeout::NONE)?;
                events[0].data() == 0
            }
        };
        Ok(if is_r { &of_r } else { &of_s })
    };
    let put = |socket: &Socket, byte: u8| {
        send(socket.from.as_raw_fd(), &[byte], MsgFlags::empty()).map(drop)
    };
    let receive = || -> Result<()> {
        for _ in 0..2 {
            let mut byte = [0];
            recv(ready(choice)?.to.as_raw_fd(), &mut byte, MsgFlags::empty())?;
            log.tell("P", "received", char::from(byte[0]));
        }
        Ok(())
    };
    causal(
        log,
        run,
        receive,
        |byte| put(&of_s, byte),
        |byte| put(&of_r, byte),
    )
}

/// Two senders to one inbox.
pub(super) fn causal_inbox<I: Inbox>(log: &Log, run: u64) -> Result<()> {
    let inbox = I::new()?;
    let receive = || {
        hear(log, "P", &inbox)?;
        hear(log, "P", &inbox)
    };
    causal(
        log,
        run,
        receive,
        |byte| inbox.put(byte),
        |byte| inbox.put(byte),
    )
}

fn causal(
    log: &Log,
    run: u64,
    receive: impl Fn() -> Result<()>,
    by_s: impl Fn(u8) -> Result<()>,
    by_r: impl Fn(u8) -> Result<()>,
) -> Result<()> {
    let parts: [Part<'_>; 3] = [
        Box::new(receive),
        Box::new(|| {
            by_s(b'A')?;
            log.tell("S", "sent", "A");
            log.set_flag();
            Ok(())
        }),
        Box::new(|| {
            log.wait_flag();
            by_r(b'B')?;
            log.tell("R", "sent", "B");
            Ok(())
        }),
    ];
    play(log, run, parts)
}

/// Gives the CPU away between two sends, where the timer could take it: for a while that depends on the run, in some not at all.
fn pause(run: u64, actor: u32, is_pausing: bool) {
    if is_pausing {
        sleep(Duration::from_micros(100 * n_yields(run, actor)));
    }
}

/// A message to two, one by one, and what follows from the first.
pub(super) fn fan_out<I: Inbox>(log: &Log, run: u64, is_pausing: bool) -> Result<()> {
    let (p, q) = (I::new()?, I::new()?);
    let parts: [Part<'_>; 3] = [
        Box::new(|| {
            hear(log, "P", &p)?;
            q.put(b'B')?;
            log.tell("P", "sent", "B");
            Ok(())
        }),
        Box::new(|| {
            hear(log, "Q", &q)?;
            hear(log, "Q", &q)
        }),
        Box::new(|| {
            p.put(b'A')?;
            pause(run, 1, is_pausing);
            q.put(b'A')?;
            log.tell("S", "sent", "A");
            Ok(())
        }),
    ];
    play(log, run, parts)
}

/// Two messages to two, one by one, in the same order or in opposite ones.
pub(super) fn agreement<I: Inbox>(
    log: &Log,
    run: u64,
    is_same: bool,
    is_pausing: bool,
) -> Result<()> {
    let (p, q) = (I::new()?, I::new()?);
    let receiver = |name: &'static str, inbox| -> Part<'_> {
        Box::new(move || {
            hear(log, name, inbox)?;
            hear(log, name, inbox)
        })
    };
    let sender = |name: &'static str, byte: u8, inboxes: [&'_ I; 2]| -> Result<()> {
        let [first, second] = inboxes;
        first.put(byte)?;
        // The two senders pause differently.
        pause(run, u32::from(byte - b'A'), is_pausing);
        second.put(byte)?;
        log.tell(name, "sent", char::from(byte));
        Ok(())
    };
    let of_r = if is_same { [&p, &q] } else { [&q, &p] };
    let parts: [Part<'_>; 4] = [
        receiver("P", &p),
        receiver("Q", &q),
        Box::new(|| sender("S", b'A', [&p, &q])),
        Box::new(|| sender("R", b'B', of_r)),
    ];
    play(log, run, parts)
}
