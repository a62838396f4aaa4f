//! The machine's stages of the boot sequence. Each says in one line what it found, or ends the machine with the cause.

use super::context::Next;
use super::{apic, cpu, entry, fail_on_purpose, idt, ioapic, panic, percpu, report, slice, timer};
use crate::acpi;
use crate::log::boot;
use crate::mm::kernel_space::map_device;
use crate::mm::stacks::Stack;
use crate::mm::start_info::BootInformation;
use crate::words;
use x86_64::PrivilegeLevel;
use x86_64::VirtAddr;
use x86_64::registers::model_specific::{LStar, Msr, SFMask};
use x86_64::registers::rflags::RFlags;

/// `IA32_STAR` (SDM 4): bits 32 to 47 kernel code, then user data - 8.
const IA32_STAR: Msr = Msr::new(0xc000_0081);
/// `IA32_SYSENTER_CS` (SDM 4): 0 makes SYSENTER a general protection fault.
const IA32_SYSENTER_CS: Msr = Msr::new(0x174);

/// Checks the CPU and switches on what it has.
///
/// # Safety
/// Called once at boot, on the boot page tables, before anything else.
pub unsafe fn start_cpu() {
    // SAFETY: as the caller promises.
    match unsafe { cpu::init() } {
        Ok(features) => boot!("cpu {features}"),
        Err(cpu::Missing(name)) => {
            report::refuse(format_args!("the CPU lacks the required feature {name}"))
        }
    }
}

/// Makes traps possible: this CPU's data, descriptor tables, stacks, and the way in and out of user mode.
///
/// # Safety
/// Called once at boot, when the final page tables are active.
pub unsafe fn start_traps() {
    use super::gdt::{KERNEL_CODE, USER_DATA};
    // SAFETY: as the caller promises: stacks are mapped. The stubs are 256 by 16 bytes. The selectors of STAR are those of the table, and
    // the entry point is written for exactly these flags.
    unsafe {
        percpu::init();
        idt::init((&raw const entry::interrupt_stubs) as u64);
        let star = u64::from(KERNEL_CODE) << 32 | u64::from(USER_DATA - 8) << 48;
        { IA32_STAR }.write(star);
        { IA32_SYSENTER_CS }.write(0);
    }
    debug_assert_eq!(USER_DATA & 3, PrivilegeLevel::Ring3 as u16);
    LStar::write(VirtAddr::new(entry::syscall_entry as *const () as u64));
    SFMask::write(
        RFlags::TRAP_FLAG
            | RFlags::INTERRUPT_FLAG
            | RFlags::DIRECTION_FLAG
            | RFlags::IOPL_HIGH
            | RFlags::IOPL_LOW
            | RFlags::NESTED_TASK
            | RFlags::RESUME_FLAG
            | RFlags::ALIGNMENT_CHECK,
    );
    panic::has_cpu_data();
    boot!(
        "traps: every vector handled, double fault, NMI, debug and machine check on stacks of their own"
    );
}

/// Leaves the boot stack for ever and calls `function` on this CPU's kernel stack, which has a guard below it.
///
/// # Safety
/// Called once at boot, after [`start_traps`].
pub unsafe fn leave_boot_stack(function: extern "C" fn(u64) -> !) -> ! {
    let cpu = percpu::Cpu::current();
    // SAFETY: the stack is mapped and empty: no trap has come from user mode yet.
    unsafe { entry::on_stack(Stack::Kernel.top(cpu.number()), 0, function) }
}

/// Finds the devices the kernel itself needs: interrupt controller, clock and timer. Refuses kernel words that it does not know.
pub fn start_devices(information: &BootInformation) {
    let kernel_words = information.words;
    words::check(kernel_words)
        .unwrap_or_else(|complaint| report::refuse(format_args!("{complaint}")));
    let Some(physical) = apic::physical_address() else {
        report::refuse(format_args!("the local APIC is switched off"))
    };
    let Ok(registers) = map_device(physical) else {
        report::refuse(format_args!("no memory to map the local APIC"))
    };
    // SAFETY: they were mapped just now, for ever.
    unsafe { apic::init(registers) };
    start_lines(information);
    match timer::init() {
        Ok(found) => boot!(
            "time: counter {} MHz, timer {} MHz",
            found.counter_hz / 1_000_000,
            found.apic_hz / 1_000_000
        ),
        Err(timer::NoIntervalTimer) => {
            report::refuse(format_args!("the interval timer (PIT) does not count"))
        }
    }
    if let Some(name) = words::find(kernel_words, "test") {
        fail_on_purpose::run(name)
    }
    match words::number(kernel_words, "slice") {
        Ok(None) => {}
        Ok(Some(n_ticks @ 1..=0xffff_ffff)) => {
            slice::switch_on(n_ticks as u32);
            boot!(
                "slice: a timer interrupt at every instruction, as near as {n_ticks} ticks or more allow"
            );
        }
        Ok(Some(other)) => report::refuse(format_args!(
            "kernel word slice={other}: 1 to 4294967295 ticks"
        )),
        Err(text) => report::refuse(format_args!(
            "kernel word slice={text}: not a number of ticks"
        )),
    }
}

/// Notes the interrupt lines of devices. A machine without an I/O APIC has none.
fn start_lines(information: &BootInformation) {
    let wiring = acpi::wiring(information.rsdp, &|address, n_bytes| {
        information.physical_bytes(address, n_bytes)
    });
    match wiring {
        Ok(wiring) => match map_device(wiring.address) {
            Ok(registers) => {
                // SAFETY: they were mapped just now, for ever.
                let n_inputs = unsafe { ioapic::init(registers, &wiring, apic::number()) };
                boot!("interrupt lines: {n_inputs} inputs of the I/O APIC");
            }
            Err(_) => report::refuse(format_args!("no memory to map the I/O APIC")),
        },
        Err(complaint) => boot!("interrupt lines: none; {complaint}"),
    }
}

/// Says how many CPUs there are. All but the first stay as the firmware left them: waiting to be started, which nobody does.
pub fn count_cpus(information: &BootInformation) {
    match acpi::n_cpus(information.rsdp, &|address, n_bytes| {
        information.physical_bytes(address, n_bytes)
    }) {
        Ok(0 | 1) => boot!("cpus: 1"),
        Ok(n_cpus) => boot!("cpus: {n_cpus}, {} of them parked", n_cpus - 1),
        Err(complaint) => boot!("cpus: 1 is used; {complaint}, so there may be more"),
    }
}

/// Forgets whose registers this CPU had last: whatever runs next is loaded from memory entirely. To be called before the memory
/// of a thread's registers can be used for another's.
pub fn forget_current() {
    percpu::Cpu::current().forget_context();
}

/// Leaves the boot sequence for good: from here on the kernel only answers traps.
///
/// # Safety
/// Called once, as the last stage, on the kernel stack; `next` is valid until its thread has ended.
pub unsafe fn run(next: Next) -> ! {
    report::line(format_args!("booted {}", timer::since_reset_ns()));
    // SAFETY: as the caller promises.
    unsafe { entry::resume(next) }
}
