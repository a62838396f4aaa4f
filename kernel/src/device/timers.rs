//! Timers: an event at a time ([`Event`]), once or again and again.
//!
//! ```text
//!   disarmed ── set ──> armed(deadline, period) ── deadline passes ──> disarmed, or armed for the next period
//! ```
//!
//! 1. A timer is held by capabilities; with the last hold it is disarmed and gone. What it told before stays to be received.
//! 2. Room in the queue is set aside when a timer is made, so arming cannot fail.
//! 3. A timer that finds several of its periods over tells of all of them at once: it is told how many, and when the last was due.
//! 4. After a look at the queue that found something, the next comes no sooner than [`PAUSE_NS`] later, and a look takes a bounded
//!    number: however many timers there are, and however short their periods, others run in between. What is late is counted (rule 3).

use core::sync::atomic::{AtomicU64, Ordering};

use omnibus_abi::{DEADLINE_NEVER, Errno};

use crate::lock::{Lock, Rank};
use crate::service::{Charge, event::Event};
use crate::shared::{Held, Hold, Holds, Link, Linked, List, Ref};
use crate::task::deadlines::{Deadlines, Member, Place};
use crate::task::scheduler;

/// Timers that expire in one look; to tell of each is a few hundred instructions (ORD-8).
const LOOK: u32 = 32;

/// Between two looks: several times what a look takes.
const PAUSE_NS: u64 = 100_000;

/// Purpose of the link of a timer in the list of all.
#[derive(Debug)]
pub enum All {}

/// See the module's documentation.
pub struct Timer {
    /// Its number, unique for ever.
    pub number: u64,
    event: Event,
    /// 0 if it expires once. Changed under the queue's lock.
    period_ns: AtomicU64,
    place: Place,
    holds: Holds,
    /// Itself, as an object.
    _charge: Charge,
    all: Link,
}

struct Queue {
    armed: Deadlines<Ref<Timer>>,
    /// The next look is not before this.
    not_before_ns: u64,
}

static QUEUE: Lock<Queue> = Lock::new(
    Rank::Deadlines,
    Queue {
        armed: Deadlines::new(),
        not_before_ns: 0,
    },
);

/// When the next look is due, as [`QUEUE`] has it.
static NEXT_NS: AtomicU64 = AtomicU64::new(DEADLINE_NEVER);

static NUMBERS: AtomicU64 = AtomicU64::new(1);
static TIMERS: Lock<List<Timer, All>> = Lock::new(Rank::Registry, List::new());

impl Queue {
    fn note(&self) {
        let earliest_ns = self.armed.earliest_ns().unwrap_or(DEADLINE_NEVER);
        NEXT_NS.store(earliest_ns.max(self.not_before_ns), Ordering::Relaxed);
    }

    /// Takes out a timer whose deadline is not after `now_ns`; it is armed again if it has a period. How often it has expired, and when
    /// last.
    fn expire(&mut self, now_ns: u64) -> Option<(Ref<Timer>, u64, u64)> {
        let deadline_ns = self.armed.earliest_ns()?;
        let timer = self.armed.pop_due(now_ns)?;
        let period_ns = timer.period_ns.load(Ordering::Relaxed);
        let n_more = (now_ns - deadline_ns).checked_div(period_ns).unwrap_or(0);
        let last_ns = deadline_ns + n_more * period_ns;
        if period_ns > 0
            && let Some(next_ns) = last_ns.checked_add(period_ns)
            && next_ns != DEADLINE_NEVER
        {
            self.armed.enter(next_ns, timer.clone());
        }
        Some((timer, n_more.saturating_add(1), last_ns))
    }
}

impl Timer {
    /// A disarmed timer that tells of its expiry by `event`, two words; `charge` is one object.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn new(event: Event, charge: Charge) -> Result<Hold<Self>, Errno> {
        let timer = Ref::try_new(Self {
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            event,
            period_ns: AtomicU64::new(0),
            place: Place::default(),
            holds: Holds::one(),
            _charge: charge,
            all: Link::new(),
        })?;
        QUEUE.lock().armed.admit().map_err(|_| Errno::ENOMEM)?;
        TIMERS.lock().push_back(timer.clone());
        Ok(Hold::first(timer))
    }

    /// Arms a timer for `deadline_ns`, and if `period_ns` is not 0 for every such time behind it; disarms it for [`DEADLINE_NEVER`]. What
    /// was set before is forgotten.
    pub fn set(timer: &Ref<Self>, deadline_ns: u64, period_ns: u64) {
        let mut queue = QUEUE.lock();
        let before = queue.armed.cancel(timer);
        timer.period_ns.store(period_ns, Ordering::Relaxed);
        if deadline_ns != DEADLINE_NEVER {
            queue.armed.enter(deadline_ns, timer.clone());
        }
        queue.note();
        drop(queue);
        drop(before);
        // The interrupt may have to come sooner.
        scheduler::note_news();
    }

    /// How many hold it.
    #[must_use]
    pub fn n_holds(&self) -> u64 {
        self.holds.n()
    }

    /// True if it is armed.
    #[must_use]
    pub fn is_armed(&self) -> bool {
        self.place.is_taken()
    }

    /// The timer behind `timer` in the order of numbers, or the first.
    #[must_use]
    pub fn after(timer: Option<&Ref<Self>>) -> Option<Ref<Self>> {
        let timers = TIMERS.lock();
        match timer {
            None => timers.front(),
            Some(timer) if timers.has(timer) => timers.next(timer),
            // It has gone meanwhile.
            Some(timer) => timers.find(|other| other.number > timer.number),
        }
    }
}

