//! `task_priority`: how urgent a task is, and how urgent it can be.
//!
//! The priority is the task's, not each thread's, so it is changed at one instant. Threads that are ready are in a queue by the
//! priority that they had when they entered it; they are moved over, a batch at a time. Who becomes ready meanwhile enters as what
//! the task is by then.

use omnibus_abi::Errno;
use omnibus_abi::capability::task;

use super::Arguments;
use super::caller::Caller;
use super::operation::{Operation, Outcome};
use crate::cap::select;
use crate::shared::Ref;
use crate::task::priorities::Priority;
use crate::task::reaper::BATCH;
use crate::task::scheduler;
use crate::task::task::Task;
use crate::task::thread::Thread;

/// `task_priority(task, priority, maximum)`: `EBADF`, `EOPNOTSUPP`, `EPERM` task; `EINVAL` for no priority, or one above the maximum; `EPERM`
/// above the caller's maximum; `ESRCH` if it has ended.
pub fn begin(caller: &Caller<'_>, arguments: Arguments) -> Outcome {
    match change(caller, arguments) {
        Ok(task) => MoveOver { task, at: None }.step(),
        Err(errno) => errno.into(),
    }
}

fn change(
    caller: &Caller<'_>,
    [number, priority, maximum, ..]: Arguments,
) -> Result<Ref<Task>, Errno> {
    let target = caller.look_up(number, task::PRIORITY, select::task)?;
    let priority = Priority::new(priority).ok_or(Errno::EINVAL)?;
    let maximum = Priority::new(maximum).ok_or(Errno::EINVAL)?;
    target.change_priority(priority, maximum, caller.task().urgency.maximum())?;
    Ok(target)
}

/// The threads of a task whose priority has changed are moved over.
pub struct MoveOver {
    task: Ref<Task>,
    /// The last that was.
    at: Option<Ref<Thread>>,
}

impl MoveOver {
    /// Does a batch.
    pub fn step(mut self) -> Outcome {
        for _ in 0..BATCH {
            let next = self.task.thread_after(self.at.as_ref());
            let Some(thread) = next else {
                // The calling thread may have to give way now.
                scheduler::note_news();
                return Outcome::Done(Ok(0));
            };
            scheduler::move_over(&thread);
            self.at = Some(thread);
        }
        Outcome::More(Operation::MoveOver(self))
    }
}
