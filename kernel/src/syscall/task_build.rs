//! Tasks made by programs: an empty one, capabilities, a first thread; and who is told of its end.

use omnibus_abi::capability::{account, peer, task};
use omnibus_abi::limits::NAME_BYTES_MAX;
use omnibus_abi::native::{TaskNew, TaskStatus, ThreadStart};
use omnibus_abi::{CapabilityNumber, Errno};

use super::Arguments;
use super::caller::Caller;
use super::structure::SizeOf;
use super::thread;
use super::user::ReadClaim;
use crate::cap::{Object, select};
use crate::service::{self, event::Event};
use crate::shared::Ref;
use crate::task::end::End;
use crate::task::name::Name;
use crate::task::priorities::Priority;
use crate::task::scheduler;
use crate::task::task::Task;
use crate::task::thread::Thread;
use crate::task::watch::Watch;

/// `task_new(new, new_size)`.
///
/// # Errors
/// `EINVAL`, `E2BIG` size; `EFAULT`, `E2BIG` tail; `EINVAL` flags, empty name, priority above the highest; `EMSGSIZE` name; `EBADF`,
/// `EOPNOTSUPP`, `EPERM` account; `EPERM` priority above the caller's highest; `EFAULT` name; `EDQUOT`, `ENOMEM`.
pub fn new(caller: &Caller<'_>, [address, size, ..]: Arguments) -> Result<u64, Errno> {
    let new = SizeOf::<TaskNew>::new(size)?.read(&caller.memory, address)?;
    if new.flags != 0 || new.n_name == 0 {
        return Err(Errno::EINVAL);
    }
    let priority = Priority::new(new.priority).ok_or(Errno::EINVAL)?;
    if new.n_name > NAME_BYTES_MAX {
        return Err(Errno::EMSGSIZE);
    }
    let account = caller.account(new.account, account::CHARGE)?;
    if priority > caller.task().urgency.maximum() {
        return Err(Errno::EPERM);
    }
    let mut name = [0; NAME_BYTES_MAX as usize];
    let name = name.get_mut(..new.n_name as usize).unwrap_or_default();
    ReadClaim::new(new.ptr_name, new.n_name)?.read(&caller.memory, name)?;
    caller.task().make_room(1)?;
    let made = Task::new(Name::new(name), priority, &account)?;
    let installed = Task::await_start(&made, caller.task())
        .and_then(|()| caller.install(Object::Task(made.clone())));
    if installed.is_err() {
        Task::end(&made, End::Killed);
    }
    installed
}

/// `task_grant(task, capability, rights)`.
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM` task; `EBADF` capability; `EPERM` for rights that it lacks; `ESRCH` if the task has ended; `EDQUOT`,
/// `ENOMEM`.
pub fn grant(
    caller: &Caller<'_>,
    [number, capability, rights, ..]: Arguments,
) -> Result<u64, Errno> {
    let target = caller.look_up(number, task::GRANT, select::task)?;
    let copy = {
        let capabilities = caller.task().capabilities.lock();
        capabilities
            .any(CapabilityNumber(capability))?
            .restrict(rights)?
    };
    Ok(target.insert(copy)?.0)
}

/// `task_start(task, start, start_size)`.
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`; `EINVAL`, `E2BIG` size; `EFAULT`, `E2BIG` tail; `EINVAL` flags, or an entry, stack or base outside
/// the user half; `ESRCH` if it has ended; `EBUSY` if it was started before; `EDQUOT`, `ENOMEM`.
pub fn start(caller: &Caller<'_>, [number, address, size, ..]: Arguments) -> Result<u64, Errno> {
    let target = caller.look_up(number, task::START, select::task)?;
    let start = SizeOf::<ThreadStart>::new(size)?.read(&caller.memory, address)?;
    let start = thread::check(&start)?;
    target.can_start()?;
    let thread = Thread::new(&target, start, target.charge_thread()?)?;
    match Task::start(&target, &thread) {
        Ok(()) => {
            scheduler::start(thread);
            Ok(0)
        }
        Err(errno) => {
            thread.doing.finish(0);
            thread.bury();
            Err(errno)
        }
    }
}

/// `task_watch(task, peer, handle)`.
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM` task, then peer; `EBADRQC` handle; `EDQUOT`, `ENOMEM`.
pub fn watch(caller: &Caller<'_>, [number, by, handle, ..]: Arguments) -> Result<u64, Errno> {
    let target = caller.look_up(number, task::WATCH, select::task)?;
    let by = caller.peer(by, peer::USE)?;
    let event = Event::bind::<TaskStatus>(&by, handle)?;
    let charge = caller.task().charge(service::objects(1))?;
    let watch = Ref::try_new(Watch::new(event, charge))?;
    target.watch(watch);
    Ok(0)
}
