//! `wait`: until something happens to one of several peers and tasks, or a deadline passes.
//!
//! A waiting thread is in the queue of each thing it waits for and keeps none of them open (CLO-5). Whoever wakes it only says
//! "look again": the thread looks itself, in its own address space, and goes back to wait if it found nothing (RCV-6).
//!
//! To wait for one thing needs no memory; what the longest wait needs is part of what a thread costs ([`CALL_BYTES`]).

use alloc::vec::Vec;

use omnibus_abi::capability::{peer, task};
use omnibus_abi::limits::WAIT_ITEMS_MAX;
use omnibus_abi::native::{EVENT_ENDED, EVENT_HANG_UP, EVENT_READABLE, WaitItem};
use omnibus_abi::{CapabilityNumber, Errno};

use super::Arguments;
use super::caller::Caller;
use super::operation::{Operation, Outcome};
use super::structure::{OutArray, SizeOf};
use crate::cap::Object;
use crate::mm::slab;
use crate::service::peer::PeerObject;
use crate::shared::Ref;
use crate::task::scheduler;
use crate::task::task::Task;
use crate::task::thread::{CALL_BYTES, Thread};
use crate::task::waiters::{Waiter, Waiters};
use crate::time;

enum Target {
    Peer(Ref<PeerObject>),
    Task(Ref<Task>),
}

struct Item {
    number: CapabilityNumber,
    target: Target,
    /// Its place in the target's queue, once it waits.
    waiter: Option<Ref<Waiter>>,
}

/// Items beyond the first, and their places in queues, lie on the heap, and fit what the thread has paid for.
const _: () = {
    let n_more = WAIT_ITEMS_MAX as usize - 1;
    let items = slab::block_bytes(n_more * size_of::<Item>());
    let waiters = n_more * slab::block_bytes(Ref::<Waiter>::N_BYTES);
    assert!(items + waiters <= CALL_BYTES);
};

/// A wait that found nothing yet.
pub struct Wait {
    first: Option<Item>,
    more: Vec<Item>,
    out: OutArray<WaitItem>,
    deadline_ns: u64,
}

/// `wait(items, n_items, item_size, deadline_ns)`: `EINVAL` count; `EINVAL`, `E2BIG` size; for all items `EFAULT`, `E2BIG`; then for
/// each `EINVAL` flags, `EBADF`, `EOPNOTSUPP`, `EPERM`; `EFAULT` not writable; `ENOMEM`; `ETIMEDOUT`.
pub fn begin(caller: &mut Caller<'_>, arguments: Arguments) -> Outcome {
    match prepare(caller, arguments) {
        Ok(wait) => wait.step(caller),
        Err(errno) => errno.into(),
    }
}

fn prepare(
    caller: &mut Caller<'_>,
    [address, n_items, size, deadline_ns, ..]: Arguments,
) -> Result<Wait, Errno> {
    if n_items > WAIT_ITEMS_MAX {
        return Err(Errno::EINVAL);
    }
    let size = SizeOf::<WaitItem>::new(size)?;
    let mut array = size.read_array(address, n_items)?;
    let mut n_read = 0;
    while let Some(item) = array.next(&caller.memory)? {
        let words = caller.scratch.words.get_mut(n_read..n_read + 2);
        words
            .ok_or(Errno::EINVAL)?
            .copy_from_slice(&[item.flags, item.capability]);
        n_read += 2;
    }
    let out = size.claim_array(address, n_items)?;
    let mut first = None;
    let mut more = Vec::new();
    more.try_reserve_exact((n_items as usize).saturating_sub(1))
        .map_err(|_| Errno::ENOMEM)?;
    let (pairs, _) = caller.scratch.words[..n_read].as_chunks::<2>();
    for &[flags, number] in pairs {
        if flags != 0 {
            return Err(Errno::EINVAL);
        }
        let number = CapabilityNumber(number);
        let target = {
            let capabilities = caller.thread.task.capabilities.lock();
            let capability = capabilities.any(number)?;
            let (target, right) = match &capability.object {
                Object::Peer(peer) => (Target::Peer(peer.object().clone()), peer::RECEIVE),
                Object::Task(task) => (Target::Task(task.clone()), task::WATCH),
                _ => return Err(Errno::EOPNOTSUPP),
            };
            if capability.rights & right == 0 {
                return Err(Errno::EPERM);
            }
            target
        };
        let item = Item {
            number,
            target,
            waiter: None,
        };
        match first {
            None => first = Some(item),
            Some(_) => more.push(item),
        }
    }
    out.probe(&caller.memory)?;
    Ok(Wait {
        first,
        more,
        out,
        deadline_ns,
    })
}

