//! The calls on memory objects, except the one that unmaps.

use super::Result;
use super::gate::{Register, call};
use omnibus_abi::native::{MemoryInfo, MemoryMap};
use omnibus_abi::{Call, CapabilityNumber};

/// Makes a memory object of zeroed pages, charged to `account` (right CHARGE).
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`: the capability. `EINVAL`: not whole pages, or none. `EMSGSIZE`: too many. `EDQUOT`, `ENOMEM`.
pub fn memory_new(account: CapabilityNumber, n_bytes: u64) -> Result<CapabilityNumber> {
    let arguments = [Register::number(account.0), Register::number(n_bytes)];
    call(Call::MemoryNew, arguments).map(CapabilityNumber)
}

/// Maps a memory object where nothing is mapped, and returns the address.
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`, `ESTALE`: a capability. `EINVAL`: address, offset, length or rights. `ESRCH`: the task has ended.
/// `EEXIST`: something is mapped there. `ETXTBSY`: it would be writable and executable at once. `EDQUOT`, `ENOMEM`.
pub fn memory_map(map: &MemoryMap) -> Result<u64> {
    let arguments = [Register::input(map), Register::number(MemoryMap::SIZE)];
    call(Call::MemoryMap, arguments)
}

/// Takes a memory object back (right REVOKE): it is unmapped everywhere, and every other capability to it is dead.
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`, `ESTALE`: the capability.
pub fn memory_revoke(memory: CapabilityNumber) -> Result<()> {
    call(Call::MemoryRevoke, [Register::number(memory.0)]).map(drop)
}

/// Has an `omnibus_memory_revoked` sent through `handle` of `peer` (right USE) when a memory object has been taken back from this
/// capability.
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `ESTALE`: the object. `EBADF`, `EOPNOTSUPP`, `EPERM`: the peer. `EBADRQC`: the handle. `EDQUOT`, `ENOMEM`.
pub fn memory_watch(memory: CapabilityNumber, peer: CapabilityNumber, handle: u64) -> Result<()> {
    let arguments = [memory.0, peer.0, handle].map(Register::number);
    call(Call::MemoryWatch, arguments).map(drop)
}

/// Tells length and mappings of a memory object.
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `ESTALE`: the capability.
pub fn memory_info(memory: CapabilityNumber) -> Result<MemoryInfo> {
    let mut info = MemoryInfo::default();
    let arguments = [
        Register::number(memory.0),
        Register::output(&mut info),
        Register::number(MemoryInfo::SIZE),
    ];
    call(Call::MemoryInfo, arguments).map(|_| info)
}
