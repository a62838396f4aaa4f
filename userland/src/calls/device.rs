//! The calls on timers, I/O ports and interrupt lines.

use super::Result;
use super::gate::{Register, call};
use omnibus_abi::{Call, CapabilityNumber};

/// Makes a timer under `account` (right CHARGE) that tells of its expiry through a handle of `peer` (right USE).
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`: a capability. `EBADRQC`: the handle. `EDQUOT`, `ENOMEM`.
pub fn timer_new(
    account: CapabilityNumber,
    peer: CapabilityNumber,
    handle: u64,
) -> Result<CapabilityNumber> {
    let arguments = [account.0, peer.0, handle].map(Register::number);
    call(Call::TimerNew, arguments).map(CapabilityNumber)
}

/// Arms a timer (right SET) for `deadline_ns`, and every `period_ns` behind it if that is not 0; disarms it for
/// [`DEADLINE_NEVER`](omnibus_abi::DEADLINE_NEVER).
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`: the capability.
pub fn timer_set(timer: CapabilityNumber, deadline_ns: u64, period_ns: u64) -> Result<()> {
    let arguments = [timer.0, deadline_ns, period_ns].map(Register::number);
    call(Call::TimerSet, arguments).map(drop)
}

/// Makes a capability to `n_members` ports or lines from `first` on, with the rights of `range`.
///
/// # Errors
/// `EBADF`. `EOPNOTSUPP`: no range. `EINVAL`: no members, or some that are not of the range. `EDQUOT`, `ENOMEM`.
pub fn range_split(
    range: CapabilityNumber,
    first: u64,
    n_members: u64,
) -> Result<CapabilityNumber> {
    let arguments = [range.0, first, n_members].map(Register::number);
    call(Call::RangeSplit, arguments).map(CapabilityNumber)
}

/// Reads 1, 2 or 4 bytes from `port` on (right IN).
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`: the capability. `EINVAL`: the size, or not all of it is in the range. `EPERM`: the kernel's own.
pub fn port_in(ports: CapabilityNumber, port: u16, n_bytes: u64) -> Result<u32> {
    let arguments = [ports.0, u64::from(port), n_bytes].map(Register::number);
    call(Call::PortIn, arguments).map(|value| value as u32)
}

/// Writes 1, 2 or 4 bytes from `port` on (right OUT).
///
/// # Errors
/// As for [`port_in`]. `EINVAL`: a value that is longer.
pub fn port_out(ports: CapabilityNumber, port: u16, n_bytes: u64, value: u32) -> Result<()> {
    let arguments = [ports.0, u64::from(port), n_bytes, u64::from(value)].map(Register::number);
    call(Call::PortOut, arguments).map(drop)
}

/// Has the interrupts of `line` told through a handle of `peer` (right USE), from the first acknowledgement on. `lines` has the right
/// BIND, and `account` CHARGE.
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`: a capability. `EINVAL`: no such line in the range. `EBUSY`: it is bound. `EBADRQC`: the handle.
/// `EDQUOT`, `ENOMEM`.
pub fn interrupt_bind(
    lines: CapabilityNumber,
    line: u64,
    account: CapabilityNumber,
    peer: CapabilityNumber,
    handle: u64,
) -> Result<CapabilityNumber> {
    let arguments = [lines.0, line, account.0, peer.0, handle].map(Register::number);
    call(Call::InterruptBind, arguments).map(CapabilityNumber)
}

/// Lets the next interrupt of a bound line in (right ACKNOWLEDGE).
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`: the capability.
pub fn interrupt_acknowledge(interrupt: CapabilityNumber) -> Result<()> {
    call(Call::InterruptAcknowledge, [Register::number(interrupt.0)]).map(drop)
}
