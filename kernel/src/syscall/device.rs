//! Timers, I/O ports and interrupt lines.

use omnibus_abi::capability::{account, interrupt, lines, peer, ports, timer};
use omnibus_abi::native::{InterruptEvent, TimerEvent};
use omnibus_abi::{CapabilityNumber, Errno};

use super::Arguments;
use super::caller::Caller;
use crate::arch::{ioapic, port};
use crate::cap::{Capability, Object, select};
use crate::device::interrupts::{Interrupt, is_bound};
use crate::device::ports::check;
use crate::device::timers::Timer;
use crate::service::{self, event::Event};

/// `timer_new(account, peer, handle)`.
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM` account, then peer; `EBADRQC` handle; `EDQUOT`, `ENOMEM`.
pub fn timer_new(caller: &Caller<'_>, [payer, by, handle, ..]: Arguments) -> Result<u64, Errno> {
    let payer = caller.account(payer, account::CHARGE)?;
    let by = caller.peer(by, peer::USE)?;
    let event = Event::bind::<TimerEvent>(&by, handle)?;
    let charge = service::charge(&payer, service::objects(1))?;
    caller.task().make_room(1)?;
    caller.install(Object::Timer(Timer::new(event, charge)?))
}

/// `timer_set(timer, deadline_ns, period_ns)`.
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`.
pub fn timer_set(
    caller: &Caller<'_>,
    [number, deadline_ns, period_ns, ..]: Arguments,
) -> Result<u64, Errno> {
    let timer = caller.look_up(number, timer::SET, select::timer)?;
    Timer::set(&timer, deadline_ns, period_ns);
    Ok(0)
}

/// `range_split(range, first, n_members)`.
///
/// # Errors
/// `EBADF`; `EOPNOTSUPP` if it is no range; `EINVAL` if the part is empty, or not all of it in the range; `EDQUOT`, `ENOMEM`.
pub fn range_split(
    caller: &Caller<'_>,
    [number, first, n_members, ..]: Arguments,
) -> Result<u64, Errno> {
    let part = {
        let capabilities = caller.task().capabilities.lock();
        let whole = capabilities.any(CapabilityNumber(number))?;
        let object = match whole.object {
            Object::Ports(range) => range.part(first, n_members).map(Object::Ports),
            Object::Lines(range) => range.part(first, n_members).map(Object::Lines),
            _ => return Err(Errno::EOPNOTSUPP),
        };
        Capability {
            object: object.ok_or(Errno::EINVAL)?,
            rights: whole.rights,
        }
    };
    Ok(caller.task().insert(part)?.0)
}

/// `port_in(ports, port, n_bytes)`.
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`; `EINVAL` a size that is not 1, 2 or 4, or ports outside the range; `EPERM` for the kernel's own.
pub fn port_in(caller: &Caller<'_>, [number, at, n_bytes, ..]: Arguments) -> Result<u64, Errno> {
    let range = caller.look_up(number, ports::IN, select::ports)?;
    let at = check(range, at, n_bytes)?;
    Ok(u64::from(port::read(at, n_bytes)))
}

/// `port_out(ports, port, n_bytes, value)`.
///
/// # Errors
/// As for [`port_in`], and `EINVAL` for a value that is longer than `n_bytes`, looked for last.
pub fn port_out(
    caller: &Caller<'_>,
    [number, at, n_bytes, value, ..]: Arguments,
) -> Result<u64, Errno> {
    let range = caller.look_up(number, ports::OUT, select::ports)?;
    let at = check(range, at, n_bytes)?;
    if value >> (8 * n_bytes) != 0 {
        return Err(Errno::EINVAL);
    }
    port::write(at, n_bytes, value as u32);
    Ok(0)
}

/// `interrupt_bind(lines, line, account, peer, handle)`.
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM` lines; `EINVAL` a line outside the range, or that the machine does not have; `EBUSY` if it is bound; `EBADF`, `EOPNOTSUPP`,
/// `EPERM` account, then peer; `EBADRQC` handle; `EDQUOT`, `ENOMEM`.
pub fn interrupt_bind(
    caller: &Caller<'_>,
    [number, line, payer, by, handle, _]: Arguments,
) -> Result<u64, Errno> {
    let range = caller.look_up(number, lines::BIND, select::lines)?;
    let line = u8::try_from(line).map_err(|_| Errno::EINVAL)?;
    if !range.has(u64::from(line), 1) || !ioapic::has_line(line) {
        return Err(Errno::EINVAL);
    }
    if is_bound(line) {
        return Err(Errno::EBUSY);
    }
    let payer = caller.account(payer, account::CHARGE)?;
    let by = caller.peer(by, peer::USE)?;
    let event = Event::bind::<InterruptEvent>(&by, handle)?;
    let charge = service::charge(&payer, service::objects(1))?;
    caller.task().make_room(1)?;
    caller.install(Object::Interrupt(Interrupt::new(line, event, charge)?))
}

/// `interrupt_acknowledge(interrupt)`.
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`.
pub fn interrupt_acknowledge(caller: &Caller<'_>, [number, ..]: Arguments) -> Result<u64, Errno> {
    let interrupt = caller.look_up(number, interrupt::ACKNOWLEDGE, select::interrupt)?;
    interrupt.acknowledge();
    Ok(0)
}
