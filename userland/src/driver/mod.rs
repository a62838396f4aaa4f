//! Drivers of two chips that every PC has, apart from how a program reaches them: each works on a [`Registers`], which is a range of I/O
//! ports in a driver and a model of the chip in a test.

pub mod clock_chip;
pub mod console;
pub mod uart;

use crate::calls::Result;
use crate::device::Ports;

/// The registers of a chip, numbered from its first port on.
pub trait Registers {
    /// Reads one.
    ///
    /// # Errors
    /// Those of the way to the chip.
    fn get(&self, register: u16) -> Result<u8>;

    /// Writes one.
    ///
    /// # Errors
    /// Those of the way to the chip.
    fn set(&self, register: u16, value: u8) -> Result<()>;
}

/// A chip behind I/O ports.
#[derive(Debug)]
pub struct AtPorts {
    ports: Ports,
    first: u16,
}

impl AtPorts {
    /// The chip whose registers are `ports`, from `first` on.
    #[must_use]
    pub const fn new(ports: Ports, first: u16) -> Self {
        Self { ports, first }
    }
}

impl Registers for AtPorts {
    fn get(&self, register: u16) -> Result<u8> {
        self.ports.read(self.first + register)
    }

    fn set(&self, register: u16, value: u8) -> Result<()> {
        self.ports.write(self.first + register, value)
    }
}
