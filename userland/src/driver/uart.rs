//! A serial port with a queue on either side (16550 UART; National Semiconductor PC16550D data sheet, section 8).
//!
//! ```text
//!   send ──> outgoing queue ── transmitter empty ──> 16 bytes of the chip ──> line
//!   receive <── incoming queue <── bytes there ────  16 bytes of the chip <── line
//! ```
//!
//! The chip says by an interrupt that it has bytes, or room for some; it is asked for the latter only while there is something to send.
//! An interrupt ends when the chip has nothing more to say, so that the next one makes an edge.

use super::Registers;
use crate::calls::Result;
use alloc::collections::VecDeque;

/// I/O base of the first serial port of a PC, how many ports it has, and its interrupt line.
pub const COM1: (u16, u64, u64) = (0x3f8, 8, 4);

/// Register: which interrupts are let through.
pub const INTERRUPT_ENABLE: u16 = 1;
/// Register: which interrupt is pending.
pub const INTERRUPT_IDENTIFICATION: u16 = 2;
/// Other registers.
const DATA: u16 = 0;
const MODEM_CONTROL: u16 = 4;
const LINE_STATUS: u16 = 5;
/// Interrupt enable: bytes there.
const ON_RECEIVED: u8 = 1;
/// Interrupt enable: transmitter empty.
pub const ON_TRANSMITTER_EMPTY: u8 = 1 << 1;
/// Interrupt identification: nothing is pending.
const NOTHING_PENDING: u8 = 1;
/// Line status: a byte is there; the transmitter has room for [`FIFO_BYTES`].
const IS_RECEIVED: u8 = 1;
const IS_TRANSMITTER_EMPTY: u8 = 1 << 5;
/// Line status: the last byte has left.
const IS_LINE_IDLE: u8 = 1 << 6;
/// Modem control: DTR, RTS, interrupts on (OUT2), output led back as input.
const READY: u8 = 0b1011;
const LOOP: u8 = 1 << 4;
/// Bytes that the chip takes when its transmitter is empty.
const FIFO_BYTES: usize = 16;
/// Bytes that are received and not fetched before more are left in the chip, and so with whoever sends.
const INCOMING_MAX: usize = 4096;
/// How often the chip is asked about one interrupt: a broken one must not hold the driver.
const LOOKS_MAX: u32 = 256;

/// See the module's documentation.
#[derive(Debug)]
pub struct Uart<R: Registers> {
    chip: R,
    outgoing: VecDeque<u8>,
    incoming: VecDeque<u8>,
}

impl<R: Registers> Uart<R> {
    /// Takes over a port whose speed and format are set, as the kernel sets those of its console. With `is_looped`, what is sent comes
    /// back, for tests.
    ///
    /// # Errors
    /// Those of the way to the chip.
    pub fn new(chip: R, is_looped: bool) -> Result<Self> {
        chip.set(MODEM_CONTROL, if is_looped { READY | LOOP } else { READY })?;
        chip.set(INTERRUPT_ENABLE, ON_RECEIVED)?;
        Ok(Self {
            chip,
            outgoing: VecDeque::new(),
            incoming: VecDeque::new(),
        })
    }

