//! Threads of the calling task.

use omnibus_abi::Errno;
use omnibus_abi::layout::{USER_END, USER_START};
use omnibus_abi::native::ThreadStart;

use super::Arguments;
use super::caller::Caller;
use super::operation::Outcome;
use super::structure::SizeOf;
use crate::cap::Object;
use crate::task::machine::Start;
use crate::task::thread::Thread;
use crate::task::{reaper, scheduler};

/// `thread_new(start, start_size)`.
///
/// # Errors
/// `EINVAL`, `E2BIG` size; `EFAULT`, `E2BIG` tail; `EINVAL` flags, or an entry, stack or base outside the user half; `EDQUOT`, `ENOMEM`.
pub fn new(caller: &Caller<'_>, [address, size, ..]: Arguments) -> Result<u64, Errno> {
    let start = SizeOf::<ThreadStart>::new(size)?.read(&caller.memory, address)?;
    let start = check(&start)?;
    let task = caller.task();
    task.make_room(1)?;
    let thread = Thread::new(task, start, task.charge_thread()?)?;
    let installed = task
        .adopt(&thread)
        .and_then(|()| caller.install(Object::Thread(thread.clone())));
    match installed {
        Ok(number) => {
            scheduler::start(thread);
            Ok(number)
        }
        Err(errno) => {
            reaper::exit_thread(&thread, 0);
            Err(errno)
        }
    }
}

/// Where a thread is to begin. Its entry and its base are looked at when its registers are made.
///
/// # Errors
/// `EINVAL` flags, or a stack outside the user half.
pub fn check(start: &ThreadStart) -> Result<Start, Errno> {
    let is_stack = (USER_START..=USER_END).contains(&start.stack);
    if start.flags != 0 || !is_stack {
        return Err(Errno::EINVAL);
    }
    Ok(Start {
        entry: start.entry,
        stack: start.stack,
        argument: start.argument,
        tls_base: start.tls_base,
    })
}

/// `thread_exit(value)`.
pub fn exit(caller: &Caller<'_>, [value, ..]: Arguments) -> Outcome {
    reaper::exit_thread(caller.thread, value);
    Outcome::Ended
}

/// `thread_tls(base)`.
///
/// # Errors
/// `EINVAL` for a base outside the user half; 0 is none.
pub fn tls(caller: &Caller<'_>, [base, ..]: Arguments) -> Result<u64, Errno> {
    caller.thread.machine.set_tls_base(base)?;
    Ok(0)
}
