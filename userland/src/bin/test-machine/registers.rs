//! What the registers hold after a system call: the sentences of the ABI, one by one.

use core::arch::{asm, global_asm};
use core::mem::offset_of;
use omnibus_userland::abi::native::WaitItem;
use omnibus_userland::abi::{Call, Kind};
use omnibus_userland::check::Outcome;
use omnibus_userland::{calls, check, check_eq, environment, tests};

/// Registers behind a call, and the address behind its SYSCALL.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct After {
    general: [u64; 15],
    flags: u64,
    behind: u64,
    vector: [[u64; 4]; 16],
    /// FXSAVE area (SDM 1 10.5.1): control word, status word, abridged tag word, …, MXCSR, …, registers.
    fxsave: [u8; 512],
}

const RAX: usize = 0;
const RBX: usize = 1;
const RCX: usize = 2;
const RDX: usize = 3;
const R11: usize = 10;
/// What a call keeps, by index and name.
const KEPT: [(usize, &str); 11] = [
    (RBX, "rbx"),
    (4, "rsi"),
    (5, "rdi"),
    (6, "rbp"),
    (7, "r8"),
    (8, "r9"),
    (9, "r10"),
    (11, "r12"),
    (12, "r13"),
    (13, "r14"),
    (14, "r15"),
];

/// Rounding up; precision of 53 bits and rounding to zero: not what a fresh thread has. Exceptions are masked.
const MXCSR: u32 = 0x5f80;
const FCW: u16 = 0x0e7f;
/// Arithmetic flags and ID, which a task may use as it likes; bit 1 and IF are always set.
const FLAGS: u64 = 0x20_08d5 | 0x202;

#[repr(C, align(64))]
struct Slot(After);

static mut AFTER: Slot = Slot(After {
    general: [0; 15],
    flags: 0,
    behind: 0,
    vector: [[0; 4]; 16],
    fxsave: [0; 512],
});
/// Arguments and number: rax, rdi, rsi, rdx, r10, r8, r9.
static mut INPUT: [u64; 7] = [0; 7];

global_asm!(
    r#"
    .bss
    .balign 8
call_saved_stack: .quad 0
call_has_avx: .byte 0
    .section .rodata
call_control: .long {MXCSR}
              .short {FCW}
    .text
    /* call_and_look(has_avx): loads patterns, calls, stores everything. */
call_and_look:
    push rbx
    push rbp
    push r12
    push r13
    push r14
    push r15
    mov [rip + call_saved_stack], rsp
    mov [rip + call_has_avx], dil
    fninit
    fldcw [rip + call_control + 4]
    ldmxcsr [rip + call_control]
    .rept 8
    fldpi
    .endr
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    pcmpeqd xmm\n, xmm\n
    .endr
    test dil, dil
    jz 2f
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vinsertf128 ymm\n, ymm\n, xmm\n, 1
    .endr
2:  mov rbx, 0x1b1b1b1b1b1b1b1b
    mov rbp, 0x2b2b2b2b2b2b2b2b
    mov r12, 0x3b3b3b3b3b3b3b3b
    mov r13, 0x4b4b4b4b4b4b4b4b
    mov r14, 0x5b5b5b5b5b5b5b5b
    mov r15, 0x6b6b6b6b6b6b6b6b
    mov rax, [rip + {INPUT}]
    mov rdi, [rip + {INPUT} + 8]
    mov rsi, [rip + {INPUT} + 16]
    mov rdx, [rip + {INPUT} + 24]
    mov r10, [rip + {INPUT} + 32]
    mov r8, [rip + {INPUT} + 40]
    mov r9, [rip + {INPUT} + 48]
    push {FLAGS}
    popfq
    syscall
3:  mov [rip + {AFTER}], rax
    mov [rip + {AFTER} + 8], rbx
    mov [rip + {AFTER} + 16], rcx
    mov [rip + {AFTER} + 24], rdx
    mov [rip + {AFTER} + 32], rsi
    mov [rip + {AFTER} + 40], rdi
    mov [rip + {AFTER} + 48], rbp
    mov [rip + {AFTER} + 56], r8
    mov [rip + {AFTER} + 64], r9
    mov [rip + {AFTER} + 72], r10
    mov [rip + {AFTER} + 80], r11
    mov [rip + {AFTER} + 88], r12
    mov [rip + {AFTER} + 96], r13
    mov [rip + {AFTER} + 104], r14
    mov [rip + {AFTER} + 112], r15
    pushfq
    pop [rip + {AFTER} + {AFTER_FLAGS}]
    lea rax, [rip + 3b]
    mov [rip + {AFTER} + {BEHIND}], rax
    cmp byte ptr [rip + call_has_avx], 0
    jz 4f
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vmovups [rip + {AFTER} + {VECTOR} + 32 * \n], ymm\n
    .endr
    jmp 5f
4:  .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movups [rip + {AFTER} + {VECTOR} + 32 * \n], xmm\n
    .endr
5:  lea rax, [rip + {AFTER} + {FXSAVE}]
    mov rcx, rsp
    sub rsp, 528
    and rsp, -16
    fxsave64 [rsp]
    mov rdi, rax
    mov rsi, rsp
    mov rsp, rcx
    mov ecx, 64
    rep movsq
    fninit
    push 0x1f80
    ldmxcsr [rsp]
    mov rsp, [rip + call_saved_stack]
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbp
    pop rbx
    ret
"#,
    MXCSR = const MXCSR,
    FCW = const FCW,
    FLAGS = const FLAGS,
    INPUT = sym INPUT,
    AFTER = sym AFTER,
    AFTER_FLAGS = const offset_of!(After, flags),
    BEHIND = const offset_of!(After, behind),
    VECTOR = const offset_of!(After, vector),
    FXSAVE = const offset_of!(After, fxsave),
);

