//! Messages in memory that registers tell of: `receive_long`, and `call_long`, which is SEND and that in one.
//!
//! They mean what SEND to one destination, `wait` and RECV mean, with one data vector each, rule for rule. The receiving part is that of
//! the short calls ([`super::short`]), but for where the message goes. This is the general path, as there.

use bus1_service::{Kind, Receiving};
use omnibus_abi::Errno;
use omnibus_abi::bus1::{Message, Transfer};
use omnibus_abi::capability::peer;

use super::caller::Caller;
use super::carried::Installed;
use super::operation::Outcome;
use super::send::{self, Destinations, Request};
use super::short::Receive;
use super::structure::SizeOf;
use super::user::WriteClaim;
use crate::service::Omnibus;

/// `receive_long(peer, deadline_ns, into, n_into, into_transfers, n_into_transfers, transfer_size)`: `EBADF`, `EOPNOTSUPP`, `EPERM`; `EINVAL`,
/// `E2BIG` size; then as RCV-1 says; `ENOMEM`; `ETIMEDOUT`.
pub fn receive(caller: &Caller<'_>) -> Outcome {
    let call = caller.thread.machine.short_call();
    let receive = Receive::new(false);
    let checked = caller
        .peer(call.peer, peer::RECEIVE)
        .and_then(|_| transfer_size(caller));
    match checked {
        Ok(_) => receive.step(caller),
        Err(errno) => receive.refuse(caller, errno).into(),
    }
}

/// `call_long(peer, handle, deadline_ns, data, n_data, transfers, n_transfers, into, …)`: `EBADF`, `EOPNOTSUPP`, `EPERM`; `EINVAL`, `E2BIG` size; then
/// as SND-5 says, and as for [`receive`].
pub fn call(caller: &mut Caller<'_>) -> Outcome {
    let outcome = send(caller).unwrap_or_else(Outcome::from);
    go_on(outcome, caller)
}

fn send(caller: &mut Caller<'_>) -> Result<Outcome, Errno> {
    let call = caller.thread.machine.short_call();
    let hold = caller.peer(call.peer, peer::USE | peer::RECEIVE)?;
    let transfer_size = transfer_size(caller)?;
    let memory = caller.thread.machine.memory();
    let message = Message {
        n_transfers: memory.transfers.n,
        ptr_transfers: memory.transfers.address,
        n_data: memory.data.n,
        n_data_vecs: 1,
        ..Message::default()
    };
    send::check_bounds(&message, 1)?;
    if let Some(vector) = caller.scratch.vectors.first_chunk_mut() {
        *vector = [memory.data.address, memory.data.n];
    }
    let request = Request {
        message,
        destinations: Destinations::One(call.handle),
        transfer_size,
    };
    Ok(request.begin(caller, hold))
}

/// What comes of `outcome`, which is that of a step of sending: if the caller makes a combined call, and its message is sent, it goes on to
/// receive.
pub fn go_on(outcome: Outcome, caller: &Caller<'_>) -> Outcome {
    match outcome {
        Outcome::Done(result) if caller.thread.machine.short_call().has_sent() => match result {
            Ok(_) => Receive::new(true).step(caller),
            Err(Errno::EFAULT) => Receive::new(false).miss(caller),
            Err(errno) => Receive::new(false).refuse(caller, errno).into(),
        },
        other => other,
    }
}

fn transfer_size(caller: &Caller<'_>) -> Result<SizeOf<Transfer>, Errno> {
    SizeOf::new(caller.thread.machine.short_call().n_bytes)
}

/// Copies a message out to where the caller's registers say; it stays first in its queue.
///
/// # Errors
/// `EMSGSIZE` if it does not fit, and then nothing is touched (RCV-2); `EFAULT`; `EDQUOT`, `ENOMEM`: the capability table.
pub fn copy_out<'a>(
    caller: &Caller<'a>,
    receiving: &Receiving<Omnibus>,
) -> Result<Installed<'a>, Errno> {
    let mut installed = Installed::none(&caller.thread.task);
    if receiving.kind() != Kind::User {
        return Ok(installed);
    }
    let memory = caller.thread.machine.memory();
    let (payload, n_transfers) = (receiving.payload(), receiving.n_transfers() as u64);
    let n_data = payload.len() as u64;
    if n_data > memory.into.n || n_transfers > memory.into_transfers.n {
        return Err(Errno::EMSGSIZE);
    }
    WriteClaim::new(memory.into.address, n_data)?.write_at(&caller.memory, 0, &payload)?;
    let address = memory.into_transfers.address;
    let transfers = transfer_size(caller)?.claim_array(address, n_transfers)?;
    installed.deliver(caller, receiving, &transfers)?;
    Ok(installed)
}
