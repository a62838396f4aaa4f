//! The way out of every trap: which thread runs next, and what must be done before.
//!
//! The thread that this CPU ran goes on unless it has ended, blocks, or must give way. A thread that is in the middle of a
//! call gets one batch of it; then it is looked again whether somebody else should run. When nobody is ready the CPU cleans
//! up until nothing is left, and idles.

use core::mem::replace;
use core::sync::atomic::Ordering;

use omnibus_abi::{DEADLINE_NEVER, Errno};

use super::attention;
use super::doing::Receiving;
use super::reaper::{self, BATCH};
use super::scheduler::{self, TURN_NS};
use super::thread::{Thread, Work};
use super::throttle;
use crate::arch;
use crate::cpu::{Cpu, DOING};
use crate::device::{interrupts, timers};
use crate::service::peer::PeerObject;
use crate::shared::Ref;
use crate::syscall::caller::Caller;
use crate::syscall::machine_memory::MachineMemory;
use crate::syscall::operation::{Operation, Outcome};
use crate::syscall::short::Receive;
use crate::syscall::stopped::Stopped;
use crate::time;
use crate::trace::{Event, trace};

/// How long the reaper lets threads of its priority run between two of its batches, each of which takes about half as long.
const REAPER_PAUSE_NS: u64 = 300_000;

/// What runs next: a thread in user mode, or nothing.
pub type Next = Option<Ref<Thread>>;

/// Decides what this CPU runs next.
pub fn leave(cpu: &mut Cpu) -> Next {
    loop {
        let now_ns = time::now_ns();
        attention::clear_news();
        scheduler::expire(now_ns, BATCH);
        timers::expire(now_ns);
        interrupts::tell();
        throttle::resume(now_ns);
        match &cpu.current {
            Some((thread, Work::User))
                if !thread.task.is_metered() && goes_on(cpu, thread, now_ns) => {}
            Some(_) => {
                if let Some((thread, work)) = cpu.current.take() {
                    keep_or_put(cpu, thread, work, now_ns);
                }
            }
            None => {}
        }
        if is_reapers_turn(cpu, now_ns) {
            reaper::work(BATCH);
            cpu.reaper_turn_ns = time::now_ns() + REAPER_PAUSE_NS;
            arch::take_interrupts();
            continue;
        }
        if cpu.current.is_none() && !choose(cpu, now_ns) {
            arch::take_interrupts();
            continue;
        }
        if let Some((thread, Work::User)) = &cpu.current {
            let thread = thread.clone();
            arm(cpu, &thread);
            return Some(thread);
        }
        let Some((thread, work)) = cpu.current.take() else {
            // Who was ready, and the clean-up's equal, may have been a thread of an ending task: then it is the clean-up's turn after all.
            if reaper::has_work() {
                continue;
            }
            return idle();
        };
        let outcome = step(cpu, &thread, work);
        settle(cpu, thread, outcome);
        arch::take_interrupts();
    }
}

/// True if nothing waits for [`leave`]: nobody became ready, and nothing is to be cleaned up. The end of a turn and the deadlines of others are
/// the timer's, which stays armed.
#[inline(always)]
#[must_use]
pub fn is_quiet() -> bool {
    attention::is_quiet()
}

/// True if there is something to clean up, and nobody more urgent; with those as urgent it shares, a batch at a time.
fn is_reapers_turn(cpu: &Cpu, now_ns: u64) -> bool {
    let Some(priority) = reaper::priority() else {
        return false;
    };
    let current = cpu
        .current
        .as_ref()
        .map(|(thread, _)| thread.task.priority());
    match current.max(scheduler::highest()) {
        Some(other) if other > priority => false,
        Some(other) if other == priority => now_ns >= cpu.reaper_turn_ns,
        _ => true,
    }
}

/// True if the thread that this CPU runs goes on as it is: its task lives on, its turn too, and nobody more urgent is ready.
fn goes_on(cpu: &Cpu, thread: &Thread, now_ns: u64) -> bool {
    now_ns < cpu.turn_end_ns
        && !thread.task.is_ending()
        && !scheduler::must_give_way(thread.task.priority(), false)
}

