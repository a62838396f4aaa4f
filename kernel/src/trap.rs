//! What the kernel does about a trap: the one place where user mode's exits meet the kernel's objects.

use crate::arch::context::{Next, UserContext};
use crate::arch::trap::Trap;
use core::ptr::NonNull;

/// A system call of the thread whose registers are in `context`. Returns what runs next.
pub extern "C" fn syscall(context: &mut UserContext) -> Next {
    let (status, value) = omnibus_abi::status::encode(Err(omnibus_abi::Errno::ENOSYS));
    context.set_result(status, value);
    Some(NonNull::from(context))
}

/// Everything else that ends user mode or idling. `context` is `None` if the CPU was idle.
pub fn handle(trap: Trap, context: Option<&mut UserContext>) -> Next {
    match trap {
        Trap::Fault(fault) => {
            crate::arch::report::first_cause(format_args!("{fault}"));
            crate::arch::exit(1)
        }
        Trap::Timer | Trap::Interrupt(_) => context.map(NonNull::from),
    }
}
