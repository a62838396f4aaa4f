//! Writes over every register for ever: the neighbour that a program with patterns in its registers must not notice.
#![no_std]
#![no_main]

use core::arch::asm;
use omnibus_userland::program;

program!(main);

/// MXCSR and x87 control word that nobody else uses: rounding down, all exceptions masked.
static CONTROL: (u32, u16) = (0x3f80, 0x077f);

fn main() {
    // SAFETY: the block never ends, so what it does to registers and flags is nobody's business; it reads one static and writes nothing.
    unsafe {
        asm!(
            "2:",
            "rdtsc",
            "shl rdx, 32",
            "or rax, rdx",
            "mov rbx, rax",
            "mov rcx, rax",
            "mov rdx, rax",
            "mov rsi, rax",
            "mov rdi, rax",
            "mov rbp, rax",
            "mov r8, rax",
            "mov r9, rax",
            "mov r10, rax",
            "mov r11, rax",
            "mov r12, rax",
            "mov r13, rax",
            "mov r14, rax",
            "movq xmm0, rax",
            "movq xmm1, rax",
            "movq xmm2, rax",
            "movq xmm3, rax",
            "movq xmm4, rax",
            "movq xmm5, rax",
            "movq xmm6, rax",
            "movq xmm7, rax",
            "movq xmm8, rax",
            "movq xmm9, rax",
            "movq xmm10, rax",
            "movq xmm11, rax",
            "movq xmm12, rax",
            "movq xmm13, rax",
            "movq xmm14, rax",
            "movq xmm15, rax",
            "fninit",
            "fldpi",
            "fldpi",
            "fldpi",
            "fldpi",
            "fldpi",
            "fldpi",
            "fldpi",
            "fldpi",
            "ldmxcsr [r15]",
            "fldcw [r15 + 4]",
            "mov rax, 0x23",
            "cmp rbx, r15",
            "std",
            "jmp 2b",
            in("r15") &raw const CONTROL,
            options(noreturn),
        );
    }
}
