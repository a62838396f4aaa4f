//! Calls on tasks.

use omnibus_abi::Errno;
use omnibus_abi::capability::task;
use omnibus_abi::native::TaskStatus;

use super::Arguments;
use super::caller::Caller;
use super::operation::Outcome;
use super::structure::SizeOf;
use crate::cap::select;
use crate::task::end::End;
use crate::task::reaper;
use crate::task::task::Task;

/// `task_kill(task)`: `EBADF`, `EOPNOTSUPP`, `EPERM`.
pub fn kill(caller: &Caller<'_>, [number, ..]: Arguments) -> Outcome {
    match caller.look_up(number, task::KILL, select::task) {
        Ok(target) => {
            Task::end(&target, End::Killed);
            if !target.has_ended() {
                reaper::hasten(caller.task().priority());
            }
            if target.ptr_eq(caller.task()) {
                Outcome::Ended
            } else {
                Outcome::Done(Ok(0))
            }
        }
        Err(errno) => errno.into(),
    }
}

/// `task_status(task, status, status_size)`.
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`; `EINVAL`, `E2BIG` size; `EFAULT`.
pub fn status(caller: &Caller<'_>, [number, address, size, ..]: Arguments) -> Result<u64, Errno> {
    let target = caller.look_up(number, task::WATCH, select::task)?;
    let out = SizeOf::<TaskStatus>::new(size)?.claim(address)?;
    out.write(&caller.memory, 0, target.status())?;
    Ok(0)
}
