//! Messages without the heap: what a server's loop and its clients' calls are made of.
//!
//! [`crate::bus`] has handles as values and allocates for every message; here ids are numbers, and bytes and handles lie where the
//! caller puts them. Notifications arrive like messages: [`Incoming::message`] says which is which.

use crate::bus::Peer;
use crate::calls::{self, Incoming, IoSlice, Outgoing, Result};
use crate::raw;
use omnibus_abi::bus1::{Message, Metadata, Transfer};
use omnibus_abi::short::{CARRY, Descriptor, N_BYTES_SHIFT, N_WORDS, TAKE};
use omnibus_abi::{Call, CapabilityNumber, DEADLINE_NEVER, Errno, status};

/// The bytes of a message of at most 64, in registers: words in the order of its bytes, little endian.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Short {
    /// The words; what lies behind the last byte is not sent.
    pub words: [u64; N_WORDS],
    /// Bytes.
    pub n_bytes: u64,
}

impl Short {
    /// Of no byte.
    pub const EMPTY: Self = Self {
        words: [0; N_WORDS],
        n_bytes: 0,
    };

    /// What is said of it and of a handle that goes along in `rax`, and the registers.
    #[inline]
    const fn with(&self, carried: Option<u64>) -> (u64, [u64; N_WORDS]) {
        let number = self.n_bytes << N_BYTES_SHIFT;
        match (carried, self.words) {
            (Some(id), [a, b, c, d, e, f, g, _]) => (number | CARRY, [a, b, c, d, e, f, g, id]),
            (None, words) => (number, words),
        }
    }
}

/// What arrived in registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// The own node it came in on; of a notification, the own handle or node.
    pub id: u64,
    /// The sender's account.
    pub account: u64,
    /// Its type and length.
    pub descriptor: Descriptor,
    /// Its words; behind its last byte whatever the caller had there.
    pub words: [u64; N_WORDS],
}

impl Arrived {
    /// The handle that came along, if the call had room for one.
    #[must_use]
    pub const fn carried(&self) -> Option<u64> {
        let [.., last] = self.words;
        if self.descriptor.n_transfers() == 1 {
            Some(last)
        } else {
            None
        }
    }

    /// The same bytes, to be sent.
    #[must_use]
    pub const fn to_short(&self) -> Short {
        Short {
            words: self.words,
            n_bytes: self.descriptor.n_data(),
        }
    }
}

/// A peer of this task, used without allocating.
#[derive(Clone, Copy, Debug)]
pub struct Port(CapabilityNumber);

impl Port {
    /// The peer `peer`, which must be kept as long as this is used.
    #[must_use]
    pub fn of(peer: &Peer) -> Self {
        Self(peer.number())
    }

    /// The peer that this capability names.
    #[must_use]
    pub const fn new(number: CapabilityNumber) -> Self {
        Self(number)
    }

    /// Number of the peer's capability.
    #[must_use]
    pub const fn number(self) -> CapabilityNumber {
        self.0
    }

    /// Sends `data` and copies of the handles `carried` through `handle`.
    ///
    /// # Errors
    /// Those of SEND.
    pub fn send(self, handle: u64, data: &[u8], carried: &[Transfer]) -> Result<()> {
        self.multicast(&[handle], data, carried)
    }

    /// Sends `data` and copies of the handles `carried` through all of `handles`, in one transaction.
    ///
    /// # Errors
    /// Those of SEND.
    pub fn multicast(self, handles: &[u64], data: &[u8], carried: &[Transfer]) -> Result<()> {
        let message = Outgoing {
            data: &[IoSlice::new(data)],
            transfers: carried,
        };
        calls::send(self.0, handles, message)
    }

    /// Waits for the next message and takes it into `data` and `handles`.
    ///
    /// # Errors
    /// `EMSGSIZE` if it does not fit; those of RECV.
    #[inline]
    pub fn next(self, data: &mut [u8], handles: &mut [Transfer]) -> Result<Incoming> {
        self.next_until(DEADLINE_NEVER, data, handles)
            .map_err(|(error, _)| error)
    }

    /// [`Port::next`] that waits at most until `deadline_ns`, and tells the sizes of a message that does not fit.
    ///
    /// # Errors
    /// `ETIMEDOUT`; those of [`Port::next`].
    #[inline]
    pub fn next_until(
        self,
        deadline_ns: u64,
        data: &mut [u8],
        handles: &mut [Transfer],
    ) -> core::result::Result<Incoming, Refused> {
        let arguments = [Call::ReceiveLong as u64, self.0.0, 0, deadline_ns];
        came_in(calls::call_long(arguments, &[], &[], data, handles))
    }

    /// Sends `data` and `carried` through `handle`, then waits for the next message, which a client takes for the reply and a server for the
    /// next request.
    ///
    /// # Errors
    /// Those of [`Port::send`] and [`Port::next`].
    #[inline]
    pub fn exchange(
        self,
        handle: u64,
        data: &[u8],
        carried: &[Transfer],
        into: &mut [u8],
        handles: &mut [Transfer],
    ) -> Result<Incoming> {
        self.exchange_until(DEADLINE_NEVER, handle, (data, carried), (into, handles))
            .map_err(|(error, _)| error)
    }

    /// [`Port::exchange`] that waits at most until `deadline_ns`, and tells whether the message was sent when receiving failed.
    ///
    /// # Errors
    /// `ETIMEDOUT`; those of [`Port::exchange`].
    #[inline]
    pub fn exchange_until(
        self,
        deadline_ns: u64,
        handle: u64,
        (data, carried): (&[u8], &[Transfer]),
        (into, handles): (&mut [u8], &mut [Transfer]),
    ) -> core::result::Result<Incoming, Refused> {
        let arguments = [Call::CallLong as u64, self.0.0, handle, deadline_ns];
        came_in(calls::call_long(arguments, data, carried, into, handles))
    }

