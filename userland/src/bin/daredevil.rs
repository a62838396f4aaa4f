//! Does one thing that user code should not do, or one thing that it may and that is hard to survive: what, its first argument says.
//!
//! The first kind ends the task by a fault; the second ends it with status 0 if all went well. For `test-machine`.
#![no_std]
#![no_main]

use core::arch::asm;
use omnibus_userland::abi::native::WaitItem;
use omnibus_userland::abi::{Call, Kind};
use omnibus_userland::{calls, environment, program};

program!(main);

/// An address between the halves.
const NON_CANONICAL: u64 = 0x0000_8000_0000_0000;
const DIRECT_MAP: u64 = 0xffff_8000_0000_0000;
const KERNEL_TEXT: u64 = 0xffff_ffff_8020_1000;
const DIRECTION: u64 = 0x400;
const NESTED_TASK: u64 = 0x4000;
const ALIGNMENT_CHECK: u64 = 0x4_0000;

/// Executes instructions that do not come back.
macro_rules! fatal {
    ($($line:literal),+ $(; $($operand:tt)*)?) => {
        // SAFETY: the instructions fault, which is this program's purpose; if they do not, the task ends with a status by `ud2`.
        unsafe { asm!($($line,)+ "ud2", $($($operand)*,)? options(noreturn)) }
    };
}

fn main() -> u8 {
    let what = environment::arguments().next().unwrap_or("");
    match what {
        "divide" => fatal!("xor edx, edx", "xor ecx, ecx", "div ecx"),
        "single-step" => fatal!("push 0x102", "popfq", "nop", "nop"),
        "single-step-call" => {
            fatal!("push 0x102", "popfq", "syscall", "nop"; in("rax") Call::Null as u64)
        }
        "mov-ss-call" => {
            fatal!("mov ecx, ss", "push 0x102", "popfq", "mov ss, ecx", "syscall", "nop"; in("rax") Call::Null as u64)
        }
        "mov-ss-breakpoint" => fatal!("mov ecx, ss", "push 0x102", "popfq", "mov ss, ecx", "int3"),
        "breakpoint" => fatal!("int3"),
        "undefined" => fatal!("ud2"),
        "into" => fatal!(".byte 0xce"),
        "halt" => fatal!("hlt"),
        "interrupts-off" => fatal!("cli"),
        "port-in" => fatal!("in al, 0x60"),
        "port-out" => fatal!("out 0xf4, al"),
        "read-cr3" => fatal!("mov rax, cr3"),
        "write-cr4" => fatal!("xor eax, eax", "mov cr4, rax"),
        "read-msr" => fatal!("mov ecx, 0xc0000082", "rdmsr"),
        "write-msr" => fatal!(
            "mov ecx, 0xc0000101",
            "xor eax, eax",
            "xor edx, edx",
            "wrmsr"
        ),
        "load-idt" => fatal!("lidt [rsp]"),
        "store-gdt" => fatal!("sgdt [rsp - 16]"),
        "read-fs-base" => fatal!("rdfsbase rax"),
        "write-gs-base" => fatal!("wrgsbase rax"; in("rax") KERNEL_TEXT),
        "swapgs" => fatal!("swapgs"),
        "sysret" => fatal!("sysretq"),
        "sysenter" => fatal!("sysenter"),
        "int-80" => fatal!("int 0x80"),
        "int-timer" => fatal!("int 0x40"),
        "int-page-fault" => fatal!("int 14"),
        "int-double-fault" => fatal!("int 8"),
        "iret-to-kernel" => {
            fatal!("push 0x10", "push rsp", "push 2", "push 8", "push rax", "iretq"; in("rax") KERNEL_TEXT)
        }
        "iret-non-canonical" => {
            fatal!("mov ecx, ss", "push rcx", "push rsp", "push 0x202", "mov ecx, cs", "push rcx", "push rax", "iretq"; in("rax") NON_CANONICAL)
        }
        "far-return-to-kernel" => fatal!("push 8", "push rax", "retfq"; in("rax") KERNEL_TEXT),
        "far-return-to-32-bit" => fatal!("push 0x2b", "push rax", "retfq"; in("rax") 0x40_0000),
        "read-non-canonical" => fatal!("mov rax, [rax]"; in("rax") NON_CANONICAL),
        "push-non-canonical" => {
            fatal!("mov rsp, rax", "push rax"; in("rax") NON_CANONICAL + 0x1000)
        }
        "jump-non-canonical" => fatal!("jmp rax"; in("rax") NON_CANONICAL),
        "return-non-canonical" => fatal!("push rax", "ret"; in("rax") NON_CANONICAL),
        "read-null" => fatal!("mov rax, [0]"),
        "read-kernel" => fatal!("mov rax, [rax]"; in("rax") DIRECT_MAP),
        "write-kernel" => fatal!("mov [rax], rax"; in("rax") KERNEL_TEXT),
        "jump-to-kernel" => fatal!("jmp rax"; in("rax") KERNEL_TEXT),
        "read-gs" => fatal!("mov rax, gs:[0x10]"),
        "read-gs-selected" => fatal!("mov eax, ss", "mov gs, eax", "mov rax, gs:[0x18]"),
        "x87-error" => fatal!(
            "push 0x37b",
            "fldcw [rsp]",
            "fldz",
            "fld1",
            "fdivrp",
            "fwait"
        ),
        "flags-nested-task" => keeps_flag(NESTED_TASK),
        "flags-direction" => keeps_flag(DIRECTION),
        "flags-alignment-check" => keeps_flag(ALIGNMENT_CHECK),
        "unaligned" => unaligned(),
        "wild-stack-call" => wild_stack_call(),
        "wild-stack-preempted" => wild_stack_preempted(),
        "step-over-wait" => step_over_wait(),
        _ => 2,
    }
}

