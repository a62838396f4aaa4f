//! The real-time clock, driven by hand: a chip that interrupts when it is told to (Motorola MC146818A data sheet).

use omnibus_userland::abi::{CapabilityNumber, Errno, Kind};
use omnibus_userland::account::Account;
use omnibus_userland::bus::Handle;
use omnibus_userland::calls::{self, Result};
use omnibus_userland::device::{Interrupt, Lines, Ports};
use omnibus_userland::environment;

/// Its line on a PC.
pub(crate) const LINE: u64 = 8;

/// Index and data port, and registers A, B and C.
const INDEX: u16 = 0x70;
const DATA: u16 = 0x71;
const A: u8 = 10;
const B: u8 = 11;
const C: u8 = 12;
/// Register A: the time base, and 1,024 interrupts a second.
const RATE_1024: u8 = 0x20 | 6;
/// Register B: periodic interrupt, update-ended interrupt; 24 hours.
const PERIODIC: u8 = 1 << 6;
const HOURS_24: u8 = 1 << 1;

/// The chip.
pub(crate) struct ClockChip(Ports);

impl ClockChip {
    /// The chip, which interrupts nobody.
    pub(crate) fn new() -> Result<Self> {
        let chip = Self(all_ports()?.part(INDEX, 2)?);
        chip.stop()?;
        Ok(chip)
    }

    /// Lets it interrupt 1,024 times a second, each time after [`Self::clear`].
    pub(crate) fn start(&self) -> Result<()> {
        self.set(A, RATE_1024)?;
        self.set(B, PERIODIC | HOURS_24)?;
        self.clear().map(drop)
    }

    /// Lets it interrupt no more.
    pub(crate) fn stop(&self) -> Result<()> {
        self.set(B, HOURS_24)?;
        self.clear().map(drop)
    }

    /// Takes its interrupt back, so that the next makes an edge; whether there was one.
    pub(crate) fn clear(&self) -> Result<bool> {
        self.0.write(INDEX, C)?;
        Ok(self.0.read(DATA)? & 0x80 != 0)
    }

    fn set(&self, register: u8, value: u8) -> Result<()> {
        self.0.write(INDEX, register)?;
        self.0.write(DATA, value)
    }
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