unsafe extern "C" {
    fn call_and_look(has_avx: bool);
}

fn has_avx() -> bool {
    // OSXSAVE and AVX, and both halves switched on by the kernel.
    let leaf = core::arch::x86_64::__cpuid(1).ecx;
    if leaf & (1 << 27) == 0 || leaf & (1 << 28) == 0 {
        return false;
    }
    let components: u32;
    // SAFETY: OSXSAVE says that the instruction is there; it reads a register.
    unsafe {
        asm!("xgetbv", in("ecx") 0, out("eax") components, out("edx") _, options(nomem, nostack))
    };
    components & 6 == 6
}

/// Makes the call with patterns in all registers, and returns what they hold behind it.
fn look(number: u64, arguments: [u64; 6]) -> After {
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: one thread; the assembly reads one static, writes the other, and keeps what the C ABI wants kept. The calls made here write
    // nowhere but into statics made for it.
    unsafe {
        (&raw mut INPUT).write([number, a, b, c, d, e, f]);
        (&raw mut AFTER.0.vector).write([[0; 4]; 16]);
        call_and_look(has_avx());
        (&raw const AFTER.0).read()
    }
}

/// The calls to look behind: each ends in a way of its own.
fn calls_of_all_kinds() -> [(&'static str, u64, [u64; 6]); 5] {
    let soon_ns = calls::clock_ns() + 2_000_000;
    let console = environment::find(Kind::Console).map_or(u64::MAX, |console| console.0);
    let text = b"  a line printed with patterns in all registers\n";
    [
        ("the null call", Call::Null as u64, [11, 22, 33, 44, 55, 66]),
        (
            "an unknown call",
            0xffff_ffff_ffff,
            [11, 22, 33, 44, 55, 66],
        ),
        (
            "a call that reads memory",
            Call::DebugPrint as u64,
            [console, text.as_ptr() as u64, text.len() as u64, 44, 55, 66],
        ),
        (
            "a call that yields",
            Call::Yield as u64,
            [11, 22, 33, 44, 55, 66],
        ),
        (
            "a call that blocks",
            Call::Wait as u64,
            [0, 0, WaitItem::SIZE, soon_ns, 55, 66],
        ),
    ]
}

/// Looks behind every kind of call.
fn behind_each(claim: impl Fn(&str, [u64; 6], &After) -> Outcome) -> Outcome {
    for (name, number, arguments) in calls_of_all_kinds() {
        claim(name, arguments, &look(number, arguments))?;
    }
    Ok(())
}

/// Selector of the user's data segment: besides null all that user code can load.
const USER_DATA: u64 = 0x1b;

/// Makes a call with the user's data segment in ds, es, fs and gs, and returns what they hold behind it.
fn selectors_behind(call: Call, deadline_ns: u64) -> [u64; 4] {
    let (ds, es, fs, gs): (u64, u64, u64, u64);
    // SAFETY: these segments are flat and this program uses none of their bases; the calls made here touch no memory.
    unsafe {
        asm!(
            "mov ds, r8d",
            "mov es, r8d",
            "mov fs, r8d",
            "mov gs, r8d",
            "syscall",
            "mov r12, ds",
            "mov r13, es",
            "mov r14, fs",
            "mov r15, gs",
            inlateout("rax") call as u64 => _,
            in("rdi") 0,
            in("rsi") 0,
            inlateout("rdx") WaitItem::SIZE => _,
            in("r10") deadline_ns,
            in("r8") USER_DATA,
            in("r9") 0,
            out("r12") ds,
            out("r13") es,
            out("r14") fs,
            out("r15") gs,
            clobber_abi("C"),
        );
    }
    [ds, es, fs, gs]
}

tests! {
    /// Segment selectors are kept by a call that ends at once, and null behind one that waited.
    fn abi_segment_selectors(_) {
        check_eq!(selectors_behind(Call::Null, 0), [USER_DATA; 4], "behind the null call");
        let soon_ns = calls::clock_ns() + 2_000_000;
        check_eq!(selectors_behind(Call::Wait, soon_ns), [0; 4], "behind a wait");
        Ok(())
    }

    /// General registers other than rax, rdx, rcx and r11 are kept.
    fn abi_general_registers_are_kept(_) {
        behind_each(|name, [rdi, rsi, _, r10, r8, r9], after| {
            for (index, register) in KEPT {
                let expected = match register {
                    "rbx" => 0x1b1b_1b1b_1b1b_1b1b,
                    "rbp" => 0x2b2b_2b2b_2b2b_2b2b,
                    "r12" => 0x3b3b_3b3b_3b3b_3b3b,
                    "r13" => 0x4b4b_4b4b_4b4b_4b4b,
                    "r14" => 0x5b5b_5b5b_5b5b_5b5b,
                    "r15" => 0x6b6b_6b6b_6b6b_6b6b,
                    "rdi" => rdi,
                    "rsi" => rsi,
                    "r10" => r10,
                    "r8" => r8,
                    _ => r9,
                };
                check_eq!(after.general[index], expected, "{register} behind {name}");
            }
            Ok(())
        })
    }

    /// rax is the status, 0 or a negative error number, and rdx the value; a failed call's value is 0.
    fn abi_status_in_rax_value_in_rdx(_) {
        let after = look(Call::Null as u64, [1; 6]);
        check_eq!((after.general[RAX], after.general[RDX]), (0, 0), "status and value of the null call");
        let after = look(0xffff_ffff_ffff, [1; 6]);
        check_eq!((after.general[RAX] as i64, after.general[RDX]), (-38, 0), "status and value of an unknown call");
        let before_ns = calls::clock_ns();
        let after = look(Call::Clock as u64, [1; 6]);
        check!(after.general[RAX] == 0 && after.general[RDX] >= before_ns, "the clock says {:?}", after.general);
        Ok(())
    }

    /// rcx and r11 hold the task's own instruction address and flags, nothing of the kernel.
    fn abi_rcx_and_r11_are_the_tasks_own(_) {
        behind_each(|name, _, after| {
            check_eq!(after.general[RCX], after.behind, "rcx behind {name}");
            check_eq!(after.general[R11], FLAGS, "r11 behind {name}");
            Ok(())
        })
    }

    /// The flags behind a call are those before it.
    fn abi_flags_are_kept(_) {
        behind_each(|name, _, after| {
            check_eq!(after.flags, FLAGS, "flags behind {name}");
            Ok(())
        })
    }

    /// Vector registers read as zero behind a call, to their full width.
    fn abi_vector_registers_read_as_zero(_) {
        behind_each(|name, _, after| {
            for (number, register) in after.vector.iter().enumerate() {
                check_eq!(*register, [0; 4], "vector register {number} behind {name}");
            }
            Ok(())
        })
    }

    /// x87 registers read as zero behind a call: empty, without status, without last instruction.
    fn abi_x87_registers_read_as_zero(_) {
        behind_each(|name, _, after| {
            check_eq!(after.fxsave[2..5], [0; 3], "status and tags behind {name}");
            check_eq!(after.fxsave[6..24], [0; 18], "last instruction behind {name}");
            // Ten bytes of each sixteen are the register; the rest is reserved.
            for (number, register) in after.fxsave[32..160].chunks_exact(16).enumerate() {
                check_eq!(register[..10], [0; 10], "st({number}) behind {name}");
            }
            Ok(())
        })
    }

    /// The control words of vector and x87 unit are kept.
    fn abi_control_words_are_kept(_) {
        behind_each(|name, _, after| {
            let fcw = u16::from_le_bytes([after.fxsave[0], after.fxsave[1]]);
            let mxcsr = u32::from_le_bytes([after.fxsave[24], after.fxsave[25], after.fxsave[26], after.fxsave[27]]);
            check_eq!(fcw, FCW, "x87 control word behind {name}");
            check_eq!(mxcsr, MXCSR, "MXCSR behind {name}");
            Ok(())
        })
    }
}
