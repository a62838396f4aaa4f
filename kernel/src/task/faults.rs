//! Faults of a task that somebody else looks after: its *pager*, whoever holds the node that is named by `task_faults`.
//!
//! ```text
//!   nobody ── task_faults ──> looked after ── a thread faults: a message ──> told(number) ── answered ──> looked after
//!                                  └──────────── the node is gone ───────────────┴──> the fault ends the task, as if there were nobody
//! ```
//!
//! 1. The thread that faulted stands still ([`crate::syscall::stopped`]); others run on. One fault of a task is told at a time, by a
//!    number that is never used again; who faults meanwhile stands in line.
//! 2. Nothing has to be found, charged or allocated when a fault happens: the message is an event of the kernel's, and the kernel has a
//!    peer of its own for it, with nothing but a handle to the pager's node. The one thing that this peer can ever receive is that
//!    the node is gone; who stands at a fault waits for that, and for the answer.
//! 3. A pager is replaced only while nothing is told. It goes when the task is taken apart.
//! 4. The registers of a thread that stands at a fault are told as they were when it was told, and set by the thread itself as it goes on.

use omnibus_abi::Errno;
use omnibus_abi::native::{self, Registers};

use super::thread::Thread;
use super::waiters::Waiters;
use crate::arch::trap::Fault;
use crate::lock::{Lock, Rank};
use crate::service::event::Event;
use crate::service::peer::{Hold, PeerObject};
use crate::shared::Ref;

/// Whoever looks after the faults of a task.
pub struct Pager {
    event: Event,
    peer: Hold,
}

impl Pager {
    /// The one who is told through `event`, which is bound to the only handle of `peer`.
    #[must_use]
    pub fn new(peer: Hold, event: Event) -> Self {
        Self { event, peer }
    }

    /// The kernel's own peer for it.
    #[must_use]
    pub fn peer(&self) -> &Ref<PeerObject> {
        self.peer.object()
    }

    /// True if nobody will ever answer.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.peer.core.is_readable()
    }
}

/// How a thread goes on.
pub enum Answer {
    /// It tries again what it did.
    Retry,
    /// In user mode, with these registers.
    Continue(Registers),
    /// The fault ends its task.
    End,
}

/// A fault that the pager was told of.
struct Told {
    number: u64,
    thread: Ref<Thread>,
    registers: Registers,
    answer: Option<Answer>,
}

struct Parts {
    pager: Option<Ref<Pager>>,
    n_told: u64,
    told: Option<Told>,
}

/// What came of telling of a fault.
pub enum Telling {
    /// This one was told, under this number.
    Told(Ref<Pager>, u64),
    /// Another fault of the task is with the pager.
    InLine,
    /// There is nobody to be told.
    Nobody,
}

/// The faults of one task.
pub struct Faults {
    parts: Lock<Parts>,
    /// Threads in line.
    pub line: Waiters,
}

impl Default for Faults {
    fn default() -> Self {
        Self::new()
    }
}

impl Faults {
    /// Nobody is told.
    #[must_use]
    pub const fn new() -> Self {
        let parts = Parts {
            pager: None,
            n_told: 0,
            told: None,
        };
        Self {
            parts: Lock::new(Rank::Faults, parts),
            line: Waiters::new(),
        }
    }

    /// True if somebody was named to be told.
    #[must_use]
    pub fn has_pager(&self) -> bool {
        self.parts.lock().pager.is_some()
    }

    /// Nothing if somebody else may be named to be told.
    ///
    /// # Errors
    /// `EBUSY` if a fault is told.
    pub fn check_idle(&self) -> Result<(), Errno> {
        match self.parts.lock().told {
            Some(_) => Err(Errno::EBUSY),
            None => Ok(()),
        }
    }

    /// Has `pager` told from now on, unless `is_ending` by then. Who was told before is returned.
    ///
    /// # Errors
    /// `ESRCH` if the task is ending; `EBUSY` if a fault is told.
    pub fn set_pager(
        &self,
        pager: &Ref<Pager>,
        is_ending: impl FnOnce() -> bool,
    ) -> Result<Option<Ref<Pager>>, Errno> {
        let mut parts = self.parts.lock();
        if is_ending() {
            return Err(Errno::ESRCH);
        }
        if parts.told.is_some() {
            return Err(Errno::EBUSY);
        }
        Ok(parts.pager.replace(pager.clone()))
    }

    /// Takes the pager away, when no thread is left.
    pub fn dismiss(&self) -> Option<Ref<Pager>> {
        self.parts.lock().pager.take()
    }

    /// Tells of `fault` of `thread`, which this CPU runs.
    pub fn tell(&self, thread: &Ref<Thread>, fault: &Fault, flags: u64) -> Telling {
        let pager = self.parts.lock().pager.clone();
        let Some(pager) = pager.filter(|pager| !pager.is_gone()) else {
            return Telling::Nobody;
        };
        let number = {
            let mut parts = self.parts.lock();
            if parts.told.is_some() {
                return Telling::InLine;
            }
            parts.n_told += 1;
            parts.told = Some(Told {
                number: parts.n_told,
                thread: thread.clone(),
                registers: thread.machine.told(),
                answer: None,
            });
            parts.n_told
        };
        let message = native::Fault {
            count: 1,
            number,
            task: thread.task.number,
            thread: thread.number,
            vector: u64::from(fault.vector),
            error_code: fault.error_code,
            address: fault.address,
            flags,
        };
        pager.event.fire(&message.to_words());
        Telling::Told(pager, number)
    }

    /// The registers of the thread whose fault was told under `number`.
    ///
    /// # Errors
    /// `ESRCH` if it was answered, or there is none of that number.
    pub fn registers(&self, number: u64) -> Result<Registers, Errno> {
        let mut parts = self.parts.lock();
        parts.unanswered(number).map(|told| told.registers)
    }

    /// Answers the fault that was told under `number`.
    ///
    /// # Errors
    /// `ESRCH` if it was answered, or there is none of that number.
    pub fn answer(&self, number: u64, answer: Answer) -> Result<(), Errno> {
        let thread = {
            let mut parts = self.parts.lock();
            let told = parts.unanswered(number)?;
            told.answer = Some(answer);
            told.thread.clone()
        };
        Thread::wake(&thread);
        Ok(())
    }

    /// The answer to the fault that was told under `number`: with it the fault is over, and the next in line may be told.
    pub fn take_answer(&self, number: u64) -> Option<Answer> {
        let over = {
            let mut parts = self.parts.lock();
            let is_answered = |told: &mut Told| told.number == number && told.answer.is_some();
            parts.told.take_if(is_answered)
        };
        let answer = over?.answer;
        self.line.wake_all();
        answer
    }

    /// The thread that stood at the fault told under `number` has ended.
    pub fn forget(&self, number: u64) {
        let over = {
            let mut parts = self.parts.lock();
            parts.told.take_if(|told| told.number == number)
        };
        if over.is_some() {
            self.line.wake_all();
        }
    }
}

impl Parts {
    fn unanswered(&mut self, number: u64) -> Result<&mut Told, Errno> {
        let told = self.told.as_mut();
        told.filter(|told| told.number == number && told.answer.is_none())
            .ok_or(Errno::ESRCH)
    }
}
