//! The end of the kernel: what a panic prints, and how the machine stops.
//!
//! First cause first: one line on the second channel, before anything that could itself fail. Then the message, what the CPU was doing, a
//! backtrace by frame pointers, with the names of the symbol table that came in the initrd, and the last trace events, if they are kept.

use super::dispatch::KernelFrame;
use super::percpu::Cpu;
use super::{report, vectors};
use crate::log;
use crate::mm::stacks::{CPU_BYTES, STACKS, Stack};
use crate::mm::{CPUS, image};
use crate::symbols::Symbols;
use crate::trace;
use core::fmt;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, Ordering};
use spin::Once;

/// Frames of a backtrace at most.
const DEPTH_MAX: usize = 40;

static IS_PANICKING: AtomicBool = AtomicBool::new(false);
static HAS_CPU_DATA: AtomicBool = AtomicBool::new(false);
static SYMBOLS: Once<Symbols<'static>> = Once::new();
static ACTIVITY: Once<fn(&mut dyn fmt::Write) -> fmt::Result> = Once::new();

/// Gives backtraces their names.
pub fn set_symbols(symbols: Symbols<'static>) {
    SYMBOLS.call_once(|| symbols);
}

/// Sets what describes, in a few words, the task and the system call this CPU works for. It must not take a lock that may be held.
pub fn set_activity(describe: fn(&mut dyn fmt::Write) -> fmt::Result) {
    ACTIVITY.call_once(|| describe);
}

/// From here on a panic may look at the CPU's data.
pub(super) fn has_cpu_data() {
    HAS_CPU_DATA.store(true, Ordering::Relaxed);
}

/// Ends the machine because of a panic.
pub fn die(info: &PanicInfo<'_>) -> ! {
    enter(format_args!("kernel panic: {}", info.message()));
    log::print(format_args!("\nkernel panic: {info}\n"));
    let frame_pointer: u64;
    // SAFETY: reads a register.
    unsafe {
        core::arch::asm!("mov {}, rbp", out(reg) frame_pointer, options(nomem, nostack, preserves_flags))
    };
    leave(frame_pointer)
}

/// Ends the machine because the kernel met an exception that it cannot have caused if it is right.
pub(super) fn die_in_trap(frame: &KernelFrame, cr2: u64) -> ! {
    let vector = frame.vector as u8;
    let name = vectors::name(vector);
    match (vector, Stack::of_guard(cr2, CPUS)) {
        (vectors::PAGE_FAULT | vectors::DOUBLE_FAULT, Some((stack, cpu))) => {
            enter(format_args!(
                "kernel panic: overflow of the {stack:?} stack of CPU {cpu}"
            ));
            log::print(format_args!(
                "\nkernel panic: overflow of the {stack:?} stack of CPU {cpu} ({name} at {:#x})\n",
                frame.rip
            ));
        }
        (vectors::PAGE_FAULT, None) => {
            enter(format_args!(
                "kernel panic: {name} at {cr2:#x}, error code {:#x}",
                frame.error_code
            ));
            log::print(format_args!(
                "\nkernel panic: {name} at {cr2:#x}, error code {:#x}\n",
                frame.error_code
            ));
        }
        _ => {
            enter(format_args!(
                "kernel panic: {name}, error code {:#x}",
                frame.error_code
            ));
            log::print(format_args!(
                "\nkernel panic: {name}, error code {:#x}\n",
                frame.error_code
            ));
        }
    }
    log::print(format_args!(
        "  rip {:#x}, rsp {:#x}, rflags {:#x}\n",
        frame.rip, frame.rsp, frame.rflags
    ));
    print_frame(frame.rip);
    leave(frame.rbp)
}

/// The first words: once. A panic while panicking ends the machine at once.
fn enter(cause: fmt::Arguments<'_>) {
    if IS_PANICKING.swap(true, Ordering::Relaxed) {
        report::exit(report::STATUS_KERNEL_FAILED)
    }
    report::first_cause(cause);
}

fn leave(frame_pointer: u64) -> ! {
    print_activity();
    print_backtrace(frame_pointer);
    trace::print(trace::N_IN_PANIC);
    report::exit(report::STATUS_KERNEL_FAILED)
}

struct Console;

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        super::serial::write(text.as_bytes());
        Ok(())
    }
}

fn print_activity() {
    if !HAS_CPU_DATA.load(Ordering::Relaxed) {
        return log::print(format_args!("  while booting\n"));
    }
    let cpu = Cpu::current();
    let context = cpu.context();
    log::print(format_args!("  on CPU {}", cpu.number()));
    if let Some(describe) = ACTIVITY.get() {
        log::print(format_args!(", "));
        let _ = describe(&mut Console);
    }
    if context.is_null() {
        log::print(format_args!(", no user context\n"));
    } else {
        // SAFETY: the context of this CPU is valid until the next one is resumed, and is not written meanwhile.
        let context = unsafe { &*context };
        log::print(format_args!(
            ", user rip {:#x}, rax {:#x}\n",
            context.rip(),
            context.call_number()
        ));
    }
}

/// Follows frame pointers as long as they lie on a stack of ours and ascend. Much of the prebuilt `core` keeps them; a function that does not
/// is skipped.
fn print_backtrace(mut frame_pointer: u64) {
    for _ in 0..DEPTH_MAX {
        let is_on_stack = is_on_stack(frame_pointer)
            && is_on_stack(frame_pointer + 8)
            && frame_pointer.is_multiple_of(8);
        if !is_on_stack {
            return;
        }
        // SAFETY: both words lie on a mapped stack.
        let (next, return_address) = unsafe {
            (
                *(frame_pointer as *const u64),
                *((frame_pointer + 8) as *const u64),
            )
        };
        if !image::is_text(return_address) {
            return;
        }
        print_frame(return_address - 1);
        if next <= frame_pointer {
            return;
        }
        frame_pointer = next;
    }
}

fn is_on_stack(address: u64) -> bool {
    let is_boot_stack = image::sections()[2].contains(address);
    let is_cpu_stack = (STACKS..STACKS + CPUS * CPU_BYTES).contains(&address)
        && Stack::ALL.iter().any(|stack| {
            (0..CPUS).any(|cpu| (stack.bottom(cpu)..stack.top(cpu)).contains(&address))
        });
    is_boot_stack || is_cpu_stack
}

fn print_frame(address: u64) {
    match SYMBOLS.get().and_then(|symbols| symbols.find(address)) {
        Some((name, offset)) => {
            log::print(format_args!("  at {address:#x} {name} + {offset:#x}\n"))
        }
        None => log::print(format_args!("  at {address:#x}\n")),
    }
}
