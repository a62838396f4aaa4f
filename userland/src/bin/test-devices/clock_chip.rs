//! The clock chip, which interrupts when it is told to.

use omnibus_userland::account::Account;
use omnibus_userland::bus::Handle;
use omnibus_userland::calls::Result;
use omnibus_userland::device::Interrupt;
use omnibus_userland::driver::AtPorts;
use omnibus_userland::driver::clock_chip::{CLOCK_CHIP, ClockChip};
use omnibus_userland::suite::devices::{all_lines, all_ports};

/// The chip's line.
pub(crate) const LINE: u64 = CLOCK_CHIP.2;

/// The chip.
pub(crate) fn chip() -> Result<ClockChip<AtPorts>> {
    let ports = all_ports()?.part(CLOCK_CHIP.0, CLOCK_CHIP.1)?;
    ClockChip::new(AtPorts::new(ports, CLOCK_CHIP.0))
}

/// The chip's line, bound to a handle.
pub(crate) fn bind(account: &Account, handle: &Handle) -> Result<Interrupt> {
    all_lines()?.bind(LINE, account, handle)
}
