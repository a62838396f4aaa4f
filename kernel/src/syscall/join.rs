//! `thread_join`: until a thread has ended.

use omnibus_abi::Errno;
use omnibus_abi::capability::thread;

use super::Arguments;
use super::caller::Caller;
use super::operation::{Operation, Outcome};
use crate::cap::select;
use crate::shared::Ref;
use crate::task::scheduler;
use crate::task::thread::Thread;
use crate::time;

/// A join that has to wait.
pub struct Join {
    target: Ref<Thread>,
    deadline_ns: u64,
}

/// `thread_join(thread, deadline_ns)`: `EBADF`, `EOPNOTSUPP`, `EPERM`; `EDEADLK` for the caller itself; `ETIMEDOUT`.
pub fn begin(caller: &Caller<'_>, [number, deadline_ns, ..]: Arguments) -> Outcome {
    let target = match caller.look_up(number, thread::JOIN, select::thread) {
        Ok(target) => target,
        Err(errno) => return errno.into(),
    };
    if target.ptr_eq(caller.thread) {
        return Errno::EDEADLK.into();
    }
    let join = Join {
        target,
        deadline_ns,
    };
    join.step(caller)
}

impl Join {
    /// Looks; waits if the thread has not ended.
    pub fn step(self, caller: &Caller<'_>) -> Outcome {
        if let Some(result) = self.look() {
            self.leave(caller.thread);
            return result.into();
        }
        let entered = match caller.thread.waiter() {
            Some(waiter) => self.target.joiners.enter(&waiter).is_ok(),
            None => false,
        };
        if !entered {
            // A thousand others wait already: look again when they have run.
            return Outcome::More(Operation::Join(self));
        }
        scheduler::set_deadline(caller.thread, self.deadline_ns);
        // It may have ended before the queue was entered.
        if let Some(result) = self.look() {
            self.leave(caller.thread);
            return result.into();
        }
        Outcome::Block(Operation::Join(self))
    }

    fn look(&self) -> Option<Result<u64, Errno>> {
        match self.target.doing.ended() {
            Some(value) => Some(Ok(value)),
            None if self.deadline_ns <= time::now_ns() => Some(Err(Errno::ETIMEDOUT)),
            None => None,
        }
    }

    /// Leaves the queue.
    pub fn leave(&self, thread: &Ref<Thread>) {
        if let Some(waiter) = thread.waiter() {
            self.target.joiners.leave(&waiter);
        }
        scheduler::cancel_deadline(thread);
    }
}
