//! The calls that fit no family: exit, print, a new peer.

use omnibus_abi::Errno;
use omnibus_abi::capability::{account, console};
use omnibus_abi::limits::PRINT_BYTES_MAX;

use super::Arguments;
use super::caller::Caller;
use super::operation::Outcome;
use super::user::ReadClaim;
use crate::cap::{Object, select};
use crate::service::{self, peer::Hold};
use crate::task::end::End;
use crate::task::task::Task;

/// `exit(status)`.
pub fn exit(caller: &Caller<'_>, [status, ..]: Arguments) -> Outcome {
    Task::end(caller.task(), End::exited(status));
    Outcome::Ended
}

/// `debug_print(console, ptr, n_bytes)`: whole or not at all.
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`; `EMSGSIZE`; `EFAULT`.
pub fn debug_print(
    caller: &mut Caller<'_>,
    [console, address, n_bytes, ..]: Arguments,
) -> Result<u64, Errno> {
    caller.check(console, console::WRITE, select::console)?;
    if n_bytes > PRINT_BYTES_MAX {
        return Err(Errno::EMSGSIZE);
    }
    let bytes = caller
        .scratch
        .bytes
        .get_mut(..n_bytes as usize)
        .ok_or(Errno::EMSGSIZE)?;
    ReadClaim::new(address, n_bytes)?.read(&caller.memory, bytes)?;
    crate::log::write(bytes);
    Ok(0)
}

/// `peer_new(account)`.
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`; `EDQUOT`, `ENOMEM`.
pub fn peer_new(caller: &Caller<'_>, [account, ..]: Arguments) -> Result<u64, Errno> {
    let account = caller.account(account, account::CHARGE)?;
    caller.task().make_room(1)?;
    let peer = Hold::new(&account).map_err(|error| service::errno(&error))?;
    caller.install(Object::Peer(peer))
}
