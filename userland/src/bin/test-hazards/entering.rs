//! States in which the kernel may be entered.

use crate::attack::End::{FaultsAnywhere, FaultsAt, Survives, Traps};
use crate::attack::launch;
use omnibus_userland::abi::layout::USER_END;
use omnibus_userland::tests;

attacks! {
    // Number 0 is `null`, so eax is 0 for a call that does nothing. Single-stepping stays the program's: the trap comes behind the call.
    tf_at_syscall Traps(1), ["pushfq", "or qword ptr [rsp], 0x100", "xor eax, eax", "popfq"] "syscall" [];
    // Also behind one that waited: numbers 3 and 5 are `clock` and `wait`.
    tf_at_wait Traps(1), ["mov eax, 3", "syscall", "lea r10, [rdx + 5000000]", "xor edi, edi", "xor esi, esi", "mov edx, 24", "mov eax, 5", "pushfq", "or qword ptr [rsp], 0x100", "popfq"] "syscall" [];
    // The other flags that SYSCALL masks come back with the call; then the timer interrupts.
    nt_at_syscall Survives, ["pushfq", "or qword ptr [rsp], 0x4000", "xor eax, eax", "popfq"] "syscall" [];
    df_at_syscall Survives, ["std", "xor eax, eax"] "syscall" ["cld"];
    ac_at_syscall Survives, ["pushfq", "or qword ptr [rsp], 0x40000", "xor eax, eax", "popfq"] "syscall" [];
    all_at_fault FaultsAt(14, 0x8000), ["pushfq", "or qword ptr [rsp], 0x44c00", "mov eax, 0x8000", "popfq"] "mov rax, [rax]" [];
    // Long enough with each that the timer interrupts.
    nt_at_interrupt Survives, ["pushfq", "or qword ptr [rsp], 0x4000", "popfq", "mov ecx, 20000000"] "2: dec ecx" ["jnz 2b"];
    df_at_interrupt Survives, ["std", "mov ecx, 20000000"] "2: dec ecx" ["jnz 2b", "cld"];
    ac_at_interrupt Survives, ["pushfq", "or qword ptr [rsp], 0x40000", "popfq", "mov ecx, 20000000"] "2: dec ecx" ["jnz 2b"];
    gs_at_interrupt Survives, ["mov eax, 0x1b", "mov gs, ax", "mov ecx, 20000000"] "2: dec ecx" ["jnz 2b", "xor eax, eax", "syscall"];
    // A stack pointer that is no stack: the kernel has its own.
    stack_null_at_syscall Survives, ["mov r8, rsp", "xor esp, esp", "xor eax, eax"] "syscall" ["mov rsp, r8"];
    stack_kernel_at_syscall Survives, ["mov r8, rsp", "mov rsp, 0xffffc0000000f000", "xor eax, eax"] "syscall" ["mov rsp, r8"];
    stack_not_canonical_at_syscall Survives, ["mov r8, rsp", "mov rsp, 0x800000000000", "xor eax, eax"] "syscall" ["mov rcx, 0x800000000000", "cmp rsp, rcx", "mov rsp, r8", "je 2f", "ud2", "2:"];
    stack_kernel_at_interrupt Survives, ["mov r8, rsp", "mov rsp, 0xffffc0000000f000", "mov ecx, 20000000"] "2: dec ecx" ["jnz 2b", "mov rsp, r8"];
    stack_not_canonical_at_interrupt Survives, ["mov r8, rsp", "mov rsp, 0x800000000000", "mov ecx, 20000000"] "2: dec ecx" ["jnz 2b", "mov rsp, r8"];
    stack_kernel_at_fault FaultsAt(14, 0x8000), ["mov rsp, 0xffffc0000000f000", "mov eax, 0x8000"] "mov rax, [rax]" [];
    stack_not_canonical_at_fault FaultsAt(14, 0x8000), ["mov rsp, 0x800000000000", "mov eax, 0x8000"] "mov rax, [rax]" [];
    // Running off the end of the user half: the last page is never mapped.
    run_the_last_page FaultsAt(14, USER_END - 1), ["mov rax, 0x7fffffffefff"] "jmp rax" [];
    run_behind_the_end FaultsAt(14, USER_END), ["mov rax, 0x7ffffffff000"] "jmp rax" [];
    // `mov ss` holds a pending debug trap back until behind the next instruction (SDM 3A 6.8.3, CVE-2018-8897), which is in the kernel.
    mov_ss_int3 FaultsAnywhere(3), ["mov eax, ss", "pushfq", "or qword ptr [rsp], 0x100", "popfq", "mov ss, eax"] "int3" [];
    mov_ss_int_1 FaultsAnywhere(13), ["mov eax, ss", "pushfq", "or qword ptr [rsp], 0x100", "popfq", "mov ss, eax"] "int 1" [];
    mov_ss_syscall FaultsAnywhere(1), ["mov ecx, ss", "xor eax, eax", "pushfq", "or qword ptr [rsp], 0x100", "popfq", "mov ss, ecx"] "syscall" [];
    mov_ss_int_128 FaultsAnywhere(13), ["mov eax, ss", "pushfq", "or qword ptr [rsp], 0x100", "popfq", "mov ss, eax"] "int 128" [];
    pop_ss_is_gone FaultsAnywhere(6), [] ".byte 0x17" [];
    // An x87 error that is pending, and vector errors unmasked, are not the kernel's.
    x87_error_at_syscall Survives, ["fninit", "push 0x37e", "fldcw [rsp]", "pop rax", "fldz", "fldz", "fdivp st(1), st", "xor eax, eax"] "syscall" ["fwait", "fninit"];
    x87_error_at_interrupt Survives, ["fninit", "push 0x37e", "fldcw [rsp]", "pop rax", "fldz", "fldz", "fdivp st(1), st", "mov ecx, 20000000"] "2: dec ecx" ["jnz 2b", "fninit"];
    simd_unmasked_at_syscall Survives, ["push 0", "ldmxcsr [rsp]", "mov eax, 0"] "syscall" ["mov qword ptr [rsp], 0x1f80", "ldmxcsr [rsp]", "pop rax"];
}

tests! {
    /// Whatever flags, stack, segments and pending errors a program has when it enters the kernel, they are its own affair.
    fn hazard_entering_the_kernel_in_any_state(bench) {
        launch(bench, ATTACKS)
    }
}
