//! Faults of tasks, for whoever looks after them: who is told, what is read, how the thread goes on.

use omnibus_abi::Errno;
use omnibus_abi::capability::{peer, task};
use omnibus_abi::native::{FAULT_CONTINUE, FAULT_END, FAULT_RETRY, Fault, Registers};

use super::Arguments;
use super::caller::Caller;
use super::capability::Closing;
use super::operation::Outcome;
use super::structure::SizeOf;
use crate::arch::context::UserContext;
use crate::cap::select;
use crate::service::{self, event::Event, peer::Hold};
use crate::shared::Ref;
use crate::task::faults::{Answer, Pager};
use crate::task::task::Task;
use bus1_service::{Id, Source};

/// `task_faults(task, peer, handle)`: `EBADF`, `EOPNOTSUPP`, `EPERM` task, then peer; `EBADRQC` handle; `ESRCH` if the task has ended; `EBUSY` if a
/// fault is told; `EDQUOT`, `ENOMEM`.
pub fn name_pager(caller: &Caller<'_>, [number, by, handle, ..]: Arguments) -> Outcome {
    let named = caller
        .look_up(number, task::FAULTS, select::task)
        .and_then(|target| Ok((target, caller.peer(by, peer::USE)?)));
    let (target, by) = match named {
        Ok(named) => named,
        Err(errno) => return errno.into(),
    };
    let id = Id::from_u64(handle);
    if by.core.find_unknown(&[id]).is_some() {
        return Errno::EBADRQC.into();
    }
    // Looked at again when everything is there.
    if target.is_ending() {
        return Errno::ESRCH.into();
    }
    if let Err(errno) = target.faults.check_idle() {
        return errno.into();
    }
    let own = match Hold::new(&caller.task().account) {
        Ok(own) => own,
        Err(error) => return service::errno(&error).into(),
    };
    let kept = own.object().clone();
    // Whose peer is let go of: one that was made in vain, or that of the pager before.
    let (old, result) = match equip(&by, own, id, &target) {
        Ok(None) => return Outcome::Done(Ok(0)),
        Ok(Some(old)) => (old.peer().clone(), Ok(0)),
        Err(errno) => (kept, Err(errno)),
    };
    Closing::new(old, result).step()
}

/// Gives the kernel's peer `own` a handle of its own to the pager's node, and has faults of `target` told through that.
fn equip(by: &Hold, own: Hold, id: Id, target: &Ref<Task>) -> Result<Option<Ref<Pager>>, Errno> {
    let refused = |error| service::errno(&error);
    let mut preparing = by.core.begin_transfer(&own.core).map_err(refused)?;
    preparing.sources(&[Source::Copy(id)]).map_err(refused)?;
    let mut prepared = preparing.prepared().map_err(refused)?;
    let copy = prepared.handle(0).ok_or(Errno::EBADRQC)?;
    let effects = prepared.commit().map_err(refused)?;
    effects.finish(&mut service::wake);
    let event = Event::bind::<Fault>(&own, copy.as_u64())?;
    let pager = Ref::try_new(Pager::new(own, event))?;
    target.faults.set_pager(&pager, || target.is_ending())
}

/// `fault_read(task, number, registers, registers_size)`.
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`; `EINVAL`, `E2BIG` size; `ESRCH` if no such fault waits for an answer; `EFAULT`.
pub fn read(
    caller: &Caller<'_>,
    [task, number, address, size, ..]: Arguments,
) -> Result<u64, Errno> {
    let target = caller.look_up(task, task::FAULTS, select::task)?;
    let size = SizeOf::<Registers>::new(size)?;
    let registers = target.faults.registers(number)?;
    size.claim(address)?.write(&caller.memory, 0, registers)?;
    Ok(0)
}

/// `fault_answer(task, number, answer, registers, registers_size)`.
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`; `EINVAL` for no answer; for CONTINUE `EINVAL`, `E2BIG` size, `EFAULT`, `E2BIG` tail, `EINVAL` for a rip or a base
/// outside the user half; `ESRCH` if no such fault waits for an answer.
pub fn answer(
    caller: &Caller<'_>,
    [task, number, answer, address, size, _]: Arguments,
) -> Result<u64, Errno> {
    let target = caller.look_up(task, task::FAULTS, select::task)?;
    let answer = match answer {
        FAULT_RETRY => Answer::Retry,
        FAULT_CONTINUE => {
            let registers = SizeOf::<Registers>::new(size)?.read(&caller.memory, address)?;
            UserContext::check_told(&registers).map_err(|_| Errno::EINVAL)?;
            Answer::Continue(registers)
        }
        FAULT_END => Answer::End,
        _ => return Err(Errno::EINVAL),
    };
    target.faults.answer(number, answer)?;
    Ok(0)
}