impl Held for Timer {
    fn holds(&self) -> &Holds {
        &self.holds
    }

    fn end(timer: &Ref<Self>) {
        let mut queue = QUEUE.lock();
        let armed = queue.armed.cancel(timer);
        queue.armed.dismiss();
        queue.note();
        drop(queue);
        drop(armed);
        let removed = TIMERS.lock().remove(timer);
        drop(removed);
    }
}

impl Member for Ref<Timer> {
    fn place(&self) -> &Place {
        &self.place
    }
}

impl Linked<All> for Timer {
    fn link(&self) -> &Link {
        &self.all
    }
}

/// When the next look is due; [`DEADLINE_NEVER`] if no timer is armed.
#[inline]
#[must_use]
pub fn next_ns() -> u64 {
    NEXT_NS.load(Ordering::Relaxed)
}

/// Tells of timers that have expired.
#[inline]
pub fn expire(now_ns: u64) {
    if next_ns() <= now_ns {
        look(now_ns);
    }
}

#[cold]
fn look(now_ns: u64) {
    for _ in 0..LOOK {
        let expired = QUEUE.lock().expire(now_ns);
        let Some((timer, n_expired, last_ns)) = expired else {
            break;
        };
        timer.event.fire(&[n_expired, last_ns]);
    }
    let mut queue = QUEUE.lock();
    queue.not_before_ns = now_ns.saturating_add(PAUSE_NS);
    queue.note();
}

#[cfg(test)]
mod tests {
    use super::*;
    use omnibus_abi::native::TimerEvent;

    use crate::service::{Account, objects, peer::Hold as Peer};

    fn timer(peer: &Peer) -> Hold<Timer> {
        let (_, handle) = peer.core.create_node(&peer.core).unwrap();
        let event = Event::bind::<TimerEvent>(peer, handle.as_u64()).unwrap();
        let account = peer.core.account();
        Timer::new(event, account.charge(&account.actor(), objects(1)).unwrap()).unwrap()
    }

    /// Periods that are over are counted, the last of them named, and the timer goes on from there, whatever the numbers are.
    #[test]
    fn tim_periods_are_counted_exactly() {
        let account = Account::root([64, 4096, 0]).unwrap();
        let peer = Peer::new(&account).unwrap();
        let timer = timer(&peer);
        let mut queue = Queue {
            armed: Deadlines::new(),
            not_before_ns: 0,
        };
        queue.armed.admit().unwrap();
        let mut expired = |deadline_ns, period_ns, now_ns| {
            drop(queue.armed.cancel(&timer));
            timer.period_ns.store(period_ns, Ordering::Relaxed);
            queue.armed.enter(deadline_ns, (*timer).clone());
            let expired = queue.expire(now_ns).map(|(_, n, last_ns)| (n, last_ns));
            let next_ns = queue.armed.earliest_ns();
            drop(queue.armed.cancel(&timer));
            (expired, next_ns)
        };
        const END: u64 = u64::MAX;
        assert_eq!(expired(100, 0, 99), (None, Some(100)));
        assert_eq!(expired(100, 0, 100), (Some((1, 100)), None));
        assert_eq!(expired(100, 10, 100), (Some((1, 100)), Some(110)));
        assert_eq!(expired(100, 10, 109), (Some((1, 100)), Some(110)));
        assert_eq!(expired(100, 10, 130), (Some((4, 130)), Some(140)));
        assert_eq!(
            expired(0, 1, END - 2),
            (Some((END - 1, END - 2)), Some(END - 1))
        );
        assert_eq!(expired(0, 1, END - 1), (Some((END, END - 1)), None));
        assert_eq!(expired(5, END, END - 1), (Some((1, 5)), None));
        assert_eq!(expired(0, END, 7), (Some((1, 0)), None));
        assert_eq!(expired(END - 1, 1, END - 1), (Some((1, END - 1)), None));
    }
}
