//! A task: an address space, a capability table, one or more threads, and an account that pays.
//!
//! ```text
//!   made by a program, empty ──┐ first thread
//!   built by the kernel ───────┴─> Running ── exit, kill, fault ──> Ending(end) ── the reaper gave everything back ──> Ended(end)
//! ```
//!
//! 1. How a task ends is decided once. That it has ended is told ([`Task::status`], [`Task::waiters`]) when everything it held has
//!    been given back: threads, capabilities, memory, charges.
//! 2. None of its threads reaches user mode again once it is ending.
//! 3. One that a program made and that has no thread yet ends with its creator: nobody else may know of it.
//! 4. Who watches it by a message is told before it has been announced to who waits, when it says itself that it has ended.
//! 5. An ended task is a husk with a status, kept by capabilities to it, and still one object of its account until the
//!    last is dropped.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use omnibus_abi::{CapabilityNumber, Errno};

use super::end::End;
use super::faults::Faults;
use super::name::Name;
use super::priorities::{Priority, Urgency};
use super::reaper;
use super::space::Space;
use super::thread::{self, Thread};
use super::waiters::Waiters;
use super::watch::{self, Watch};
use crate::cap::{Capabilities, Capability};
use crate::lock::{Lock, Rank};
use crate::service::{self, Actor, Charge, account::AccountObject};
use crate::shared::{Link, Linked, List, OutOfMemory, Ref};

/// Purpose of the link of a thread in its task's list.
#[derive(Debug)]
pub enum OfTask {}

/// Purpose of the link of a task in the list of all.
#[derive(Debug)]
pub enum All {}

/// Purpose of the link of an ending task in the reaper's list.
#[derive(Debug)]
pub enum Ending {}

/// Chunks of capabilities whose list a frame has room for, at its largest just after it grew. The beginning of the list is part of
/// the task's own object.
const CHUNKS_PER_FRAME: u64 = 64;

/// Purpose of the link of a task without a thread in its creator's list.
#[derive(Debug)]
pub enum Unstarted {}

struct Parts {
    threads: List<Thread, OfTask>,
    n_threads: u64,
    end: Option<End>,
    /// Who made it, as long as it has not been started.
    creator: Option<Ref<Task>>,
    /// Tasks that it made and that have not been started.
    unstarted: List<Task, Unstarted>,
}

/// A task.
pub struct Task {
    /// Its number, unique for ever.
    pub number: u64,
    /// The program it runs.
    pub name: Name,
    /// Priority of its threads, and the highest it can have.
    pub urgency: Urgency,
    /// The account that pays for it.
    pub account: Ref<AccountObject>,
    /// Itself as one that acts for that account.
    pub actor: Actor,
    /// Its capabilities.
    pub capabilities: Lock<Capabilities>,
    /// Its memory.
    pub space: Space,
    /// Who waits for its end.
    pub waiters: Waiters,
    /// Who is told of its end by a message.
    watches: Lock<List<Watch, watch::OfTask>>,
    /// Who looks after its faults.
    pub faults: Faults,
    /// CPU time used, in ticks of the time-stamp counter.
    pub cpu_ticks: AtomicU64,
    is_metered: AtomicBool,
    is_ending: AtomicBool,
    has_ended: AtomicBool,
    parts: Lock<Parts>,
    /// Frames of the capability table.
    table_charge: Lock<Option<Charge>>,
    /// Itself, as an object.
    _charge: Charge,
    all: Link,
    ending: Link,
    unstarted: Link,
}

static NUMBERS: AtomicU64 = AtomicU64::new(1);
static TASKS: Lock<List<Task, All>> = Lock::new(Rank::Registry, List::new());