/// The thread goes on, or others run first, or its task has ended.
fn keep_or_put(cpu: &mut Cpu, thread: Ref<Thread>, work: Work, now_ns: u64) {
    if thread.task.is_ending() {
        thread.doing.finish(0);
        work.give_up(&thread);
        stop(cpu, &thread);
        return;
    }
    if let Work::User = work
        && thread.task.is_metered()
    {
        account_metered(cpu, &thread);
        if let Some(until_ns) = throttle::used_up_until_ns(&thread.task, now_ns) {
            stop(cpu, &thread);
            throttle::wait(thread, until_ns, now_ns);
            return;
        }
    }
    let is_turn_over = now_ns >= cpu.turn_end_ns;
    if scheduler::must_give_way(thread.task.priority(), is_turn_over) {
        stop(cpu, &thread);
        scheduler::put(thread, work);
        return;
    }
    if is_turn_over {
        cpu.turn_end_ns = now_ns + TURN_NS;
    }
    cpu.current = Some((thread, work));
}

/// Accounts for the time of a thread that this CPU runs no more.
fn stop(cpu: &mut Cpu, thread: &Thread) {
    account_metered(cpu, thread);
    // Its registers may go away with it, and another thread's take their place in memory.
    arch::forget_current();
}

/// Adds the time for which a thread ran, since then, to its task's.
#[inline(always)]
pub fn account(since_ticks: &mut u64, thread: &Thread) {
    let now_ticks = time::ticks();
    let used_ticks = now_ticks.wrapping_sub(replace(since_ticks, now_ticks));
    thread
        .task
        .cpu_ticks
        .fetch_add(used_ticks, Ordering::Relaxed);
}

/// The same, of a thread that may be metered: the fast path is for others only.
fn account_metered(cpu: &mut Cpu, thread: &Thread) {
    let since_ticks = cpu.since_ticks;
    account(&mut cpu.since_ticks, thread);
    if thread.task.is_metered() {
        let used_ns = time::ns_of(cpu.since_ticks.wrapping_sub(since_ticks));
        throttle::charge(&thread.task, used_ns, time::now_ns());
    }
}

/// Chooses who runs next, if somebody is ready; false if a batch of threads was looked at in vain, since their shares are used up.
fn choose(cpu: &mut Cpu, mut now_ns: u64) -> bool {
    let mut n_left = BATCH;
    while let Some((thread, work)) = scheduler::take() {
        if thread.task.is_ending() {
            thread.doing.finish(0);
            work.give_up(&thread);
            continue;
        }
        if let Work::User = work
            && let Some(until_ns) = throttle::used_up_until_ns(&thread.task, now_ns)
        {
            let task = thread.task.clone();
            throttle::wait(thread, until_ns, now_ns);
            // What it took to find that out is its own.
            let found_ns = time::now_ns();
            throttle::charge(&task, found_ns.saturating_sub(now_ns), found_ns);
            now_ns = found_ns;
            n_left -= 1;
            if n_left == 0 {
                return false;
            }
            continue;
        }
        begin(cpu, thread, work, now_ns);
        return true;
    }
    true
}

/// This CPU runs `thread`, which says so, for a turn.
fn begin(cpu: &mut Cpu, thread: Ref<Thread>, work: Work, now_ns: u64) {
    trace!(Event::Switch {
        thread: thread.number,
        task: thread.task.number,
    });
    thread.task.space.activate();
    DOING.set_task(thread.task.number);
    cpu.turn_end_ns = now_ns + TURN_NS;
    cpu.since_ticks = time::ticks();
    cpu.current = Some((thread, work));
}

/// Does a batch of the call that `thread` makes.
fn step(cpu: &mut Cpu, thread: &Ref<Thread>, work: Work) -> Outcome {
    let mut caller = Caller {
        thread,
        memory: MachineMemory(thread),
        scratch: &mut cpu.scratch,
    };
    match work {
        Work::Receive(at) => Receive::woken(&thread.machine, at).step(&caller),
        Work::Call | Work::User => match thread.take_unfinished() {
            Some(operation) => operation.step(&mut caller),
            None => Errno::EINVAL.into(),
        },
    }
}

