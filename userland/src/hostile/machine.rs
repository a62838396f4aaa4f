//! Instructions with every register of the CPU loaded from a [`State`] before, and stored there afterwards.

use super::registers::State;
use core::arch::x86_64::{__cpuid, _xgetbv};

/// From the state in rdi: x87, selectors, vector, flags, general registers. The state's address stays on the stack, below it what
/// the caller wants kept.
#[doc(hidden)]
#[macro_export]
macro_rules! load_registers {
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
        mov ds, [rdi + {SELECTORS}]
        mov es, [rdi + {SELECTORS} + 2]
        mov fs, [rdi + {SELECTORS} + 4]
        mov gs, [rdi + {SELECTORS} + 6]
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
#[doc(hidden)]
#[macro_export]
macro_rules! store_registers {
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
        push 0x202
        popfq
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

/// Defines a function that runs instructions between a load and a store of all registers. They may change any but rsp. The function
/// itself keeps what the C convention wants kept, and is unsafe for what the instructions do.
#[macro_export]
macro_rules! with_registers {
    ($(#[$doc:meta])* fn $name:ident = $instructions:expr $(, $operand:ident = const $value:expr)*) => {
        $(#[$doc])*
        #[unsafe(naked)]
        unsafe extern "C" fn $name(state: *mut $crate::hostile::registers::State) {
            use core::mem::offset_of;
            use $crate::hostile::registers::State;
            core::arch::naked_asm!(
                $crate::load_registers!(),
                $instructions,
                $crate::store_registers!(),
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
                $($operand = const $value,)*
            )
        }
    };
}

crate::with_registers! {
    /// The system call that the registers say.
    fn do_call = "syscall"
}

/// Makes the call whose number and arguments are in the general registers of `state`.
///
/// # Safety
/// As [`crate::raw::call_number`]; besides, the call must return.
pub unsafe fn call(state: &mut State) {
    // SAFETY: the function keeps the caller's registers, and the caller answers for the call.
    unsafe { do_call(state) }
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
