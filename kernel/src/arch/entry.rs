//! Into the kernel and back: the only code that runs with a user's registers.
//!
//! Entering. SYSCALL comes with interrupts, TF, DF, NT, AC masked (`IA32_FMASK`) and on the user's stack: the registers go straight into the
//! thread's context, whose address this CPU knows. Interrupts and faults come on this CPU's empty stack (TSS) and save everything there
//! is, vector state included, before any Rust runs, because compiled code uses vector registers.
//!
//! Leaving. The handler returns the context to resume (null: idle). A context in a system call goes back by SYSRET; vector and x87 registers
//! read as zero, their control words are kept, and every general register holds the user's own value, the answer, or (rcx, r11) rip and
//! rflags. Every other context goes back by IRETQ with all its registers.
//!
//! Hazards, and what is done about each (`docs/decisions/0009-hazards-at-the-door.md` says more):
//! 1. SYSRET to a non-canonical address faults in the kernel on some CPUs: the last page of the user half is never mapped, so the address
//!    behind a SYSCALL is canonical; checked all the same, and then IRETQ is used.
//! 2. IRETQ to a bad frame faults in the kernel: that fault is known by its address and becomes one of the task.
//! 3. Exceptions between entry and SWAPGS, or between SWAPGS and the return, see the user's GS base. Only NMI, #DB and #MC can come there;
//!    they have stacks of their own. NMI and #DB do not use GS; #MC (and #DF) never return and tell the GS base by its sign.
//! 4. `mov ss` with a pending debug trap before SYSCALL or `int3` (CVE-2018-8897) delivers #DB at the kernel's first instruction: it is counted
//!    and passed over, with TF cleared in the interrupted kernel's flags.
//! 5. TF, DF, NT, AC set by the user: masked at SYSCALL; at other entries the CPU clears TF and NT, and the stub loads clean flags.
//! 6. Segment selectors are a thread's registers too: saved at interrupts, null after a switch in a system call.

use super::context::{Next, UserContext};
use super::gdt::{USER_CODE, USER_DATA};
use super::percpu::Cpu;
use super::{apic, cpu, dispatch, slice};
use core::arch::global_asm;
use core::mem::offset_of;
use core::ptr::NonNull;

unsafe extern "C" {
    /// Where SYSCALL leads.
    pub(super) fn syscall_entry();
    /// 256 stubs, by vector.
    pub(super) static interrupt_stubs: u8;
    /// The IRETQ that goes back to user mode.
    pub(super) static iret_to_user: u8;
    fn resume_next(next: Next) -> !;
    fn resume_switched(next: NonNull<UserContext>) -> !;
    fn call_on_stack(top: u64, argument: u64, function: extern "C" fn(u64) -> !) -> !;
}

/// Resumes `next` from the boot sequence; traps do it by returning.
///
/// # Safety
/// Called on the kernel stack, with this CPU's data and tables set up and `next` valid until its thread has ended.
pub unsafe fn resume(next: Next) -> ! {
    slice::resumed(next);
    // SAFETY: as the caller promises.
    unsafe { resume_next(next) }
}

/// Goes to user mode from a handler that left the choice of what runs to the end.
///
/// # Safety
/// As [`resume`], for a CPU that is past its boot sequence.
#[inline(always)]
pub(super) unsafe fn leave_kernel(next: Next) -> ! {
    // SAFETY: as the caller promises.
    unsafe { resume_next(next) }
}

/// The same, to the context of a thread that is in a system call and is not the one that ran before.
///
/// # Safety
/// As [`leave_kernel`].
#[inline(always)]
pub(super) unsafe fn leave_kernel_switched(next: NonNull<UserContext>) -> ! {
    // SAFETY: as the caller promises.
    unsafe { resume_switched(next) }
}

/// Leaves the current stack for ever and calls `function` on the one that ends at `top`.
///
/// # Safety
/// The stack is mapped and unused.
pub unsafe fn on_stack(top: u64, argument: u64, function: extern "C" fn(u64) -> !) -> ! {
    // SAFETY: as the caller promises.
    unsafe { call_on_stack(top, argument, function) }
}

