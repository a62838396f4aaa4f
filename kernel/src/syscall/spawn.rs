//! `task_spawn`: a task that runs a program of the initial RAM disk.
//!
//! Later tasks will be made by programs, from memory objects (`docs/decisions/0004-tasks-start-from-the-image.md`); this is the call that the
//! first of them needs.

use alloc::vec::Vec;

use omnibus_abi::capability::account;
use omnibus_abi::limits::{ARGUMENT_BYTES_MAX, GRANTS_MAX, NAME_BYTES_MAX};
use omnibus_abi::native::{Grant, TaskSpawn};
use omnibus_abi::{CapabilityNumber, Errno};

use super::Arguments;
use super::caller::Caller;
use super::operation::{Operation, Outcome};
use super::structure::SizeOf;
use super::user::ReadClaim;
use crate::cap::{Capability, Object};
use crate::programs;
use crate::shared::Ref;
use crate::task::builder::Builder;
use crate::task::end::End;
use crate::task::priorities::Priority;
use crate::task::scheduler;
use crate::task::task::Task;

/// A spawn on its way.
pub enum Spawn {
    /// Pages are being filled.
    Building(Builder),
    /// It failed: what was built is given back before the call returns (ERR-1).
    Failing(Ref<Task>, Errno),
}

/// `task_spawn(spawn, spawn_size, grant_size)`: `EINVAL`, `E2BIG` sizes; `EFAULT`, `E2BIG` tail; `EINVAL` flags, empty name, priority above the
/// highest; `EMSGSIZE` name, arguments, grants; `EBADF`, `EOPNOTSUPP`, `EPERM` account; `EPERM` priority above the caller's highest; `EFAULT` name,
/// arguments; for all grants `EFAULT`, `E2BIG`; then for each `EINVAL` flags, `EBADF`, `EPERM`; `ENOENT`; `ENOEXEC`; `EDQUOT`, `ENOMEM`.
pub fn begin(caller: &mut Caller<'_>, arguments: Arguments) -> Outcome {
    match prepare(caller, arguments) {
        Ok(spawn) => spawn.step(caller),
        Err(errno) => errno.into(),
    }
}

fn prepare(
    caller: &mut Caller<'_>,
    [address, spawn_size, grant_size, ..]: Arguments,
) -> Result<Spawn, Errno> {
    let spawn_size = SizeOf::<TaskSpawn>::new(spawn_size)?;
    let grant_size = SizeOf::<Grant>::new(grant_size)?;
    let spawn = spawn_size.read(&caller.memory, address)?;
    if spawn.flags != 0 || spawn.reserved != 0 || spawn.n_name == 0 {
        return Err(Errno::EINVAL);
    }
    let priority = Priority::new(spawn.priority).ok_or(Errno::EINVAL)?;
    let is_long = spawn.n_name > NAME_BYTES_MAX || spawn.n_arguments > ARGUMENT_BYTES_MAX;
    if is_long || spawn.n_grants > GRANTS_MAX {
        return Err(Errno::EMSGSIZE);
    }
    let account = caller.account(spawn.account, account::CHARGE)?;
    if priority > caller.task().urgency.maximum() {
        return Err(Errno::EPERM);
    }
    let mut name = [0; NAME_BYTES_MAX as usize];
    ReadClaim::new(spawn.ptr_name, spawn.n_name)?.read(&caller.memory, &mut name)?;
    let name = name.get(..spawn.n_name as usize).unwrap_or_default();
    let arguments = caller.scratch.bytes.get_mut(..spawn.n_arguments as usize);
    let arguments = arguments.ok_or(Errno::EMSGSIZE)?;
    ReadClaim::new(spawn.ptr_arguments, spawn.n_arguments)?.read(&caller.memory, arguments)?;
    let granted = grants(caller, grant_size, &spawn)?;
    let image = programs::find(name)?;
    let builder = Builder::new(image, name, priority, &account)?;
    let arguments = caller.scratch.bytes.get(..spawn.n_arguments as usize);
    match builder.equip(granted, arguments.unwrap_or_default()) {
        Ok(()) => Ok(Spawn::Building(builder)),
        Err(errno) => Ok(Spawn::fail(builder, errno)),
    }
}

/// The capabilities to be granted, in order.
fn grants(
    caller: &mut Caller<'_>,
    size: SizeOf<Grant>,
    spawn: &TaskSpawn,
) -> Result<Vec<Capability>, Errno> {
    let mut array = size.read_array(spawn.ptr_grants, spawn.n_grants)?;
    let mut n_read = 0;
    while let Some(grant) = array.next(&caller.memory)? {
        let words = caller.scratch.words.get_mut(n_read..n_read + 3);
        let words = words.ok_or(Errno::EMSGSIZE)?;
        words.copy_from_slice(&[grant.flags, grant.capability, grant.rights]);
        n_read += 3;
    }
    // Held until the capabilities are in the new task's table, in this very step.
    let mut granted = Vec::new();
    granted
        .try_reserve_exact(spawn.n_grants as usize)
        .map_err(|_| Errno::ENOMEM)?;
    let words = caller.scratch.words.get(..n_read).unwrap_or_default();
    let (grants, _) = words.as_chunks::<3>();
    for &[flags, number, rights] in grants {
        if flags != 0 {
            return Err(Errno::EINVAL);
        }
        let capabilities = caller.thread.task.capabilities.lock();
        let capability = capabilities.any(CapabilityNumber(number))?;
        granted.push(capability.restrict(rights)?);
    }
    Ok(granted)
}

impl Spawn {
    fn fail(builder: Builder, errno: Errno) -> Self {
        Task::end(&builder.task, End::Killed);
        Self::Failing(builder.task, errno)
    }

    /// Goes on for a batch.
    pub fn step(self, caller: &Caller<'_>) -> Outcome {
        let mut builder = match self {
            Self::Building(builder) => builder,
            Self::Failing(task, errno) => return wait_for_end(caller, task, errno),
        };
        match builder.step() {
            Ok(false) => Outcome::More(Operation::Spawn(Self::Building(builder))),
            Ok(true) => match start(caller, &builder) {
                Ok(number) => Outcome::Done(Ok(number)),
                Err(errno) => Self::fail(builder, errno).step(caller),
            },
            Err(errno) => Self::fail(builder, errno).step(caller),
        }
    }

    /// Ends the unfinished task.
    pub fn abandon(self) {
        if let Self::Building(builder) = self {
            Task::end(&builder.task, End::Killed);
        }
    }
}

fn start(caller: &Caller<'_>, builder: &Builder) -> Result<u64, Errno> {
    let thread = builder.first_thread()?;
    let installed = builder
        .task
        .adopt(&thread)
        .and_then(|()| caller.install(Object::Task(builder.task.clone())));
    match installed {
        Ok(number) => {
            scheduler::start(thread);
            Ok(number)
        }
        Err(errno) => {
            thread.finish(0);
            thread.bury();
            Task::part(&builder.task, &thread);
            Err(errno)
        }
    }
}

/// Waits until the reaper has given everything back.
fn wait_for_end(caller: &Caller<'_>, task: Ref<Task>, errno: Errno) -> Outcome {
    let waiter = caller.thread.waiter();
    let is_waiting = waiter
        .as_ref()
        .is_some_and(|waiter| task.waiters.enter(waiter).is_ok());
    if task.has_ended() {
        if let Some(waiter) = waiter {
            task.waiters.leave(&waiter);
        }
        return errno.into();
    }
    let rest = Operation::Spawn(Spawn::Failing(task, errno));
    if is_waiting {
        Outcome::Block(rest)
    } else {
        Outcome::More(rest)
    }
}