impl Task {
    /// A new task without memory, capabilities or threads, paid by `account`. It can have `priority` and none above.
    ///
    /// # Errors
    /// `EDQUOT`, `ENOMEM`.
    pub fn new(
        name: Name,
        priority: Priority,
        account: &Ref<AccountObject>,
    ) -> Result<Ref<Self>, Errno> {
        let refused = |error| service::errno(&error);
        let actor = account.actor();
        let charge = account
            .charge(&actor, service::objects(1))
            .map_err(refused)?;
        let space = Space::new(account, &actor)?;
        let task = Ref::try_new(Self {
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            name,
            urgency: Urgency::new(priority),
            account: account.clone(),
            actor,
            capabilities: Lock::new(Rank::Capabilities, Capabilities::new()),
            space,
            waiters: Waiters::new(),
            watches: Lock::new(Rank::Waiters, List::new()),
            faults: Faults::new(),
            cpu_ticks: AtomicU64::new(0),
            is_metered: AtomicBool::new(account.is_metered()),
            is_ending: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
            parts: Lock::new(
                Rank::Task,
                Parts {
                    threads: List::new(),
                    n_threads: 0,
                    end: None,
                    creator: None,
                    unstarted: List::new(),
                },
            ),
            table_charge: Lock::new(Rank::TableCharge, None),
            _charge: charge,
            all: Link::new(),
            ending: Link::new(),
            unstarted: Link::new(),
        })?;
        TASKS.lock().push_back(task.clone());
        Ok(task)
    }

    /// Priority of its threads.
    #[inline(always)]
    #[must_use]
    pub fn priority(&self) -> Priority {
        self.urgency.priority()
    }

    /// Its account has a share of CPU time, or one above it ([`crate::service::account`]).
    #[inline(always)]
    #[must_use]
    pub fn is_metered(&self) -> bool {
        self.is_metered.load(Ordering::Relaxed)
    }

    /// Finds that out anew.
    pub fn look_at_share(&self) {
        let is_metered = self.account.is_metered();
        self.is_metered.store(is_metered, Ordering::Relaxed);
    }

    /// Charges the task's account on its behalf.
    ///
    /// # Errors
    /// `EDQUOT`, `ENOMEM`.
    pub fn charge(&self, amounts: service::Amounts) -> Result<Charge, Errno> {
        self.account
            .charge(&self.actor, amounts)
            .map_err(|error| service::errno(&error))
    }

    /// Makes room for `n_slots` more capabilities; a chunk of slots costs a frame, and the list of many chunks some more.
    ///
    /// # Errors
    /// `EDQUOT`, `ENOMEM`.
    pub fn make_room(&self, n_slots: usize) -> Result<(), Errno> {
        while self.capabilities.lock().needs_chunk(n_slots) {
            let mut charge = self.table_charge.lock();
            let n_chunks = self.capabilities.lock().n_chunks() as u64;
            let is_long = n_chunks % CHUNKS_PER_FRAME == CHUNKS_PER_FRAME - 1;
            let price = service::frames(1 + u64::from(is_long));
            match &mut *charge {
                Some(charge) => charge.grow(price).map_err(|error| service::errno(&error))?,
                None => *charge = Some(self.charge(price)?),
            }
            let grown = self.capabilities.lock().grow();
            if grown.is_err() {
                if let Some(charge) = &mut *charge {
                    charge.shrink(price);
                }
                return Err(Errno::ENOMEM);
            }
        }
        Ok(())
    }

    /// Puts a capability into a free slot.
    ///
    /// # Errors
    /// `EDQUOT`, `ENOMEM`; `ESRCH` if the task is ending, and its table may have been taken apart.
    pub fn insert(&self, mut capability: Capability) -> Result<CapabilityNumber, Errno> {
        loop {
            if self.is_ending() {
                return Err(Errno::ESRCH);
            }
            self.make_room(1)?;
            let mut capabilities = self.capabilities.lock();
            // Before this it may be taken apart, behind it the capability is there and goes with the others.
            if self.is_ending() {
                return Err(Errno::ESRCH);
            }
            // Another thread may have taken the slot meanwhile.
            match capabilities.insert(capability) {
                Ok(number) => return Ok(number),
                Err(refused) => capability = refused,
            }
        }
    }