global_asm!(
    r#"
    .section .text.entry, "ax", @progbits
    .balign 64
    .global syscall_entry
syscall_entry:
    swapgs
    mov gs:[{CPU_SCRATCH}], rsp
    mov rsp, gs:[{CPU_CONTEXT}]
    mov [rsp + {RIP}], rcx
    mov [rsp + {RFLAGS}], r11
    mov rcx, gs:[{CPU_SCRATCH}]
    mov [rsp + {RSP}], rcx
    mov [rsp + {RAX}], rax
    mov [rsp + {RDX}], rdx
    mov [rsp + {RDI}], rdi
    mov [rsp + {RSI}], rsi
    mov [rsp + {R10}], r10
    mov [rsp + {R8}], r8
    mov [rsp + {R9}], r9
    mov [rsp + {RBX}], rbx
    mov [rsp + {RBP}], rbp
    mov [rsp + {R12}], r12
    mov [rsp + {R13}], r13
    mov [rsp + {R14}], r14
    mov [rsp + {R15}], r15
    mov dword ptr [rsp + {RESUME}], 1
    stmxcsr [rsp + {MXCSR}]
    fnstcw [rsp + {FCW}]
    mov rdi, rsp
    mov rsp, gs:[{CPU_STACK_TOP}]
    xor ebp, ebp                        /* ends backtraces */
    call {syscall}                      /* does not return: it goes on at resume_next */
    ud2

    /* rdi = the context to resume, or null. Nothing is left on the stack. */
    .balign 64
    .global resume_next
resume_next:
    test rdi, rdi
    jz idle
    cmp dword ptr [rdi + {RESUME}], 1
    jne resume_full
    cmp rdi, gs:[{CPU_CONTEXT}]
    je 2f
    /* The same for a context in a system call that is another than before. */
    .global resume_switched
resume_switched:
    mov gs:[{CPU_CONTEXT}], rdi
    xor ecx, ecx
    mov ds, ecx
    mov es, ecx
    mov fs, ecx
    swapgs
    mov gs, ecx                         /* GS base of user mode becomes or stays 0 */
    swapgs
    mov ecx, 0xc0000100                 /* IA32_FS_BASE */
    mov eax, [rdi + {FS_BASE}]
    mov edx, [rdi + {FS_BASE} + 4]
    wrmsr
2:  fxrstor64 [rip + clear_vector_state]
    ldmxcsr [rdi + {MXCSR}]
    fldcw [rdi + {FCW}]
905:vzeroupper
    .pushsection .cpu_sites, "a"
    .quad 905b, {SITE_AVX}
    .popsection
    mov rcx, [rdi + {RIP}]
    mov r11, rcx
    shr r11, 47
    jnz resume_full                     /* hazard 1 */
    mov r11, [rdi + {RFLAGS}]
    mov rax, [rdi + {RAX}]
    mov rbx, [rdi + {RBX}]
    mov rdx, [rdi + {RDX}]
    mov rsi, [rdi + {RSI}]
    mov r8, [rdi + {R8}]
    mov r9, [rdi + {R9}]
    mov r10, [rdi + {R10}]
    mov r12, [rdi + {R12}]
    mov r13, [rdi + {R13}]
    mov r14, [rdi + {R14}]
    mov r15, [rdi + {R15}]
    mov rbp, [rdi + {RBP}]
    mov rsp, [rdi + {RSP}]
    mov rdi, [rdi + {RDI}]
    swapgs
    sysretq

resume_full:
    mov gs:[{CPU_CONTEXT}], rdi
    mov rbx, rdi
    mov rsp, gs:[{CPU_STACK_TOP}]
    cmp byte ptr [rip + {HAS_XSAVE}], 0
    je 3f
    mov eax, -1
    mov edx, -1
    xrstor64 [rbx + {VECTOR}]
    jmp 4f
3:  fxrstor64 [rbx + {VECTOR}]
4:  push {USER_DATA}
    push [rbx + {RSP}]
    push [rbx + {RFLAGS}]
    push {USER_CODE}
    push [rbx + {RIP}]
    mov ds, [rbx + {SELECTORS}]
    mov es, [rbx + {SELECTORS} + 2]
    mov fs, [rbx + {SELECTORS} + 4]
    mov ecx, 0xc0000100
    mov eax, [rbx + {FS_BASE}]
    mov edx, [rbx + {FS_BASE} + 4]
    wrmsr
    mov eax, [rip + {SLICE_TICKS}]      /* the test mode of `slice` */
    test eax, eax
    jz 5f
    mov rcx, [rip + {APIC_REGISTERS}]
    mov [rcx + {APIC_INITIAL_COUNT}], eax
5:  mov rax, [rbx + {RAX}]
    mov rcx, [rbx + {RCX}]
    mov rdx, [rbx + {RDX}]
    mov rdi, [rbx + {RDI}]
    mov rsi, [rbx + {RSI}]
    mov rbp, [rbx + {RBP}]
    mov r8, [rbx + {R8}]
    mov r9, [rbx + {R9}]
    mov r10, [rbx + {R10}]
    mov r11, [rbx + {R11}]
    mov r12, [rbx + {R12}]
    mov r13, [rbx + {R13}]
    mov r14, [rbx + {R14}]
    mov r15, [rbx + {R15}]
    swapgs
    mov gs, [rbx + {SELECTORS} + 6]
    mov rbx, [rbx + {RBX}]
    .global iret_to_user
iret_to_user:
    iretq                               /* hazard 2 */

    /* An interrupt ends this: its handler returns what runs next. After an NMI it goes round. */
idle:
    mov gs:[{CPU_CONTEXT}], rdi
    mov rsp, gs:[{CPU_STACK_TOP}]
    xor ebp, ebp
    sti
    hlt
    cli
    xor edi, edi
    jmp idle

    .global call_on_stack
call_on_stack:
    mov rsp, rdi
    xor ebp, ebp
    mov rdi, rsi
    call rdx
    ud2

    /* One stub per vector. Those without an error code push 0, so that all frames look alike. */
    .balign 16
    .global interrupt_stubs
interrupt_stubs:
    .set vector, 0
    .rept 256
    .balign 16
    .if vector == 1
    jmp debug_entry
    .elseif vector == 2
    jmp nmi_entry
    .else
    .if (vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30)
    .else
    push 0
    .endif
    push vector
    .if (vector == 8) || (vector == 18)
    jmp fatal_entry
    .else
    jmp common_entry
    .endif
    .endif
    .set vector, vector + 1
    .endr
    .balign 16

    /* Hazards 3 and 4: whose GS base it is does not matter here. */
debug_entry:
    test byte ptr [rsp + 8], 3
    jnz 5f
    and qword ptr [rsp + 16], -257      /* TF */
    push rax
    mov rax, [rsp + 48]                 /* this CPU, from the top of the stack */
    inc qword ptr [rax + {CPU_KERNEL_DEBUG}]
    xor eax, eax
    mov dr6, rax
    pop rax
    iretq
5:  push 0
    push 1
    jmp common_entry

nmi_entry:
    push rax
    mov rax, [rsp + 48]
    inc qword ptr [rax + {CPU_NMIS}]
    pop rax
    iretq

    /* Stack: vector, error code, rip, cs, rflags, rsp, ss. */
common_entry:
    test byte ptr [rsp + 24], 3
    jz kernel_entry
    swapgs
    push 2                              /* hazard 5: clean flags */
    popfq
    push rax
    mov rax, gs:[{CPU_CONTEXT}]
    mov [rax + {RCX}], rcx
    mov [rax + {RDX}], rdx
    mov [rax + {RDI}], rdi
    mov [rax + {RSI}], rsi
    mov [rax + {RBX}], rbx
    mov [rax + {RBP}], rbp
    mov [rax + {R8}], r8
    mov [rax + {R9}], r9
    mov [rax + {R10}], r10
    mov [rax + {R11}], r11
    mov [rax + {R12}], r12
    mov [rax + {R13}], r13
    mov [rax + {R14}], r14
    mov [rax + {R15}], r15
    pop [rax + {RAX}]
    pop rdi                             /* vector */
    pop rsi                             /* error code */
    pop [rax + {RIP}]
    pop rcx
    pop [rax + {RFLAGS}]
    pop [rax + {RSP}]
    mov [rax + {SELECTORS}], ds
    mov [rax + {SELECTORS} + 2], es
    mov [rax + {SELECTORS} + 4], fs
    mov [rax + {SELECTORS} + 6], gs
    mov dword ptr [rax + {RESUME}], 0
    mov rcx, rax
    cmp byte ptr [rip + {HAS_XSAVE}], 0
    je 6f
    mov eax, -1
    mov edx, -1
    xsave64 [rcx + {VECTOR}]
    jmp 7f
6:  fxsave64 [rcx + {VECTOR}]
7:  mov rdx, cr2
    mov rsp, gs:[{CPU_STACK_TOP}]
    xor ebp, ebp
    call {from_user}
    mov rdi, rax
    jmp resume_next

    /* The kernel was interrupted: idling, in a user copy, at IRETQ, or in error. */
kernel_entry:
    push 2
    popfq
    call save_kernel_frame
    mov rdi, rsp
    call {from_kernel}
    test eax, eax
    jz 8f
    mov rdi, rdx
    jmp resume_next
8:  pop r15
    pop r14
    pop r13
    pop r12
    pop r11
    pop r10
    pop r9
    pop r8
    pop rdi
    pop rsi
    pop rbp
    pop rbx
    pop rdx
    pop rcx
    pop rax
    add rsp, 16
    iretq

fatal_entry:
    push 2
    popfq
    call save_kernel_frame
    mov rdi, rsp
    call {fatal}
    ud2

    /* Pushes the general registers under vector and error code, and makes GS base this CPU's. */
save_kernel_frame:
    xchg rax, [rsp]                     /* return address <-> rax */
    push rcx
    push rdx
    push rbx
    push rbp
    push rsi
    push rdi
    push r8
    push r9
    push r10
    push r11
    push r12
    push r13
    push r14
    push r15
    mov rbx, rax
    mov ecx, 0xc0000101                 /* IA32_GS_BASE */
    rdmsr
    test edx, edx
    js 9f
    swapgs
9:  jmp rbx

    .section .rodata.entry, "a", @progbits
    .balign 64
    /* FXRSTOR image: all registers zero, initial control words (SDM 1 10.5.1). */
clear_vector_state:
    .short 0x037f
    .skip 22
    .long 0x1f80
    .skip 484
    .text
"#,
    CPU_SCRATCH = const offset_of!(Cpu, scratch),
    CPU_CONTEXT = const offset_of!(Cpu, context),
    CPU_STACK_TOP = const offset_of!(Cpu, stack_top),
    CPU_NMIS = const offset_of!(Cpu, n_nmis),
    CPU_KERNEL_DEBUG = const offset_of!(Cpu, n_kernel_debug),
    RAX = const offset_of!(UserContext, rax),
    RDX = const offset_of!(UserContext, message),
    RDI = const offset_of!(UserContext, rdi),
    RSI = const offset_of!(UserContext, rsi),
    R10 = const offset_of!(UserContext, message) + 24,
    R8 = const offset_of!(UserContext, message) + 8,
    R9 = const offset_of!(UserContext, message) + 16,
    RIP = const offset_of!(UserContext, rip),
    RFLAGS = const offset_of!(UserContext, rflags),
    RSP = const offset_of!(UserContext, rsp),
    RBX = const offset_of!(UserContext, rbx),
    RBP = const offset_of!(UserContext, rbp),
    R12 = const offset_of!(UserContext, message) + 32,
    R13 = const offset_of!(UserContext, message) + 40,
    R14 = const offset_of!(UserContext, message) + 48,
    R15 = const offset_of!(UserContext, message) + 56,
    RCX = const offset_of!(UserContext, rcx),
    R11 = const offset_of!(UserContext, r11),
    FS_BASE = const offset_of!(UserContext, fs_base),
    SELECTORS = const offset_of!(UserContext, selectors),
    RESUME = const offset_of!(UserContext, resume),
    MXCSR = const offset_of!(UserContext, mxcsr),
    FCW = const offset_of!(UserContext, fcw),
    VECTOR = const offset_of!(UserContext, vector),
    USER_DATA = const USER_DATA,
    USER_CODE = const USER_CODE,
    SITE_AVX = const cpu::SITE_AVX,
    HAS_XSAVE = sym cpu::HAS_XSAVE,
    SLICE_TICKS = sym slice::N_TICKS,
    APIC_REGISTERS = sym apic::REGISTERS,
    APIC_INITIAL_COUNT = const apic::INITIAL_COUNT,
    syscall = sym dispatch::syscall,
    from_user = sym dispatch::from_user,
    from_kernel = sym dispatch::from_kernel,
    fatal = sym dispatch::fatal,
);