    /// Sends a message of at most 64 bytes through `handle`.
    ///
    /// # Errors
    /// `EBADRQC`: the handle. `EDQUOT`, `ENOMEM`; `EMSGSIZE` for more bytes; `EBADF`, `EPERM`: the peer.
    #[inline]
    pub fn send_short(self, handle: u64, message: &Short) -> Result<()> {
        let number = Call::SendShort as u64 | message.n_bytes << N_BYTES_SHIFT;
        let registers = raw::call_short([number, self.0.0, handle, 0], message.words);
        status::decode(registers.status, 0).map(drop)
    }

    /// Waits for the next message, at most until `deadline_ns`, and takes it if it has at most 64 bytes and carries nothing.
    ///
    /// # Errors
    /// `EMSGSIZE` for a larger one, which stays; `ETIMEDOUT`; `EBADF`, `EPERM`: the peer.
    #[inline]
    pub fn next_short(self, deadline_ns: u64) -> Result<Arrived> {
        self.try_next_short(deadline_ns).map_err(|(error, _)| error)
    }

    /// [`Port::next_short`] that tells the sizes of a message that does not fit.
    ///
    /// # Errors
    /// The same.
    #[inline]
    pub fn try_next_short(self, deadline_ns: u64) -> core::result::Result<Arrived, Refused> {
        let number = Call::ReceiveShort as u64;
        arrived(raw::call_short(
            [number, self.0.0, 0, deadline_ns],
            [0; N_WORDS],
        ))
    }

    /// Sends a message of at most 64 bytes through `handle` and then waits for the next message, which a client takes for the reply and a
    /// server for the next request, at most until `deadline_ns`.
    ///
    /// # Errors
    /// Those of [`Port::send_short`] and [`Port::next_short`].
    #[inline]
    pub fn call_short(self, handle: u64, message: &Short, deadline_ns: u64) -> Result<Arrived> {
        self.try_call_short(handle, message, deadline_ns)
            .map_err(|(error, _)| error)
    }

    /// [`Port::send_short`] of at most 56 bytes and a copy of the handle `carried`.
    ///
    /// # Errors
    /// The same; `EBADRQC` also for `carried`.
    #[inline]
    pub fn send_with(self, handle: u64, message: &Short, carried: u64) -> Result<()> {
        let (number, words) = message.with(Some(carried));
        let number = Call::SendShort as u64 | number;
        let registers = raw::call_short([number, self.0.0, handle, 0], words);
        status::decode(registers.status, 0).map(drop)
    }

    /// [`Port::next_short`] that also takes a message of at most 56 bytes with a handle.
    ///
    /// # Errors
    /// The same.
    #[inline]
    pub fn next_with(self, deadline_ns: u64) -> Result<Arrived> {
        let number = Call::ReceiveShort as u64 | TAKE;
        let arguments = [number, self.0.0, 0, deadline_ns];
        arrived(raw::call_short(arguments, [0; N_WORDS])).map_err(|(error, _)| error)
    }

    /// [`Port::call_short`] of at most 56 bytes and a copy of the handle `carried`, if there is one, that then takes a message as
    /// [`Port::next_with`] does.
    ///
    /// # Errors
    /// Those of [`Port::send_with`] and [`Port::next_with`].
    #[inline]
    pub fn call_with(
        self,
        handle: u64,
        message: &Short,
        carried: Option<u64>,
        deadline_ns: u64,
    ) -> Result<Arrived> {
        let (number, words) = message.with(carried);
        let number = Call::CallShort as u64 | TAKE | number;
        let arguments = [number, self.0.0, handle, deadline_ns];
        arrived(raw::call_short(arguments, words)).map_err(|(error, _)| error)
    }

    /// [`Port::call_short`] that tells whether the message was sent when receiving failed.
    ///
    /// # Errors
    /// The same.
    #[inline]
    pub fn try_call_short(
        self,
        handle: u64,
        message: &Short,
        deadline_ns: u64,
    ) -> core::result::Result<Arrived, Refused> {
        let number = Call::CallShort as u64 | message.n_bytes << N_BYTES_SHIFT;
        arrived(raw::call_short(
            [number, self.0.0, handle, deadline_ns],
            message.words,
        ))
    }
}

#[inline]
fn came_in(registers: raw::ShortRegisters) -> core::result::Result<Incoming, Refused> {
    let descriptor = Descriptor(registers.descriptor);
    status::decode(registers.status, 0).map_err(|error| (error, descriptor))?;
    Ok(Incoming {
        metadata: Metadata {
            flags: 0,
            id: registers.id,
            account: registers.account,
        },
        message: Message {
            kind: descriptor.kind(),
            n_transfers: descriptor.n_transfers(),
            n_data: descriptor.n_data(),
            ..Message::default()
        },
    })
}

/// An error, and how far the call came.
pub type Refused = (Errno, Descriptor);

#[inline]
fn arrived(registers: raw::ShortRegisters) -> core::result::Result<Arrived, Refused> {
    let descriptor = Descriptor(registers.descriptor);
    status::decode(registers.status, 0).map_err(|error| (error, descriptor))?;
    Ok(Arrived {
        id: registers.id,
        account: registers.account,
        descriptor,
        words: registers.words,
    })
}
