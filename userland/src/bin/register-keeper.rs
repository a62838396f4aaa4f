//! Keeps a pattern in every register through 2,000 instructions while another task scribbles over its own.
//!
//! To be booted with the kernel word `slice=1` and `-icount`: then a timer interrupt follows each of these instructions, and the other task
//! runs before the next. The instructions change most registers, each in a way whose result is known, so that a register
//! that is lost and restored from an older copy is noticed too. The kernel counts the interrupts of programs that had moved; the program checks
//! that there were enough for each instruction of its own and one of its neighbour in between.
#![no_std]
#![no_main]

use core::arch::{asm, global_asm};
use core::mem::offset_of;
use omnibus_userland::abi::Kind;
use omnibus_userland::account::Account;
use omnibus_userland::task::Command;
use omnibus_userland::{calls, environment, println, program, task, thread};

program!(main);

/// Turns of the block, and instructions in each.
const N_TURNS: u32 = 125;
const N_INSTRUCTIONS: u64 = 2000;

/// Every register, before and after. The order of `general` is that of the assembly.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
struct Registers {
    general: [u64; 15],
    flags: u64,
    vector: [[u64; 4]; 16],
    x87: [f64; 8],
    mxcsr: u32,
    fcw: u16,
    ds: u16,
    es: u16,
    fs: u16,
    gs: u16,
}

const NAMES: [&str; 15] = [
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
    "r15",
];

static mut BEFORE: Registers = Registers {
    general: [0; 15],
    flags: 0,
    vector: [[0; 4]; 16],
    x87: [0.0; 8],
    mxcsr: 0,
    fcw: 0,
    ds: 0,
    es: 0,
    fs: 0,
    gs: 0,
};
static mut AFTER: Registers = Registers {
    general: [0; 15],
    flags: 0,
    vector: [[0; 4]; 16],
    x87: [0.0; 8],
    mxcsr: 0,
    fcw: 0,
    ds: 0,
    es: 0,
    fs: 0,
    gs: 0,
};

global_asm!(
    r#"
    .macro each_vector instruction, place
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    .ifc \instruction, load
    vmovups ymm\n, [rip + \place + {VECTOR} + 32 * \n]
    .endif
    .ifc \instruction, store
    vmovups [rip + \place + {VECTOR} + 32 * \n], ymm\n
    .endif
    .ifc \instruction, load_half
    movups xmm\n, [rip + \place + {VECTOR} + 32 * \n]
    .endif
    .ifc \instruction, store_half
    movups [rip + \place + {VECTOR} + 32 * \n], xmm\n
    .endif
    .endr
    .endm

    .bss
saved_stack: .quad 0
has_avx: .byte 0
    .text

    /* keep_registers(has_avx) */
keep_registers:
    push rbx
    push rbp
    push r12
    push r13
    push r14
    push r15
    mov [rip + saved_stack], rsp
    mov [rip + has_avx], dil
    fninit
    fldcw [rip + {BEFORE} + {FCW}]
    ldmxcsr [rip + {BEFORE} + {MXCSR}]
    .irp n, 7, 6, 5, 4, 3, 2, 1, 0
    fld qword ptr [rip + {BEFORE} + {X87} + 8 * \n]
    .endr
    mov ds, [rip + {BEFORE} + {DS}]
    mov es, [rip + {BEFORE} + {ES}]
    mov fs, [rip + {BEFORE} + {FS}]
    mov gs, [rip + {BEFORE} + {GS}]
    test dil, dil
    jz 2f
    each_vector load, {BEFORE}
    jmp 3f
2:  each_vector load_half, {BEFORE}
3:  push [rip + {BEFORE} + {FLAGS}]
    popfq
    mov rax, [rip + {BEFORE}]
    mov rbx, [rip + {BEFORE} + 8]
    mov rcx, [rip + {BEFORE} + 16]
    mov rdx, [rip + {BEFORE} + 24]
    mov rsi, [rip + {BEFORE} + 32]
    mov rdi, [rip + {BEFORE} + 40]
    mov rbp, [rip + {BEFORE} + 48]
    mov r8, [rip + {BEFORE} + 56]
    mov r9, [rip + {BEFORE} + 64]
    mov r10, [rip + {BEFORE} + 72]
    mov r11, [rip + {BEFORE} + 80]
    mov r12, [rip + {BEFORE} + 88]
    mov r13, [rip + {BEFORE} + 96]
    mov r14, [rip + {BEFORE} + 104]
    mov r15, [rip + {BEFORE} + 112]

    .rept {N_TURNS}
    add rax, 1
    rol rbx, 1
    sub rcx, 3
    not rdx
    ror rsi, 5
    bswap rdi
    xor rbp, 0x5a5a5a
    inc r8
    dec r9
    neg r10
    rol r11, 3
    add r12, r13
    xor r14, r15
    paddq xmm0, xmm1
    paddd xmm2, xmm3
    fchs
    .endr

    mov [rip + {AFTER}], rax
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
    mov [rip + {AFTER} + {DS}], ds
    mov [rip + {AFTER} + {ES}], es
    mov [rip + {AFTER} + {FS}], fs
    mov [rip + {AFTER} + {GS}], gs
    pushfq
    pop [rip + {AFTER} + {FLAGS}]
    cld
    cmp byte ptr [rip + has_avx], 0
    je 4f
    each_vector store, {AFTER}
    jmp 5f
4:  each_vector store_half, {AFTER}
5:  .irp n, 0, 1, 2, 3, 4, 5, 6, 7
    fstp qword ptr [rip + {AFTER} + {X87} + 8 * \n]
    .endr
    fnstcw [rip + {AFTER} + {FCW}]
    stmxcsr [rip + {AFTER} + {MXCSR}]
    fninit
    mov rsp, [rip + saved_stack]
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbp
    pop rbx
    ret
"#,
    BEFORE = sym BEFORE,
    AFTER = sym AFTER,
    VECTOR = const offset_of!(Registers, vector),
    X87 = const offset_of!(Registers, x87),
    FLAGS = const offset_of!(Registers, flags),
    MXCSR = const offset_of!(Registers, mxcsr),
    FCW = const offset_of!(Registers, fcw),
    DS = const offset_of!(Registers, ds),
    ES = const offset_of!(Registers, es),
    FS = const offset_of!(Registers, fs),
    GS = const offset_of!(Registers, gs),
    N_TURNS = const N_TURNS,
);

