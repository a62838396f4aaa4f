//! Functions that load every register of the CPU from a [`State`], do one thing, and store every register again.

use super::registers::State;
use core::arch::x86_64::{__cpuid, _xgetbv};
use core::arch::{asm, naked_asm};
use core::mem::offset_of;

/// From the state in rdi: x87, vector, flags, general registers. The state's address stays on the stack, below it what
/// the caller wants kept.
macro_rules! load {
    () => {
        "
        push rbx
        push rbp
        push r12
        push r13
        push r14
        push r15
        push rdi
        fninit
        fld qword ptr [rdi + {X87} + 56]
        fld qword ptr [rdi + {X87} + 48]
        fld qword ptr [rdi + {X87} + 40]
        fld qword ptr [rdi + {X87} + 32]
        fld qword ptr [rdi + {X87} + 24]
        fld qword ptr [rdi + {X87} + 16]
        fld qword ptr [rdi + {X87} + 8]
        fld qword ptr [rdi + {X87}]
        fldcw [rdi + {FCW}]
        ldmxcsr [rdi + {MXCSR}]
        movups xmm0, [rdi + {VECTOR}]
        .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
        movups xmm\\n, [rdi + {VECTOR} + 32*\\n]
        .endr
        cmp qword ptr [rdi + {HAS_AVX}], 0
        je 2f
        .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
        vmovups ymm\\n, [rdi + {VECTOR} + 32*\\n]
        .endr
        2:
        push [rdi + {FLAGS}]
        popfq
        mov rax, [rdi + {GENERAL}]
        mov rbx, [rdi + {GENERAL} + 8]
        mov rcx, [rdi + {GENERAL} + 16]
        mov rdx, [rdi + {GENERAL} + 24]
        mov rsi, [rdi + {GENERAL} + 32]
        mov rbp, [rdi + {GENERAL} + 48]
        mov r8, [rdi + {GENERAL} + 56]
        mov r9, [rdi + {GENERAL} + 64]
        mov r10, [rdi + {GENERAL} + 72]
        mov r11, [rdi + {GENERAL} + 80]
        mov r12, [rdi + {GENERAL} + 88]
        mov r13, [rdi + {GENERAL} + 96]
        mov r14, [rdi + {GENERAL} + 104]
        mov r15, [rdi + {GENERAL} + 112]
        mov rdi, [rdi + {GENERAL} + 40]
        "
    };
}

/// Into the state whose address is on the stack; then the caller's registers, and back.
macro_rules! store {
    () => {
        "
        3:
        xchg rdi, [rsp]
        mov [rdi + {GENERAL}], rax
        mov [rdi + {GENERAL} + 8], rbx
        mov [rdi + {GENERAL} + 16], rcx
        mov [rdi + {GENERAL} + 24], rdx
        mov [rdi + {GENERAL} + 32], rsi
        mov [rdi + {GENERAL} + 48], rbp
        mov [rdi + {GENERAL} + 56], r8
        mov [rdi + {GENERAL} + 64], r9
        mov [rdi + {GENERAL} + 72], r10
        mov [rdi + {GENERAL} + 80], r11
        mov [rdi + {GENERAL} + 88], r12
        mov [rdi + {GENERAL} + 96], r13
        mov [rdi + {GENERAL} + 104], r14
        mov [rdi + {GENERAL} + 112], r15
        pushfq
        pop [rdi + {FLAGS}]
        pop [rdi + {GENERAL} + 40]
        cld
        fxsave64 [rdi + {FXSAVE}]
        fninit
        fxrstor64 [rdi + {FXSAVE}]
        .irp n, 0,1,2,3,4,5,6,7
        fstp qword ptr [rdi + {X87} + 8*\\n]
        .endr
        .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
        movups [rdi + {VECTOR} + 32*\\n], xmm\\n
        .endr
        cmp qword ptr [rdi + {HAS_AVX}], 0
        je 2f
        .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
        vmovups [rdi + {VECTOR} + 32*\\n], ymm\\n
        .endr
        vzeroupper
        2:
        fnstcw [rdi + {FCW}]
        stmxcsr [rdi + {MXCSR}]
        lea rax, [rip + 3b]
        mov [rdi + {RIP}], rax
        mov [rdi + {SELECTORS}], ds
        mov [rdi + {SELECTORS} + 2], es
        mov [rdi + {SELECTORS} + 4], fs
        mov [rdi + {SELECTORS} + 6], gs
        fninit
        push 0x1f80
        ldmxcsr [rsp]
        add rsp, 8
        pop r15
        pop r14
        pop r13
        pop r12
        pop rbp
        pop rbx
        ret
        "
    };
}

