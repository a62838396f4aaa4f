//! The kernel as a function of a trap.
//!
//! User mode stops for a system call, an interrupt or a fault; the entry code has saved its registers in its thread. What is
//! to be done is done here, and [`run::leave`] says which thread's registers are loaded next.

use omnibus_abi::{Call, Errno};

use crate::arch::context::Next;
use crate::arch::report;
use crate::arch::trap::{Exit, Fault, Trap};
use crate::cpu::{Cpu, DOING};
use crate::fast::{self, Done};
#[cfg(feature = "sabotage")]
use crate::sabotage::{self, Promise};
use crate::syscall::operation::{Operation, Outcome};
use crate::syscall::stopped::{Stopped, end_faulted};
use crate::syscall::{self, caller::Caller, machine_memory::MachineMemory};
use crate::task::thread::{Thread, Work};
use crate::task::{reaper, run, scheduler};
use crate::trace::{Event, trace};

/// A system call of the thread that this CPU runs.
#[inline(always)]
pub fn syscall(cpu: &mut Cpu) -> Exit {
    let Some(current) = &mut cpu.current else {
        return Exit::To(leave(cpu));
    };
    let (thread, _) = &*current;
    let number = thread.machine.call_number();
    trace!(Event::Entry {
        thread: thread.number,
        call: number,
    });
    DOING.set_call(Some(number));
    if !run::is_quiet() {
        return Exit::To(general(cpu));
    }
    if number as u32 == Call::CallShort as u32
        && let Some(done) = fast::call_plain(current, &mut cpu.since_ticks)
    {
        return exit(cpu, done);
    }
    let (thread, _) = &*current;
    if let Some(result) = syscall::brief(number) {
        return Exit::To(finish(thread, result));
    }
    match fast::call(cpu, number) {
        Some(done) => exit(cpu, done),
        None => Exit::To(general(cpu)),
    }
}

/// Leaves as the fast path says.
#[inline(always)]
fn exit(cpu: &mut Cpu, done: Done) -> Exit {
    match done {
        Done::Value(value) => match &cpu.current {
            Some((thread, _)) => Exit::To(finish(thread, Ok(value))),
            None => Exit::To(leave(cpu)),
        },
        Done::Switched(context) => Exit::Switched(context),
        Done::Resumed(context) => Exit::To(Some(context)),
        Done::Leave => Exit::To(leave(cpu)),
    }
}

/// The call goes back to the thread that made it.
#[inline(always)]
fn finish(thread: &Thread, result: Result<u64, Errno>) -> Next {
    run::finish_call(thread, result);
    DOING.set_call(None);
    Some(thread.machine.context())
}

/// A system call of any kind, however long.
#[inline(never)]
fn general(cpu: &mut Cpu) -> Next {
    let Some((thread, _)) = &cpu.current else {
        return leave(cpu);
    };
    let outcome = {
        let mut caller = Caller {
            thread,
            memory: MachineMemory(thread),
            scratch: &mut cpu.scratch,
        };
        syscall::begin(&mut caller)
    };
    if let Outcome::Done(result) = outcome
        && result != Err(Errno::EFAULT)
        && scheduler::goes_on(thread.task.priority())
    {
        return finish(thread, result);
    }
    if let Some((thread, _)) = cpu.current.take() {
        run::settle(cpu, thread, outcome);
    }
    leave(cpu)
}

/// Everything else that stops user mode, or wakes an idle CPU.
pub fn handle(cpu: &mut Cpu, trap: Trap) -> Next {
    match trap {
        // Whom to wake and who gives way is looked for on every way out.
        Trap::Timer if crate::arch::slice::is_on() => cpu.turn_end_ns = 0,
        Trap::Timer | Trap::Interrupt(_) => {}
        Trap::Fault(fault) => stop_faulted(cpu, fault),
    }
    leave(cpu)
}

/// Sets aside the memory of the CPU; ends the machine if there is none.
pub fn set_up(cpu: &mut Cpu) {
    if cpu.scratch.set_up().is_err() {
        report::refuse(format_args!("too little memory for the CPU's own"));
    }
}

/// Begins to run threads, at the end of the boot sequence.
pub fn start(cpu: &mut Cpu) -> Next {
    leave(cpu)
}

#[inline(never)]
fn leave(cpu: &mut Cpu) -> Next {
    let next = run::leave(cpu).map(|thread| thread.machine.context());
    DOING.set_call(None);
    next
}

/// A thread that faults in user mode stands still if somebody looks after its task's faults; else the task ends.
fn stop_faulted(cpu: &mut Cpu, fault: Fault) {
    let Some((thread, work)) = cpu.current.take() else {
        return;
    };
    trace!(Event::Fault {
        thread: thread.number,
        vector: fault.vector,
        address: fault.address,
    });
    #[cfg(feature = "sabotage")]
    if sabotage::breaks(Promise::Isolation) && sabotage::lend(&thread.task, fault.address) {
        cpu.current = Some((thread, work));
        return;
    }
    let stopped = Stopped::in_user_mode(&thread, fault);
    let work = match stopped.filter(|_| !thread.task.is_ending()) {
        Some(stopped) => {
            thread.leave_unfinished(Operation::Stopped(stopped));
            Work::Call
        }
        None => {
            end_faulted(&thread, &fault);
            reaper::inherit(thread.task.priority());
            work
        }
    };
    cpu.current = Some((thread, work));
}
