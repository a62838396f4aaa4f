//! What a CPU knows of itself.
//!
//! While the kernel runs, GS base is the address of this CPU's [`Cpu`]; in user mode it is 0, and `IA32_KERNEL_GS_BASE` holds the address
//! until SWAPGS exchanges the two. User code cannot change either (no FSGSBASE; loading the selector gives 0), so the sign of GS base tells
//! whose it is at any instant: that is what exceptions which may come between entry and SWAPGS go by.

use super::context::UserContext;
use super::gdt::{self, Tables};
use crate::mm::stacks::Stack;
use core::cell::{Cell, UnsafeCell};
use core::ptr;
use x86_64::VirtAddr;
use x86_64::registers::model_specific::{GsBase, KernelGsBase};

/// The machine's side of one CPU. The assembly in `entry` knows the offsets by `offset_of!`.
#[repr(C)]
pub struct Cpu {
    /// Its own address: GS-relative loads reach fields, this makes a reference.
    this: Cell<*const Cpu>,
    /// The context that runs, or ran until this trap; null while idle.
    pub(super) context: Cell<*mut UserContext>,
    /// Holds the user's stack pointer for a few instructions at the entry of a system call.
    pub(super) scratch: Cell<u64>,
    /// Where every trap's stack begins.
    pub(super) stack_top: Cell<u64>,
    /// Non-maskable interrupts so far.
    pub(super) n_nmis: Cell<u64>,
    /// Debug exceptions that the kernel met on its way in and passed over (`mov ss` before a trap, for one).
    pub(super) n_kernel_debug: Cell<u64>,
    /// True while the kernel lets interrupts in between two batches of a long call.
    pub(super) is_window: Cell<bool>,
    number: Cell<u64>,
    pub(super) tables: UnsafeCell<Tables>,
}

// SAFETY: each value is used by the CPU that it describes alone: it is found by that CPU's GS base.
unsafe impl Sync for Cpu {}

static BOOT_CPU: Cpu = Cpu {
    this: Cell::new(ptr::null()),
    context: Cell::new(ptr::null_mut()),
    scratch: Cell::new(0),
    stack_top: Cell::new(0),
    n_nmis: Cell::new(0),
    n_kernel_debug: Cell::new(0),
    is_window: Cell::new(false),
    number: Cell::new(0),
    tables: UnsafeCell::new(Tables::new()),
};

/// Stands for a context that is no longer known. Nothing ever runs with it, so it is never written.
static NO_CONTEXT: UserContext = match UserContext::new(omnibus_abi::layout::USER_START, 0, 0) {
    Ok(context) => context,
    Err(_) => panic!("the lowest user address is one"),
};

impl Cpu {
    /// The CPU this runs on.
    pub fn current() -> &'static Self {
        let this: *const Self;
        // SAFETY: in the kernel GS base is the address of a `Cpu`, whose first field is its own address, once `init` has run; no trap that
        // can call this comes before.
        unsafe {
            core::arch::asm!("mov {}, gs:[0]", out(reg) this, options(pure, readonly, nostack, preserves_flags));
            &*this
        }
    }

    /// Its number, from 0.
    pub fn number(&self) -> u64 {
        self.number.get()
    }

    /// Non-maskable interrupts so far; nothing but counting is done about them.
    pub fn n_nmis(&self) -> u64 {
        self.n_nmis.get()
    }

    /// Debug exceptions that came from kernel mode and were passed over.
    pub fn n_kernel_debug(&self) -> u64 {
        self.n_kernel_debug.get()
    }

    /// The context that ran until this trap; null if the CPU was idle.
    pub fn context(&self) -> *const UserContext {
        self.context.get()
    }

    /// Makes the next resume load everything anew, as after a switch. Not null, which is idling: the way out compares with it.
    pub(super) fn forget_context(&self) {
        self.context.set((&raw const NO_CONTEXT).cast_mut());
    }
}

/// Makes this CPU's data reachable and loads its descriptor tables.
///
/// # Safety
/// Called once, at boot, when the stacks are mapped.
pub unsafe fn init() {
    let cpu = &BOOT_CPU;
    cpu.this.set(cpu);
    cpu.stack_top.set(Stack::Kernel.top(cpu.number()));
    GsBase::write(VirtAddr::from_ptr(cpu));
    KernelGsBase::write(VirtAddr::zero());
    // SAFETY: the tables are this CPU's own, live for ever, and the stacks they name are mapped, as the caller promises.
    unsafe { gdt::load(cpu) }
}