    /// Adds a thread.
    ///
    /// # Errors
    /// The thread itself, if the task is ending.
    pub fn adopt(&self, thread: &Ref<Thread>) -> Result<(), Errno> {
        let mut parts = self.parts.lock();
        if parts.end.is_some() {
            return Err(Errno::ESRCH);
        }
        parts.threads.push_back(thread.clone());
        parts.n_threads += 1;
        Ok(())
    }

    /// Makes `creator` the one with whom the task ends if it is not started.
    ///
    /// # Errors
    /// `ESRCH` if the creator is ending.
    pub fn await_start(task: &Ref<Self>, creator: &Ref<Self>) -> Result<(), Errno> {
        task.parts.lock().creator = Some(creator.clone());
        let mut parts = creator.parts.lock();
        if parts.end.is_some() {
            return Err(Errno::ESRCH);
        }
        parts.unstarted.push_back(task.clone());
        Ok(())
    }

    /// Nothing if the task can be started.
    ///
    /// # Errors
    /// `ESRCH` if it is ending, `EBUSY` if it was started.
    pub fn can_start(&self) -> Result<(), Errno> {
        let parts = self.parts.lock();
        match (parts.end, &parts.creator) {
            (Some(_), _) => Err(Errno::ESRCH),
            (None, None) => Err(Errno::EBUSY),
            (None, Some(_)) => Ok(()),
        }
    }

    /// Adds the first thread of a task that a program made.
    ///
    /// # Errors
    /// As for [`Self::can_start`].
    pub fn start(task: &Ref<Self>, thread: &Ref<Thread>) -> Result<(), Errno> {
        let mut parts = task.parts.lock();
        if parts.end.is_some() {
            return Err(Errno::ESRCH);
        }
        let creator = parts.creator.take().ok_or(Errno::EBUSY)?;
        parts.threads.push_back(thread.clone());
        parts.n_threads += 1;
        drop(parts);
        creator.forget_unstarted(task);
        Ok(())
    }

    fn forget_unstarted(&self, task: &Ref<Self>) {
        let removed = self.parts.lock().unstarted.remove(task);
        drop(removed);
    }

    /// A task that this one made and that has not been started, for the reaper.
    #[must_use]
    pub fn first_unstarted(&self) -> Option<Ref<Self>> {
        self.parts.lock().unstarted.front()
    }

    /// Decides how the task ends, unless that is decided already; the reaper does the rest.
    pub fn end(task: &Ref<Self>, end: End) {
        let mut parts = task.parts.lock();
        if parts.end.is_some() {
            return;
        }
        parts.end = Some(end);
        let creator = parts.creator.take();
        task.is_ending.store(true, Ordering::Release);
        drop(parts);
        if let Some(creator) = creator {
            creator.forget_unstarted(task);
        }
        reaper::end(task.clone());
    }

    /// Takes an ended thread out; the end of the last one is `exit(0)`.
    pub fn part(task: &Ref<Self>, thread: &Ref<Thread>) {
        let mut parts = task.parts.lock();
        let removed = parts.threads.remove(thread);
        if removed.is_some() {
            parts.n_threads -= 1;
        }
        let is_last = parts.n_threads == 0;
        drop(parts);
        if is_last {
            Self::end(task, End::Exited(0));
        }
    }

    /// Changes the priority and the highest it can have, on behalf of somebody whose own highest is `bound`. Threads that are ready are
    /// to be moved over afterwards ([`super::scheduler::move_over`]).
    ///
    /// # Errors
    /// `EINVAL` for a priority above the maximum; `EPERM` above `bound`; `ESRCH` if the task is ending.
    pub fn change_priority(
        &self,
        priority: Priority,
        maximum: Priority,
        bound: Priority,
    ) -> Result<(), Errno> {
        let parts = self.parts.lock();
        self.urgency.check(priority, maximum, bound)?;
        if parts.end.is_some() {
            return Err(Errno::ESRCH);
        }
        self.urgency.set(priority, maximum);
        Ok(())
    }

