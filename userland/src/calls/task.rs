//! The calls on capabilities, tasks and threads, the console and the clock. `thread_new`,
//! `thread_tls` and the memory calls can break a program from within: [`crate::thread`] and the
//! heap make them.

use super::Result;
use super::gate::{Register, call};
use omnibus_abi::native::{CapabilityInfo, TaskNew, TaskStatus, ThreadStart};
use omnibus_abi::{Call, CapabilityNumber};

/// Enters the kernel and leaves it.
///
/// # Errors
/// None.
#[inline]
pub fn null() -> Result<()> {
    call(Call::Null, []).map(drop)
}

/// Lets other threads of the same priority run.
pub fn yield_now() {
    let result = call(Call::Yield, []);
    debug_assert_eq!(result, Ok(0), "yield has no errors");
}

/// Nanoseconds since boot.
#[must_use]
pub fn clock_ns() -> u64 {
    call(Call::Clock, []).unwrap_or(0)
}

/// Ends the task. A status above 255 counts as 255.
pub fn exit(status: u64) -> ! {
    loop {
        let _ = call(Call::Exit, [Register::number(status)]);
    }
}

/// Ends the thread.
pub fn thread_exit(value: u64) -> ! {
    loop {
        let _ = call(Call::ThreadExit, [Register::number(value)]);
    }
}

/// Prints bytes, whole or not at all.
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`: the capability. `EMSGSIZE`: more than the call allows.
pub fn debug_print(console: CapabilityNumber, bytes: &[u8]) -> Result<()> {
    let arguments = [
        Register::number(console.0),
        Register::input(bytes),
        Register::number(bytes.len() as u64),
    ];
    call(Call::DebugPrint, arguments).map(drop)
}

/// Copies a capability with the same or fewer rights.
///
/// # Errors
/// `EBADF`; `EPERM`: a right that it does not have; `ENOMEM`.
pub fn capability_copy(capability: CapabilityNumber, rights: u64) -> Result<CapabilityNumber> {
    let arguments = [Register::number(capability.0), Register::number(rights)];
    call(Call::CapabilityCopy, arguments).map(CapabilityNumber)
}

/// Empties a slot.
///
/// # Errors
/// `EBADF`.
pub fn capability_drop(capability: CapabilityNumber) -> Result<()> {
    call(Call::CapabilityDrop, [Register::number(capability.0)]).map(drop)
}

/// Tells kind and rights of a capability.
///
/// # Errors
/// `EBADF`.
pub fn capability_info(capability: CapabilityNumber) -> Result<CapabilityInfo> {
    let mut info = CapabilityInfo::default();
    let arguments = [
        Register::number(capability.0),
        Register::output(&mut info),
        Register::number(CapabilityInfo::SIZE),
    ];
    call(Call::CapabilityInfo, arguments).map(|_| info)
}

/// Tells whether two capabilities refer to one object, with whatever rights.
///
/// # Errors
/// `EBADF`.
pub fn capability_compare(first: CapabilityNumber, second: CapabilityNumber) -> Result<bool> {
    let arguments = [Register::number(first.0), Register::number(second.0)];
    call(Call::CapabilityCompare, arguments).map(|is_same| is_same != 0)
}

/// Blocks until the thread has ended, and returns its value.
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`: the capability. `EDEADLK`: the caller itself. `ETIMEDOUT`.
pub fn thread_join(thread: CapabilityNumber, deadline_ns: u64) -> Result<u64> {
    let arguments = [Register::number(thread.0), Register::number(deadline_ns)];
    call(Call::ThreadJoin, arguments)
}

/// Makes a task without memory, capabilities and threads.
///
/// # Errors
/// `EINVAL`: name or priority. `EMSGSIZE`: the name. `EBADF`, `EOPNOTSUPP`: the account. `EPERM`: the account, or a priority above the
/// caller's. `EDQUOT`, `ENOMEM`.
pub fn task_new(account: CapabilityNumber, name: &str, priority: u64) -> Result<CapabilityNumber> {
    let new = TaskNew {
        flags: 0,
        account: account.0,
        ptr_name: name.as_ptr() as u64,
        n_name: name.len() as u64,
        priority,
    };
    let arguments = [Register::input(&new), Register::number(TaskNew::SIZE)];
    call(Call::TaskNew, arguments).map(CapabilityNumber)
}

/// Puts a copy of a capability into a task's table (right GRANT), and returns its number there.
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`: a capability. `ESRCH`: the task has ended. `EDQUOT`, `ENOMEM`.
pub fn task_grant(
    task: CapabilityNumber,
    capability: CapabilityNumber,
    rights: u64,
) -> Result<CapabilityNumber> {
    let arguments = [task.0, capability.0, rights].map(Register::number);
    call(Call::TaskGrant, arguments).map(CapabilityNumber)
}

/// Starts the first thread of a task that was made by [`task_new`] (right START).
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`: the capability. `EINVAL`: an address. `ESRCH`: it has ended. `EBUSY`: it was started. `EDQUOT`,
/// `ENOMEM`.
pub fn task_start(task: CapabilityNumber, start: &ThreadStart) -> Result<()> {
    let arguments = [
        Register::number(task.0),
        Register::input(start),
        Register::number(ThreadStart::SIZE),
    ];
    call(Call::TaskStart, arguments).map(drop)
}

/// Has the task's status sent through `handle` of `peer` when the task has ended (rights WATCH and USE).
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`: a capability. `EBADRQC`: the handle. `EDQUOT`, `ENOMEM`.
pub fn task_watch(task: CapabilityNumber, peer: CapabilityNumber, handle: u64) -> Result<()> {
    let arguments = [task.0, peer.0, handle].map(Register::number);
    call(Call::TaskWatch, arguments).map(drop)
}

/// Changes the priority of a task's threads, and the highest it can have (right PRIORITY). Both are at most the calling task's highest;
/// the second may also stay as it is.
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`: the capability. `EPERM`: the capability, or a number that is too high. `EINVAL`: no priority, or one above the
/// highest. `ESRCH`: it has ended.
pub fn task_priority(task: CapabilityNumber, priority: u64, maximum: u64) -> Result<()> {
    let arguments = [task.0, priority, maximum].map(Register::number);
    call(Call::TaskPriority, arguments).map(drop)
}

/// Ends a task; one that has ended stays as it ended (right KILL).
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`: the capability.
pub fn task_kill(task: CapabilityNumber) -> Result<()> {
    call(Call::TaskKill, [Register::number(task.0)]).map(drop)
}

/// Tells how a task is, or how it ended (right WATCH).
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`: the capability.
pub fn task_status(task: CapabilityNumber) -> Result<TaskStatus> {
    let mut status = TaskStatus::default();
    let arguments = [
        Register::number(task.0),
        Register::output(&mut status),
        Register::number(TaskStatus::SIZE),
    ];
    call(Call::TaskStatus, arguments).map(|_| status)
}
