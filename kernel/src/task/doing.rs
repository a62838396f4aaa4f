//! What a thread is doing: one word, which whoever may changes in one step, without a lock.
//!
//! ```text
//!            chosen                      call blocks
//!   Ready(work) ────> Running ──────────────────────────> Blocked, Receiving(peer)
//!      ^ ^              │ │                                       │
//!      │ └── gives way ─┘ │ exit, fault, kill                     │ woken, deadline
//!      │                  v                                       │
//!      │                Ended(value)  <── kill ── (any state)     │
//!      └──────────────────────────────────────────────────────────┘
//! ```
//!
//! 1. Only the CPU that runs a thread takes it out of `Running`. A message that is handed over takes it from `Receiving` there: it is a
//!    running thread of the CPU that hands over from then on ([`Doing::claim`]).
//! 2. A wake that meets a running thread is remembered (`Woken`), so that the thread looks again before it blocks.
//! 3. The peer at which it receives lies beside the word: it is put there before the word says so, and taken out by whoever takes the
//!    thread out of that state, or by who is given the thread to run.
//! 4. A step releases what its CPU did before, and acquires what the CPU of the step before did: registers and the rest of a call go with
//!    the word from one CPU to the other.

use core::sync::atomic::{AtomicU64, Ordering};

use omnibus_abi::short::Descriptor;

use super::thread::Work;
use crate::service::peer::PeerObject;
use crate::shared::{Ref, Slot};

/// On a CPU.
const RUNNING: u64 = 0;
/// The same, and somebody woke it meanwhile.
const WOKEN: u64 = 1;
/// Waits for a wake or its deadline, in a call.
const BLOCKED: u64 = 2;
/// The same, in a receiving call, as the one to whom the waiters of a peer lead first ([`super::waiters::Waiters::enter_sole`]). What the call
/// was given is in its registers.
const RECEIVING: u64 = 3;
/// In the queue of ready threads: to go on in user mode, with a call, or with a receiving call at the peer.
const READY_USER: u64 = 4;
const READY_CALL: u64 = 5;
const READY_RECEIVE: u64 = 6;
/// Never runs again.
const ENDED: u64 = 7;
/// The bits of these; of `RECEIVING` there are more ([`Receiving`]).
const STATE: u64 = 7;

/// The receiving call in which a thread waits, as far as others must know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receiving(u64);

impl Receiving {
    const IS_LONG: u64 = 1 << 3;
    const IS_TIMED: u64 = 1 << 4;
    /// The bits that mean something here alone; the other is one of descriptors.
    const HERE: u64 = 0xff;
    const HAS_SENT: u64 = Descriptor::SENT;

    /// One whose message goes to memory if `is_long`, which has a deadline if `is_timed`, and has sent a message before if `has_sent`.
    #[inline(always)]
    #[must_use]
    pub const fn new(is_long: bool, is_timed: bool, has_sent: bool) -> Self {
        let mut word = RECEIVING;
        if is_long {
            word |= Self::IS_LONG;
        }
        if is_timed {
            word |= Self::IS_TIMED;
        }
        if has_sent {
            word |= Self::HAS_SENT;
        }
        Self(word)
    }

    /// True if its message goes to registers, and it has no deadline.
    #[inline(always)]
    #[must_use]
    pub const fn is_plain(self) -> bool {
        // All bits but one of descriptors are in the lower half.
        self.0 as u32 == RECEIVING as u32
    }

    /// True if its message goes to memory.
    #[inline(always)]
    #[must_use]
    pub const fn is_long(self) -> bool {
        self.0 & Self::IS_LONG != 0
    }

    /// True if it had a deadline when it began to wait.
    #[inline(always)]
    #[must_use]
    pub const fn is_timed(self) -> bool {
        self.0 & Self::IS_TIMED != 0
    }

    /// The descriptor of a message that it receives.
    #[inline(always)]
    #[must_use]
    pub const fn describe(self, received: Descriptor) -> Descriptor {
        if self.is_plain() {
            // The same in one step: of what is taken off, both have other bits.
            return Descriptor(received.0.wrapping_add(self.0 - RECEIVING));
        }
        Descriptor(received.0 | self.0 & !Self::HERE)
    }
}

/// A thread's state, for reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// In the queue of ready threads.
    Ready {
        /// In the middle of a call.
        is_in_call: bool,
    },
    /// On a CPU.
    Running,
    /// In a call that waits.
    Blocked,
    /// Never runs again.
    Ended,
}

