//! The card: a serial port, and the lines at which its interrupt comes in.

use super::pci::Bus;
use alloc::vec::Vec;
use core::time::Duration;
use omnibus_userland::abi::Errno;
use omnibus_userland::actor::PATIENCE;
use omnibus_userland::bus::{Handle, Peer};
use omnibus_userland::calls::Result;
use omnibus_userland::check::{Failure, Outcome};
use omnibus_userland::device::Interrupt;
use omnibus_userland::driver::uart::{
    COM1, INTERRUPT_ENABLE, INTERRUPT_IDENTIFICATION, ON_TRANSMITTER_EMPTY,
};
use omnibus_userland::driver::{AtPorts, Registers};
use omnibus_userland::suite::Bench;
use omnibus_userland::suite::devices::{all_lines, all_ports, told_until};
use omnibus_userland::{check, check_eq, time};

/// Inputs of the I/O APIC at which interrupts of PCI alone come in.
const PCI_LINES: core::ops::Range<u64> = 16..24;
/// Interrupt identification: the transmitter is empty (PC16550D data sheet, section 8). To read it takes the interrupt back.
const IS_TRANSMITTER_EMPTY: u8 = 0b10;

pub(crate) struct Card {
    chip: AtPorts,
    /// Not empty. A Q35 leads an interrupt to an input of its own and to that of an ISA line, too.
    pub(crate) lines: Vec<u64>,
}

impl Card {
    /// Finds the card and its lines: of all lines that it could have, those that interrupt when it does.
    pub(crate) fn find(bench: &Bench) -> Outcome<Self> {
        let bus = Bus::new()?;
        let Some(device) = bus.serial_port()? else {
            return Err(Failure::new(
                "no serial port on PCI bus 0; QEMU's option for one is `-device pci-serial`",
            ));
        };
        let Some(first) = device.enable()? else {
            return Err(Failure::new("the serial port on PCI has no I/O ports"));
        };
        let chip = AtPorts::new(all_ports()?.part(first, COM1.1)?, first);
        let mut card = Self {
            chip,
            lines: Vec::new(),
        };
        card.withdraw()?;
        let peer = Peer::new(&bench.account)?;
        let (_node, handle) = peer.node()?;
        let mut bound = Vec::new();
        for line in device.isa_line()?.into_iter().chain(PCI_LINES) {
            let interrupt = card.bind(bench, &handle, line)?;
            interrupt.acknowledge()?;
            bound.push(interrupt);
        }
        check_eq!(told_soon(&peer)?, None, "told before the card interrupts");
        card.raise()?;
        let mut deadline_ns = time::deadline_in(PATIENCE);
        while let Some(event) = told_until(&peer, deadline_ns)? {
            check_eq!(event.n_told, 1, "how often line {} was told", event.line);
            card.lines.push(event.line);
            deadline_ns = soon_ns();
        }
        card.withdraw()?;
        let lines = &card.lines;
        check!(!lines.is_empty(), "no line interrupted");
        check!(
            !bus.is_q35()? || lines.iter().any(|line| PCI_LINES.contains(line)),
            "on a Q35 it is one of {PCI_LINES:?}, not of {lines:?}"
        );
        Ok(card)
    }

    /// Binds one of its lines.
    pub(crate) fn bind(&self, bench: &Bench, handle: &Handle, line: u64) -> Outcome<Interrupt> {
        let bound = all_lines()?.bind(line, &bench.account, handle);
        bound.map_err(|error: Errno| Failure::new(format_args!("line {line}: {error}")))
    }

    /// Has it interrupt: its transmitter is empty all the time, and it says so anew whenever that is let through.
    pub(crate) fn raise(&self) -> Result<()> {
        self.withdraw()?;
        self.chip.set(INTERRUPT_ENABLE, ON_TRANSMITTER_EMPTY)
    }

    /// Does what its interrupt asks for.
    pub(crate) fn serve(&self) -> Outcome<()> {
        let identification = self.chip.get(INTERRUPT_IDENTIFICATION)? & 0xf;
        check_eq!(identification, IS_TRANSMITTER_EMPTY, "its interrupt");
        Ok(())
    }

    /// Has it interrupt no more.
    pub(crate) fn withdraw(&self) -> Result<()> {
        self.chip.set(INTERRUPT_ENABLE, 0)
    }
}

/// The line that is told within some milliseconds, if one is.
pub(crate) fn told_soon(peer: &Peer) -> Outcome<Option<u64>> {
    Ok(told_until(peer, soon_ns())?.map(|event| event.line))
}

fn soon_ns() -> u64 {
    time::deadline_in(Duration::from_millis(5))
}