    /// The first thread that is left, for the reaper.
    #[must_use]
    pub fn first_thread(&self) -> Option<Ref<Thread>> {
        self.parts.lock().threads.front()
    }

    /// The thread behind `thread` in the order of numbers, or the first.
    #[must_use]
    pub fn thread_after(&self, thread: Option<&Ref<Thread>>) -> Option<Ref<Thread>> {
        self.parts
            .lock()
            .threads
            .behind(thread, |thread| thread.number)
    }

    /// Number of threads that have not ended.
    #[must_use]
    pub fn n_threads(&self) -> u64 {
        self.parts.lock().n_threads
    }

    /// True from the moment its end is decided.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.is_ending.load(Ordering::Acquire)
    }

    /// True once everything it held has been given back.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Acquire)
    }

    /// How it ended; `None` while it runs.
    #[must_use]
    pub fn how_it_ended(&self) -> Option<End> {
        self.parts.lock().end
    }

    /// Gives back the table's charge, once it is empty.
    pub fn release_table_charge(&self) {
        let charge = self.table_charge.lock().take();
        drop(charge);
    }

    /// Tells of the task's end by `watch`: when it has ended, at once.
    pub fn watch(&self, watch: Ref<Watch>) {
        let mut watches = self.watches.lock();
        if self.has_ended() {
            drop(watches);
            watch.tell(self.status());
        } else {
            watches.push_back(watch);
        }
    }

    /// Everything has been given back: tells one of those who watch; false if there is none left to be told.
    pub fn tell(&self) -> bool {
        self.has_ended.store(true, Ordering::Release);
        let watch = self.watches.lock().pop_front();
        match watch {
            Some(watch) => {
                watch.tell(self.status());
                true
            }
            None => false,
        }
    }

    /// Announces that everything has been given back.
    pub fn announce(task: &Ref<Self>) {
        task.has_ended.store(true, Ordering::Release);
        let removed = {
            let mut tasks = TASKS.lock();
            // With the list locked: who adds up what tasks have used sees it here or there.
            task.account
                .add_ended(task.cpu_ticks.load(Ordering::Relaxed));
            tasks.remove(task)
        };
        drop(removed);
        task.waiters.wake_all();
    }

    /// The task behind `task` in the order of numbers, or the first.
    #[must_use]
    pub fn after(task: Option<&Ref<Self>>) -> Option<Ref<Self>> {
        TASKS.lock().behind(task, |task| task.number)
    }

    /// Lets `work` see up to `budget` tasks behind `at`, in the order of numbers, and then `None`, if those are all; whether they are. A task
    /// that ends between two batches may be missed.
    pub fn visit(
        at: &mut Option<Ref<Self>>,
        budget: u32,
        mut work: impl FnMut(Option<&Self>),
    ) -> bool {
        let tasks = TASKS.lock();
        for _ in 0..budget {
            let next = tasks.behind(at.as_ref(), |task| task.number);
            work(next.as_deref());
            match next {
                Some(task) => *at = Some(task),
                None => return true,
            }
        }
        false
    }

    /// What a new thread costs, charged to the task.
    ///
    /// # Errors
    /// `EDQUOT`, `ENOMEM`.
    pub fn charge_thread(&self) -> Result<Charge, Errno> {
        self.charge(thread::COST)
    }
}

impl Linked<All> for Task {
    fn link(&self) -> &Link {
        &self.all
    }
}

impl Linked<Unstarted> for Task {
    fn link(&self) -> &Link {
        &self.unstarted
    }
}

impl Linked<Ending> for Task {
    fn link(&self) -> &Link {
        &self.ending
    }
}

const _: fn(OutOfMemory) -> Errno = Errno::from;