/// The thread is on a CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IsRunning;

/// See the module's documentation.
pub struct Doing {
    word: AtomicU64,
    /// The peer, while it is `RECEIVING` or `READY_RECEIVE`, and a moment before and after.
    at: Slot<PeerObject>,
    /// What it gave to `thread_exit`.
    value: AtomicU64,
}

impl Default for Doing {
    fn default() -> Self {
        Self::new()
    }
}

impl Doing {
    /// Of a thread that its maker has: running, as far as others can tell.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            word: AtomicU64::new(RUNNING),
            at: Slot::new(),
            value: AtomicU64::new(0),
        }
    }

    #[inline(always)]
    fn step(&self, from: u64, to: u64) -> Result<u64, u64> {
        self.word
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
    }

    /// Changes the word as `next` says; what it was. `None`, and nothing is changed, if `next` says so.
    fn change(&self, next: impl FnMut(u64) -> Option<u64>) -> Option<u64> {
        let order = (Ordering::AcqRel, Ordering::Acquire);
        self.word.fetch_update(order.0, order.1, next).ok()
    }

    /// The running thread blocks; false if it was woken meanwhile: it runs on.
    #[must_use]
    pub fn block(&self) -> bool {
        let is_blocked = self.step(RUNNING, BLOCKED).is_ok();
        if !is_blocked {
            self.word.store(RUNNING, Ordering::Release);
        }
        is_blocked
    }

    /// The running thread, which is the sole one of `at`, blocks in a receiving call; false if it was woken meanwhile: it runs on.
    #[inline(always)]
    #[must_use]
    pub fn receive(&self, at: &Ref<PeerObject>, call: Receiving) -> bool {
        self.at.fill(at.clone());
        if self.step(RUNNING, call.0).is_ok() {
            return true;
        }
        self.run_on();
        false
    }

    #[cold]
    fn run_on(&self) {
        drop(self.at.take());
        self.word.store(RUNNING, Ordering::Release);
    }

    /// Takes the thread out of the receiving call in which it waits, to hand a message over to it: the caller's CPU runs it. To be followed by
    /// [`Self::received`] or [`Self::give_back`].
    #[inline(always)]
    #[must_use]
    pub fn claim(&self) -> Option<Receiving> {
        let word = self.word.load(Ordering::Relaxed);
        (word & STATE == RECEIVING && self.step(word, RUNNING).is_ok()).then_some(Receiving(word))
    }

    /// [`Self::claim`] for a call that is [plain](Receiving::is_plain).
    #[inline(always)]
    #[must_use]
    pub fn claim_plain(&self) -> Option<Receiving> {
        let call = Receiving(self.word.load(Ordering::Relaxed));
        (call.is_plain() && self.step(call.0, RUNNING).is_ok()).then_some(call)
    }

    /// The peer at which the thread that was claimed waits. To be given back with [`Self::keep_place`] if the thread is.
    #[inline(always)]
    #[must_use]
    pub fn take_place(&self) -> Option<Ref<PeerObject>> {
        self.at.take()
    }

    /// The thread that was claimed waited at `at`, and is to look there itself.
    pub fn keep_place(&self, at: Ref<PeerObject>) {
        self.at.fill(at);
    }

    /// The thread that was claimed has its message.
    #[inline(always)]
    pub fn received(&self) {
        drop(self.at.take());
    }

    /// The thread that was claimed goes on with its call and looks for itself: it is to be entered among the ready ones.
    pub fn give_back(&self) {
        self.word.store(READY_RECEIVE, Ordering::Release);
    }

    /// Wakes it. True if it was blocked: it is ready, and to be entered.
    #[must_use]
    pub fn wake(&self) -> bool {
        let woken = self.change(|word| match word & STATE {
            RUNNING => Some(WOKEN),
            BLOCKED => Some(READY_CALL),
            RECEIVING => Some(READY_RECEIVE),
            _ => None,
        });
        woken.is_some_and(|word| word != RUNNING)
    }

    /// The running thread is ready to do this.
    pub fn give_way(&self, work: Work) {
        let word = match work {
            Work::User => READY_USER,
            Work::Call => READY_CALL,
            Work::Receive(at) => {
                self.at.fill(at);
                READY_RECEIVE
            }
        };
        self.word.store(word, Ordering::Release);
    }

    /// Runs a ready thread; what it does then. `None` if it has ended meanwhile.
    #[must_use]
    pub fn begin(&self) -> Option<Work> {
        let is_ready = |word| matches!(word, READY_USER | READY_CALL | READY_RECEIVE);
        let word = self.change(|word| is_ready(word).then_some(RUNNING))?;
        Some(self.work(word).unwrap_or(Work::User))
    }

    /// What a thread that was not running, and that nobody else has now, was to do.
    fn work(&self, word: u64) -> Option<Work> {
        match word & STATE {
            READY_USER => Some(Work::User),
            READY_CALL | BLOCKED => Some(Work::Call),
            RECEIVING | READY_RECEIVE => self.at.take().map(Work::Receive),
            _ => None,
        }
    }

    /// Ends it, unless it runs; what it was to do, if it had not ended before.
    ///
    /// # Errors
    /// [`IsRunning`].
    pub fn stop(&self) -> Result<Option<Work>, IsRunning> {
        let is_running = |word| matches!(word, RUNNING | WOKEN);
        let word = self.change(|word| (!is_running(word)).then_some(ENDED));
        word.map(|word| self.work(word)).ok_or(IsRunning)
    }

    /// Ends the running thread.
    pub fn finish(&self, value: u64) {
        self.value.store(value, Ordering::Relaxed);
        self.word.store(ENDED, Ordering::Release);
    }

    /// Its value, if it has ended.
    #[must_use]
    pub fn ended(&self) -> Option<u64> {
        (self.word.load(Ordering::Acquire) == ENDED).then(|| self.value.load(Ordering::Relaxed))
    }

    /// Its state, which may be another in the next moment.
    #[must_use]
    pub fn state(&self) -> State {
        match self.word.load(Ordering::Relaxed) & STATE {
            RUNNING | WOKEN => State::Running,
            BLOCKED | RECEIVING => State::Blocked,
            ENDED => State::Ended,
            word => State::Ready {
                is_in_call: word != READY_USER,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A wake between the last look and the block is not lost, and is used up by that block.
    #[test]
    fn sched_a_wake_is_never_lost() {
        let doing = Doing::new();
        assert!(!doing.wake());
        assert!(!doing.wake());
        assert!(!doing.block());
        assert!(doing.block());
        assert_eq!(doing.state(), State::Blocked);
        assert!(doing.wake());
        assert!(!doing.wake());
        assert!(matches!(doing.begin(), Some(Work::Call)));
        assert_eq!(doing.state(), State::Running);
        assert!(doing.block());
    }

    /// A ready thread does what it gave way with, once; nobody claims it, and nothing but its own CPU ends it while it runs.
    #[test]
    fn sched_a_thread_is_run_by_one() {
        let doing = Doing::new();
        assert_eq!(doing.stop().err(), Some(IsRunning));
        assert_eq!(doing.claim(), None);
        doing.give_way(Work::User);
        assert_eq!(doing.state(), State::Ready { is_in_call: false });
        assert_eq!(doing.claim(), None);
        assert!(matches!(doing.begin(), Some(Work::User)));
        assert!(doing.begin().is_none());
        assert!(!doing.wake());
        assert_eq!(doing.stop().err(), Some(IsRunning));
        doing.give_way(Work::Call);
        assert!(matches!(doing.stop(), Ok(Some(Work::Call))));
        assert!(doing.begin().is_none());
    }

    /// Who has ended does not run again, is not woken, and keeps its value.
    #[test]
    fn sched_an_end_is_final() {
        let doing = Doing::new();
        assert_eq!(doing.ended(), None);
        doing.finish(7);
        assert!(!doing.wake());
        assert!(doing.begin().is_none());
        assert!(matches!(doing.stop(), Ok(None)));
        assert_eq!((doing.ended(), doing.state()), (Some(7), State::Ended));
    }

    /// What others must know of a receiving call is told by the word under which it waits.
    #[test]
    fn a_receiving_call_is_told_by_its_word() {
        for bits in 0..8 {
            let [is_long, is_timed, has_sent] = [1, 2, 4].map(|bit| bits & bit != 0);
            let call = Receiving::new(is_long, is_timed, has_sent);
            assert_eq!((call.is_long(), call.is_timed()), (is_long, is_timed));
            assert_eq!(call.is_plain(), !is_long && !is_timed);
            let plain = Descriptor::new(1, 7, 1);
            let told = if has_sent { plain.sent() } else { plain };
            assert_eq!(call.describe(plain), told);
            assert_eq!(call.0 & STATE, RECEIVING);
        }
    }
}
