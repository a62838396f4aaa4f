//! What is left to be cleaned up, done in batches of bounded length.
//!
//! Dropping the last capability of a peer, or ending a task, only puts it on a list here; nothing is taken apart in the
//! midst of another call, and nothing on the stack of a drop. The lists need no memory. The way out of every trap does the work
//! ([`super::run`]), as if it were a thread: its priority is the highest of those who caused it, of the tasks to be taken apart and of
//! the threads that ended them.
//!
//! Peers come before memory objects, and those before tasks: when the end of a task is announced, the peers that it held open have
//! closed, and the memory that it alone held is free.

use core::sync::atomic::{AtomicBool, Ordering};

use super::attention::Reason;
use super::end::End;
use super::first;
use super::priorities::Priority;
use super::scheduler;
use super::task::{Ending, Task};
use super::thread::Thread;
use crate::cap::table::Dismantled;
use crate::lock::{Lock, Rank};
use crate::memory::{self, Memory};
use crate::sabotage::{self, Promise};
use crate::service::peer::{self, PeerObject, Unfinished};
use crate::shared::{List, Ref};
use bus1_service::Progress;

/// Pieces of work of a batch: each is a few hundred instructions (ORD-8).
pub const BATCH: u32 = 64;

/// Page-table entries looked at in one piece of work; a table has 512.
const ENTRIES: usize = 512;

/// Pieces that a page table full of pages stands for.
const ENTRIES_COST: u32 = BATCH;

struct Lists {
    peers: List<PeerObject, Unfinished>,
    memories: List<Memory, memory::Freed>,
    tasks: List<Task, Ending>,
    /// Of the work as a whole, until nothing is left.
    priority: Priority,
}

/// Work was added, and [`inherit`] has not been told by whom.
static IS_NEW: AtomicBool = AtomicBool::new(false);

static LISTS: Lock<Lists> = Lock::new(
    Rank::Reaper,
    Lists {
        peers: List::new(),
        memories: List::new(),
        tasks: List::new(),
        priority: Priority::LOWEST,
    },
);

/// Sees the open release or closing of a peer through.
pub fn finish(peer: Ref<PeerObject>) {
    let mut lists = LISTS.lock();
    lists.peers.push_back(peer);
    lists.note();
}

/// Frees a memory object that nobody holds any more.
pub fn free(memory: Ref<Memory>) {
    let mut lists = LISTS.lock();
    lists.memories.push_back(memory);
    lists.note();
}

/// Takes an ending task apart.
pub fn end(task: Ref<Task>) {
    let mut lists = LISTS.lock();
    lists.priority = lists.priority.max(task.priority());
    lists.tasks.push_back(task);
    lists.note();
}

impl Lists {
    fn note(&self) {
        IS_NEW.store(true, Ordering::Relaxed);
        Reason::Work.give();
    }

    fn settle(&mut self) {
        if self.peers.is_empty() && self.memories.is_empty() && self.tasks.is_empty() {
            self.priority = Priority::LOWEST;
            Reason::Work.take_back();
        }
    }
}

/// A thread of `priority` caused what was added since the last time.
pub fn inherit(priority: Priority) {
    if IS_NEW.load(Ordering::Relaxed) {
        let mut lists = LISTS.lock();
        IS_NEW.store(false, Ordering::Relaxed);
        lists.priority = lists.priority.max(priority);
    }
}

/// A thread of `priority` wants what is left done.
pub fn hasten(priority: Priority) {
    if has_work() {
        let mut lists = LISTS.lock();
        lists.priority = lists.priority.max(priority);
    }
}

/// Priority of what is left to do; `None` if nothing is.
#[must_use]
pub fn priority() -> Option<Priority> {
    has_work().then(|| LISTS.lock().priority)
}

/// True if something is left to do.
#[must_use]
pub fn has_work() -> bool {
    Reason::Work.is_given()
}

