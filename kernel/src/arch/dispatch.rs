//! From the entry code's registers to a [`Trap`]: what an exception or an interrupt means, decided from where it came.

use super::context::{Next, UserContext};
use super::entry;
use super::percpu::Cpu;
use super::trap::{Exit, Fault, Trap};
use super::vectors::{DEBUG, PAGE_FAULT};
use super::{apic, fail_on_purpose, ioapic, panic, slice};
use crate::device::interrupts;
use crate::mm::user::{KIND_READ, KIND_WRITE};
use core::cell::UnsafeCell;
use core::ptr::NonNull;
use x86_64::registers::control::Cr2;

/// The interrupted kernel's registers, as the assembly pushes them.
#[repr(C)]
pub(super) struct KernelFrame {
    pub(super) r15_to_rsi: [u64; 10],
    pub(super) rbp: u64,
    rbx: u64,
    rdx: u64,
    rcx: u64,
    rax: u64,
    pub(super) vector: u64,
    pub(super) error_code: u64,
    pub(super) rip: u64,
    cs: u64,
    pub(super) rflags: u64,
    pub(super) rsp: u64,
    ss: u64,
}

/// What the assembly does after a trap in the kernel.
#[repr(C)]
pub(super) struct KernelExit {
    /// 0: go back to the frame; 1: resume `next`.
    resumes: u64,
    next: Next,
}

/// The portable kernel's data of the boot CPU; the others are parked.
struct Portable(UnsafeCell<crate::cpu::Cpu>);

// SAFETY: it is used by the boot CPU alone.
unsafe impl Sync for Portable {}

static PORTABLE: Portable = Portable(UnsafeCell::new(crate::cpu::Cpu::new()));

/// The portable kernel's data of this CPU, for the handler of a trap. To be called at its beginning, once.
#[inline(always)]
#[allow(clippy::mut_from_ref, reason = "there is one trap at a time on a CPU")]
fn portable() -> &'static mut crate::cpu::Cpu {
    // SAFETY: (1) only handlers of traps that came from user mode, from idling, or from the last instruction before user mode call this, and
    // the boot sequence before all of them; (2) such a handler runs with interrupts off, and what comes in spite of that or in a window
    // that it opens (`take_interrupts`) does not get here; so there is one at a time, and its reference ends with it.
    unsafe { &mut *PORTABLE.0.get() }
}

/// Every system call; its registers are in this CPU's context.
pub(super) extern "C" fn syscall() -> ! {
    match crate::trap::syscall(portable()) {
        // SAFETY: this is the kernel's stack, on which nothing is needed any more, and the context is that of a thread that this CPU runs.
        Exit::Switched(context) => unsafe { entry::leave_kernel_switched(context) },
        // SAFETY: as above.
        Exit::To(next) => unsafe { entry::leave_kernel(next) },
    }
}

/// Sets aside what the portable kernel needs of memory on this CPU, in the boot sequence.
pub fn set_up_cpu() {
    crate::trap::set_up(portable());
}

/// The first thread to run, at the end of the boot sequence.
pub fn first_thread() -> Next {
    crate::trap::start(portable())
}

/// Every exception and interrupt of user mode; its registers are in `context`.
pub(super) extern "C" fn from_user(
    vector: u64,
    error_code: u64,
    cr2: u64,
    context: NonNull<UserContext>,
) -> Next {
    let vector = vector as u8;
    let next = if vector >= 32 {
        interrupt(vector, Some(context))
    } else {
        exception(vector, error_code, cr2, context)
    };
    slice::resumed(next);
    next
}

fn exception(vector: u8, error_code: u64, cr2: u64, context: NonNull<UserContext>) -> Next {
    if vector == DEBUG {
        // Its bits are sticky (SDM 3B 17.2.3); the next debug exception of anyone must not see them.
        // SAFETY: the register only records what has happened.
        unsafe {
            core::arch::asm!("mov dr6, {}", in(reg) 0_u64, options(nomem, nostack, preserves_flags))
        };
    }
    let address = if vector == PAGE_FAULT {
        cr2
    } else {
        // SAFETY: the entry code has just written the registers there, and nobody refers to them yet.
        unsafe { context.as_ref() }.rip()
    };
    crate::trap::handle(
        portable(),
        Trap::Fault(Fault {
            vector,
            error_code,
            address,
        }),
    )
}

