//! The local APIC: its timer, and interrupts in general (SDM 3A chapter 10, xAPIC mode). The old interrupt controllers are masked.

use core::ptr;
use core::sync::atomic::{AtomicU64, Ordering};
use x86_64::instructions::port::Port;
use x86_64::registers::model_specific::{ApicBase, ApicBaseFlags};

/// Vector of the timer's interrupt.
pub const TIMER_VECTOR: u8 = 0x40;
/// Vector of spurious interrupts; its low four bits are ones, as the oldest APICs want.
pub const SPURIOUS_VECTOR: u8 = 0xff;

/// Offsets of the registers (SDM 3A table 10-1).
const ID: u64 = 0x20;
const TASK_PRIORITY: u64 = 0x80;
const END_OF_INTERRUPT: u64 = 0xb0;
const SPURIOUS: u64 = 0xf0;
const INTERRUPT_REQUEST: u64 = 0x200;
const COMMAND: u64 = 0x300;
const LVT_TIMER: u64 = 0x320;
const LVT_LINT0: u64 = 0x350;
const LVT_LINT1: u64 = 0x360;
const LVT_ERROR: u64 = 0x370;
pub(super) const INITIAL_COUNT: u64 = 0x380;
const CURRENT_COUNT: u64 = 0x390;
const DIVIDE: u64 = 0x3e0;

const MASKED: u32 = 1 << 16;
/// Spurious-interrupt register: the APIC is on.
const ENABLED: u32 = 1 << 8;
/// Divide configuration: by one.
const BY_ONE: u32 = 0b1011;
/// Delivery mode non-maskable interrupt: of LINT1 on a PC, and of messages.
const DELIVER_NMI: u32 = 0b100 << 8;

/// Interrupt command: level asserted, as all but one kind of message want.
const LEVEL_ASSERT: u32 = 1 << 14;

/// Where the registers are mapped; the same on every CPU. Read by assembly.
pub(super) static REGISTERS: AtomicU64 = AtomicU64::new(0);

fn register(offset: u64) -> *mut u32 {
    (REGISTERS.load(Ordering::Relaxed) + offset) as *mut u32
}

fn write(offset: u64, value: u32) {
    // SAFETY: `init` mapped the registers before anything else here is called; the offsets are those of registers.
    unsafe { ptr::write_volatile(register(offset), value) }
}

fn read(offset: u64) -> u32 {
    // SAFETY: as in `write`.
    unsafe { ptr::read_volatile(register(offset)) }
}

/// Physical address of this CPU's registers; `None` if the firmware has switched the APIC off for good.
pub fn physical_address() -> Option<u64> {
    let (base, flags) = ApicBase::read();
    flags
        .contains(ApicBaseFlags::LAPIC_ENABLE)
        .then(|| base.start_address().as_u64())
}

/// Masks the old controllers and switches the APIC on, its timer stopped.
///
/// # Safety
/// Its registers are mapped, uncached, at `registers`, and stay so.
pub unsafe fn init(registers: u64) {
    mask_old_controllers();
    REGISTERS.store(registers, Ordering::Relaxed);
    write(TASK_PRIORITY, 0);
    write(LVT_TIMER, MASKED | u32::from(TIMER_VECTOR));
    write(LVT_LINT0, MASKED);
    write(LVT_LINT1, DELIVER_NMI);
    write(LVT_ERROR, MASKED);
    write(DIVIDE, BY_ONE);
    write(SPURIOUS, ENABLED | u32::from(SPURIOUS_VECTOR));
}

/// Moves the two 8259 controllers out of the exceptions' way, to vectors 0x20 to 0x2f, and masks all their inputs (Intel 8259A data sheet).
fn mask_old_controllers() {
    for (command, data, vector, wiring) in [(0x20, 0x21, 0x20, 4), (0xa0, 0xa1, 0x28, 2)] {
        // SAFETY: the ports belong to the interrupt controllers, which nothing else uses.
        unsafe {
            Port::<u8>::new(command).write(0x11);
            Port::<u8>::new(data).write(vector);
            Port::<u8>::new(data).write(wiring);
            Port::<u8>::new(data).write(1);
            Port::<u8>::new(data).write(0xff);
        }
    }
}

/// Tells the APIC that the interrupt being handled is done with.
pub fn end_of_interrupt() {
    write(END_OF_INTERRUPT, 0);
}

/// True if an interrupt waits for the kernel to return: what a long call asks between two batches (ORD-8).
pub fn is_interrupt_pending() -> bool {
    (1..8).any(|i| read(INTERRUPT_REQUEST + 0x10 * i) != 0)
}

/// Number of this CPU's APIC.
pub fn number() -> u8 {
    (read(ID) >> 24) as u8
}

/// Sends this CPU a non-maskable interrupt (SDM 3A 10.6.1: shorthand "self" cannot carry one, so by number, physical destination).
pub fn send_nmi_to_self() {
    write(COMMAND + 0x10, u32::from(number()) << 24);
    write(COMMAND, DELIVER_NMI | LEVEL_ASSERT);
}

/// Starts the timer: one interrupt after `n_ticks`, or none for 0.
pub fn start_timer(n_ticks: u32) {
    write(LVT_TIMER, u32::from(TIMER_VECTOR));
    write(INITIAL_COUNT, n_ticks);
}

/// Starts the timer without an interrupt, for calibration.
pub fn start_silent_timer(n_ticks: u32) {
    write(LVT_TIMER, MASKED | u32::from(TIMER_VECTOR));
    write(INITIAL_COUNT, n_ticks);
}

/// Ticks left of what was started.
pub fn timer_ticks_left() -> u32 {
    read(CURRENT_COUNT)
}