/// Does up to `budget` pieces of work.
pub fn work(budget: u32) {
    let mut n_left = budget;
    while n_left > 0 {
        let peer = LISTS.lock().peers.front();
        if let Some(peer) = peer {
            match peer.work(peer::BATCH_PIECES) {
                Progress::More if n_left > peer::BATCH_PIECES => n_left -= peer::BATCH_PIECES,
                Progress::More => return,
                Progress::Busy => {
                    rotate_peer(&peer);
                    return;
                }
                Progress::Done => {
                    forget(&peer);
                    // How much it was is not known: at most a batch of the core.
                    n_left = n_left.saturating_sub(peer::BATCH_PIECES);
                }
            }
            continue;
        }
        let memory = LISTS.lock().memories.front();
        if let Some(memory) = memory {
            // One object is a batch: each of its pages is a piece.
            if memory.work(n_left) == Progress::Done {
                forget_memory(&memory);
            }
            return;
        }
        let task = LISTS.lock().tasks.front();
        let Some(task) = task else {
            return;
        };
        n_left = n_left.saturating_sub(take_apart(&task));
    }
}

/// Nothing is left to do for a peer.
pub fn forget(peer: &Ref<PeerObject>) {
    let mut lists = LISTS.lock();
    let done = lists.peers.remove(peer);
    lists.settle();
    drop(lists);
    drop(done);
    if peer.is_closing() {
        PeerObject::forget(peer);
    }
}

/// Nothing is left of a memory object.
pub fn forget_memory(memory: &Ref<Memory>) {
    let mut lists = LISTS.lock();
    let done = lists.memories.remove(memory);
    lists.settle();
    drop(lists);
    drop(done);
    Memory::forget(memory);
}

fn rotate_peer(peer: &Ref<PeerObject>) {
    let mut lists = LISTS.lock();
    if let Some(peer) = lists.peers.remove(peer) {
        lists.peers.push_back(peer);
    }
}

/// One step of taking a task apart: a thread, a capability, a page table. Returns its cost in pieces of work.
fn take_apart(task: &Ref<Task>) -> u32 {
    if let Some(thread) = task.first_thread() {
        return end_thread(task, &thread);
    }
    if let Some(unstarted) = task.first_unstarted() {
        Task::end(&unstarted, End::Killed);
        return 2;
    }
    let found = task.capabilities.lock().dismantle();
    match found {
        // Dropping a peer's last capability puts it on the list, where it comes first.
        Dismantled::Value(capability) => {
            let has_faulted = matches!(task.how_it_ended(), Some(End::Faulted { .. }));
            if sabotage::breaks(Promise::Death) && has_faulted {
                core::mem::forget(capability);
            } else {
                drop(capability);
            }
            1
        }
        Dismantled::Chunk => 1,
        Dismantled::Nothing => {
            task.release_table_charge();
            // Its peer is closed before the task has ended.
            if let Some(pager) = task.faults.dismiss() {
                drop(pager);
                return 1;
            }
            if !task.space.tear_down(ENTRIES) {
                return ENTRIES_COST;
            }
            if task.tell() {
                return ENTRIES_COST;
            }
            let mut lists = LISTS.lock();
            let done = lists.tasks.remove(task);
            lists.settle();
            drop(lists);
            drop(done);
            Task::announce(task);
            first::ended(task);
            ENTRIES_COST
        }
    }
}

fn end_thread(task: &Ref<Task>, thread: &Ref<Thread>) -> u32 {
    if !Thread::stop(thread) {
        // It runs on a CPU, which ends it at its next trap.
        let mut lists = LISTS.lock();
        if let Some(task) = lists.tasks.remove(task) {
            lists.tasks.push_back(task);
        }
        return BATCH;
    }
    if let Some(operation) = thread.take_unfinished() {
        // What an operation holds is given back in batches, too.
        if let Some(rest) = operation.abandon(thread) {
            thread.leave_unfinished(rest);
            return BATCH;
        }
        return 1;
    }
    thread.bury();
    Task::part(task, thread);
    2
}

/// Ends a thread whose task goes on: `thread_exit`.
pub fn exit_thread(thread: &Ref<Thread>, value: u64) {
    thread.doing.finish(value);
    scheduler::cancel_deadline(thread);
    thread.bury();
    Task::part(&thread.task, thread);
}
