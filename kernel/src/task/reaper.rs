//! What is left to be cleaned up, done in batches of bounded length.
//!
//! Dropping the last capability of a peer, or ending a task, only puts it on a list here; nothing is taken apart in the
//! midst of another call, and nothing on the stack of a drop. The lists need no memory. Every trap does one batch on
//! its way out, and an idle CPU works until nothing is left.
//!
//! Peers come before tasks: when the end of a task is announced, the peers that it held open have closed.

use super::first;
use super::scheduler;
use super::task::{End, Ending, Task};
use super::thread::Thread;
use crate::cap::table::Dismantled;
use crate::lock::{Lock, Rank};
use crate::sabotage::{self, Promise};
use crate::service::peer::{PeerObject, Unfinished};
use crate::shared::{List, Ref};
use bus1_service::Progress;

/// Pieces of work of a batch: each is a few hundred instructions (ORD-8).
pub const BATCH: u32 = 64;

/// Page-table entries looked at in one piece of work; a table has 512.
const ENTRIES: usize = 512;

/// Pieces that a page table stands for.
const ENTRIES_COST: u32 = 32;

struct Lists {
    peers: List<PeerObject, Unfinished>,
    tasks: List<Task, Ending>,
}

static LISTS: Lock<Lists> = Lock::new(
    Rank::Reaper,
    Lists {
        peers: List::new(),
        tasks: List::new(),
    },
);

/// Sees the open release or closing of a peer through.
pub fn finish(peer: Ref<PeerObject>) {
    LISTS.lock().peers.push_back(peer);
}

/// Takes an ending task apart.
pub fn end(task: Ref<Task>) {
    LISTS.lock().tasks.push_back(task);
}

/// True if nothing is left to do.
#[must_use]
pub fn is_idle() -> bool {
    let lists = LISTS.lock();
    lists.peers.is_empty() && lists.tasks.is_empty()
}

/// Does up to `budget` pieces of work.
pub fn work(budget: u32) {
    let mut n_left = budget;
    while n_left > 0 {
        let peer = LISTS.lock().peers.front();
        if let Some(peer) = peer {
            match peer.work(n_left) {
                // The budget was for all of it.
                Progress::More => return,
                Progress::Busy => {
                    rotate_peer(&peer);
                    return;
                }
                Progress::Done => {
                    if peer.is_closing() {
                        PeerObject::forget(&peer);
                    }
                    let done = LISTS.lock().peers.remove(&peer);
                    drop(done);
                    n_left -= 1;
                }
            }
            continue;
        }
        let task = LISTS.lock().tasks.front();
        let Some(task) = task else {
            return;
        };
        n_left = n_left.saturating_sub(take_apart(&task));
    }
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
            if !task.space.tear_down(ENTRIES) {
                return ENTRIES_COST;
            }
            let done = LISTS.lock().tasks.remove(task);
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
    thread.finish(value, None);
    scheduler::cancel_deadline(thread);
    thread.bury();
    Task::part(&thread.task, thread);
}
