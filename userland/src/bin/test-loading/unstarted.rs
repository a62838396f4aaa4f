//! Tasks that have not been started, and granting.

use crate::PROGRAM;
use alloc::vec::Vec;
use omnibus_userland::abi::capability::{account, console, task};
use omnibus_userland::abi::layout::PAGE_BYTES;
use omnibus_userland::abi::native::{TASK_RUNNING, ThreadStart, VM_READ};
use omnibus_userland::abi::{CapabilityNumber, Errno, Kind};
use omnibus_userland::actor::{PATIENCE, soon};
use omnibus_userland::calls::{self, Result};
use omnibus_userland::memory::Memory;
use omnibus_userland::task::{Command, Ending, Task};
use omnibus_userland::{check, check_eq, environment, tests, time};

/// The argument of a task that makes tasks and ends.
pub(crate) const CREATOR: &str = "--creator";

/// Priority of tasks that are not to run, below that of the suite.
const LOW: u64 = 1;

/// Somewhere in the user half.
const START: ThreadStart = ThreadStart {
    flags: 0,
    entry: 0x40_0000,
    stack: 0x80_0000,
    argument: 0,
    tls_base: 0,
};

tests! {
    /// A new task has nothing and does nothing, until it is started; it can be killed before.
    fn tnw_1_empty_and_still(bench) {
        let own = bench.account.carve(64, 0, 64)?;
        let before = own.holdings()?;
        let task = new(&own.number())?;
        let status = task.status()?;
        check_eq!((status.state, status.cpu_ns), (TASK_RUNNING, 0), "its status");
        // The root of its page tables.
        check_eq!(status.n_frames, 1, "frames that it has");
        task.kill()?;
        check_eq!(task.wait_until(time::deadline_in(PATIENCE))?, Ending::Killed, "its end");
        drop(task);
        check!(soon(|| Ok(own.holdings()? == before))?, "what is held: {:?}", own.state()?);
        Ok(())
    }

    /// A task is started once, with an entry and a stack in the user half, and not when it has ended.
    fn tnw_2_started_once(bench) {
        let task = new(&bench.account.number())?;
        let start = |start: &ThreadStart| calls::task_start(task.number(), start);
        for bad in [
            ThreadStart { flags: 1, ..START },
            ThreadStart { entry: 1 << 63, ..START },
            ThreadStart { stack: 1 << 47, ..START },
            ThreadStart { tls_base: u64::MAX, ..START },
        ] {
            check_eq!(start(&bad), Err(Errno::EINVAL), "{bad:x?}");
        }
        check_eq!(start(&START), Ok(()), "the first start");
        check_eq!(start(&START), Err(Errno::EBUSY), "the second");
        task.kill()?;
        check_eq!(start(&START), Err(Errno::ESRCH), "when it is ending");
        task.wait_until(time::deadline_in(PATIENCE))?;
        check_eq!(start(&START), Err(Errno::ESRCH), "when it has ended");
        Ok(())
    }

    /// Each thing that is done to a task needs its right.
    fn tnw_3_rights(bench) {
        let task = new(&bench.account.number())?;
        let all = Kind::Task.all_rights();
        let without = |right: u64| calls::capability_copy(task.number(), all & !right);
        let memory = Memory::new(&bench.account, PAGE_BYTES)?;
        let (no_start, no_grant, no_map) =
            (without(task::START)?, without(task::GRANT)?, without(task::MAP)?);
        check_eq!(calls::task_start(no_start, &START), Err(Errno::EPERM), "without START");
        let granted = calls::task_grant(no_grant, bench.console, console::WRITE);
        check_eq!(granted, Err(Errno::EPERM), "without GRANT");
        let unmappable = Task::from_capability(no_map);
        let mapped = memory.map_into(&unmappable, START.entry, VM_READ);
        check_eq!(mapped, Err(Errno::EPERM), "without MAP");
        for number in [no_start, no_grant] {
            calls::capability_drop(number)?;
        }
        task.kill()?;
        Ok(())
    }

    /// What is granted is a copy with the same rights or fewer, and its number is one of the task's own table.
    fn tnw_4_granting(bench) {
        let task = new(&bench.account.number())?;
        let grant = |number, rights| calls::task_grant(task.number(), number, rights);
        let mut previous = None;
        for _ in 0..300 {
            let number = grant(bench.console, console::WRITE)?;
            check!(Some(number) > previous, "{number:?} after {previous:?}");
            previous = Some(number);
        }
        check_eq!(grant(bench.console, 2), Err(Errno::EPERM), "a right that is not there");
        let weak = calls::capability_copy(bench.account.number(), account::INSPECT)?;
        check_eq!(grant(weak, account::CHARGE).map(drop), Err(Errno::EPERM), "a right once dropped");
        check_eq!(grant(weak, account::INSPECT).map(drop), Ok(()), "a right that is left");
        calls::capability_drop(weak)?;
        check_eq!(grant(weak, 0).map(drop), Err(Errno::EBADF), "no capability");
        task.kill()?;
        check_eq!(grant(bench.console, 0).map(drop), Err(Errno::ESRCH), "to one that is ending");
        task.wait_until(time::deadline_in(PATIENCE))?;
        check_eq!(grant(bench.console, 0).map(drop), Err(Errno::ESRCH), "to one that has ended");
        Ok(())
    }

    /// A task's table grows when it is full, a frame at a time, which its account pays for; one that cannot is refused, and what is in the
    /// table stays.
    fn tnw_7_the_table_is_charged(bench) {
        let rich = bench.account.carve(64, 0, 64)?;
        let task = new(&rich.number())?;
        let used = || rich.state().map(|state| state.frames_maximum - state.frames_available);
        let grant = |task: &Task| calls::task_grant(task.number(), bench.console, console::WRITE);
        let mut grown = Vec::new();
        for n_granted in 0..600 {
            let before = used()?;
            grant(&task)?;
            if used()? > before {
                grown.push(n_granted);
            }
        }
        check!((4..=8).contains(&grown.len()), "the table grew at {grown:?}");
        task.kill()?;
        task.wait_until(time::deadline_in(PATIENCE))?;
        check_eq!(used()?, 0, "frames that are used afterwards");
        let poor = bench.account.carve(64, 0, 6)?;
        let task = new(&poor.number())?;
        let mut n_granted = 0;
        let refusal = loop {
            match grant(&task) {
                Ok(_) => n_granted += 1,
                Err(error) => break error,
            }
        };
        check_eq!(refusal, Errno::EDQUOT, "a table that cannot grow");
        check!(n_granted >= 100, "{n_granted} capabilities in the frames that there are");
        check_eq!(grant(&task).map(drop), Err(Errno::EDQUOT), "once more");
        task.kill()?;
        Ok(())
    }

    /// A task that nobody started ends with the task that made it, and everything it had is given back.
    fn tnw_5_unstarted_tasks_end_with_their_creator(bench) {
        let own = bench.account.carve(600, 4096, 600)?;
        let before = own.holdings()?;
        let creator = Command::new(PROGRAM)
            .argument(CREATOR)
            .grant(own.number(), account::CHARGE)
            .spawn(&own)?;
        let ending = creator.wait_until(time::deadline_in(PATIENCE))?;
        check_eq!(ending, Ending::Exited(0), "the creator's end");
        drop(creator);
        check!(soon(|| Ok(own.holdings()? == before))?, "what is held: {:?}", own.state()?);
        Ok(())
    }

    /// What cannot be made: names out of range, priorities above the caller's, accounts without the right.
    fn tnw_6_new_refusals(bench) {
        let own = bench.account.number();
        let make = |account, name, priority| calls::task_new(account, name, priority).map(drop);
        check_eq!(make(own, "", LOW), Err(Errno::EINVAL), "no name");
        let long = core::str::from_utf8(&[b'x'; 256]).map_err(|_| Errno::EINVAL)?;
        check_eq!(make(own, long, LOW), Err(Errno::EMSGSIZE), "a long name");
        check_eq!(make(own, "x", 32), Err(Errno::EINVAL), "a priority that is none");
        check_eq!(make(bench.console, "x", LOW), Err(Errno::EOPNOTSUPP), "a console that pays");
        let weak = calls::capability_copy(own, account::INSPECT)?;
        check_eq!(make(weak, "x", LOW), Err(Errno::EPERM), "an account without CHARGE");
        calls::capability_drop(weak)?;
        let poor = bench.account.carve(64, 0, 0)?;
        check_eq!(make(poor.number(), "x", LOW), Err(Errno::EDQUOT), "an account without frames");
        Ok(())
    }
}

fn new(account: &CapabilityNumber) -> Result<Task> {
    calls::task_new(*account, "unstarted", LOW).map(Task::from_capability)
}

/// Makes tasks, one of them with memory, all with capabilities to each other, starts none, and ends.
pub(crate) fn create() -> u8 {
    let make = |bench_account| -> Result<()> {
        let tasks = [
            new(&bench_account)?,
            new(&bench_account)?,
            new(&bench_account)?,
        ];
        let account = omnibus_userland::account::Account::from_capability(bench_account);
        let memory = Memory::new(&account, 5 * PAGE_BYTES)?;
        for task in &tasks {
            memory.map_into(task, START.entry, VM_READ)?;
            for other in &tasks {
                calls::task_grant(task.number(), other.number(), task::KILL)?;
            }
            calls::task_grant(task.number(), memory.number(), 0)?;
        }
        core::mem::forget(account);
        Ok(())
    };
    match environment::find(Kind::Account).map(make) {
        Some(Ok(())) => 0,
        Some(Err(_)) => 1,
        None => 2,
    }
}