fn interrupt(vector: u8, context: Next) -> Next {
    match vector {
        apic::TIMER_VECTOR => {
            apic::end_of_interrupt();
            if let Some(context) = context {
                // SAFETY: as in `exception`; the reference ends with the call.
                slice::interrupted(unsafe { context.as_ref() }.rip());
            }
            crate::trap::handle(portable(), Trap::Timer)
        }
        _ if is_unanswered(vector) => context,
        _ => {
            note_device(vector);
            apic::end_of_interrupt();
            crate::trap::handle(portable(), Trap::Interrupt(vector))
        }
    }
}

/// Every exception and interrupt of the kernel itself.
pub(super) extern "C" fn from_kernel(frame: &mut KernelFrame) -> KernelExit {
    let cpu = Cpu::current();
    let vector = frame.vector as u8;
    if vector >= 32 && cpu.is_window.get() {
        return in_window(vector);
    }
    if vector >= 32 && cpu.context().is_null() {
        let next = interrupt(vector, None);
        slice::resumed(next);
        return KernelExit { resumes: 1, next };
    }
    let cr2 = Cr2::read_raw();
    if vector == PAGE_FAULT
        && !fail_on_purpose::is_fixup_forgotten()
        && let Some(fixup) = find_fixup(frame.rip)
    {
        frame.rip = fixup;
        frame.rax = cr2;
        frame.rdx = if frame.error_code & 2 != 0 {
            KIND_WRITE
        } else {
            KIND_READ
        };
        return KernelExit {
            resumes: 0,
            next: None,
        };
    }
    if frame.rip == (&raw const entry::iret_to_user) as u64 {
        // The context still holds all that the registers held: it was loaded from there and nothing has run since.
        // SAFETY: the context that was being resumed is valid, and nobody else refers to it while this CPU is in the kernel.
        if let Some(context) = unsafe { cpu.context.get().as_ref() } {
            let fault = Fault {
                vector,
                error_code: frame.error_code,
                address: context.rip(),
            };
            return KernelExit {
                resumes: 1,
                next: crate::trap::handle(portable(), Trap::Fault(fault)),
            };
        }
    }
    panic::die_in_trap(frame, cr2)
}

/// An interrupt that the kernel let in between two batches: it is taken note of, and the kernel, which asked for it, looks itself.
fn in_window(vector: u8) -> KernelExit {
    if !is_unanswered(vector) {
        note_device(vector);
        apic::end_of_interrupt();
    }
    slice::taken_in_kernel();
    KernelExit {
        resumes: 0,
        next: None,
    }
}

/// Notes the interrupt of a device, before the APIC is told that it is done with: a level-triggered line would interrupt again at once.
fn note_device(vector: u8) {
    if let Some(line) = ioapic::line_of(vector) {
        interrupts::arrived(line);
    }
}

/// Neither the APIC's spurious interrupt nor the masked controllers' want an answer.
fn is_unanswered(vector: u8) -> bool {
    matches!(vector, apic::SPURIOUS_VECTOR | 0x20..=0x2f)
}

/// Lets pending interrupts in. The timer's asks for nothing that [`crate::task::run::leave`] does not look for anyway; a device's is noted
/// and told there.
pub fn take_interrupts() {
    let cpu = Cpu::current();
    cpu.is_window.set(true);
    // SAFETY: the handler runs on this stack and comes back here, with all general registers as they were; the others are declared lost.
    // `sti` lets interrupts in behind the instruction that follows it (SDM 2B, STI).
    unsafe {
        core::arch::asm!("sti", "nop", "nop", "cli", clobber_abi("C"));
    }
    cpu.is_window.set(false);
}

/// Double fault and machine check: nothing can go on.
pub(super) extern "C" fn fatal(frame: &mut KernelFrame) -> ! {
    panic::die_in_trap(frame, Cr2::read_raw())
}

/// An entry of `.fixups`: a page fault from `start` to before `end` goes on at `fixup`.
#[repr(C)]
struct Fixup {
    start: u64,
    end: u64,
    fixup: u64,
}

unsafe extern "C" {
    static fixups_start: [Fixup; 0];
    static fixups_end: [Fixup; 0];
}

fn find_fixup(rip: u64) -> Option<u64> {
    let start = (&raw const fixups_start).cast::<Fixup>();
    let n_fixups = ((&raw const fixups_end) as usize - start as usize) / size_of::<Fixup>();
    // SAFETY: the linker script puts the bounds around an array of entries in read-only memory.
    let fixups = unsafe { core::slice::from_raw_parts(start, n_fixups) };
    fixups
        .iter()
        .find(|entry| (entry.start..entry.end).contains(&rip))
        .map(|entry| entry.fixup)
}