macro_rules! with_all_registers {
    ($(#[$doc:meta])* fn $name:ident { $($instructions:literal),* }) => {
        $(#[$doc])*
        #[unsafe(naked)]
        unsafe extern "C" fn $name(state: *mut State) {
            naked_asm!(
                load!(),
                $($instructions,)*
                store!(),
                GENERAL = const offset_of!(State, general),
                FLAGS = const offset_of!(State, flags),
                RIP = const offset_of!(State, rip),
                FCW = const offset_of!(State, fcw),
                MXCSR = const offset_of!(State, mxcsr),
                X87 = const offset_of!(State, x87),
                SELECTORS = const offset_of!(State, selectors),
                HAS_AVX = const offset_of!(State, has_avx),
                VECTOR = const offset_of!(State, vector),
                FXSAVE = const offset_of!(State, fxsave),
            )
        }
    };
}

with_all_registers! {
    /// The system call that the registers say.
    fn do_call { "syscall" }
}

/// Instructions of [`do_keep`] between the loading and the storing.
pub const N_KEPT: u64 = 150 * 16;

with_all_registers! {
    /// Instructions that move every kind of register and, in pairs, change nothing.
    fn do_keep {
        ".rept 150",
        "xchg rax, rbx", "xchg rax, rbx",
        "bswap r8", "bswap r8",
        "not r9", "not r9",
        "lea r10, [r10 + 1]", "lea r10, [r10 - 1]",
        "push rdi", "pop rdi",
        "fxch st(3)", "fxch st(3)",
        "shufps xmm0, xmm0, 0x4e", "shufps xmm0, xmm0, 0x4e",
        "xchg r14, r15", "xchg r14, r15",
        ".endr"
    }
}

with_all_registers! {
    /// Nothing: what loading and storing alone cost.
    fn do_nothing { "nop" }
}

/// Makes the call whose number and arguments are in the general registers of `state`.
///
/// # Safety
/// As [`crate::raw::call_number`]; besides, the call must return.
pub unsafe fn call(state: &mut State) {
    // SAFETY: the function keeps the caller's registers, and the caller answers for the call.
    unsafe { do_call(state) }
}

/// Keeps `state` in the registers for [`N_KEPT`] instructions, or, if not `is_long`, for one.
pub fn keep(state: &mut State, is_long: bool) {
    // SAFETY: the functions keep the caller's registers and touch nothing but the state and their stack.
    unsafe {
        if is_long {
            do_keep(state)
        } else {
            do_nothing(state)
        }
    }
}

/// Writes over every register, for ever.
pub fn scribble() -> ! {
    // SAFETY: nothing is left to keep, and no memory is touched but the word below the stack pointer.
    unsafe {
        asm!(
            "
            mov rax, 0x0badf00d0badf00d
            2:
            add rax, 0x1234567
            mov rbx, rax
            mov rcx, rax
            mov rdx, rax
            mov rsi, rax
            mov rdi, rax
            mov rbp, rax
            mov r8, rax
            mov r9, rax
            mov r10, rax
            mov r11, rax
            mov r12, rax
            mov r13, rax
            mov r14, rax
            mov r15, rax
            movq xmm0, rax
            .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
            movaps xmm\\n, xmm0
            .endr
            fninit
            .rept 8
            fldpi
            .endr
            push 0x5f80
            ldmxcsr [rsp]
            mov qword ptr [rsp], 0x077f
            fldcw [rsp]
            mov qword ptr [rsp], 0x240ed5
            popfq
            cld
            jmp 2b
            ",
            options(noreturn)
        )
    }
}

/// Whether the CPU and the kernel offer the 32-byte vector registers (SDM 1 14.3).
pub fn has_avx() -> bool {
    let features = __cpuid(1).ecx;
    let (osxsave, avx) = (1 << 27, 1 << 28);
    if features & osxsave == 0 || features & avx == 0 {
        return false;
    }
    // SAFETY: OSXSAVE says that the instruction is there.
    let enabled = unsafe { xcr0() };
    enabled & 6 == 6
}

#[target_feature(enable = "xsave")]
fn xcr0() -> u64 {
    // SAFETY: register 0 exists where the instruction does.
    unsafe { _xgetbv(0) }
}
