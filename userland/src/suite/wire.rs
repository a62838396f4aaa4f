//! The commands of bus1 with plain ids and nothing released on drop: what tests of the rules need.

use crate::bus::Peer;
use crate::calls::{self, IoSlice, IoSliceMut, Outgoing, Result};
use crate::check::Outcome;
use crate::check_eq;
use alloc::vec;
use alloc::vec::Vec;
use omnibus_abi::Errno;
use omnibus_abi::bus1::{
    INVALID, MESSAGE_TYPE_HANDLE_RELEASE, MESSAGE_TYPE_NODE_RELEASE, MESSAGE_TYPE_USER,
    TRANSFER_FLAG_CREATE, Transfer,
};

/// Makes a node on `from` and a handle to it on `to`; returns both ids.
///
/// # Errors
/// Those of TRANSFER.
pub fn create(from: &Peer, to: &Peer) -> Result<(u64, u64)> {
    let mut source = [Transfer {
        flags: TRANSFER_FLAG_CREATE,
        id: INVALID,
    }];
    let mut target = [Transfer::default()];
    calls::transfer(from.number(), to.number(), &mut source, &mut target)?;
    Ok((source[0].id, target[0].id))
}

/// Copies a handle of `from` to `to`; returns the copy's id.
///
/// # Errors
/// Those of TRANSFER.
pub fn copy(from: &Peer, to: &Peer, handle: u64) -> Result<u64> {
    let mut source = [Transfer {
        flags: 0,
        id: handle,
    }];
    let mut target = [Transfer::default()];
    calls::transfer(from.number(), to.number(), &mut source, &mut target)?;
    Ok(target[0].id)
}

/// Sends bytes to every destination.
///
/// # Errors
/// Those of SEND.
pub fn send(peer: &Peer, destinations: &[u64], data: &[u8]) -> Result<()> {
    send_with(peer, destinations, data, &[])
}

/// Sends bytes and copies of handles to every destination.
///
/// # Errors
/// Those of SEND.
pub fn send_with(peer: &Peer, destinations: &[u64], data: &[u8], carried: &[u64]) -> Result<()> {
    let transfers: Vec<_> = carried
        .iter()
        .map(|&id| Transfer { flags: 0, id })
        .collect();
    let message = Outgoing {
        data: &[IoSlice::new(data)],
        transfers: &transfers,
    };
    calls::send(peer.number(), destinations, message)
}

/// Releases ids.
///
/// # Errors
/// Those of RELEASE.
pub fn release(peer: &Peer, ids: &[u64]) -> Result<()> {
    calls::release(peer.number(), ids)
}

/// What RECV gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Got {
    /// A message: node, sender's account, bytes, ids of the carried handles.
    Message(u64, u64, Vec<u8>, Vec<u64>),
    /// The node of this handle was released.
    NodeRelease(u64),
    /// The last handle of this node was released.
    HandleRelease(u64),
}

impl Got {
    /// The bytes of a message; of a notification `N` or `H`.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        match self {
            Self::Message(_, _, data, _) => data,
            Self::NodeRelease(_) => b"N",
            Self::HandleRelease(_) => b"H",
        }
    }

    /// Ids of the carried handles.
    #[must_use]
    pub fn handles(&self) -> &[u64] {
        match self {
            Self::Message(_, _, _, handles) => handles,
            Self::NodeRelease(_) | Self::HandleRelease(_) => &[],
        }
    }
}

/// Takes the next message or notification, of at most 4096 bytes and 64 handles.
///
/// # Errors
/// Those of RECV.
pub fn recv(peer: &Peer) -> Result<Got> {
    let mut data = vec![0; 4096];
    let mut transfers = [Transfer::default(); 64];
    let (incoming, result) = calls::recv(
        peer.number(),
        &mut [IoSliceMut::new(&mut data)],
        &mut transfers,
    );
    result?;
    let (id, message) = (incoming.metadata.id, incoming.message);
    match message.kind {
        MESSAGE_TYPE_USER => {
            data.truncate(message.n_data as usize);
            let handles = transfers.iter().take(message.n_transfers as usize);
            let handles = handles.map(|transfer| transfer.id).collect();
            Ok(Got::Message(id, incoming.metadata.account, data, handles))
        }
        MESSAGE_TYPE_NODE_RELEASE => Ok(Got::NodeRelease(id)),
        MESSAGE_TYPE_HANDLE_RELEASE => Ok(Got::HandleRelease(id)),
        _ => Err(Errno::ENOSYS),
    }
}

/// Takes everything there is; each message by its bytes, a NODE_RELEASE as `N`, a HANDLE_RELEASE as `H`.
///
/// # Errors
/// Those of RECV, but for `EAGAIN`.
pub fn drain(peer: &Peer) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    loop {
        match recv(peer) {
            Ok(got) => all.extend_from_slice(got.data()),
            Err(Errno::EAGAIN) => return Ok(all),
            Err(error) => return Err(error),
        }
    }
}

/// Fails unless there is nothing to receive.
///
/// # Errors
/// If there is something.
#[track_caller]
pub fn expect_nothing(peer: &Peer) -> Outcome {
    check_eq!(recv(peer), Err(Errno::EAGAIN), "an empty queue");
    Ok(())
}

/// Waits for the next message or notification and takes it.
///
/// # Errors
/// `ETIMEDOUT` if none comes within [`crate::actor::PATIENCE`]; those of RECV.
pub fn take(peer: &Peer) -> Result<Got> {
    let deadline_ns = crate::time::deadline_in(crate::actor::PATIENCE);
    loop {
        match recv(peer) {
            Err(Errno::EAGAIN) => {
                crate::wait::WaitSet::new().peer(peer).wait(deadline_ns)?;
            }
            result => return result,
        }
    }
}
