//! Ways for the kernel to fail on purpose: kernel word `test=NAME`, each a boot of its own whose end a test expects.
//!
//! | name             | what it does                                          | how it must end                                    |
//! |------------------|-------------------------------------------------------|----------------------------------------------------|
//! | `panic`          | panics                                                | status 101, first cause `kernel panic: on purpose`  |
//! | `page-fault`     | reads an address that nothing maps                    | 101, `page fault at 0xffffdead00000000`             |
//! | `null`           | reads address 0                                       | 101, `page fault at 0x0`                            |
//! | `write-text`     | writes its own code                                   | 101, `page fault at`, error code 0x3                |
//! | `write-rodata`   | writes its constants through the direct map           | 101, `page fault at`, error code 0x3                |
//! | `execute-data`   | calls a variable                                      | 101, `page fault at`, error code 0x11               |
//! | `smap`           | reads user memory as if it were its own               | 101, `page fault at 0x400000`, error code 0x1       |
//! | `smep`           | calls user memory                                     | 101, `page fault at 0x400000`, error code 0x11      |
//! | `stack-overflow` | recurses without end                                  | 101, `overflow of the Kernel stack of CPU 0`        |
//! | `invalid-opcode` | executes UD2                                          | 101, `invalid opcode`                               |
//! | `machine-check`  | raises vector 18, with the user's GS base             | 101, `machine check`                                |
//! | `double-free`    | gives a frame back twice                              | 101, `was given back but is not in use`             |
//! | `fault-in-call`  | forgets how to survive a bad pointer of a user         | 101 at the first bad pointer, with task and system call |
//! | `triple-fault`   | takes an exception without a descriptor table         | no report: the tool's own failure                   |
//! | `hang`           | loops for ever                                        | no report within the time limit                     |
//! | `wx`             | looks at every mapping of the kernel                  | 0, `none writable and executable` on the console    |
//! | `kernel-debug`   | single-steps the kernel, and sends it an NMI, with the user's GS base | 0, `passed over` on the console      |

use super::percpu::Cpu;
use super::report;
use crate::log;
use crate::mm::address_space::{AddressSpace, Rights};
use crate::mm::{frames, kernel_space, physical};
use core::arch::asm;
use core::hint::black_box;
use core::sync::atomic::{AtomicBool, Ordering};
use x86_64::PhysAddr;

type Way = fn();

/// A way that fails later, when a program does its part.
const FAULT_IN_CALL: &str = "fault-in-call";

static IS_FIXUP_FORGOTTEN: AtomicBool = AtomicBool::new(false);

/// True if a page fault in a copy of user memory is to be taken for the kernel's own.
pub(super) fn is_fixup_forgotten() -> bool {
    IS_FIXUP_FORGOTTEN.load(Ordering::Relaxed)
}

const WAYS: [(&str, Way); 16] = [
    ("panic", || panic!("on purpose")),
    ("page-fault", || read(0xffff_dead_0000_0000)),
    ("null", || read(0)),
    ("write-text", || write(write as *const () as u64)),
    ("write-rodata", write_rodata),
    ("execute-data", || call(&raw const SOME_DATA as u64)),
    ("smap", || read(user_page())),
    ("smep", || call(user_page())),
    ("stack-overflow", || {
        recurse(0);
    }),
    // SAFETY: ends the kernel, which is the purpose.
    ("invalid-opcode", || unsafe { asm!("ud2") }),
    // SAFETY: ends the kernel, which is the purpose.
    ("machine-check", || unsafe { asm!("swapgs", "int 18") }),
    ("double-free", double_free),
    ("triple-fault", triple_fault),
    ("hang", || {
        loop {
            core::hint::spin_loop();
        }
    }),
    ("wx", audit),
    ("kernel-debug", interrupt_the_kernel),
];

static SOME_DATA: core::sync::atomic::AtomicU64 = core::sync::atomic::AtomicU64::new(0xc3);

