//! The interrupt descriptor table: all 256 gates, each to its stub in `entry` (SDM 3A 6.14).

use super::gdt::{KERNEL_CODE, ist_index};
use super::vectors::{BREAKPOINT, DEBUG, DOUBLE_FAULT, MACHINE_CHECK, NMI};
use crate::mm::stacks::Stack;
use core::cell::UnsafeCell;
use x86_64::VirtAddr;
use x86_64::instructions::tables::lidt;
use x86_64::structures::DescriptorTablePointer;

/// Bytes of a stub; the stubs lie one behind the other.
pub(super) const STUB_BYTES: u64 = 16;

/// A gate: offset in three parts, selector, stack, type (SDM 3A figure 6-8).
#[repr(C)]
#[derive(Clone, Copy)]
struct Gate {
    offset_low: u16,
    selector: u16,
    options: u16,
    offset_middle: u16,
    offset_high: u32,
    reserved: u32,
}

impl Gate {
    const ABSENT: Self = Self {
        offset_low: 0,
        selector: 0,
        options: 0,
        offset_middle: 0,
        offset_high: 0,
        reserved: 0,
    };

    /// An interrupt gate (interrupts off): present, type 14, on stack `ist` (0 = none), for callers of privilege level `level` or below.
    const fn new(handler: u64, ist: u16, level: u16) -> Self {
        Self {
            offset_low: handler as u16,
            selector: KERNEL_CODE,
            options: 0x8e00 | level << 13 | ist,
            offset_middle: (handler >> 16) as u16,
            offset_high: (handler >> 32) as u32,
            reserved: 0,
        }
    }
}

#[repr(C, align(16))]
struct Table(UnsafeCell<[Gate; 256]>);

// SAFETY: written once at boot, by one CPU; read by CPUs only.
unsafe impl Sync for Table {}

static TABLE: Table = Table(UnsafeCell::new([Gate::ABSENT; 256]));

/// Fills the table with the stubs that begin at `stubs`, and loads it.
///
/// # Safety
/// Called once at boot, when this CPU's task state segment is loaded; `stubs` is the address of 256 stubs of [`STUB_BYTES`].
pub(super) unsafe fn init(stubs: u64) {
    // SAFETY: nobody else refers to the table yet.
    let table = unsafe { &mut *TABLE.0.get() };
    for (vector, gate) in table.iter_mut().enumerate() {
        let ist = match vector as u8 {
            DEBUG => ist_index(Stack::Debug) + 1,
            NMI => ist_index(Stack::Nmi) + 1,
            DOUBLE_FAULT => ist_index(Stack::DoubleFault) + 1,
            MACHINE_CHECK => ist_index(Stack::MachineCheck) + 1,
            _ => 0,
        };
        let level = if vector as u8 == BREAKPOINT { 3 } else { 0 };
        *gate = Gate::new(stubs + vector as u64 * STUB_BYTES, ist, level);
    }
    let pointer = DescriptorTablePointer {
        limit: (size_of::<Table>() - 1) as u16,
        base: VirtAddr::from_ptr(table),
    };
    // SAFETY: the table lives for ever and all its gates lead to stubs, on stacks that the caller says exist.
    unsafe { lidt(&pointer) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A gate carries its handler's address, stack and privilege where the CPU looks for them.
    #[test]
    fn a_gate_is_laid_out_as_the_manual_says() {
        let gate = Gate::new(0xffff_ffff_8020_1230, 2, 3);
        assert_eq!(
            (gate.offset_low, gate.offset_middle, gate.offset_high),
            (0x1230, 0x8020, 0xffff_ffff)
        );
        assert_eq!((gate.selector, gate.options, gate.reserved), (8, 0xee02, 0));
        assert_eq!(size_of::<Table>(), 4096);
    }
}
