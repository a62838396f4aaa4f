//! Bus 0 of PCI through its two ports (PCI Local Bus Specification 3.0, 3.2.2.3.2 and 6.1): what a test needs to find a card.

use omnibus_userland::calls::{self, Result};
use omnibus_userland::device::Ports;
use omnibus_userland::suite::devices::all_ports;

/// The two ports: which register is meant, and its value.
const ADDRESS: u16 = 0xcf8;
const DATA: u16 = 0xcfc;
/// Bit of the address: it means a register.
const ENABLE: u32 = 1 << 31;
/// Devices of a bus.
const N_DEVICES: u32 = 32;

/// Registers: vendor and device; command; class; first base address; interrupt line.
const IDENTITY: u32 = 0x00;
const COMMAND: u32 = 0x04;
const CLASS: u32 = 0x08;
const BASE_ADDRESS: u32 = 0x10;
const INTERRUPT: u32 = 0x3c;
/// Identity where there is no device (6.1).
const NOBODY: u32 = u32::MAX;
/// Identity of the host bridge of QEMU's Q35 (`PCI_DEVICE_ID_INTEL_Q35_MCH` there).
const Q35: u32 = 0x29c0_8086;
/// Command (6.2.2): answer at I/O ports.
const IO_SPACE: u32 = 1;
/// Upper half of the class register (appendix D): a serial port, of whatever interface.
const SERIAL_PORT: u32 = 0x0700;
/// Base address (6.2.5.1): of I/O ports, in steps of four.
const IS_IO: u32 = 1;
const IO_BASE: u32 = 0xfffc;

/// Bus 0.
pub(crate) struct Bus(Ports);

/// A device on it, function 0.
pub(crate) struct Device<'a> {
    bus: &'a Bus,
    number: u32,
}

impl Bus {
    pub(crate) fn new() -> Result<Self> {
        all_ports()?.part(ADDRESS, 8).map(Self)
    }

    /// The first serial port.
    pub(crate) fn serial_port(&self) -> Result<Option<Device<'_>>> {
        for number in 0..N_DEVICES {
            let device = Device { bus: self, number };
            if device.get(IDENTITY)? != NOBODY && device.get(CLASS)? >> 16 == SERIAL_PORT {
                return Ok(Some(device));
            }
        }
        Ok(None)
    }

    /// True on a Q35, whose PCI interrupts come in at inputs 16 to 23 of the I/O APIC (Intel ICH9 data sheet, "Interrupt
    /// Mapping").
    pub(crate) fn is_q35(&self) -> Result<bool> {
        let bridge = Device {
            bus: self,
            number: 0,
        };
        Ok(bridge.get(IDENTITY)? == Q35)
    }
}

impl Device<'_> {
    /// Lets it answer at its I/O ports; the first of them, or `None` if the firmware gave it none.
    pub(crate) fn enable(&self) -> Result<Option<u16>> {
        let base = self.get(BASE_ADDRESS)?;
        let first = (base & IO_BASE) as u16;
        if base & IS_IO == 0 || first == 0 {
            return Ok(None);
        }
        // The status in the upper half is cleared by ones.
        let command = self.get(COMMAND)? & 0xffff;
        self.set(COMMAND, command | IO_SPACE)?;
        Ok(Some(first))
    }

    /// The ISA line to which the firmware routed its interrupt (6.2.4), if it says one.
    pub(crate) fn isa_line(&self) -> Result<Option<u64>> {
        let line = u64::from(self.get(INTERRUPT)? & 0xff);
        Ok((1..16).contains(&line).then_some(line))
    }

    fn select(&self, register: u32) -> Result<()> {
        let address = ENABLE | self.number << 11 | register;
        calls::port_out(self.bus.0.number(), ADDRESS, 4, address)
    }

    fn get(&self, register: u32) -> Result<u32> {
        self.select(register)?;
        calls::port_in(self.bus.0.number(), DATA, 4)
    }

    fn set(&self, register: u32, value: u32) -> Result<()> {
        self.select(register)?;
        calls::port_out(self.bus.0.number(), DATA, 4, value)
    }
}