unsafe extern "C" {
    fn keep_registers(has_avx: bool);
}

/// A pattern for every register. DF is set, and the control words are not the initial ones.
fn patterns() -> Registers {
    let mut word = 0x0123_4567_89ab_cdef_u64;
    let mut next = || {
        word = word
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(0x1405_7b7e_f767_814f);
        word
    };
    let mut vector = [[0; 4]; 16];
    vector.iter_mut().flatten().for_each(|part| *part = next());
    let mut general = [0; 15];
    general.iter_mut().for_each(|register| *register = next());
    Registers {
        general,
        flags: 0x400 | 0x202,
        vector,
        x87: [1.5, -2.25, 3.125, -4.0625, 5.5, -6.75, 7.875, -8.9375],
        // Round up and round to zero, all exceptions masked.
        mxcsr: 0x5f80,
        fcw: 0x0f7f,
        // The user's data segment, and null selectors: all that user code can load. (IRET itself clears the low bits of a null selector
        // in ds and es: SDM 2A, IRET, return to outer privilege level.)
        ds: 0x1b,
        es: 0x1b,
        fs: 2,
        gs: 1,
    }
}

/// What the block makes of them.
fn expected(before: &Registers, has_avx: bool) -> Registers {
    let mut after = *before;
    let n_turns = u64::from(N_TURNS);
    let [
        rax,
        rbx,
        rcx,
        rdx,
        rsi,
        rdi,
        rbp,
        r8,
        r9,
        r10,
        r11,
        r12,
        r13,
        r14,
        r15,
    ] = &mut after.general;
    *rax = rax.wrapping_add(n_turns);
    *rbx = rbx.rotate_left(N_TURNS);
    *rcx = rcx.wrapping_sub(3 * n_turns);
    *rdx = !*rdx;
    *rsi = rsi.rotate_right(5 * N_TURNS);
    *rdi = rdi.swap_bytes();
    *rbp ^= 0x5a_5a5a;
    *r8 = r8.wrapping_add(n_turns);
    *r9 = r9.wrapping_sub(n_turns);
    *r10 = r10.wrapping_neg();
    *r11 = r11.rotate_left(3 * N_TURNS);
    *r12 = r12.wrapping_add(r13.wrapping_mul(n_turns));
    *r14 ^= *r15;
    for i in 0..2 {
        after.vector[0][i] =
            before.vector[0][i].wrapping_add(before.vector[1][i].wrapping_mul(n_turns));
        let halves = |shift: u32| {
            let (to, by) = (
                (before.vector[2][i] >> shift) as u32,
                (before.vector[3][i] >> shift) as u32,
            );
            u64::from(to.wrapping_add(by.wrapping_mul(N_TURNS))) << shift
        };
        after.vector[2][i] = halves(0) | halves(32);
    }
    if !has_avx {
        after
            .vector
            .iter_mut()
            .for_each(|register| register[2..].fill(0));
    }
    after.x87[0] = -before.x87[0];
    after
}

