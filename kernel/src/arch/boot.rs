//! From the loader to Rust: the PVH entry point, the boot page tables, the switch to long mode.
//!
//! A PVH loader (QEMU's `-kernel`) finds the 32-bit entry point in the ELF note `XEN_ELFNOTE_PHYS32_ENTRY` (Xen `elfnote.h`, type 18)
//! and enters it with paging off, flat segments and `ebx` = physical address of `hvm_start_info` (Xen `docs/misc/pvh`).
//!
//! The boot page tables map the first 4 GiB by 2 MiB pages three times: at 0 (this code runs there), in the direct map, and their first
//! GiB at the kernel's base. Everything is writable and executable; `mm::kernel_space` replaces them.

use core::arch::global_asm;

global_asm!(
    r#"
    .section .note.pvh, "a", @note
    .balign 4
    .long 4                         /* name size */
    .long 8                         /* descriptor size */
    .long 18                        /* XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .quad pvh_start

    .section .boot, "ax", @progbits
    .code32
    .global pvh_start
pvh_start:
    cli
    cld
    mov ebp, ebx                    /* CPUID takes ebx */

    /* Without long mode and NX there is no way to say anything in 64-bit code: CPUID 0x8000_0001 EDX bits 29, 20. */
    mov esi, offset refusal_long_mode
    mov eax, 0x80000000
    cpuid
    cmp eax, 0x80000001
    jb refuse
    mov eax, 0x80000001
    cpuid
    bt edx, 29
    jnc refuse
    mov esi, offset refusal_no_execute
    bt edx, 20
    jnc refuse
    mov esi, ebp

    /* Page directories: 2048 entries of 2 MiB, present | writable | size (SDM 3A 4.5.4). */
    mov edi, offset boot_pd_physical
    xor ecx, ecx
5:  mov eax, ecx
    shl eax, 21
    or eax, 0x83
    mov [edi + ecx * 8], eax
    mov dword ptr [edi + ecx * 8 + 4], 0
    inc ecx
    cmp ecx, 2048
    jne 5b

    mov edi, offset boot_pdpt_low_physical
    mov eax, offset boot_pd_physical + 3
    mov [edi], eax
    add eax, 4096
    mov [edi + 8], eax
    add eax, 4096
    mov [edi + 16], eax
    add eax, 4096
    mov [edi + 24], eax
    mov eax, offset boot_pd_physical + 3
    mov edi, offset boot_pdpt_high_physical
    mov [edi + 510 * 8], eax

    mov edi, offset boot_pml4_physical
    mov eax, offset boot_pdpt_low_physical + 3
    mov [edi], eax
    mov [edi + 256 * 8], eax
    mov eax, offset boot_pdpt_high_physical + 3
    mov [edi + 511 * 8], eax

    /* SDM 3A 9.8.5: CR4.PAE, CR3, EFER.LME (and NXE, SCE), then CR0.PG; SSE on because core uses it (CR4.OSFXSR, OSXMMEXCPT). */
    mov eax, 0x620
    mov cr4, eax
    mov eax, offset boot_pml4_physical
    mov cr3, eax
    mov ecx, 0xc0000080
    rdmsr
    or eax, 0x901
    wrmsr
    mov eax, 0x80010033             /* PG WP NE ET MP PE; TS and EM clear */
    mov cr0, eax
    lgdt [boot_gdt_pointer]
    ljmp 8, offset boot_long_mode

    /* `status 101` on the debug port says more than a triple fault. The text is at esi. */
refuse:
2:  lodsb
    test al, al
    jz 3f
    out 0xe9, al
    jmp 2b
3:  mov al, 101
    out 0xf4, al
4:  hlt
    jmp 4b
refusal_long_mode:
    .asciz "first-cause the CPU lacks long mode\nstatus 101\n"
refusal_no_execute:
    .asciz "first-cause the CPU lacks no-execute pages\nstatus 101\n"

    .balign 8
boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff        /* 64-bit code, ring 0 */
    .quad 0x00cf93000000ffff        /* data, ring 0 */
boot_gdt_pointer:
    .word boot_gdt_pointer - boot_gdt - 1
    .long boot_gdt

    .code64
boot_long_mode:
    mov eax, 16
    mov ss, eax
    xor eax, eax
    mov ds, eax
    mov es, eax
    mov fs, eax
    mov gs, eax
    movabs rsp, offset boot_stack_top
    xor ebp, ebp                    /* ends backtraces */
    mov edi, esi
    movabs rax, offset kernel_main
    call rax
    ud2

    .section .bss.boot, "aw", @nobits
    .balign 4096
boot_pml4:      .skip 4096
boot_pdpt_low:  .skip 4096
boot_pdpt_high: .skip 4096
boot_pd:        .skip 4096 * 4
boot_stack:     .skip 65536
boot_stack_top:
    .global boot_pml4, boot_pdpt_low, boot_pdpt_high, boot_pd, boot_stack, boot_stack_top
    .text
"#
);
