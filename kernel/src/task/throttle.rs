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
use crate::service::account::{AccountObject, Share};
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

fn with_shares(task: &Task, mut work: impl FnMut(&mut Share)) {
    for share in task.account.upwards().filter_map(|at| at.share.as_ref()) {
        work(&mut share.lock());
    }
}

/// A thread of `task`, which is metered, has used the CPU for `used_ns` until now.
pub fn charge(task: &Task, used_ns: u64, now_ns: u64) {
    with_shares(task, |share| share.budget.take(used_ns, now_ns));
}

/// What threads of `task`, which is metered, may still use.
#[must_use]
pub fn left_ns(task: &Task, now_ns: u64) -> u64 {
    let mut left_ns = u64::MAX;
    with_shares(task, |share| {
        left_ns = left_ns.min(share.budget.left_ns(now_ns));
    });
    left_ns
}

/// If a share of `task`'s is used up, until when.
#[inline]
#[must_use]
pub fn used_up_until_ns(task: &Task, now_ns: u64) -> Option<u64> {
    if !task.account.is_metered {
        return None;
    }
    let mut until_ns = None;
    with_shares(task, |share| {
        until_ns = until_ns.max(share.budget.used_up_until_ns(now_ns));
    });
    until_ns
}

/// Lets a thread, which this CPU ran or has just chosen, wait until `until_ns`. It was to go on in user mode.
pub fn wait(thread: Ref<Thread>, until_ns: u64, now_ns: u64) {
    let Some(account) = AccountObject::nearest_with_share(&thread.task.account) else {
        return scheduler::put(thread, Work::User);
    };
    thread.doing.give_way(Work::User);
    if let Some(share) = &account.share {
        share.lock().waiting.push_back(thread);
    }
    let until_ns = until_ns.min(now_ns.saturating_add(LOOK_AGAIN_NS));
    change(|waiting| waiting.enter(until_ns, account));
}

/// Takes an ended thread out, if it waits; its account waits no more if it was the last.
pub fn remove(thread: &Ref<Thread>) {
    if !thread.task.account.is_metered {
        return;
    }
    let Some(account) = AccountObject::nearest_with_share(&thread.task.account) else {
        return;
    };
    let Some(share) = &account.share else {
        return;
    };
    let (removed, is_empty) = {
        let mut share = share.lock();
        (share.waiting.remove(thread), share.waiting.is_empty())
    };
    if removed.is_some() && is_empty {
        let cancelled = change(|waiting| waiting.cancel(&account));
        drop(cancelled);
    }
}

/// The share of `account` is another: who waits for it looks again at once.
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
        && let Some(share) = &account.share
    {
        let began_ns = time::now_ns();
        let is_over = loop {
            let thread = share.lock().waiting.pop_front();
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
        for share in account.upwards().filter_map(|at| at.share.as_ref()) {
            let used_ns = ended_ns.saturating_sub(began_ns);
            share.lock().budget.take(used_ns, ended_ns);
        }
        if !is_over {
            change(|waiting| waiting.enter(now_ns, account.clone()));
        }
    }
}
