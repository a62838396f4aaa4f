//! The system-call instruction.
//!
//! One function, because the cost of loading an unused argument is an instruction and the danger
//! of six hand-written variants is greater. Calls whose arguments are not addresses are safe for
//! the caller's memory whatever their values; which those are, the typed wrappers know.

use core::arch::asm;
use omnibus_abi::long::Memory;
use omnibus_abi::short::N_WORDS;
use omnibus_abi::{Call, Errno, status};

/// What the kernel leaves in the two result registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registers {
    /// `rax`: 0 or a negative error number.
    pub status: u64,
    /// `rdx`: the value.
    pub value: u64,
}

/// Calls the kernel by number, known or not, with `rdi rsi rdx r10 r8 r9` from `arguments`.
///
/// # Safety
/// The kernel may write wherever the arguments tell it to, unmap memory, and start code: the
/// caller answers for that as for its own writes.
#[inline(always)]
#[must_use]
pub unsafe fn call_number(number: u64, arguments: [u64; 6]) -> Registers {
    let [a, b, c, d, e, f] = arguments;
    let (status, value);
    // SAFETY: the caller's promise covers memory. The ABI keeps every general register but the
    // four named here, and zeroes vector and x87 registers, which are all declared lost.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => status,
            in("rdi") a,
            in("rsi") b,
            inlateout("rdx") c => value,
            in("r10") d,
            in("r8") e,
            in("r9") f,
            lateout("rcx") _,
            lateout("r11") _,
            out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _,
            out("xmm4") _, out("xmm5") _, out("xmm6") _, out("xmm7") _,
            out("xmm8") _, out("xmm9") _, out("xmm10") _, out("xmm11") _,
            out("xmm12") _, out("xmm13") _, out("xmm14") _, out("xmm15") _,
            out("st(0)") _, out("st(1)") _, out("st(2)") _, out("st(3)") _,
            out("st(4)") _, out("st(5)") _, out("st(6)") _, out("st(7)") _,
            options(nostack),
        );
    }
    Registers { status, value }
}

/// What a call with a message in registers, or in memory that they tell of, returns ([`omnibus_abi::short`], [`omnibus_abi::long`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShortRegisters {
    /// `rax`: 0 or a negative error number.
    pub status: u64,
    /// `rdi`: where it came in.
    pub id: u64,
    /// `rsi`: from which account.
    pub account: u64,
    /// `rbx`: the descriptor.
    pub descriptor: u64,
    /// The message registers.
    pub words: [u64; N_WORDS],
}

/// Makes one of the calls with a message in registers: `rax rdi rsi rbx` from `arguments`, the message from `words`. None of them takes
/// an address, so none can harm the caller's memory.
#[inline(always)]
#[must_use]
pub fn call_short(arguments: [u64; 4], words: [u64; N_WORDS]) -> ShortRegisters {
    // SAFETY: the kernel touches no memory.
    unsafe { call_message(arguments, words) }
}

/// Makes one of the calls with a message in memory: `rax rdi rsi rbx` from `arguments`, what memory from `memory`.
///
/// # Safety
/// The kernel may write to the memory that there is room in.
#[inline(always)]
#[must_use]
pub unsafe fn call_long(arguments: [u64; 4], memory: Memory) -> ShortRegisters {
    // SAFETY: the caller's promise.
    unsafe { call_message(arguments, memory.to_words()) }
}

/// # Safety
/// The caller answers for the memory that the call touches.
#[inline(always)]
unsafe fn call_message(arguments: [u64; 4], words: [u64; N_WORDS]) -> ShortRegisters {
    let [number, peer, handle, deadline_ns] = arguments;
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = words;
    let (status, id, account, descriptor);
    // SAFETY: the caller answers for memory; all registers that it writes, and those that it zeroes, are named. `rbx` cannot be, since the
    // compiler keeps it for itself: it is put aside, and as no register is left for that, on the stack.
    unsafe {
        asm!(
            "push rbx",
            "mov rbx, rcx",
            "syscall",
            "mov rcx, rbx",
            "pop rbx",
            inlateout("rcx") deadline_ns => descriptor,
            inlateout("rax") number => status,
            inlateout("rdi") peer => id,
            inlateout("rsi") handle => account,
            inlateout("rdx") a,
            inlateout("r8") b,
            inlateout("r9") c,
            inlateout("r10") d,
            inlateout("r12") e,
            inlateout("r13") f,
            inlateout("r14") g,
            inlateout("r15") h,
            out("r11") _,
            out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _,
            out("xmm4") _, out("xmm5") _, out("xmm6") _, out("xmm7") _,
            out("xmm8") _, out("xmm9") _, out("xmm10") _, out("xmm11") _,
            out("xmm12") _, out("xmm13") _, out("xmm14") _, out("xmm15") _,
            out("st(0)") _, out("st(1)") _, out("st(2)") _, out("st(3)") _,
            out("st(4)") _, out("st(5)") _, out("st(6)") _, out("st(7)") _,
        );
    }
    ShortRegisters {
        status,
        id,
        account,
        descriptor,
        words: [a, b, c, d, e, f, g, h],
    }
}

/// The time-stamp counter. Where the machine counts instructions, it counts the guest's.
#[inline(always)]
#[must_use]
pub fn counter() -> u64 {
    // SAFETY: the instruction has no effect, and the kernel accepts no CPU without it.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Calls the kernel and decodes the result; missing arguments are 0.
///
/// # Errors
/// Those of the call.
///
/// # Safety
/// As [`call_number`].
#[inline(always)]
pub unsafe fn call<const N: usize>(call: Call, arguments: [u64; N]) -> Result<u64, Errno> {
    let mut all = [0; 6];
    let mut i = 0;
    while i < N {
        all[i] = arguments[i];
        i += 1;
    }
    // SAFETY: the caller's promise.
    let registers = unsafe { call_number(call as u64, all) };
    status::decode(registers.status, registers.value)
}
