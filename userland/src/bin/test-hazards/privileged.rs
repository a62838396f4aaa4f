//! Instructions and selectors that are not for user mode.

use crate::attack::End::{Faults, FaultsAt, FaultsEither, FaultsFar, Survives};
use crate::attack::launch;
use omnibus_userland::tests;

attacks! {
    // Instructions of the operating system (SDM 3A 5.9).
    cli Faults(13), [] "cli" [];
    sti Faults(13), [] "sti" [];
    hlt Faults(13), [] "hlt" [];
    clts Faults(13), [] "clts" [];
    invd Faults(13), [] "invd" [];
    wbinvd Faults(13), [] "wbinvd" [];
    invlpg Faults(13), [] "invlpg [rsp]" [];
    lgdt Faults(13), [] "lgdt [rsp]" [];
    lidt Faults(13), [] "lidt [rsp]" [];
    lldt Faults(13), ["xor eax, eax"] "lldt ax" [];
    ltr Faults(13), ["mov eax, 0x28"] "ltr ax" [];
    lmsw Faults(13), ["xor eax, eax"] "lmsw ax" [];
    read_cr0 Faults(13), [] "mov rax, cr0" [];
    read_cr3 Faults(13), [] "mov rax, cr3" [];
    write_cr3 Faults(13), ["xor eax, eax"] "mov cr3, rax" [];
    write_cr4 Faults(13), ["xor eax, eax"] "mov cr4, rax" [];
    write_cr8 Faults(13), ["xor eax, eax"] "mov cr8, rax" [];
    read_dr7 Faults(13), [] "mov rax, dr7" [];
    write_dr0 Faults(13), ["xor eax, eax"] "mov dr0, rax" [];
    rdmsr Faults(13), ["mov ecx, 0xc0000080"] "rdmsr" [];
    wrmsr Faults(13), ["mov ecx, 0xc0000102", "xor eax, eax", "xor edx, edx"] "wrmsr" [];
    rdpmc Faults(13), ["xor ecx, ecx"] "rdpmc" [];
    swapgs Faults(13), [] "swapgs" [];
    sysret Faults(13), ["lea rcx, [rip]"] "sysretq" [];
    // In 64-bit mode AMD has neither (AMD APM 3, SYSENTER); Intel's target is never set.
    sysexit FaultsEither(6, 13), [] "sysexit" [];
    sysenter FaultsEither(6, 13), [] "sysenter" [];
    xsetbv Faults(13), ["xor ecx, ecx", "mov eax, 7", "xor edx, edx"] "xsetbv" [] Xsave;
    port_in Faults(13), ["mov edx, 0x3f8"] "in al, dx" [];
    // The port by which the kernel ends the machine.
    port_out Faults(13), ["mov edx, 0xf4", "xor eax, eax"] "out dx, al" [];
    stac Faults(6), [] "stac" [];
    monitor Faults(6), ["xor ecx, ecx", "xor edx, edx", "mov rax, rsp"] "monitor" [];
    rsm Faults(6), [] "rsm" [];
    // Switched off in CR4.
    wrgsbase Faults(6), ["mov rax, -1"] "wrgsbase rax" [];
    rdgsbase Faults(6), [] "rdgsbase rax" [];
    wrfsbase Faults(6), ["mov rax, -1"] "wrfsbase rax" [];
    sgdt Faults(13), ["sub rsp, 16"] "sgdt [rsp]" [] Umip;
    sidt Faults(13), ["sub rsp, 16"] "sidt [rsp]" [] Umip;
    sldt Faults(13), [] "sldt eax" [] Umip;
    smsw Faults(13), [] "smsw eax" [] Umip;
    str Faults(13), [] "str eax" [] Umip;
    // Gates of the interrupt table that are the kernel's own.
    int_0 Faults(13), [] "int 0" [];
    int_1 Faults(13), [] "int 1" [];
    int_2 Faults(13), [] "int 2" [];
    int_4 Faults(13), [] "int 4" [];
    int_8 Faults(13), [] "int 8" [];
    int_13 Faults(13), [] "int 13" [];
    int_14 Faults(13), [] "int 14" [];
    int_18 Faults(13), [] "int 18" [];
    int_64 Faults(13), [] "int 64" [];
    int_128 Faults(13), [] "int 128" [];
    int_255 Faults(13), [] "int 255" [];
    // Selectors: of the kernel, of the task state, behind the table's end, of no local table; null in ss and cs.
    ds_kernel_data Faults(13), ["mov eax, 0x10"] "mov ds, ax" [];
    es_kernel_code Faults(13), ["mov eax, 0x08"] "mov es, ax" [];
    fs_task_state Faults(13), ["mov eax, 0x28"] "mov fs, ax" [];
    gs_behind_the_end Faults(13), ["mov eax, 0x800b"] "mov gs, ax" [];
    ds_local Faults(13), ["mov eax, 0x1f"] "mov ds, ax" [];
    // After reset there is a local table at address 0, where a program can map memory: the kernel has to take it away.
    gs_local_in_user_memory Faults(13), ["mov eax, 0xffff"] "mov gs, ax" [];
    far_return_local_in_user_memory FaultsFar, ["push 0x1007", "lea rax, [rip]", "push rax"] "retfq" [];
    ss_null Faults(13), ["xor eax, eax"] "mov ss, ax" [];
    ss_kernel_data Faults(13), ["mov eax, 0x10"] "mov ss, ax" [];
    ss_user_code Faults(13), ["mov eax, 0x23"] "mov ss, ax" [];
    // A selector that is good resets the base of gs, and is nothing to the kernel.
    gs_user_data Survives, ["mov eax, 0x1b"] "mov gs, ax" ["mov fs, ax", "mov ds, ax", "mov es, ax"];
    // Nothing is behind the base of gs.
    gs_read FaultsAt(14, 0x10), [] "mov rax, gs:[0x10]" [];
    gs_read_behind_selector FaultsAt(14, 0x18), ["mov eax, 0x1b", "mov gs, ax"] "mov rax, gs:[0x18]" [];
    // Far transfers and returns to selectors that are not for user mode.
    far_return_kernel FaultsFar, ["push 0x08", "lea rax, [rip]", "push rax"] "retfq" [];
    far_return_task_state FaultsFar, ["push 0x2b", "lea rax, [rip]", "push rax"] "retfq" [];
    far_return_data FaultsFar, ["push 0x1b", "lea rax, [rip]", "push rax"] "retfq" [];
    far_return_null FaultsFar, ["push 0", "lea rax, [rip]", "push rax"] "retfq" [];
    iret_kernel_code FaultsFar, ["mov rax, rsp", "push 0x1b", "push rax", "pushfq", "push 0x08", "lea rax, [rip]", "push rax"] "iretq" [];
    iret_kernel_stack FaultsFar, ["mov rax, rsp", "push 0x10", "push rax", "pushfq", "push 0x23", "lea rax, [rip]", "push rax"] "iretq" [];
    iret_not_canonical FaultsFar, ["mov rax, rsp", "push 0x1b", "push rax", "pushfq", "push 0x23", "mov rax, 0x800000000000", "push rax"] "iretq" [];
    // A task switch back, which 64-bit mode does not have (SDM 2A, IRET).
    iret_nested_task Faults(13), ["pushfq", "or qword ptr [rsp], 0x4000", "popfq"] "iretq" [];
    // The privilege level of ports and the interrupt flag are not the program's to set: they are left as they are.
    popf_privilege Survives, ["pushfq", "or qword ptr [rsp], 0x3000", "and qword ptr [rsp], -513"] "popfq" [];
}

tests! {
    /// Instructions, gates and selectors of the kernel end the task that tries them, and no one else.
    fn hazard_what_is_the_kernels_is_refused(bench) {
        launch(bench, ATTACKS)
    }
}
