//! unix(7), `SOCK_SEQPACKET`: connected, in order, with boundaries of messages.

use std::os::fd::{AsRawFd, OwnedFd};
use std::rc::Rc;

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, socketpair};

use super::{Channel, Ways};
use crate::sys::Result;

/// One direction of a pair of sockets: from the first to the second or back.
#[derive(Clone, Debug)]
pub(crate) struct Socket {
    /// Where messages are sent.
    pub(crate) from: Rc<OwnedFd>,
    /// Where they arrive.
    pub(crate) to: Rc<OwnedFd>,
}

impl Socket {
    /// A pair of which one direction is used.
    pub(crate) fn new() -> Result<Self> {
        let (from, to) = socketpair(
            AddressFamily::Unix,
            SockType::SeqPacket,
            None,
            SockFlag::empty(),
        )?;
        Ok(Self {
            from: Rc::new(from),
            to: Rc::new(to),
        })
    }

    /// The other direction of the same pair.
    pub(crate) fn back(&self) -> Self {
        Self {
            from: Rc::clone(&self.to),
            to: Rc::clone(&self.from),
        }
    }

    /// Both directions of one pair.
    pub(crate) fn ways() -> Result<Ways> {
        let there = Self::new()?;
        let back = there.back();
        Ok((Box::new(there), Box::new(back)))
    }
}

impl Channel for Socket {
    fn send(&self, bytes: &[u8]) -> Result<()> {
        send(self.from.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL).map(drop)
    }

    fn recv(&self, bytes: &mut [u8]) -> Result<()> {
        let n_bytes = recv(self.to.as_raw_fd(), bytes, MsgFlags::empty())?;
        if n_bytes == bytes.len() {
            Ok(())
        } else {
            Err(Errno::EPIPE)
        }
    }
}
