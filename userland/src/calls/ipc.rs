//! The calls of bus1, and `wait`.

use super::gate::{Register, call};
use super::{IoSlice, IoSliceMut, Result};
use crate::raw::ShortRegisters;
use omnibus_abi::bus1::{
    CmdRecv, CmdRelease, CmdSend, CmdTransfer, INVALID, Message, Metadata, RECV_FLAG_DISCARD,
    Transfer,
};
use omnibus_abi::long::{Memory, Range, TRANSFER_SIZE_SHIFT};
use omnibus_abi::native::WaitItem;
use omnibus_abi::{Call, CapabilityNumber, Errno};

const fn capability(number: CapabilityNumber) -> Register {
    Register::number(number.0)
}

const fn size(n_bytes: u64) -> Register {
    Register::number(n_bytes)
}

/// Makes a peer that acts for `account` (right CHARGE).
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`: the capability. `EDQUOT`, `ENOMEM`.
pub fn peer_new(account: CapabilityNumber) -> Result<CapabilityNumber> {
    call(Call::PeerNew, [capability(account)]).map(CapabilityNumber)
}

/// TRANSFER from peer `from` to peer `to` ([`CapabilityNumber::INVALID`]: to itself).
///
/// # Errors
/// `EINVAL` if the arrays are not equally long; else those of TRANSFER (TRA rules).
pub fn transfer(
    from: CapabilityNumber,
    to: CapabilityNumber,
    sources: &mut [Transfer],
    targets: &mut [Transfer],
) -> Result<()> {
    if sources.len() != targets.len() {
        return Err(Errno::EINVAL);
    }
    let command = CmdTransfer {
        flags: 0,
        to: to.0,
        n_transfers: sources.len() as u64,
        ptr_src: sources.as_mut_ptr() as u64,
        ptr_dst: targets.as_mut_ptr() as u64,
    };
    let arguments = [
        capability(from),
        Register::input(&command),
        size(CmdTransfer::SIZE),
        size(Transfer::SIZE),
    ];
    call(Call::Transfer, arguments).map(drop)
}

/// RELEASE of any mix of own nodes and handles, in one transaction.
///
/// # Errors
/// Those of RELEASE (REL rules).
pub fn release(peer: CapabilityNumber, ids: &[u64]) -> Result<()> {
    if let &[id] = ids {
        let arguments = [capability(peer), Register::number(id)];
        return call(Call::ReleaseOne, arguments).map(drop);
    }
    let command = CmdRelease {
        flags: 0,
        n_ids: ids.len() as u64,
        ptr_ids: ids.as_ptr() as u64,
    };
    let arguments = [
        capability(peer),
        Register::input(&command),
        size(CmdRelease::SIZE),
    ];
    call(Call::Release, arguments).map(drop)
}

/// What a message is made of.
#[derive(Clone, Copy, Default)]
pub struct Outgoing<'a> {
    /// Its bytes, in pieces.
    pub data: &'a [IoSlice<'a>],
    /// The handles it carries, flags 0, and the capabilities, flags CAPABILITY.
    pub transfers: &'a [Transfer],
}

/// SEND to every destination, one transaction.
///
/// # Errors
/// Those of SEND (SND rules).
pub fn send(peer: CapabilityNumber, destinations: &[u64], message: Outgoing<'_>) -> Result<()> {
    send_with(peer, destinations, 0, message)
}

/// [`send`] that reports each destination's error in `errors` (SND-2).
///
/// # Errors
/// `EINVAL` if the arrays are not equally long; else those of SEND.
pub fn send_reporting(
    peer: CapabilityNumber,
    destinations: &[u64],
    errors: &mut [i32],
    message: Outgoing<'_>,
) -> Result<()> {
    if errors.len() != destinations.len() {
        return Err(Errno::EINVAL);
    }
    send_with(peer, destinations, errors.as_mut_ptr() as u64, message)
}

fn send_with(
    peer: CapabilityNumber,
    destinations: &[u64],
    ptr_errors: u64,
    message: Outgoing<'_>,
) -> Result<()> {
    let message = Message {
        n_transfers: message.transfers.len() as u64,
        ptr_transfers: message.transfers.as_ptr() as u64,
        n_data: message.data.iter().map(IoSlice::n_bytes).sum(),
        n_data_vecs: message.data.len() as u64,
        ptr_data_vecs: message.data.as_ptr() as u64,
        ..Message::default()
    };
    let command = CmdSend {
        flags: 0,
        n_destinations: destinations.len() as u64,
        ptr_destinations: destinations.as_ptr() as u64,
        ptr_errors,
        ptr_message: core::ptr::from_ref(&message) as u64,
    };
    let arguments = [
        capability(peer),
        Register::input(&command),
        size(CmdSend::SIZE),
        size(Message::SIZE),
        size(Transfer::SIZE),
    ];
    call(Call::Send, arguments).map(drop)
}

/// What RECV wrote. With `EMSGSIZE` the metadata and the sizes needed are valid too (RCV-2).
#[derive(Clone, Copy, Debug)]
pub struct Incoming {
    /// Where the message came in, and from whom.
    pub metadata: Metadata,
    /// Its type, and how many bytes and handles it has.
    pub message: Message,
}

/// RECV into `data` and `transfers`.
///
/// The sizes are returned beside the result, because `EMSGSIZE` has them too.
pub fn recv(
    peer: CapabilityNumber,
    data: &mut [IoSliceMut<'_>],
    transfers: &mut [Transfer],
) -> (Incoming, Result<()>) {
    let n_data = data.iter().map(IoSliceMut::n_bytes).sum();
    recv_with(
        peer,
        0,
        Message {
            kind: INVALID,
            n_transfers: transfers.len() as u64,
            ptr_transfers: transfers.as_mut_ptr() as u64,
            n_data,
            n_data_vecs: data.len() as u64,
            ptr_data_vecs: data.as_mut_ptr() as u64,
            ..Message::default()
        },
    )
}

/// RECV with DISCARD: removes the first message, releases what it carries (RCV-7).
pub fn recv_discard(peer: CapabilityNumber) -> (Incoming, Result<()>) {
    let message = Message {
        kind: INVALID,
        ..Message::default()
    };
    recv_with(peer, RECV_FLAG_DISCARD, message)
}

fn recv_with(peer: CapabilityNumber, flags: u64, mut message: Message) -> (Incoming, Result<()>) {
    let mut metadata = Metadata::default();
    let command = CmdRecv {
        flags,
        ptr_metadata: core::ptr::from_mut(&mut metadata) as u64,
        ptr_message: core::ptr::from_mut(&mut message) as u64,
    };
    let arguments = [
        capability(peer),
        Register::input(&command),
        size(CmdRecv::SIZE),
        size(Metadata::SIZE),
        size(Message::SIZE),
        size(Transfer::SIZE),
    ];
    let result = call(Call::Recv, arguments).map(drop);
    (Incoming { metadata, message }, result)
}

/// `receive_long` or `call_long`, with `rax rdi rsi rbx` from `arguments`; the size of a transfer is put in.
#[inline]
pub fn call_long(
    [number, peer, handle, deadline_ns]: [u64; 4],
    data: &[u8],
    transfers: &[Transfer],
    into: &mut [u8],
    into_transfers: &mut [Transfer],
) -> ShortRegisters {
    let range = |address: u64, n: usize| Range {
        address,
        n: n as u64,
    };
    let memory = Memory {
        data: range(data.as_ptr() as u64, data.len()),
        transfers: range(transfers.as_ptr() as u64, transfers.len()),
        into: range(into.as_mut_ptr() as u64, into.len()),
        into_transfers: range(into_transfers.as_mut_ptr() as u64, into_transfers.len()),
    };
    let number = number | Transfer::SIZE << TRANSFER_SIZE_SHIFT;
    super::gate::call_long([number, peer, handle, deadline_ns], memory)
}

/// Waits for an event on one of the items, at most until the deadline.
///
/// # Errors
/// `ETIMEDOUT`: the deadline passed. `EBADF`, `EOPNOTSUPP`, `EPERM`: a capability. `EINVAL`: a flag, or too many items.
pub fn wait(items: &mut [WaitItem], deadline_ns: u64) -> Result<u64> {
    let n_items = items.len() as u64;
    let arguments = [
        Register::output(items),
        Register::number(n_items),
        size(WaitItem::SIZE),
        Register::number(deadline_ns),
    ];
    call(Call::Wait, arguments)
}
