//! The console: the first serial port, polled (16550 UART; National Semiconductor PC16550D data sheet, section 8).

use x86_64::instructions::port::Port;

/// I/O base of the first serial port of a PC.
const COM1: u16 = 0x3f8;
const INTERRUPT_ENABLE: u16 = 1;
const FIFO_CONTROL: u16 = 2;
const LINE_CONTROL: u16 = 3;
const MODEM_CONTROL: u16 = 4;
const LINE_STATUS: u16 = 5;
/// Line status: the transmit register takes another byte.
const TRANSMIT_EMPTY: u8 = 1 << 5;
/// How often a byte may find the transmitter busy before it is given up: a console must not hang the kernel.
const BUSY_LIMIT: u32 = 100_000;

fn write_register(register: u16, value: u8) {
    // SAFETY: the ports from COM1 belong to the serial port, which no one else drives; writing them touches no memory.
    unsafe { Port::<u8>::new(COM1 + register).write(value) }
}

fn line_status() -> u8 {
    // SAFETY: as in `write_register`; reading the line status only clears its error bits.
    unsafe { Port::<u8>::new(COM1 + LINE_STATUS).read() }
}

/// Sets the port to 115,200 baud, 8 data bits, no parity, one stop bit, FIFOs on, interrupts off.
pub fn init() {
    write_register(INTERRUPT_ENABLE, 0);
    write_register(LINE_CONTROL, 0x80); // divisor latch
    write_register(0, 1);
    write_register(INTERRUPT_ENABLE, 0);
    write_register(LINE_CONTROL, 0x03);
    write_register(FIFO_CONTROL, 0xc7);
    write_register(MODEM_CONTROL, 0x03);
}

/// Writes `bytes` to the console as they are, a carriage return before each line feed. Never fails; a dead port loses output.
pub fn write(bytes: &[u8]) {
    for &byte in bytes {
        if byte == b'\n' {
            write_byte(b'\r');
        }
        write_byte(byte);
    }
}

fn write_byte(byte: u8) {
    for _ in 0..BUSY_LIMIT {
        if line_status() & TRANSMIT_EMPTY != 0 {
            break;
        }
        core::hint::spin_loop();
    }
    write_register(0, byte);
}
