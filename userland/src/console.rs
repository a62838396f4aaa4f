//! The console of a program: a session with the program that drives the line, `serial-driver`.
//!
//! It is a session like any other ([`crate::service`]); its requests are these:
//!
//! | request | fields | carries | asks for |
//! |---|---|---|---|
//! | [`WRITE`] | bytes | | these bytes on the line, a carriage return before each line feed |
//! | [`DRAIN`] | | a handle | an empty message through it when all that was written before is on the line |
//! | [`LISTEN`] | | a handle | what comes in on the line next, through it, in one message; `EBUSY` if somebody listens |
//! | [`MORE`] | | | what comes in behind that, in one more message through the same handle; `ENOENT` if nobody listens here |
//!
//! The reply to WRITE says that the driver has the bytes, and that there was room for them: a program that has been told so may end, however it
//! does, and they come out nevertheless. So a program's bytes keep their order, and what it printed before it told another is out before
//! what the other prints then. While the line is behind, the reply is; nobody loses bytes, and nobody can fill the driver.
//!
//! Who listens is sent no more than he asks for, so that what comes in never fills his account; what nobody has asked for yet waits with the
//! driver, and with whoever sends it. He listens until the handle's node ends.
//!
//! [`Session`](crate::service::session::Session) allocates for every message. This is the same without the heap
//! ([`crate::service::exchange`]), since a program that has none left must still be able to say so.

use crate::account::Account;
use crate::bus::{Handle, Node, Peer};
use crate::calls::{self, Result};
use crate::capability::Owned;
use crate::environment;
use crate::lock::Mutex;
use crate::part::capability;
use crate::port::Port;
use crate::service::exchange::{Failed, REPLY_BYTES, Ways};
use crate::service::frame::UNREAD;
use crate::service::session::PATIENCE;
use crate::time;
use core::time::Duration;
use omnibus_abi::bus1::{
    INVALID, MESSAGE_TYPE_HANDLE_RELEASE, MESSAGE_TYPE_NODE_RELEASE, TRANSFER_FLAG_CREATE, Transfer,
};
use omnibus_abi::{CapabilityNumber, Errno};

/// The operation that puts bytes on the line.
pub const WRITE: u32 = 1;

/// The operation that has told when all is on the line.
pub const DRAIN: u32 = 2;

/// The operation that has told what comes in.
pub const LISTEN: u32 = 3;

/// The operation that has told what comes in behind what was told.
pub const MORE: u32 = 4;

/// What a boot plan calls the handle to the door of whoever drives the console.
pub const NAME: &str = "console";

/// Bytes that are written in one request; what is longer is written in several.
pub const PIECE_BYTES: usize = 1024;

/// Word, sequence number, and the length of the bytes.
const HEAD_BYTES: usize = 12;

/// How long to wait before it is tried again, if our account has had its share of the driver's queue.
const PAUSE: Duration = Duration::from_millis(1);

/// A session with whoever drives the console. It ends when this is dropped.
#[derive(Debug)]
pub struct Console {
    /// A peer of its own, so that waiting for a reply leaves everybody else's messages where they are.
    peer: Owned,
    /// The driver, as this session reaches it.
    server: u64,
    /// The node that replies come in on.
    reply: u64,
    n_requests: u32,
}

impl Console {
    /// Opens a session at the door; `account` pays for its peer.
    ///
    /// # Errors
    /// `EPIPE`: the driver has ended. `EDQUOT`: it has no room for more sessions, or an account is full.
    pub fn open(account: &Account, door: &Handle) -> Result<Self> {
        Self::open_at(account.number(), door.peer().number(), door.id())
    }

    fn open_at(account: CapabilityNumber, at: CapabilityNumber, door: u64) -> Result<Self> {
        let peer = Owned::new(calls::peer_new(account)?);
        let (_, door) = transfer(at, peer.number(), entry(0, door))?;
        let (reply, to_reply) = node(peer.number())?;
        let ways = Ways {
            port: Port::new(peer.number()),
            server: door,
            reply,
        };
        let server = patiently(time::deadline_in(PATIENCE), || ways.open(to_reply))?;
        calls::release(peer.number(), &[door])?;
        Ok(Self {
            peer,
            server,
            reply,
            n_requests: 0,
        })
    }

