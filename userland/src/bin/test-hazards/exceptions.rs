//! Every exception that user mode can raise (SDM 3A table 6-1).

use crate::attack::End::{Faults, FaultsAnywhere, FaultsAt, FaultsEither, Survives, Traps};
use crate::attack::launch;
use omnibus_userland::tests;

/// An address of the kernel's image. The one with bit 47 alone is not canonical.
const KERNEL: u64 = 0xffff_ffff_8020_0000;

attacks! {
    divide_by_zero Faults(0), ["xor edx, edx", "xor ecx, ecx"] "div rcx" [];
    // Not the least number by -1: QEMU 7.2 divides on the host then, and dies of it.
    divide_overflow Faults(0), ["mov edx, 0x7fffffff", "xor eax, eax", "mov ecx, 1"] "idiv ecx" [];
    // INT1, the other way to a debug exception, is an invalid opcode to QEMU 7.2.
    single_step Traps(1), ["pushfq", "or qword ptr [rsp], 0x100", "popfq"] "nop" [];
    int3 Traps(3), [] "int3" [];
    // `into` and `bound` do not exist in 64-bit mode (SDM 2A), so overflow and bound range are invalid opcodes.
    into Faults(6), [] ".byte 0xce" [];
    bound Faults(6), [] ".byte 0x62, 0x00, 0x90, 0x90" [];
    ud2 Faults(6), [] "ud2" [];
    lock_without_memory Faults(6), [] ".byte 0xf0, 0x48, 0x01, 0xc0" [];
    // Never "device not available": the registers are always there.
    x87_and_vector_work Survives, ["fninit"] "fld1" ["fstp st(0)", "pxor xmm0, xmm0"];
    // To QEMU 7.2 it is a general protection fault like any other address that is not canonical.
    stack_segment FaultsEither(12, 13), ["mov rcx, rbp", "mov rbp, 0x800000000000"] "mov rax, [rbp]" ["mov rbp, rcx"];
    general_protection Faults(13), ["mov rax, 0x800000000000"] "mov rax, [rax]" [];
    read_unmapped FaultsAt(14, 0x8000), ["mov eax, 0x8000"] "mov rax, [rax]" [];
    write_unmapped FaultsAt(14, 0x8000), ["mov eax, 0x8000"] "mov [rax], rax" [];
    run_unmapped FaultsAt(14, 0x8000), ["mov eax, 0x8000"] "jmp rax" [];
    read_null FaultsAt(14, 0), ["xor eax, eax"] "mov rax, [rax]" [];
    read_kernel FaultsAt(14, KERNEL), ["mov rax, 0xffffffff80200000"] "mov rax, [rax]" [];
    write_kernel FaultsAt(14, KERNEL), ["mov rax, 0xffffffff80200000"] "mov [rax], rax" [];
    run_kernel FaultsAt(14, KERNEL), ["mov rax, 0xffffffff80200000"] "jmp rax" [];
    prefetch_kernel Survives, ["mov rax, 0xffffffff80200000"] "prefetcht0 [rax]" [];
    run_not_canonical FaultsAnywhere(13), ["mov rax, 0x800000000000"] "jmp rax" [];
    return_not_canonical FaultsAnywhere(13), ["mov rax, 0x800000000000", "push rax"] "ret" [];
    // Invalid operation unmasked: reported by the next waiting instruction (SDM 1 8.7).
    x87_error Faults(16), ["fninit", "push 0x37e", "fldcw [rsp]", "pop rax", "fldz", "fldz", "fdivp st(1), st"] "fwait" [];
    // Alignment checks need CR0.AM, which is off: AC means something else in the kernel.
    alignment_is_not_checked Survives, ["pushfq", "or qword ptr [rsp], 0x40000", "popfq", "sub rsp, 16"] "mov rax, [rsp + 1]" ["add rsp, 16"];
    // No vector error (19): QEMU's emulator never raises it.
}

tests! {
    /// Every exception that a program can raise ends its task, with the right vector and address, and no one else.
    fn fault_every_exception_ends_its_task_alone(bench) {
        launch(bench, ATTACKS)
    }
}
