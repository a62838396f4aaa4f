//! Who runs, and until when.
//!
//! State that all CPUs share: who is ready, and who is to be woken when. What one CPU is doing is in [`crate::cpu`].

use core::sync::atomic::{AtomicU32, Ordering};

use omnibus_abi::DEADLINE_NEVER;

use super::attention::{self, Reason};
use super::deadlines::Deadlines;
use super::priorities::{Priorities, Priority};
use super::ready::ReadyQueue;
use super::thread::{Thread, Work};
use super::throttle;
use crate::device::timers;
use crate::lock::{Lock, Rank};
use crate::shared::{OutOfMemory, Ref};

/// How long a thread runs before another of its priority has its turn.
pub const TURN_NS: u64 = 10_000_000;

static READY: Lock<ReadyQueue<Thread>> = Lock::new(Rank::Ready, ReadyQueue::new());
static DEADLINES: Lock<Deadlines<Ref<Thread>>> = Lock::new(Rank::Deadlines, Deadlines::new());

/// The priorities at which somebody is ready, as [`READY`] has them.
static OCCUPIED: AtomicU32 = AtomicU32::new(0);

/// The thread that runs may have to give way, though nobody became ready.
pub fn note_news() {
    Reason::News.give();
}

/// Sets room aside for the deadline of one more thread.
///
/// # Errors
/// [`OutOfMemory`].
pub fn admit() -> Result<(), OutOfMemory> {
    DEADLINES.lock().admit().map_err(|_| OutOfMemory)
}

/// Gives that room back.
pub fn dismiss() {
    DEADLINES.lock().dismiss();
}

/// Makes a new thread ready.
pub fn start(thread: Ref<Thread>) {
    put(thread, Work::User);
}

/// Makes a thread that this CPU ran ready, behind all of its priority.
pub fn put(thread: Ref<Thread>, work: Work) {
    thread.doing.give_way(work);
    push(thread);
}

/// Makes a thread that was claimed ready to look for its message itself.
pub fn give_back(thread: Ref<Thread>) {
    thread.doing.give_back();
    push(thread);
}

fn change<R>(work: impl FnOnce(&mut ReadyQueue<Thread>) -> R) -> R {
    let mut ready = READY.lock();
    let result = work(&mut ready);
    OCCUPIED.store(ready.occupied().bits(), Ordering::Relaxed);
    result
}

/// Enters a thread that says that it is ready.
pub(super) fn push(thread: Ref<Thread>) {
    change(|ready| ready.push(thread));
    Reason::Ready.give();
}

/// The priority of `thread` has changed: it is ready as that, if it is.
pub fn move_over(thread: &Ref<Thread>) {
    change(|ready| ready.move_over(thread));
}

/// Takes a thread out of both queues.
pub(super) fn remove(thread: &Ref<Thread>) {
    let removed = change(|ready| ready.remove(thread));
    if removed.is_none() {
        throttle::remove(thread);
    }
    drop(removed);
    let cancelled = DEADLINES.lock().cancel(thread);
    drop(cancelled);
}

/// Chooses the thread to run next; it says that it is running.
pub fn take() -> Option<(Ref<Thread>, Work)> {
    loop {
        let thread = change(ReadyQueue::pop)?;
        // Otherwise it ended after it was taken out.
        if let Some(work) = thread.doing.begin() {
            return Some((thread, work));
        }
    }
}

/// The highest priority of anybody ready. Read without the lock: what another CPU changes meanwhile is news for the next look.
#[inline]
#[must_use]
pub fn highest() -> Option<Priority> {
    Priorities::from_bits(OCCUPIED.load(Ordering::Relaxed)).highest()
}

/// True if the thread that this CPU runs, of `priority`, may go on after a call without a look around: nothing has happened but that others
/// became ready, none of them more urgent. They run when its turn is over, or it blocks.
#[inline(always)]
#[must_use]
pub fn goes_on(priority: Priority) -> bool {
    if attention::is_quiet() {
        return true;
    }
    if !attention::is_nothing_but_ready() {
        return false;
    }
    // Before it is looked who that is: whoever becomes ready from here on gives the reason again.
    Reason::Ready.take_back();
    highest() <= Some(priority)
}

/// True if a running thread of `priority` must give way.
#[must_use]
pub fn must_give_way(priority: Priority, is_turn_over: bool) -> bool {
    READY.lock().has_better(priority, is_turn_over)
}

/// Wakes `thread` at `deadline_ns`, unless it has a deadline already.
pub fn set_deadline(thread: &Ref<Thread>, deadline_ns: u64) {
    if deadline_ns != DEADLINE_NEVER {
        DEADLINES.lock().enter(deadline_ns, thread.clone());
    }
}

/// Forgets the deadline of `thread`.
pub fn cancel_deadline(thread: &Ref<Thread>) {
    let cancelled = DEADLINES.lock().cancel(thread);
    drop(cancelled);
}

/// When somebody is to be woken, or a timer expires, or a share is given again, next; [`DEADLINE_NEVER`] if there is none of these.
#[must_use]
pub fn next_deadline_ns() -> u64 {
    let earliest_ns = DEADLINES.lock().earliest_ns();
    let deadline_ns = earliest_ns.unwrap_or(DEADLINE_NEVER);
    deadline_ns.min(timers::next_ns()).min(throttle::next_ns())
}

/// Wakes up to `budget` threads whose deadline is not after `now_ns`; false if some may be left.
pub fn expire(now_ns: u64, budget: u32) -> bool {
    for _ in 0..budget {
        let due = DEADLINES.lock().pop_due(now_ns);
        match due {
            Some(thread) => Thread::wake(&thread),
            None => return true,
        }
    }
    false
}
