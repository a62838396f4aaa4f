//! Devices: I/O ports and interrupt lines, for drivers.

use crate::account::Account;
use crate::bus::Handle;
use crate::calls::{self, Result};
use crate::capability::{Owned, owns_capability};
use omnibus_abi::native::InterruptEvent;

/// A range of I/O ports.
#[derive(Debug)]
pub struct Ports(Owned);

owns_capability!(Ports, Lines, Interrupt);

impl Ports {
    /// The `n` ports from `first` on.
    ///
    /// # Errors
    /// `EINVAL`: they are not all of this range.
    pub fn part(&self, first: u16, n: u64) -> Result<Self> {
        calls::range_split(self.number(), u64::from(first), n).map(Self::from_capability)
    }

    /// Reads the byte at `port`.
    ///
    /// # Errors
    /// `EINVAL`: not of this range. `EPERM`: no right IN, or the kernel's own.
    pub fn read(&self, port: u16) -> Result<u8> {
        calls::port_in(self.number(), port, 1).map(|value| value as u8)
    }

    /// Writes the byte at `port`.
    ///
    /// # Errors
    /// `EINVAL`: not of this range. `EPERM`: no right OUT, or the kernel's own.
    pub fn write(&self, port: u16, value: u8) -> Result<()> {
        calls::port_out(self.number(), port, 1, u32::from(value))
    }
}

/// A range of interrupt lines.
#[derive(Debug)]
pub struct Lines(Owned);

impl Lines {
    /// The `n` lines from `first` on.
    ///
    /// # Errors
    /// `EINVAL`: they are not all of this range.
    pub fn part(&self, first: u64, n: u64) -> Result<Self> {
        calls::range_split(self.number(), first, n).map(Self::from_capability)
    }

    /// Has the interrupts of `line` told through `handle`, from the first acknowledgement on.
    ///
    /// # Errors
    /// `EINVAL`: no such line. `EBUSY`: it is bound. `EDQUOT`, `ENOMEM`.
    pub fn bind(&self, line: u64, account: &Account, handle: &Handle) -> Result<Interrupt> {
        let peer = handle.peer().number();
        calls::interrupt_bind(self.number(), line, account.number(), peer, handle.id())
            .map(Interrupt::from_capability)
    }
}

/// A bound line; free again when this is dropped.
#[derive(Debug)]
pub struct Interrupt(Owned);

impl Interrupt {
    /// Lets the next interrupt in.
    ///
    /// # Errors
    /// `EPERM`: no right ACKNOWLEDGE.
    pub fn acknowledge(&self) -> Result<()> {
        calls::interrupt_acknowledge(self.number())
    }
}

/// What a message of an interrupt line says; `None` if it has not the length of one.
#[must_use]
pub fn event(payload: &[u8]) -> Option<InterruptEvent> {
    crate::timer::structure(payload)
}
