//! Messages without the heap: what a server's loop and its clients' calls are made of.
//!
//! [`crate::bus`] has handles as values and allocates for every message; here ids are numbers, and bytes and handles lie where the
//! caller puts them. Notifications arrive like messages: [`Incoming::message`] says which is which.

use crate::bus::Peer;
use crate::calls::{self, Incoming, IoSlice, IoSliceMut, Outgoing, Result};
use crate::wait::WaitSet;
use omnibus_abi::bus1::Transfer;
use omnibus_abi::{CapabilityNumber, DEADLINE_NEVER, Errno};

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
    pub fn next(self, data: &mut [u8], handles: &mut [Transfer]) -> Result<Incoming> {
        loop {
            match calls::recv(self.0, &mut [IoSliceMut::new(data)], handles) {
                (incoming, Ok(())) => return Ok(incoming),
                (_, Err(Errno::EAGAIN)) => {}
                (_, Err(error)) => return Err(error),
            }
            WaitSet::new().capability(self.0).wait(DEADLINE_NEVER)?;
        }
    }

    /// Sends `data` and `carried` through `handle`, then waits for the next message, which a client takes for the reply and a server for the
    /// next request.
    ///
    /// # Errors
    /// Those of [`Port::send`] and [`Port::next`].
    pub fn exchange(
        self,
        handle: u64,
        data: &[u8],
        carried: &[Transfer],
        into: &mut [u8],
        handles: &mut [Transfer],
    ) -> Result<Incoming> {
        self.send(handle, data, carried)?;
        self.next(into, handles)
    }
}