/// Does what `name` says. It returns if the way takes a program to go. Tests look for its name in the backtrace, so it is a function of
/// its own, however the compiler would like to have it.
#[inline(never)]
pub(super) fn run(name: &str) {
    if name == FAULT_IN_CALL {
        return IS_FIXUP_FORGOTTEN.store(true, Ordering::Relaxed);
    }
    let Some((_, way)) = WAYS.iter().find(|(known, _)| *known == name) else {
        log::print(format_args!(
            "kernel: there is no test \"{name}\"; there are"
        ));
        WAYS.iter()
            .for_each(|(known, _)| log::print(format_args!(" {known}")));
        log::print(format_args!(" {FAULT_IN_CALL}\n"));
        report::refuse(format_args!(
            "kernel word test={name}: there is no such test"
        ))
    };
    way();
    report::first_cause(format_args!(
        "test={name}: the kernel survived what should have ended it"
    ));
    report::exit(1)
}

fn read(address: u64) {
    // SAFETY: it faults, which is the purpose.
    unsafe { black_box(core::ptr::read_volatile(black_box(address) as *const u8)) };
}

fn write(address: u64) {
    // SAFETY: it faults, which is the purpose.
    unsafe { core::ptr::write_volatile(black_box(address) as *mut u8, 0xcc) };
}

fn call(address: u64) {
    // SAFETY: it faults, which is the purpose.
    unsafe { asm!("call {}", in(reg) address, clobber_abi("C")) };
}

fn write_rodata() {
    let constant = crate::mm::image::read_only_range().end - 1;
    write(physical::pointer::<u8>(PhysAddr::new(constant)) as u64);
}

/// A user's page that may be read and executed: only SMAP and SMEP keep the kernel from it.
fn user_page() -> u64 {
    const ADDRESS: u64 = 0x40_0000;
    let (Ok(mut space), Ok(frame)) = (AddressSpace::new(), frames::allocate_zeroed()) else {
        return 0;
    };
    if space.map(ADDRESS, frame, Rights::ReadExecute).is_err() {
        return 0;
    }
    space.activate();
    core::mem::forget(space);
    ADDRESS
}

#[allow(unconditional_recursion, reason = "that is the purpose")]
fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    recurse(depth + 1) + frame[0]
}

fn double_free() {
    if let Ok(frame) = frames::allocate() {
        // SAFETY: the second call is refused before it does anything.
        unsafe {
            frames::free(frame);
            frames::free(frame);
        }
    }
}

fn triple_fault() {
    let none = x86_64::structures::DescriptorTablePointer {
        limit: 0,
        base: x86_64::VirtAddr::zero(),
    };
    // SAFETY: ends the machine, which is the purpose.
    unsafe {
        x86_64::instructions::tables::lidt(&none);
        asm!("ud2");
    }
}

fn audit() {
    let found = kernel_space::audit();
    log::print(format_args!(
        "kernel: {} small and {} large pages mapped, {} executable, {} writable, {} for users, {} aliases of read-only memory writable: {}\n",
        found.n_small,
        found.n_large,
        found.n_executable,
        found.n_writable,
        found.n_user,
        found.n_writable_aliases,
        if found.is_clean() {
            "none writable and executable"
        } else {
            "the kernel is not W^X"
        },
    ));
    if found.is_clean() {
        report::exit(0)
    }
}

/// #DB and NMI as they come between entry and SWAPGS: from kernel mode, with a GS base that is not the kernel's.
fn interrupt_the_kernel() {
    let cpu = Cpu::current();
    let before = (cpu.n_kernel_debug(), cpu.n_nmis());
    super::apic::send_nmi_to_self();
    // SAFETY: the handlers of #DB and NMI do not use GS, and give all registers back; TF is clear when the first has been taken.
    unsafe {
        asm!(
            "swapgs",
            "pushfq",
            "or qword ptr [rsp], 0x100",
            "popfq",
            "nop",
            "int 2",
            "swapgs",
        );
    }
    let after = (cpu.n_kernel_debug(), cpu.n_nmis());
    log::print(format_args!(
        "kernel: {} debug exceptions and {} NMIs of the kernel passed over\n",
        after.0 - before.0,
        after.1 - before.1,
    ));
    if after == (before.0 + 1, before.1 + 2) {
        report::exit(0)
    }
}
