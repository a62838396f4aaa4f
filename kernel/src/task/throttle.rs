//! Threads whose share of CPU time is used up wait here, and go on when it is given again.
//!
//! Only threads of metered tasks are ever seen here ([`AccountObject`]), and these only on the long way out of the kernel: the fast path is
//! not for them, neither as senders, since [`super::run::leave`] lets every one of their calls come back to it, nor as receivers,
//! since they never wait to be handed a message over.
//!
//! 1. A thread waits when it is about to go on in user mode and a share is used up. A call that has begun is seen through; it may have
//!    parts of the system in hand that others want. The time that it took is a debt.
//! 2. It waits as a ready thread, in the list of its nearest share instead of the queue of ready threads. The account that the list
//!    belongs to has a deadline when it does, and from then on the threads are ready again, a batch at a time; those that find a share
//!    used up wait again.
//! 3. What the kernel does to let them wait and go on is taken off their share, too.

use core::sync::atomic::{AtomicU64, Ordering};

use super::deadlines::Deadlines;
use super::scheduler;
use super::task::Task;
use super::thread::{Thread, Work};
use crate::lock::{Lock, Rank};
use crate::service::account::AccountObject;
use crate::service::budget::Budget;
use crate::shared::{OutOfMemory, Ref};
use crate::time;

/// The longest wait before it is looked again: a share further up may have been changed.
const LOOK_AGAIN_NS: u64 = 1_000_000_000;

/// Threads that go on in one batch.
const BATCH: u32 = 64;

/// Accounts of which threads wait.
static WAITING: Lock<Deadlines<Ref<AccountObject>>> = Lock::new(Rank::Deadlines, Deadlines::new());

/// The earliest of their deadlines.
static NEXT_NS: AtomicU64 = AtomicU64::new(u64::MAX);

/// Sets room aside for one more account with a share.
///
/// # Errors
/// [`OutOfMemory`].
pub fn admit() -> Result<(), OutOfMemory> {
    WAITING.lock().admit().map_err(|_| OutOfMemory)
}

/// Gives that room back.
pub fn dismiss() {
    WAITING.lock().dismiss();
}

fn change<R>(work: impl FnOnce(&mut Deadlines<Ref<AccountObject>>) -> R) -> R {
    let mut waiting = WAITING.lock();
    let result = work(&mut waiting);
    let next_ns = waiting.earliest_ns().unwrap_or(u64::MAX);
    NEXT_NS.store(next_ns, Ordering::Relaxed);
    result
}

/// A thread of `task`, which is metered, has used the CPU for `used_ns` until now.
pub fn charge(task: &Task, used_ns: u64, now_ns: u64) {
    let take = |budget: &mut Budget| budget.take(used_ns, now_ns);
    task.account.with_budgets(take);
}

/// What threads of `task`, which is metered, may still use.
#[must_use]
pub fn left_ns(task: &Task, now_ns: u64) -> u64 {
    let mut left_ns = u64::MAX;
    task.account.with_budgets(|budget| {
        left_ns = left_ns.min(budget.left_ns(now_ns));
    });
    left_ns
}

/// If a share of `task`'s is used up, until when.
#[inline]
#[must_use]
pub fn used_up_until_ns(task: &Task, now_ns: u64) -> Option<u64> {
    if !task.is_metered() {
        return None;
    }
    let mut until_ns = None;
    task.account.with_budgets(|budget| {
        until_ns = until_ns.max(budget.used_up_until_ns(now_ns));
    });
    until_ns
}

/// Lets a thread, which this CPU ran or has just chosen, wait until `until_ns`. It was to go on in user mode.
pub fn wait(thread: Ref<Thread>, until_ns: u64, now_ns: u64) {
    let Some(account) = AccountObject::nearest_with_share(&thread.task.account) else {
        return scheduler::put(thread, Work::User);
    };
    thread.doing.give_way(Work::User);
    account.waiting().waiting.push_back(thread);
    let until_ns = until_ns.min(now_ns.saturating_add(LOOK_AGAIN_NS));
    change(|waiting| waiting.enter(until_ns, account));
}

/// Takes an ended thread out, if it waits; its account waits no more if it was the last. The share for which it waits may not be the nearest
/// any more, or none at all.
pub fn remove(thread: &Ref<Thread>) {
    let mut at = Some(&thread.task.account);
    while let Some(account) = at {
        let (removed, is_empty) = {
            let mut share = account.waiting();
            (share.waiting.remove(thread), share.waiting.is_empty())
        };
        if removed.is_some() {
            if is_empty {
                drop(change(|waiting| waiting.cancel(account)));
            }
            return;
        }
        at = account.parent();
    }
}

/// The share of `account` is another, or gone: who waits for it looks again at once.
pub fn look_again(account: &Ref<AccountObject>, now_ns: u64) {
    let cancelled = change(|waiting| {
        let cancelled = waiting.cancel(account);
        if cancelled.is_some() {
            waiting.enter(now_ns, account.clone());
        }
        cancelled
    });
    drop(cancelled);
    scheduler::note_news();
}

/// When somebody goes on next.
#[inline]
#[must_use]
pub fn next_ns() -> u64 {
    NEXT_NS.load(Ordering::Relaxed)
}

/// Makes threads ready that have waited until now, up to a batch.
#[inline]
pub fn resume(now_ns: u64) {
    if next_ns() <= now_ns {
        resume_batch(now_ns);
    }
}

#[cold]
fn resume_batch(now_ns: u64) {
    let mut n_left = BATCH;
    while n_left > 0
        && let Some(account) = change(|waiting| waiting.pop_due(now_ns))
    {
        let began_ns = time::now_ns();
        let is_over = loop {
            let thread = account.waiting().waiting.pop_front();
            match thread {
                None => break true,
                Some(thread) => scheduler::push(thread),
            }
            n_left -= 1;
            if n_left == 0 {
                break false;
            }
        };
        let ended_ns = time::now_ns();
        let used_ns = ended_ns.saturating_sub(began_ns);
        account.with_budgets(|budget| budget.take(used_ns, ended_ns));
        if !is_over {
            change(|waiting| waiting.enter(now_ns, account.clone()));
        }
    }
}
