//! A thread: registers, and what it is doing.
//!
//! There is one kernel stack per CPU and none per thread: what a thread does in the kernel between two batches is a
//! value, not a stack. The rest of a call ([`Operation`]) lies in the thread and is moved only to go on with it; what waits in
//! queues ([`Work`]) says no more than that there is one.
//!
//! 1. What it does is told by a word, whose states are in [`super::doing`].
//! 2. The rest of a call is there while the thread is blocked or has [`Work::Call`], before others can see that it is. Who ends a thread
//!    finds it there and has it abandoned, in batches.
//! 3. An ended thread is a husk with a value, kept by capabilities to it, and costs an object and a frame until the last is dropped.

use core::sync::atomic::{AtomicU64, Ordering};

use omnibus_abi::Errno;

use super::deadlines::{Deadlines, Member, Place};
use super::doing::Doing;
use super::machine::{Machine, Start};
use super::priorities::{Changing, Priority};
use super::ready::{IsReady, Ready};
use super::scheduler;
use super::task::{OfTask, Task};
use super::waiters::{Waiter, Waiters};
use crate::lock::{Lock, Rank};
use crate::mm::{PAGE_BYTES, slab};
use crate::service::peer::PeerObject;
use crate::service::{self, Amounts, Charge, FRAMES, OBJECTS};
use crate::shared::{Link, Linked, Ref};
use crate::syscall::operation::Operation;

/// Frames that a thread costs: kernel memory for itself and for its call.
const COST_FRAMES: u64 = 2;

/// What a thread costs its account: an object, and kernel memory.
pub const COST: Amounts = {
    let mut amounts = [0; 3];
    amounts[OBJECTS] = 1;
    amounts[FRAMES] = COST_FRAMES;
    amounts
};

/// What the husk of an ended thread does not cost any more: the memory for its call.
const COST_OF_CALL: Amounts = service::frames(COST_FRAMES - 1);

const _: () = assert!(Ref::<Thread>::N_BYTES <= PAGE_BYTES as usize);

/// Of the memory that a thread costs, what is left for the lists of its call, in blocks of the heap ([`slab::block_bytes`]): it has itself,
/// its place in a queue of waiters, and one in the queue of deadlines.
pub const CALL_BYTES: usize = (COST_FRAMES * PAGE_BYTES) as usize
    - slab::block_bytes(Ref::<Thread>::N_BYTES)
    - slab::block_bytes(Ref::<Waiter>::N_BYTES)
    - Deadlines::<Ref<Thread>>::BYTES_PER_MEMBER;

/// What a thread does when it is chosen.
pub enum Work {
    /// Goes on in user mode.
    User,
    /// Looks whether there is a message now, in the receiving call that it makes; it was the sole one to wait at this peer.
    Receive(Ref<PeerObject>),
    /// Goes on with a system call ([`Thread::take_unfinished`]).
    Call,
}

impl Work {
    /// The thread does not do it any more: it has ended. What is left of a call stays in the thread.
    pub fn give_up(self, thread: &Ref<Thread>) {
        if let Self::Receive(at) = self {
            at.waiters.leave_sole(thread);
        }
    }
}

/// The access to user memory that a call could not make, if there was one: set by the call, read by the CPU that runs the thread.
#[derive(Default)]
pub struct Missed(AtomicU64);

impl Missed {
    /// A call begins.
    #[inline]
    pub fn clear(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Reading, or writing, at `address`, which is in the user half, failed.
    pub fn note(&self, address: u64, is_write: bool) {
        self.0
            .store(address << 1 | u64::from(is_write), Ordering::Relaxed);
    }

    /// The address, and whether it was to be written.
    #[must_use]
    pub fn get(&self) -> Option<(u64, bool)> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            word => Some((word >> 1, word & 1 == 1)),
        }
    }
}

