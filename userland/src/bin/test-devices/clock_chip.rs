//! What the tests have of the machine: all ports, all lines, and the clock chip, which interrupts when it is told to.

use omnibus_userland::abi::{CapabilityNumber, Errno, Kind};
use omnibus_userland::account::Account;
use omnibus_userland::bus::Handle;
use omnibus_userland::calls::{self, Result};
use omnibus_userland::device::{Interrupt, Lines, Ports};
use omnibus_userland::driver::AtPorts;
use omnibus_userland::driver::clock_chip::{CLOCK_CHIP, ClockChip};
use omnibus_userland::environment;

/// The chip's line.
pub(crate) const LINE: u64 = CLOCK_CHIP.2;

/// The chip.
pub(crate) fn chip() -> Result<ClockChip<AtPorts>> {
    let ports = all_ports()?.part(CLOCK_CHIP.0, CLOCK_CHIP.1)?;
    ClockChip::new(AtPorts::new(ports, CLOCK_CHIP.0))
}

/// Every port, as the first task has them.
pub(crate) fn all_ports() -> Result<Ports> {
    copy(Kind::Ports).map(Ports::from_capability)
}

/// Every line, as the first task has them.
pub(crate) fn all_lines() -> Result<Lines> {
    copy(Kind::Lines).map(Lines::from_capability)
}

/// The chip's line, bound to a handle.
pub(crate) fn bind(account: &Account, handle: &Handle) -> Result<Interrupt> {
    all_lines()?.bind(LINE, account, handle)
}

fn copy(kind: Kind) -> Result<CapabilityNumber> {
    let number = environment::find(kind).ok_or(Errno::ENOENT)?;
    calls::capability_copy(number, kind.all_rights())
}
