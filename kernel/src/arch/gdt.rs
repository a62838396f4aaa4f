//! Segments and the task state segment: what is left of segmentation in 64-bit mode (SDM 3A 3.4.5, 8.7).
//!
//! SYSCALL and SYSRET compute selectors from `IA32_STAR` (SDM 2B, SYSCALL, SYSRET): kernel code, kernel data behind it; user data, user code
//! behind it. There is no 32-bit user code segment, so user code cannot leave 64-bit mode.

use super::percpu::Cpu;
use crate::mm::stacks::Stack;
use x86_64::VirtAddr;
use x86_64::instructions::segmentation::{CS, DS, ES, SS, Segment};
use x86_64::instructions::tables::load_tss;
use x86_64::structures::gdt::{Descriptor, GlobalDescriptorTable, SegmentSelector};
use x86_64::structures::tss::TaskStateSegment;

/// Selector of kernel code.
pub(super) const KERNEL_CODE: u16 = 0x08;
/// Selector of user data, with privilege level 3.
pub(super) const USER_DATA: u16 = 0x18 | 3;
/// Selector of user code, with privilege level 3.
pub(super) const USER_CODE: u16 = 0x20 | 3;
const KERNEL_DATA: u16 = 0x10;
const TASK_STATE: u16 = 0x28;

/// The tables of one CPU.
pub(super) struct Tables {
    gdt: GlobalDescriptorTable,
    tss: TaskStateSegment,
}

impl Tables {
    /// Empty tables.
    pub(super) const fn new() -> Self {
        Self {
            gdt: GlobalDescriptorTable::new(),
            tss: TaskStateSegment::new(),
        }
    }
}

/// Index in the interrupt stack table, as a gate of the IDT names it (0-based).
pub(super) const fn ist_index(stack: Stack) -> u16 {
    stack as u16 - Stack::DoubleFault as u16
}

/// Fills this CPU's tables and loads them.
///
/// # Safety
/// Called once per CPU; its stacks are mapped.
pub(super) unsafe fn load(cpu: &'static Cpu) {
    // SAFETY: nobody else refers to this CPU's tables, now or later: only the CPU itself reads them.
    let tables = unsafe { &mut *cpu.tables.get() };
    let number = cpu.number();
    tables.tss.privilege_stack_table[0] = VirtAddr::new(Stack::Kernel.top(number));
    for stack in [
        Stack::DoubleFault,
        Stack::Nmi,
        Stack::Debug,
        Stack::MachineCheck,
    ] {
        // The two words at the top hold the CPU's address: the way to its data without GS (`entry`, non-maskable interrupt).
        let top = Stack::top(stack, number) - 16;
        // SAFETY: the caller says that the stack is mapped, and nothing is on it yet.
        unsafe { (top as *mut *const Cpu).write(cpu) };
        tables.tss.interrupt_stack_table[usize::from(ist_index(stack))] = VirtAddr::new(top);
    }
    let expected = [KERNEL_CODE, KERNEL_DATA, USER_DATA, USER_CODE];
    let segments = [
        Descriptor::kernel_code_segment(),
        Descriptor::kernel_data_segment(),
        Descriptor::user_data_segment(),
        Descriptor::user_code_segment(),
    ];
    for (segment, selector) in segments.into_iter().zip(expected) {
        assert_eq!(tables.gdt.append(segment), SegmentSelector(selector));
    }
    // SAFETY: the segment lives for ever, in a static.
    let tss = unsafe { Descriptor::tss_segment_unchecked(&raw const tables.tss) };
    assert_eq!(tables.gdt.append(tss), SegmentSelector(TASK_STATE));
    // SAFETY: the table lives for ever, and each selector names the kind of segment that its register needs.
    unsafe {
        tables.gdt.load_unsafe();
        CS::set_reg(SegmentSelector(KERNEL_CODE));
        SS::set_reg(SegmentSelector(KERNEL_DATA));
        DS::set_reg(SegmentSelector::NULL);
        ES::set_reg(SegmentSelector::NULL);
        load_tss(SegmentSelector(TASK_STATE));
        // No local table. After reset there is one, at address 0 and 64 KiB long (SDM 3A table 9-1): memory that a program can map, and in
        // which it could make itself a call gate.
        core::arch::asm!("lldt {0:x}", in(reg) 0_u16, options(nostack, preserves_flags));
    }
}