/// Makes a call that reads user memory with `flag` set, and finds it set afterwards.
fn keeps_flag(flag: u64) -> u8 {
    let Some(console) = environment::find(Kind::Console) else {
        return 3;
    };
    let text = b"  a line of more than sixteen bytes, printed with an unusual flag set\n";
    let (status, flags): (u64, u64);
    // SAFETY: the call reads `text`. The direction flag is cleared before compiled code runs on.
    unsafe {
        asm!(
            "pushfq",
            "or [rsp], r14",
            "popfq",
            "syscall",
            "pushfq",
            "mov r15, [rsp]",
            "push 0x202",
            "popfq",
            "pop r14",
            inout("r14") flag => _,
            out("r15") flags,
            inlateout("rax") Call::DebugPrint as u64 => status,
            in("rdi") console.0,
            in("rsi") text.as_ptr(),
            inlateout("rdx") text.len() => _,
            in("r10") 0,
            in("r8") 0,
            in("r9") 0,
            clobber_abi("C"),
        );
    }
    u8::from(status != 0 || flags & flag == 0)
}

/// Alignment checks are off for user code too: AC set and a number across two words is no fault.
fn unaligned() -> u8 {
    let words = [0x1111_1111_1111_1111_u64, 0x2222_2222_2222_2222];
    let value: u64;
    // SAFETY: reads 8 bytes from the middle of 16.
    unsafe {
        asm!(
            "pushfq",
            "or qword ptr [rsp], 0x40000",
            "popfq",
            "mov {value}, [{words} + 3]",
            "push 0x202",
            "popfq",
            words = in(reg) &raw const words,
            value = out(reg) value,
        );
    }
    u8::from(value != 0x2222_2211_1111_1111)
}

/// Makes calls with a stack pointer of the kernel's, between the halves, and null.
fn wild_stack_call() -> u8 {
    let mut n_wrong = 0;
    for stack in [DIRECT_MAP, NON_CANONICAL, 0, u64::MAX, KERNEL_TEXT] {
        let after: u64;
        // SAFETY: nothing uses the stack while it is away; the null call does nothing.
        unsafe {
            asm!(
                "mov r12, rsp",
                "mov rsp, r13",
                "syscall",
                "mov r13, rsp",
                "mov rsp, r12",
                inout("r13") stack => after,
                inlateout("rax") Call::Null as u64 => _,
                out("r12") _,
                lateout("rdx") _,
                clobber_abi("C"),
            );
        }
        n_wrong += u8::from(after != stack);
    }
    n_wrong
}

/// Spins for some timer interrupts with a stack pointer between the halves.
fn wild_stack_preempted() -> u8 {
    let end_ns = calls::clock_ns() + 50_000_000;
    let mut n_wrong = 0;
    while calls::clock_ns() < end_ns {
        let after: u64;
        // SAFETY: nothing uses the stack while it is away.
        unsafe {
            asm!(
                "mov r12, rsp",
                "mov rsp, {stack}",
                "mov ecx, 1000000",
                "2:",
                "dec ecx",
                "jnz 2b",
                "mov {after}, rsp",
                "mov rsp, r12",
                stack = in(reg) NON_CANONICAL,
                after = out(reg) after,
                out("r12") _,
                out("rcx") _,
            );
        }
        n_wrong |= u8::from(after != NON_CANONICAL);
    }
    n_wrong
}

/// Waits a while with the trap flag set: the step ends when the wait has, and by then it is a fault of this task, nobody else's.
fn step_over_wait() -> u8 {
    let deadline_ns = calls::clock_ns() + 5_000_000;
    fatal!("push 0x302", "popfq", "syscall", "nop"; in("rax") Call::Wait as u64, in("rdi") 0, in("rsi") 0, in("rdx") WaitItem::SIZE, in("r10") deadline_ns, in("r8") 0, in("r9") 0)
}