    /// Queues bytes to be sent.
    ///
    /// # Errors
    /// Those of the way to the chip.
    pub fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.outgoing.extend(bytes);
        self.fill()
    }

    /// Bytes that are queued to be sent.
    #[must_use]
    pub fn n_outgoing(&self) -> usize {
        self.outgoing.len()
    }

    /// True if every byte has left the chip.
    ///
    /// # Errors
    /// Those of the way to the chip.
    pub fn is_idle(&self) -> Result<bool> {
        Ok(self.outgoing.is_empty() && self.chip.get(LINE_STATUS)? & IS_LINE_IDLE != 0)
    }

    /// The next byte that was received.
    pub fn receive(&mut self) -> Option<u8> {
        self.incoming.pop_front()
    }

    /// Does what an interrupt asks for, until the chip asks for nothing.
    ///
    /// # Errors
    /// Those of the way to the chip.
    pub fn interrupt(&mut self) -> Result<()> {
        for _ in 0..LOOKS_MAX {
            if self.chip.get(INTERRUPT_IDENTIFICATION)? & NOTHING_PENDING != 0 {
                break;
            }
            while self.incoming.len() < INCOMING_MAX
                && self.chip.get(LINE_STATUS)? & IS_RECEIVED != 0
            {
                let byte = self.chip.get(DATA)?;
                self.incoming.push_back(byte);
            }
            self.fill()?;
        }
        Ok(())
    }

    /// Has the chip ask for what there is to do: again for bytes, after some were fetched.
    ///
    /// # Errors
    /// Those of the way to the chip.
    pub fn enable(&self) -> Result<()> {
        let on_received = if self.incoming.len() < INCOMING_MAX {
            ON_RECEIVED
        } else {
            0
        };
        let on_empty = if self.outgoing.is_empty() {
            0
        } else {
            ON_TRANSMITTER_EMPTY
        };
        self.chip.set(INTERRUPT_ENABLE, on_received | on_empty)
    }

    /// Gives the port back as it was, without interrupts.
    ///
    /// # Errors
    /// Those of the way to the chip.
    pub fn end(self) -> Result<()> {
        self.chip.set(INTERRUPT_ENABLE, 0)?;
        self.chip.set(MODEM_CONTROL, 0b11)
    }

    /// Gives the chip what it has room for.
    fn fill(&mut self) -> Result<()> {
        if self.chip.get(LINE_STATUS)? & IS_TRANSMITTER_EMPTY != 0 {
            for _ in 0..FIFO_BYTES {
                match self.outgoing.pop_front() {
                    Some(byte) => self.chip.set(DATA, byte)?,
                    None => break,
                }
            }
        }
        self.enable()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::RefCell;

    /// A chip with both queues and its output led back: a byte arrives when [`Model::carry`] is called.
    #[derive(Default)]
    struct Model {
        enabled: RefCell<u8>,
        sending: RefCell<VecDeque<u8>>,
        received: RefCell<VecDeque<u8>>,
        n_overruns: RefCell<u32>,
    }

    impl Model {
        fn carry(&self) {
            if let Some(byte) = self.sending.borrow_mut().pop_front() {
                self.received.borrow_mut().push_back(byte);
            }
        }

        fn is_pending(&self) -> bool {
            let enabled = *self.enabled.borrow();
            (enabled & ON_RECEIVED != 0 && !self.received.borrow().is_empty())
                || (enabled & ON_TRANSMITTER_EMPTY != 0 && self.sending.borrow().is_empty())
        }
    }

    impl Registers for &Model {
        fn get(&self, register: u16) -> Result<u8> {
            Ok(match register {
                DATA => self.received.borrow_mut().pop_front().unwrap_or(0),
                INTERRUPT_IDENTIFICATION => u8::from(!self.is_pending()),
                LINE_STATUS => {
                    let has_received = u8::from(!self.received.borrow().is_empty());
                    let is_empty = u8::from(self.sending.borrow().is_empty());
                    (has_received * IS_RECEIVED) | (is_empty * IS_TRANSMITTER_EMPTY)
                }
                _ => 0,
            })
        }

        fn set(&self, register: u16, value: u8) -> Result<()> {
            match register {
                DATA if self.sending.borrow().len() == FIFO_BYTES => {
                    *self.n_overruns.borrow_mut() += 1;
                }
                DATA => self.sending.borrow_mut().push_back(value),
                INTERRUPT_ENABLE => *self.enabled.borrow_mut() = value,
                _ => {}
            }
            Ok(())
        }
    }

    /// However slow the line is, every byte arrives once and in order, the chip is never overrun, and asks for nothing in the end.
    #[test]
    fn drv_every_byte_arrives_in_order() {
        let model = Model::default();
        let mut uart = Uart::new(&model, true).unwrap();
        let sent: Vec<u8> = (0..1000_u32).map(|n| (n * 7 % 251) as u8).collect();
        for piece in sent.chunks(33) {
            uart.send(piece).unwrap();
        }
        let mut received = Vec::new();
        for _ in 0..2000 {
            model.carry();
            if model.is_pending() {
                uart.interrupt().unwrap();
            }
            received.extend(core::iter::from_fn(|| uart.receive()));
        }
        assert_eq!(received, sent);
        assert_eq!((uart.n_outgoing(), *model.n_overruns.borrow()), (0, 0));
        assert_eq!(*model.enabled.borrow(), ON_RECEIVED);
    }

    /// What nobody fetches is kept up to a bound; what is beyond it stays in the chip, which is asked for it when there is room again.
    #[test]
    fn drv_input_is_bounded() {
        let model = Model::default();
        let mut uart = Uart::new(&model, true).unwrap();
        model.received.borrow_mut().extend([7; INCOMING_MAX + 9]);
        uart.interrupt().unwrap();
        assert_eq!(*model.enabled.borrow(), 0);
        assert_eq!(core::iter::from_fn(|| uart.receive()).count(), INCOMING_MAX);
        uart.enable().unwrap();
        assert!(model.is_pending());
        uart.interrupt().unwrap();
        assert_eq!(core::iter::from_fn(|| uart.receive()).count(), 9);
    }
}
