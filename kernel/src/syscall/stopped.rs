//! A thread that stands at a fault, until its task's pager says how it goes on ([`crate::task::faults`]).
//!
//! It is a call like any other that waits, though the program made none, or made another: one that met memory which it could not use has
//! been given up without a trace (ERR-1, ERR-3), and is made again from its beginning when the pager says so. Only a transfer that is writing
//! its new ids is kept as it is, and goes on from there.

use omnibus_abi::native::FAULT_IN_CALL;

use super::operation::{Operation, Outcome};
use super::short::Receive;
use super::transfer::Transfer;
use crate::arch::trap::Fault;
use crate::arch::vectors::PAGE_FAULT;
use crate::shared::Ref;
use crate::task::end::End;
use crate::task::faults::{Answer, Pager, Telling};
use crate::task::task::Task;
use crate::task::thread::Thread;

/// What is tried again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum GoesOn {
    /// The instruction.
    InUserMode,
    /// The whole call.
    InCall,
    /// The receiving part of a call that has sent its message.
    Receiving,
}

/// See the module's documentation.
pub struct Stopped {
    fault: Fault,
    goes_on: GoesOn,
    /// The call, if it goes on from where it is.
    transfer: Option<Transfer>,
    /// Who was told, and under which number; none while it stands in line.
    told: Option<(Ref<Pager>, u64)>,
}

impl Stopped {
    /// At `fault` in user mode, if the task of `thread` has a pager.
    #[must_use]
    pub fn in_user_mode(thread: &Thread, fault: Fault) -> Option<Self> {
        Self::new(thread, fault, GoesOn::InUserMode)
    }

    /// In a call that met memory which it could not use, and was given up; if the task of `thread` has a pager. Of a call that has sent its
    /// message only the part that receives was, and is made again.
    #[cold]
    #[must_use]
    pub fn in_call(thread: &Thread, has_sent: bool) -> Option<Self> {
        let (address, is_write) = thread.missed.get()?;
        // Error code (SDM 3A 4.7): bit 0 protection, 1 write, 2 in user mode.
        let is_there = thread.task.space.behind_unmapped(address).is_none();
        let error_code = 4 | u64::from(is_write) << 1 | u64::from(is_there);
        let fault = Fault {
            vector: PAGE_FAULT,
            error_code,
            address,
        };
        let goes_on = match has_sent {
            true => GoesOn::Receiving,
            false => GoesOn::InCall,
        };
        Self::new(thread, fault, goes_on)
    }

    fn new(thread: &Thread, fault: Fault, goes_on: GoesOn) -> Option<Self> {
        thread.task.faults.has_pager().then_some(Self {
            fault,
            goes_on,
            transfer: None,
            told: None,
        })
    }

    /// `transfer` goes on from where it is, instead of the call from its beginning.
    #[must_use]
    pub fn before(self, transfer: Transfer) -> Self {
        Self {
            transfer: Some(transfer),
            ..self
        }
    }

    /// Looks for the answer, or for its turn to be told; waits.
    pub fn step(mut self, thread: &Ref<Thread>) -> Outcome {
        let faults = &thread.task.faults;
        if self.told.is_none() {
            let is_entered = self.enter(thread);
            match faults.tell(thread, &self.fault, self.flags()) {
                Telling::InLine if is_entered => {
                    return Outcome::Block(Operation::Stopped(self));
                }
                // A thousand others stand there already: look again when they have run.
                Telling::InLine => return Outcome::More(Operation::Stopped(self)),
                Telling::Nobody => return self.end(thread),
                Telling::Told(pager, number) => {
                    self.leave(thread);
                    self.told = Some((pager, number));
                }
            }
        }
        let is_entered = self.enter(thread);
        let Some((pager, number)) = &self.told else {
            return Outcome::More(Operation::Stopped(self));
        };
        match faults.take_answer(*number) {
            Some(answer) => self.go_on(thread, &answer),
            None if pager.is_gone() => self.end(thread),
            None if is_entered => Outcome::Block(Operation::Stopped(self)),
            None => Outcome::More(Operation::Stopped(self)),
        }
    }

    fn flags(&self) -> u64 {
        match self.goes_on {
            GoesOn::InUserMode => 0,
            GoesOn::InCall | GoesOn::Receiving => FAULT_IN_CALL,
        }
    }

    fn go_on(mut self, thread: &Ref<Thread>, answer: &Answer) -> Outcome {
        match answer {
            Answer::End => return self.end(thread),
            Answer::Continue(registers) => {
                if thread.machine.set_told(registers).is_err() {
                    return self.end(thread);
                }
                self.goes_on = GoesOn::InUserMode;
            }
            Answer::Retry => {}
        }
        self.leave(thread);
        match (self.goes_on, self.transfer) {
            (GoesOn::InUserMode, None) => Outcome::Resume,
            (GoesOn::InUserMode, Some(transfer)) => transfer.resume(),
            (GoesOn::InCall, None) => Outcome::More(Operation::Restart),
            (_, Some(transfer)) => Outcome::More(Operation::Transfer(transfer)),
            (GoesOn::Receiving, None) => Outcome::More(Operation::Receive(Receive::new(true))),
        }
    }

    fn end(self, thread: &Ref<Thread>) -> Outcome {
        let fault = self.fault;
        if let Some(transfer) = self.abandon(thread) {
            // The reaper gives back in batches what it has set aside.
            thread.leave_unfinished(Operation::Transfer(transfer));
        }
        end_faulted(thread, &fault);
        Outcome::Ended
    }

    /// Enters the queue of what it waits for; false if that is full.
    fn enter(&self, thread: &Ref<Thread>) -> bool {
        let queue = match &self.told {
            None => &thread.task.faults.line,
            Some((pager, _)) => &pager.peer().waiters,
        };
        thread
            .waiter()
            .is_some_and(|waiter| queue.enter(&waiter).is_ok())
    }

    fn leave(&self, thread: &Ref<Thread>) {
        if let Some(waiter) = thread.waiter() {
            thread.task.faults.line.leave(&waiter);
            if let Some((pager, _)) = &self.told {
                pager.peer().waiters.leave(&waiter);
            }
        }
    }

    /// The thread has ended: the transfer that it was making, if any.
    #[must_use]
    pub fn abandon(self, thread: &Ref<Thread>) -> Option<Transfer> {
        self.leave(thread);
        if let Some((_, number)) = self.told {
            thread.task.faults.forget(number);
        }
        self.transfer
    }
}

/// The fault ends the task of `thread`, with a report, and nobody else.
pub fn end_faulted(thread: &Thread, fault: &Fault) {
    let task = &thread.task;
    crate::log::kernel!(
        "task {} ({}) ended: {fault}, rip {:#x}",
        task.number,
        task.name.as_str(),
        thread.machine.instruction(),
    );
    let end = End::Faulted {
        vector: fault.vector,
        address: fault.address,
    };
    Task::end(task, end);
}
