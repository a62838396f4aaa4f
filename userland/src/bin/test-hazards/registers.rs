//! Registers across calls that do not return at once, and at the beginning of a thread.

use crate::attack::PROGRAM;
use core::arch::naked_asm;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use omnibus_userland::abi::native::{ThreadStart, VM_READ, VM_WRITE, VmMap};
use omnibus_userland::abi::{Call, CapabilityNumber, DEADLINE_NEVER, Errno};
use omnibus_userland::bus::Peer;
use omnibus_userland::hostile::registers::call;
use omnibus_userland::port::Port;
use omnibus_userland::task::Command;
use omnibus_userland::{calls, check, check_eq, raw, tests, time};

/// The bystander: enters the kernel with patterns in all registers as long as it gets them back.
pub(crate) fn watch() -> u8 {
    loop {
        for number in [Call::Null, Call::Yield] {
            // SAFETY: neither call touches memory.
            if unsafe { call(number as u64, [0; 6]) }.1.is_err() {
                return 1;
            }
        }
    }
}

/// Calls made in each test.
const N_CALLS: u32 = 50;

/// How often a thread that keeps its registers is stopped and let go on.
const N_TURNS: u32 = 10;

tests! {
    /// After a call that waited while others ran, no register holds anything of theirs or of the kernel.
    fn abi_registers_after_a_call_that_waited(bench) {
        let other = Command::new("register-scribbler").spawn(&bench.account)?;
        let before_ns = other.status()?.cpu_ns;
        for _ in 0..N_CALLS {
            let deadline_ns = time::deadline_in(Duration::from_millis(1));
            // SAFETY: without items no memory is touched.
            let (_, kept) = unsafe { call(Call::Wait as u64, [0, 0, 24, deadline_ns, 0, 0]) };
            kept?;
        }
        // On a busy host one deadline or another passes before its wait begins; not all of them do.
        check!(other.status()?.cpu_ns > before_ns, "the other did not run");
        other.kill()?;
        Ok(())
    }

    /// After a call that let others run first, no register holds anything of theirs or of the kernel.
    fn abi_registers_after_a_call_that_let_others_run(bench) {
        let other = Command::new("register-scribbler").spawn(&bench.account)?;
        let before_ns = other.status()?.cpu_ns;
        for _ in 0..N_CALLS {
            // SAFETY: the call touches no memory.
            let (_, kept) = unsafe { call(Call::Yield as u64, [0; 6]) };
            kept?;
            check!(other.status()?.cpu_ns > before_ns, "the other did not run");
        }
        other.kill()?;
        Ok(())
    }

    /// A thread that an interrupt stopped has all its registers when one that begins to wait for a message lets it go on.
    fn abi_registers_after_another_began_to_wait(bench) {
        let peer = Peer::new(&bench.account)?;
        let is_over = AtomicU64::new(0);
        let keeper = start(keep, map_stack()?, is_over.as_ptr() as u64)?;
        let began_ns = time::now_ns();
        for _ in 0..N_TURNS {
            let deadline_ns = time::deadline_in(Duration::from_millis(1));
            check_eq!(Port::of(&peer).next_short(deadline_ns).err(), Some(Errno::ETIMEDOUT), "the end of the wait");
        }
        // The keeper has whole turns: it gives way to nobody as urgent before.
        check!(time::now_ns() - began_ns > u64::from(N_TURNS) * 2_000_000, "the keeper did not run");
        is_over.store(1, Ordering::Relaxed);
        let changed = calls::thread_join(keeper, DEADLINE_NEVER)?;
        calls::capability_drop(keeper)?;
        check_eq!(changed, 0, "all bits of registers that changed, united");
        Ok(())
    }

    /// A new thread finds its argument and its stack, and nothing else in any register.
    fn abi_registers_of_a_new_thread(bench) {
        let other = Command::new(PROGRAM).argument("--bystander").spawn(&bench.account)?;
        let stack = map_stack()?;
        for _ in 0..N_CALLS {
            let thread = start(look_around, stack, 0x5eed)?;
            let found = calls::thread_join(thread, DEADLINE_NEVER)?;
            calls::capability_drop(thread)?;
            check_eq!(found, 0, "all registers of a new thread but its argument, united");
        }
        other.kill()?;
        Ok(())
    }
}

/// The upper end of a stack of one page.
fn map_stack() -> calls::Result<u64> {
    let stack = VmMap {
        flags: 0,
        address: 0,
        n_bytes: 4096,
        rights: VM_READ | VM_WRITE,
    };
    // SAFETY: the kernel reads the structure, and maps memory where nothing is.
    let stack = unsafe { raw::call(Call::VmMap, [&raw const stack as u64, VmMap::SIZE]) }?;
    Ok(stack + 4096)
}

/// Starts a thread at `entry`, which uses its stack alone, and ends its thread.
fn start(
    entry: extern "C" fn() -> !,
    stack: u64,
    argument: u64,
) -> calls::Result<CapabilityNumber> {
    let start = ThreadStart {
        flags: 0,
        entry: entry as *const () as u64,
        stack,
        argument,
        tls_base: 0,
    };
    // SAFETY: the kernel reads the structure; the code of the thread is as said above.
    let thread = unsafe {
        raw::call(
            Call::ThreadNew,
            [&raw const start as u64, ThreadStart::SIZE],
        )
    }?;
    Ok(CapabilityNumber(thread))
}

/// Keeps a pattern in registers that a system call loses until the word at `rdi` is not 0 or one of them has changed. Ends its thread with the
/// union of what has changed.
#[unsafe(naked)]
extern "C" fn keep() -> ! {
    naked_asm!(
        "mov rcx, 0x1234567",
        "mov r11, rcx",
        "movq xmm0, rcx",
        "movq xmm15, rcx",
        "2:",
        "mov rsi, rcx",
        "xor rsi, 0x1234567",
        "mov rax, r11",
        "xor rax, 0x1234567",
        "or rsi, rax",
        ".irp n, 0, 15",
        "movq rax, xmm\\n",
        "xor rax, 0x1234567",
        "or rsi, rax",
        ".endr",
        "jnz 3f",
        "cmp qword ptr [rdi], 0",
        "je 2b",
        "3:",
        "mov rdi, rsi",
        "mov eax, {exit}",
        "syscall",
        "ud2",
        exit = const Call::ThreadExit as u64,
    )
}

/// Ends its thread with the union of all registers, which is 0 if they are.
#[unsafe(naked)]
extern "C" fn look_around() -> ! {
    naked_asm!(
        "xor rdi, 0x5eed",
        "or rdi, rax",
        "or rdi, rbx",
        "or rdi, rcx",
        "or rdi, rdx",
        "or rdi, rsi",
        "or rdi, rbp",
        "or rdi, r8",
        "or rdi, r9",
        "or rdi, r10",
        "or rdi, r11",
        "or rdi, r12",
        "or rdi, r13",
        "or rdi, r14",
        "or rdi, r15",
        ".irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15",
        "orps xmm0, xmm\\n",
        ".endr",
        "movq rax, xmm0",
        "or rdi, rax",
        "psrldq xmm0, 8",
        "movq rax, xmm0",
        "or rdi, rax",
        // Tags of the x87 registers: all empty (SDM 1 8.1.7).
        "sub rsp, 32",
        "fnstenv [rsp]",
        "movzx eax, word ptr [rsp + 8]",
        "xor eax, 0xffff",
        "or rdi, rax",
        "mov eax, {exit}",
        "syscall",
        "ud2",
        exit = const Call::ThreadExit as u64,
    )
}
