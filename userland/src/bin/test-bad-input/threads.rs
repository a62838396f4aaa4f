//! Threads that end at once, without the runtime.

use crate::memory;
use core::arch::naked_asm;
use omnibus_userland::abi::native::ThreadStart;
use omnibus_userland::abi::{Call, CapabilityNumber, DEADLINE_NEVER, Errno};
use omnibus_userland::{calls, raw};

/// Where the stack of such a thread begins: nothing is mapped there, for it uses none.
pub(crate) const STACK: u64 = memory::HOLE;

/// Ends the thread with its argument.
#[unsafe(naked)]
pub(crate) extern "C" fn end(argument: u64) -> ! {
    naked_asm!("mov eax, {}", "syscall", "ud2", const Call::ThreadExit as u64)
}

/// Ends the thread by a call with these registers.
#[unsafe(naked)]
extern "C" fn end_with(registers: &'static [u64; 6]) -> ! {
    naked_asm!(
        "mov eax, {}",
        "mov rsi, [rdi + 8]",
        "mov rdx, [rdi + 16]",
        "mov r10, [rdi + 24]",
        "mov r8, [rdi + 32]",
        "mov r9, [rdi + 40]",
        "mov rdi, [rdi]",
        "syscall",
        "ud2",
        const Call::ThreadExit as u64,
    )
}

fn start(entry: u64, argument: u64) -> Result<u64, Errno> {
    let start = ThreadStart {
        flags: 0,
        entry,
        stack: STACK,
        argument,
        tls_base: 0,
    };
    let arguments = [core::ptr::from_ref(&start) as u64, ThreadStart::SIZE];
    // SAFETY: the code that is started touches no memory but its argument.
    unsafe { raw::call(Call::ThreadNew, arguments) }
}

/// A capability of a thread that has ended.
pub(crate) fn ended() -> Result<u64, Errno> {
    let thread = start(end as *const () as u64, 0)?;
    calls::thread_join(CapabilityNumber(thread), DEADLINE_NEVER)?;
    Ok(thread)
}

/// What a thread that ends by `thread_exit` with these registers leaves to whoever joins it.
pub(crate) fn value_of(registers: [u64; 6]) -> Result<u64, Errno> {
    memory::initialise_once()?;
    let address = memory::region(0);
    for (index, word) in (0..).zip(registers) {
        memory::put(0, address + 8 * index, &word.to_le_bytes());
    }
    let thread = CapabilityNumber(start(end_with as *const () as u64, address)?);
    let value = calls::thread_join(thread, DEADLINE_NEVER);
    calls::capability_drop(thread)?;
    value
}