    /// Writes bytes. They are the driver's when this returns.
    ///
    /// # Errors
    /// `EPIPE`: the driver has ended, or ended the session. `ETIMEDOUT`. Those of SEND that have nothing to do with its quota.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let mut pieces = bytes.chunks(PIECE_BYTES);
        pieces.try_for_each(|piece| self.call(WRITE, Some(piece), &[]))
    }

    /// Waits until all that was written is on the line, by whomever.
    ///
    /// # Errors
    /// Those of [`Self::write`]; `EDQUOT`, `ENOMEM`.
    pub fn drain(&mut self) -> Result<()> {
        let (told, handle) = node(self.peer.number())?;
        self.call(DRAIN, None, &[entry(0, handle)])?;
        let deadline_ns = time::deadline_in(PATIENCE);
        calls::release(self.peer.number(), &[handle])?;
        loop {
            let incoming = Port::new(self.peer.number()).next_until(deadline_ns, &mut [], &mut []);
            let incoming = incoming.map_err(|(error, _)| error)?;
            match (incoming.message.kind, incoming.metadata.id) {
                (MESSAGE_TYPE_NODE_RELEASE, _) => return Err(Errno::EPIPE),
                (MESSAGE_TYPE_HANDLE_RELEASE, id) if id == told => return Err(Errno::EPIPE),
                (MESSAGE_TYPE_HANDLE_RELEASE, _) => {}
                _ => break,
            }
        }
        calls::release(self.peer.number(), &[told])
    }

    /// Has what comes in on the line next sent to a node that it makes on `peer`, in one message, and what comes behind it after each
    /// [`Self::more`], as long as the node lives.
    ///
    /// # Errors
    /// `EBUSY`: somebody else listens. Those of [`Self::drain`].
    pub fn listen(&mut self, peer: &Peer) -> Result<Node> {
        let (node, handle) = peer.node()?;
        let ours = transfer(peer.number(), self.peer.number(), entry(0, handle.id()))?.1;
        let told = self.call(LISTEN, None, &[entry(0, ours)]);
        calls::release(self.peer.number(), &[ours])?;
        told.map(|()| node)
    }

    /// Has what comes in next sent to the node that [`Self::listen`] made. For each message that came it is to be called once.
    ///
    /// # Errors
    /// `ENOENT`: nobody listens on this session. Those of [`Self::write`].
    pub fn more(&mut self) -> Result<()> {
        self.call(MORE, None, &[])
    }

    /// Makes a request, and waits for the reply.
    fn call(&mut self, operation: u32, bytes: Option<&[u8]>, carried: &[Transfer]) -> Result<()> {
        let sequence = self.n_requests;
        self.n_requests = (sequence + 1) % UNREAD;
        let mut request = [0; HEAD_BYTES + PIECE_BYTES];
        request[..4].copy_from_slice(&operation.to_le_bytes());
        request[4..8].copy_from_slice(&sequence.to_le_bytes());
        let n_bytes = bytes.map_or(HEAD_BYTES - 4, |bytes| {
            request[8..HEAD_BYTES].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
            request[HEAD_BYTES..][..bytes.len()].copy_from_slice(bytes);
            HEAD_BYTES + bytes.len()
        });
        let ways = Ways {
            port: Port::new(self.peer.number()),
            server: self.server,
            reply: self.reply,
        };
        let deadline_ns = time::deadline_in(PATIENCE);
        let message = (&request[..n_bytes], carried);
        let mut reply = [0; REPLY_BYTES];
        patiently(deadline_ns, || {
            ways.exchange(deadline_ns, sequence, message, (&mut reply, &mut []))
        })
        .map(drop)
    }
}

/// Does it again as long as our account has had its share of the driver's queue.
fn patiently<T>(
    deadline_ns: u64,
    mut doing: impl FnMut() -> core::result::Result<T, Failed>,
) -> Result<T> {
    loop {
        match doing() {
            Err(Failed::Unsent(Errno::EDQUOT)) if time::now_ns() <= deadline_ns => {
                time::sleep(PAUSE);
            }
            done => return Ok(done?),
        }
    }
}

const fn entry(flags: u64, id: u64) -> Transfer {
    Transfer { flags, id }
}

/// Transfers one entry; the ids that it has at either end.
fn transfer(from: CapabilityNumber, to: CapabilityNumber, entry: Transfer) -> Result<(u64, u64)> {
    let (mut source, mut target) = ([entry], [Transfer::default()]);
    calls::transfer(from, to, &mut source, &mut target)?;
    Ok((source[0].id, target[0].id))
}

/// A node on this peer, and a handle to it there.
fn node(peer: CapabilityNumber) -> Result<(u64, u64)> {
    transfer(peer, peer, entry(TRANSFER_FLAG_CREATE, INVALID))
}

/// The session of this program, which all of it prints on.
static OWN: Mutex<Own> = Mutex::new(Own::Unopened);

enum Own {
    Unopened,
    Open(Console),
    /// There is none, or none any more.
    Missing(Errno),
}

/// Does something with the console of this program, which the boot plan gave it under the name [`NAME`].
///
/// # Errors
/// `ENOENT`: it was given none. Those of opening it; of what is done. When the driver has gone, it stays so.
pub fn own<T>(doing: impl FnOnce(&mut Console) -> Result<T>) -> Result<T> {
    let mut own = OWN.lock();
    if matches!(*own, Own::Unopened) {
        *own = open_own().map_or_else(Own::Missing, Own::Open);
    }
    let done = match &mut *own {
        Own::Open(console) => doing(console),
        Own::Missing(error) => Err(*error),
        Own::Unopened => Err(Errno::ENOENT),
    };
    if let Err(error @ (Errno::EPIPE | Errno::ETIMEDOUT)) = done {
        *own = Own::Missing(error);
    }
    done
}

fn open_own() -> Result<Console> {
    let door = environment::number_of(environment::HANDLE, NAME).ok_or(Errno::ENOENT)?;
    Console::open_at(capability("account")?, capability("peer")?, door)
}

/// Gives whoever uses `peer` the console of this program, too: the id of a handle there, which is to be known as [`NAME`]; `None` if this program
/// was given no console itself.
///
/// # Errors
/// Those of TRANSFER.
pub fn lend(peer: &Peer) -> Result<Option<u64>> {
    let Some(door) = environment::number_of(environment::HANDLE, NAME) else {
        return Ok(None);
    };
    let (_, theirs) = transfer(capability("peer")?, peer.number(), entry(0, door))?;
    Ok(Some(theirs))
}

/// Has this program print on a session of this door from now on, if it can.
pub fn set_own(account: &Account, door: &Handle) {
    *OWN.lock() = Console::open(account, door).map_or_else(Own::Missing, Own::Open);
}