impl Item {
    fn queue(&self) -> &Waiters {
        match &self.target {
            Target::Peer(peer) => &peer.waiters,
            Target::Task(task) => &task.waiters,
        }
    }

    fn events(&self, task: &Task) -> u64 {
        // The slot was there when the call began: that it is not any more means it was dropped (RCV-6).
        if task.capabilities.lock().get(self.number).is_none() {
            return EVENT_HANG_UP;
        }
        match &self.target {
            Target::Peer(peer) if peer.is_closing() => EVENT_HANG_UP,
            Target::Peer(peer) if peer.core.is_readable() => EVENT_READABLE,
            Target::Task(task) if task.has_ended() => EVENT_ENDED,
            Target::Peer(_) | Target::Task(_) => 0,
        }
    }
}

impl Wait {
    fn items(&self) -> impl Iterator<Item = &Item> {
        self.first.iter().chain(&self.more)
    }

    /// Looks; waits if there is nothing.
    pub fn step(mut self, caller: &Caller<'_>) -> Outcome {
        if let Some(result) = self.look(caller) {
            self.leave(caller.thread);
            return result.into();
        }
        if let Err(errno) = self.enter(caller.thread) {
            self.leave(caller.thread);
            return errno.into();
        }
        // What happened before every queue was entered woke nobody: look once more.
        if let Some(result) = self.look(caller) {
            self.leave(caller.thread);
            return result.into();
        }
        Outcome::Block(Operation::Wait(self))
    }

    /// What the call returns, if it need not wait (any more).
    fn look(&self, caller: &Caller<'_>) -> Option<Result<u64, Errno>> {
        match self.report(caller) {
            Ok(0) if self.deadline_ns <= time::now_ns() => Some(Err(Errno::ETIMEDOUT)),
            Ok(0) => None,
            other => Some(other),
        }
    }

    /// Number of items with events; all events are written if there is one.
    fn report(&self, caller: &Caller<'_>) -> Result<u64, Errno> {
        let task = caller.task();
        let mut n_events = 0;
        for item in self.items() {
            n_events += u64::from(item.events(task) != 0);
        }
        if n_events == 0 {
            return Ok(0);
        }
        n_events = 0;
        for (index, item) in self.items().enumerate() {
            let events = item.events(task);
            n_events += u64::from(events != 0);
            let entry = WaitItem {
                flags: 0,
                capability: item.number.0,
                events,
            };
            self.out.write(&caller.memory, index as u64, entry)?;
        }
        Ok(n_events)
    }

    fn enter(&mut self, thread: &Ref<Thread>) -> Result<(), Errno> {
        for (index, item) in self.first.iter_mut().chain(&mut self.more).enumerate() {
            let waiter = match (&item.waiter, index) {
                (Some(waiter), _) => waiter.clone(),
                (None, 0) => thread.waiter().ok_or(Errno::ENOMEM)?,
                (None, _) => Ref::try_new(Waiter::new(thread.clone()))?,
            };
            item.waiter = Some(waiter.clone());
            item.queue().enter(&waiter).map_err(|_| Errno::ENOMEM)?;
        }
        scheduler::set_deadline(thread, self.deadline_ns);
        Ok(())
    }

    /// Leaves every queue.
    pub fn leave(&self, thread: &Ref<Thread>) {
        for item in self.items() {
            if let Some(waiter) = &item.waiter {
                item.queue().leave(waiter);
            }
        }
        scheduler::cancel_deadline(thread);
    }
}