/// A thread of a task.
pub struct Thread {
    /// Its number, unique for ever.
    pub number: u64,
    /// The task it belongs to.
    pub task: Ref<Task>,
    /// Its registers.
    pub machine: Machine,
    /// Who waits for its end.
    pub joiners: Waiters,
    /// What it is doing.
    pub doing: Doing,
    /// Where its call could not use memory.
    pub missed: Missed,
    /// The rest of its call, while it does not go on with it.
    unfinished: Lock<Option<Operation>>,
    /// Its own place in a queue of waiters: joining and waiting for one thing need no memory.
    waiter: Lock<Option<Ref<Waiter>>>,
    /// [`COST`]; of a husk without [`COST_OF_CALL`].
    charge: Lock<Charge>,
    place: Place,
    entered_as: Changing,
    ready: Link,
    of_task: Link,
}

static NUMBERS: AtomicU64 = AtomicU64::new(1);

impl Thread {
    /// A new thread of `task`, blocked for ever until [`scheduler::start`]. `charge` is [`COST`] on the task's account.
    ///
    /// # Errors
    /// `EINVAL` if the entry or the base is not in the user half; `ENOMEM`.
    pub fn new(task: &Ref<Task>, start: Start, charge: Charge) -> Result<Ref<Self>, Errno> {
        let machine = Machine::new(start)?;
        let thread = Ref::try_new(Self {
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            task: task.clone(),
            machine,
            joiners: Waiters::new(),
            doing: Doing::new(),
            missed: Missed::default(),
            unfinished: Lock::new(Rank::Waiter, None),
            waiter: Lock::new(Rank::Waiter, None),
            charge: Lock::new(Rank::Waiter, charge),
            place: Place::default(),
            entered_as: Changing::new(Priority::LOWEST),
            ready: Link::new(),
            of_task: Link::new(),
        })?;
        let waiter = Ref::try_new(Waiter::new(thread.clone()));
        let is_admitted = waiter.is_ok() && scheduler::admit().is_ok();
        match waiter {
            Ok(waiter) if is_admitted => *thread.waiter.lock() = Some(waiter),
            _ => return Err(Errno::ENOMEM),
        }
        Ok(thread)
    }

    /// Its own place in a queue of waiters; `None` once it has ended.
    #[must_use]
    pub fn waiter(&self) -> Option<Ref<Waiter>> {
        self.waiter.lock().clone()
    }

    /// True if a deadline will wake it.
    #[inline]
    #[must_use]
    pub fn has_deadline(&self) -> bool {
        self.place.is_taken()
    }

    /// Makes a blocked thread ready. One that runs looks again before it blocks; one that is ready or has ended does not care.
    pub fn wake(thread: &Ref<Self>) {
        if thread.doing.wake() {
            scheduler::push(thread.clone());
        }
    }

    /// Ends it, unless it runs on a CPU, which then will; false in that case.
    pub fn stop(thread: &Ref<Self>) -> bool {
        let Ok(work) = thread.doing.stop() else {
            return false;
        };
        if let Some(work) = work {
            work.give_up(thread);
        }
        scheduler::remove(thread);
        true
    }

    /// Takes the rest of its call: to go on with it, on the CPU that runs the thread, or to abandon it when the thread has ended.
    #[must_use]
    pub fn take_unfinished(&self) -> Option<Operation> {
        self.unfinished.lock().take()
    }

    /// Leaves the rest of its call to whoever goes on with it, or takes the thread apart.
    pub fn leave_unfinished(&self, operation: Operation) {
        *self.unfinished.lock() = Some(operation);
    }

    /// Gives back what an ended thread held, and wakes who waits for its end. The husk stays.
    pub fn bury(&self) {
        // It had one as long as it was admitted.
        let waiter = self.waiter.lock().take();
        if waiter.is_some() {
            scheduler::dismiss();
            self.charge.lock().shrink(COST_OF_CALL);
        }
        self.joiners.wake_all();
    }
}

impl IsReady for Thread {
    fn priority(&self) -> Priority {
        self.task.priority()
    }

    fn entered_as(&self) -> &Changing {
        &self.entered_as
    }
}

impl Linked<Ready> for Thread {
    fn link(&self) -> &Link {
        &self.ready
    }
}

impl Linked<OfTask> for Thread {
    fn link(&self) -> &Link {
        &self.of_task
    }
}

impl Member for Ref<Thread> {
    fn place(&self) -> &Place {
        &self.place
    }
}