/// Runs the block and says which registers are not as they should be.
fn run(has_avx: bool) -> usize {
    let before = patterns();
    // SAFETY: one thread; the block reads one static and writes the other, keeps what the C ABI wants kept, and this program's runtime
    // uses neither segment registers nor the vector state across calls.
    let got = unsafe {
        (&raw mut BEFORE).write(before);
        keep_registers(has_avx);
        (&raw const AFTER).read()
    };
    let expected = expected(&before, has_avx);
    let mut n_wrong = 0;
    let mut compare = |name: &str, is_same: bool| {
        if !is_same {
            n_wrong += 1;
            println!("lost: {name}");
        }
    };
    for (name, (got, expected)) in NAMES.iter().zip(got.general.iter().zip(&expected.general)) {
        compare(name, got == expected);
    }
    for (got, expected) in got.vector.iter().zip(&expected.vector) {
        compare("a vector register", got == expected);
    }
    for (got, expected) in got.x87.iter().zip(&expected.x87) {
        compare("an x87 register", got == expected);
    }
    compare(
        "the direction flag",
        got.flags & 0x400 == expected.flags & 0x400,
    );
    compare("mxcsr", got.mxcsr & !0x3f == expected.mxcsr);
    compare("the x87 control word", got.fcw == expected.fcw);
    compare("ds", got.ds == expected.ds);
    compare("es", got.es == expected.es);
    compare("fs", got.fs == expected.fs);
    compare("gs", got.gs == expected.gs);
    n_wrong
}

/// What the kernel counted so far; 0 without the test mode.
fn n_interrupted() -> u64 {
    let Some(system) = environment::find(Kind::System) else {
        return 0;
    };
    // The line is among the first.
    let mut text = [0; 256];
    let n_bytes = calls::inspect(system, &mut text)
        .map_or(0, |n_bytes| n_bytes as usize)
        .min(text.len());
    let text = core::str::from_utf8(&text[..n_bytes]).unwrap_or("");
    let count = text
        .lines()
        .find_map(|line| line.strip_prefix("machine interrupted "));
    count.and_then(|count| count.parse().ok()).unwrap_or(0)
}

fn has_avx() -> bool {
    let leaf = core::arch::x86_64::__cpuid(1).ecx;
    // OSXSAVE and AVX: the kernel has switched them on.
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

fn main() {
    let account = environment::find(Kind::Account).map(Account::from_capability);
    let Some(Ok(scribbler)) =
        account.map(|account| Command::new("register-scribbler").spawn(&account))
    else {
        println!("cannot start the scribbler");
        task::exit(2)
    };
    thread::yield_now();
    let has_avx = has_avx();
    let start = n_interrupted();
    let idle = n_interrupted();
    let n_wrong = run(has_avx);
    let end = n_interrupted();
    // What two readings of the counter cost by themselves is taken off.
    let n_interrupts = (end - idle).saturating_sub(idle - start);
    let is_alive = scribbler
        .status()
        .is_ok_and(|status| omnibus_userland::task::Ending::of(&status).is_none());
    println!(
        "{n_wrong} registers lost in {N_INSTRUCTIONS} instructions, {n_interrupts} interrupts, 32-byte registers: {has_avx}, scribbler runs: {is_alive}"
    );
    // One of each task per instruction.
    if n_wrong == 0 && n_interrupts >= 2 * N_INSTRUCTIONS && is_alive {
        println!("every register kept through every interrupt");
        task::exit(0)
    }
    task::exit(1)
}
