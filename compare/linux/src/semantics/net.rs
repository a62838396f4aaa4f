//! What carries the messages of a scene, of one byte each, from every actor to every place.

use std::cell::RefCell;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::mqueue::MQ_OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, socketpair};
use omnibus_compare::scene::{N_ACTORS, N_PLACES};

use crate::binder::{Arrived, Binder, DEVICES, MANAGER};
use crate::channel::{Channel, Pipe, Queue, Socket};
use crate::guest::has_binder;
use crate::sys::Result;

const _: () = assert!(DEVICES.len() == N_PLACES);

/// Messages that a place takes before anybody receives.
const N_QUEUED: i64 = 10;

/// A means.
pub(super) trait Net {
    /// Makes ready, in the process of an actor, what cannot be inherited; with the place where it receives.
    fn enter(&self, _place: Option<usize>) -> Result<()> {
        Ok(())
    }

    /// Sends a message to a place.
    fn send(&self, actor: usize, place: usize, label: u8) -> Result<()>;

    /// Waits for a message at a place. Where there are several to look at, those of lower actors come first, or last.
    fn receive(&self, place: usize, is_reversed: bool) -> Result<u8>;
}

/// Means with one queue for each place, whoever sends there.
pub(super) struct Shared<C>(Vec<C>);

impl<C: Channel> Shared<C> {
    fn new(new: impl Fn() -> Result<C>) -> Result<Self> {
        Ok(Self((0..N_PLACES).map(|_| new()).collect::<Result<_>>()?))
    }
}

impl<C: Channel> Net for Shared<C> {
    fn send(&self, _: usize, place: usize, label: u8) -> Result<()> {
        self.0[place].send(&[label])
    }

    fn receive(&self, place: usize, _: bool) -> Result<u8> {
        let mut label = [0];
        self.0[place].recv(&mut label)?;
        Ok(label[0])
    }
}

/// unix(7), `SOCK_DGRAM`: one socket that receives, whoever sends there.
pub(super) struct Datagram {
    pub(super) from: OwnedFd,
    pub(super) to: OwnedFd,
}

impl Datagram {
    pub(super) fn new() -> Result<Self> {
        let family = AddressFamily::Unix;
        let (from, to) = socketpair(family, SockType::Datagram, None, SockFlag::empty())?;
        Ok(Self { from, to })
    }

    /// Sends, or says `EAGAIN`.
    pub(super) fn try_send(&self, bytes: &[u8]) -> Result<()> {
        send(self.from.as_raw_fd(), bytes, MsgFlags::MSG_DONTWAIT).map(drop)
    }
}

impl Channel for Datagram {
    fn send(&self, bytes: &[u8]) -> Result<()> {
        send(self.from.as_raw_fd(), bytes, MsgFlags::empty()).map(drop)
    }

    fn recv(&self, bytes: &mut [u8]) -> Result<()> {
        recv(self.to.as_raw_fd(), bytes, MsgFlags::empty()).map(drop)
    }
}

/// unix(7), `SOCK_SEQPACKET`: a connection from each actor to each place.
struct Connections(Vec<Vec<Socket>>);

impl Net for Connections {
    fn send(&self, actor: usize, place: usize, label: u8) -> Result<()> {
        self.0[place][actor].send(&[label])
    }

    fn receive(&self, place: usize, is_reversed: bool) -> Result<u8> {
        let sockets = &self.0[place];
        let mut items: Vec<_> = sockets
            .iter()
            .map(|socket| PollFd::new(socket.to.as_fd(), PollFlags::POLLIN))
            .collect();
        poll(&mut items, PollTimeout::NONE)?;
        let is_ready = |index: &usize| items[*index].any() == Some(true);
        let mut indices = 0..sockets.len();
        let found = if is_reversed {
            indices.rfind(is_ready)
        } else {
            indices.find(is_ready)
        };
        let mut label = [0];
        sockets[found.ok_or(Errno::EAGAIN)?].recv(&mut label)?;
        Ok(label[0])
    }
}

/// One-way messages to one object for each place: the context manager of a device of its own.
#[derive(Default)]
struct Objects(RefCell<Vec<Binder>>);

impl Net for Objects {
    fn enter(&self, place: Option<usize>) -> Result<()> {
        let open = |(at, name): (usize, &&str)| {
            if Some(at) == place {
                Binder::open_manager_of(name)
            } else {
                Binder::open_device(name)
            }
        };
        let opened = DEVICES.iter().enumerate().map(open);
        *self.0.borrow_mut() = opened.collect::<Result<_>>()?;
        Ok(())
    }

    fn send(&self, _: usize, place: usize, label: u8) -> Result<()> {
        self.0.borrow_mut()[place].send(MANAGER, 0, &[label])
    }

    fn receive(&self, place: usize, _: bool) -> Result<u8> {
        let own = &mut self.0.borrow_mut()[place];
        loop {
            if let Arrived::Request(message) = own.next()? {
                let mut label = [0];
                own.take(message, &mut label)?;
                return Ok(label[0]);
            }
        }
    }
}

/// Makes a net.
type New = fn() -> Result<Box<dyn Net>>;

/// Every means that can carry one message behind another. An eventfd adds them up, and a futex carries none.
pub(super) fn all() -> impl Iterator<Item = (&'static str, New)> {
    let binder: Option<(_, New)> =
        has_binder().then_some(("binder", || Ok(Box::<Objects>::default())));
    ALWAYS.into_iter().chain(binder)
}

/// Those for which no module is needed.
const ALWAYS: [(&str, New); 4] = [
    ("seqpacket", || {
        let to_place = |_| (0..N_ACTORS).map(|_| Socket::new()).collect::<Result<_>>();
        let connections = (0..N_PLACES).map(to_place).collect::<Result<_>>()?;
        Ok(Box::new(Connections(connections)))
    }),
    ("dgram", || Ok(Box::new(Shared::new(Datagram::new)?))),
    ("pipe", || Ok(Box::new(Shared::new(Pipe::new)?))),
    ("mqueue", || {
        let queue = || Queue::new(N_QUEUED, 1, MQ_OFlag::empty());
        Ok(Box::new(Shared::new(queue)?))
    }),
];