/// What came of a batch of the call that `thread`, which this CPU runs, is making.
pub fn settle(cpu: &mut Cpu, thread: Ref<Thread>, outcome: Outcome) {
    reaper::inherit(thread.task.priority());
    match outcome {
        Outcome::Done(result) => {
            let stopped = match result {
                Err(Errno::EFAULT) => Stopped::in_call(&thread, false),
                _ => None,
            };
            let work = match stopped {
                Some(stopped) => {
                    thread.leave_unfinished(Operation::Stopped(stopped));
                    Work::Call
                }
                None => {
                    finish_call(&thread, result);
                    Work::User
                }
            };
            cpu.current = Some((thread, work));
        }
        Outcome::More(operation) => {
            thread.leave_unfinished(operation);
            cpu.current = Some((thread, Work::Call));
        }
        Outcome::Yield => {
            finish_call(&thread, Ok(0));
            stop(cpu, &thread);
            scheduler::put(thread, Work::User);
        }
        Outcome::Block(operation) => {
            thread.leave_unfinished(operation);
            block(cpu, thread, None);
        }
        Outcome::Resume => cpu.current = Some((thread, Work::User)),
        Outcome::Receive(at) => block(cpu, thread, Some(at)),
        Outcome::Ended => {
            if thread.doing.ended().is_none() {
                thread.doing.finish(0);
            }
            stop(cpu, &thread);
        }
    }
}

/// Ends a call: its result is in the thread's registers.
pub fn finish_call(thread: &Thread, result: Result<u64, Errno>) {
    trace!(Event::Exit {
        thread: thread.number,
        result,
    });
    thread.machine.set_result(result);
}

/// The thread waits in its call, or as the sole one at a peer, unless it was woken meanwhile.
fn block(cpu: &mut Cpu, thread: Ref<Thread>, sole_at: Option<Ref<PeerObject>>) {
    let is_blocked = match &sole_at {
        None => thread.doing.block(),
        Some(at) => {
            let call = thread.machine.short_call();
            let call = Receiving::new(call.is_long(), thread.has_deadline(), call.has_sent());
            thread.doing.receive(at, call)
        }
    };
    if is_blocked {
        stop(cpu, &thread);
    } else {
        cpu.current = Some((thread, sole_at.map_or(Work::Call, Work::Receive)));
    }
}

/// The thread that this CPU runs is blocked already; `next` was chosen to run instead, in the middle of a call.
pub fn replace_blocked(cpu: &mut Cpu, next: Option<(Ref<Thread>, Work)>) {
    if let Some((thread, _)) = cpu.current.take() {
        stop(cpu, &thread);
    }
    if let Some((thread, work)) = next {
        begin(cpu, thread, work, time::now_ns());
    }
}

/// Nobody is ready: the next interrupt wakes this CPU.
fn idle() -> Next {
    match scheduler::next_deadline_ns() {
        DEADLINE_NEVER => arch::timer::disarm(),
        deadline_ns => arch::timer::arm_at(deadline_ns),
    }
    None
}

/// Lets the timer interrupt the thread when its turn is over or somebody is to be woken.
pub fn arm(cpu: &Cpu, thread: &Thread) {
    let mut deadline_ns = scheduler::next_deadline_ns();
    if thread.task.is_metered() {
        let now_ns = time::now_ns();
        let left_ns = throttle::left_ns(&thread.task, now_ns);
        deadline_ns = deadline_ns.min(now_ns.saturating_add(left_ns));
        // Its calls come back to where its time is looked after.
        scheduler::note_news();
    }
    let reaper_ns = match reaper::priority() {
        Some(priority) if priority == thread.task.priority() => cpu.reaper_turn_ns,
        Some(_) | None => u64::MAX,
    };
    arch::timer::arm_at(cpu.turn_end_ns.min(deadline_ns).min(reaper_ns));
}
