//! The I/O APIC: which interrupt line becomes which vector (Intel 82093AA data sheet). Only the first of a machine is used.
//!
//! Lines 0 to 15 are those of the ISA bus, wherever the firmware says that they are wired (ACPI 6.5, 5.2.12.5), edge-triggered unless it
//! says otherwise. Lines from 16 on are the inputs of that number, where PCI interrupts come in: level-triggered, active low.

use core::ptr;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::acpi::{Wire, Wiring};
use crate::device::interrupts::N_LINES;

/// Vector of line 0; those of the other lines follow.
pub const FIRST_VECTOR: u8 = 0x50;

/// The two registers that are mapped (3.1): which register is meant, and its value.
const SELECT: u64 = 0x00;
const WINDOW: u64 = 0x10;
/// Registers (3.2): version, and the first of the redirection entries, two registers each.
const VERSION: u32 = 0x01;
const REDIRECTION: u32 = 0x10;
/// Redirection entry (3.2.4): masked, level-triggered, active low. Fixed delivery to the APIC with the number in the upper half.
const MASKED: u32 = 1 << 16;
const LEVEL: u32 = 1 << 15;
const ACTIVE_LOW: u32 = 1 << 13;

/// Where the registers are mapped.
static REGISTERS: AtomicU64 = AtomicU64::new(0);

/// What each line's redirection entry is when it is open, with its input in the upper half; 0 if there is no such line.
static LINES: [AtomicU64; N_LINES] = [const { AtomicU64::new(0) }; N_LINES];

/// What is wired to a line.
fn line(line: u8) -> Option<(u32, u32)> {
    let entry = LINES.get(usize::from(line))?.load(Ordering::Relaxed);
    (entry != 0).then_some(((entry >> 32) as u32, entry as u32))
}

/// True if there is such a line.
#[must_use]
pub fn has_line(number: u8) -> bool {
    line(number).is_some()
}

/// True if the line is level-triggered.
#[must_use]
pub fn is_level(number: u8) -> bool {
    line(number).is_some_and(|(_, entry)| entry & LEVEL != 0)
}

/// The line whose interrupt has this vector.
#[must_use]
pub fn line_of(vector: u8) -> Option<u8> {
    let number = vector.checked_sub(FIRST_VECTOR)?;
    has_line(number).then_some(number)
}

/// Lets the line interrupt.
pub fn unmask(number: u8) {
    if let Some((input, entry)) = line(number) {
        write(REDIRECTION + 2 * input, entry);
    }
}

/// Keeps the line from interrupting.
pub fn mask(number: u8) {
    if let Some((input, entry)) = line(number) {
        write(REDIRECTION + 2 * input, entry | MASKED);
    }
}

/// Notes the lines and masks them all; how many inputs there are.
///
/// # Safety
/// Called once at boot; the registers are mapped, uncached, at `registers`, and stay so. `cpu` is the number of the APIC that is to
/// get the interrupts.
pub unsafe fn init(registers: u64, wiring: &Wiring, cpu: u8) -> u32 {
    REGISTERS.store(registers, Ordering::Relaxed);
    // Bits 16 to 23: the number of the last input.
    let n_inputs = (read(VERSION) >> 16 & 0xff) + 1;
    for input in 0..n_inputs {
        write(REDIRECTION + 2 * input, MASKED);
        write(REDIRECTION + 2 * input + 1, u32::from(cpu) << 24);
    }
    for (number, place) in LINES.iter().enumerate() {
        let Wire {
            input,
            is_level,
            is_low,
        } = match wiring.wire(number) {
            Some(wire) if wire.input < n_inputs => wire,
            _ => continue,
        };
        let mut entry = u32::from(FIRST_VECTOR) + number as u32;
        if is_level {
            entry |= LEVEL;
        }
        if is_low {
            entry |= ACTIVE_LOW;
        }
        place.store(u64::from(input) << 32 | u64::from(entry), Ordering::Relaxed);
    }
    n_inputs
}

fn read(register: u32) -> u32 {
    let registers = REGISTERS.load(Ordering::Relaxed);
    // SAFETY: `init` mapped the registers before anything else here is called, and a line is known only since then.
    unsafe {
        ptr::write_volatile((registers + SELECT) as *mut u32, register);
        ptr::read_volatile((registers + WINDOW) as *const u32)
    }
}

fn write(register: u32, value: u32) {
    let registers = REGISTERS.load(Ordering::Relaxed);
    // SAFETY: as in `read`.
    unsafe {
        ptr::write_volatile((registers + SELECT) as *mut u32, register);
        ptr::write_volatile((registers + WINDOW) as *mut u32, value);
    }
}
