//! What user code must not do ends the task that does it by the exception of the manual, and no one else.

use crate::{ending_of, faults, page_faults};
use core::arch::x86_64::{__cpuid, __cpuid_count};
use core::ops::Range;
use omnibus_userland::abi::layout::{STACK_BYTES, STACK_TOP};
use omnibus_userland::task::Ending;
use omnibus_userland::{check, tests};

const DIVIDE_ERROR: u64 = 0;
const DEBUG: u64 = 1;
const BREAKPOINT: u64 = 3;
const INVALID_OPCODE: u64 = 6;
const STACK_FAULT: u64 = 12;
const GENERAL_PROTECTION: u64 = 13;
const PAGE_FAULT: u64 = 14;
const X87_ERROR: u64 = 16;
/// The first thread's stack.
const STACK: Range<u64> = STACK_TOP - STACK_BYTES..STACK_TOP;

tests! {
    /// A division by zero ends the task by a divide error.
    fn fault_divide(bench) { faults(bench, "divide", DIVIDE_ERROR) }

    /// A set trap flag ends the task by a debug exception.
    fn fault_debug(bench) { faults(bench, "single-step", DEBUG) }

    /// INT3 ends the task by a breakpoint.
    fn fault_breakpoint(bench) { faults(bench, "breakpoint", BREAKPOINT) }

    /// What is no instruction in 64-bit mode ends the task by an invalid opcode.
    fn fault_invalid_opcode(bench) {
        faults(bench, "undefined", INVALID_OPCODE)?;
        faults(bench, "into", INVALID_OPCODE)
    }

    /// An unmasked x87 division by zero ends the task by an x87 error.
    fn fault_x87(bench) { faults(bench, "x87-error", X87_ERROR) }

    /// Privileged instructions end the task by a general protection fault: HLT, CLI, ports, control registers, MSRs, descriptor tables, SWAPGS,
    /// SYSRET.
    fn fault_privileged_instructions(bench) {
        for what in [
            "halt", "interrupts-off", "port-in", "port-out", "read-cr3", "write-cr4", "read-msr", "write-msr", "load-idt", "swapgs", "sysret",
        ] {
            faults(bench, what, GENERAL_PROTECTION)?;
        }
        Ok(())
    }

    /// User code cannot raise the kernel's vectors by INT: it is a general protection fault.
    fn fault_software_interrupts(bench) {
        for what in ["int-80", "int-timer", "int-page-fault", "int-double-fault"] {
            faults(bench, what, GENERAL_PROTECTION)?;
        }
        Ok(())
    }

    /// SYSENTER leads nowhere: a general protection fault, or on CPUs that have it only in 32-bit mode an invalid opcode.
    fn fault_sysenter(bench) {
        // CPUID 0, EBX: "Genu" of Intel.
        let is_intel = __cpuid(0).ebx == u32::from_le_bytes(*b"Genu");
        faults(bench, "sysenter", if is_intel { GENERAL_PROTECTION } else { INVALID_OPCODE })
    }

    /// User code cannot set the bases of FS and GS by instruction: FSGSBASE is off.
    fn fault_segment_bases(bench) {
        faults(bench, "read-fs-base", INVALID_OPCODE)?;
        faults(bench, "write-gs-base", INVALID_OPCODE)
    }

    /// Where the CPU has UMIP, user code cannot read where the kernel's tables are; elsewhere it can.
    fn fault_umip(bench) {
        // CPUID 7, ECX bit 2. Without it SGDT succeeds, and the program goes on to UD2.
        let has_umip = __cpuid_count(7, 0).ecx & 4 != 0;
        faults(bench, "store-gdt", if has_umip { GENERAL_PROTECTION } else { INVALID_OPCODE })
    }

    /// Addresses between the halves are a general protection fault, or a stack fault by the stack pointer.
    fn fault_non_canonical(bench) {
        faults(bench, "read-non-canonical", GENERAL_PROTECTION)?;
        faults(bench, "jump-non-canonical", GENERAL_PROTECTION)?;
        faults(bench, "return-non-canonical", GENERAL_PROTECTION)?;
        // A stack fault by the manual; QEMU's emulator says general protection.
        let ending = ending_of(bench, "push-non-canonical")?;
        let is_refused = matches!(ending, Ending::Faulted { vector: STACK_FAULT | GENERAL_PROTECTION, .. });
        check!(is_refused, "push-non-canonical: {ending:?}");
        Ok(())
    }

    /// No return reaches the kernel's privilege or another mode of the CPU: IRET and far returns end the task.
    fn fault_returns_to_other_modes(bench) {
        // By the manual a general protection fault. QEMU 7.2 reads the user's stack there as if it were the kernel doing it, so that with
        // SMAP it is a page fault at the task's own stack.
        let has_smap = __cpuid_count(7, 0).ebx & (1 << 20) != 0;
        for what in ["iret-to-kernel", "iret-non-canonical", "far-return-to-kernel", "far-return-to-32-bit"] {
            let ending = ending_of(bench, what)?;
            let is_refused = match ending {
                Ending::Faulted { vector: GENERAL_PROTECTION, .. } => true,
                Ending::Faulted { vector: PAGE_FAULT, address } => has_smap && STACK.contains(&address),
                _ => false,
            };
            check!(is_refused, "{what}: {ending:?}");
        }
        Ok(())
    }

    /// The kernel's half cannot be read, written or executed, and null is not mapped.
    fn fault_kernel_half(bench) {
        page_faults(bench, "read-kernel", 0xffff_8000_0000_0000)?;
        page_faults(bench, "write-kernel", 0xffff_ffff_8020_1000)?;
        page_faults(bench, "jump-to-kernel", 0xffff_ffff_8020_1000)?;
        page_faults(bench, "read-null", 0)
    }

    /// In user mode GS base is 0, also after a selector was loaded: nothing of the kernel is behind it.
    fn fault_gs_base_is_zero(bench) {
        page_faults(bench, "read-gs", 0x10)?;
        page_faults(bench, "read-gs-selected", 0x18)
    }
}
