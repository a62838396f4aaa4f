//! Interrupt lines: each is bound to at most one node, and an interrupt is an event there ([`Event`]).
//!
//! ```text
//!   unbound (masked) ── bind ──> told (masked) ── acknowledge ──> waiting ── interrupt ──> arrived ── way out ──> told
//!                                                    ^                                                             │
//!                                                    └───────────────────────── acknowledge ───────────────────────┘
//! ```
//!
//! 1. From an interrupt to its acknowledgement none of the line is told. So a device that interrupts without end costs no more than
//!    its driver's acknowledgements.
//! 2. A level-triggered line is masked at once, for it would interrupt again as soon as it may; if it is still asserted when it is
//!    acknowledged it interrupts again.
//! 3. An edge-triggered line stays open for one more: a masked input forgets edges (Intel 82093AA, 3.2.4, interrupt mask), and the
//!    driver may have looked at its device just before. The second edge masks the line and is told after the acknowledgement.
//! 4. A binding is held by capabilities. With the last hold the line is masked and free; what it told before stays to be received.
//! 5. What arrives on a line that nobody has bound does nothing.
//!
//! An interrupt may arrive in the midst of a long call of the kernel. It is only noted then ([`arrived`]), without a lock, and told on the
//! way out ([`tell`]).

use core::sync::atomic::{AtomicU64, Ordering};

use omnibus_abi::Errno;

use crate::arch::ioapic;
use crate::lock::{Lock, Rank};
use crate::service::{Charge, event::Event};
use crate::shared::{Held, Hold, Holds, Ref};
use crate::task::scheduler;

/// Lines that are numbered: the 16 of an ISA bus, and all inputs of the I/O APIC behind them.
pub const N_LINES: usize = 64;

/// Interrupts that have arrived and are to be told, by line.
static ARRIVED: AtomicU64 = AtomicU64::new(0);

/// Lines that were told and are not acknowledged, by line.
static TOLD: AtomicU64 = AtomicU64::new(0);

/// Lines whose input is masked, though they are bound.
static MASKED: AtomicU64 = AtomicU64::new(0);

static BOUND: Lock<[Option<Ref<Interrupt>>; N_LINES]> =
    Lock::new(Rank::Registry, [const { None }; N_LINES]);

/// A line that is bound to a node.
pub struct Interrupt {
    /// The line.
    pub line: u8,
    event: Event,
    holds: Holds,
    /// Itself, as an object.
    _charge: Charge,
}

impl Interrupt {
    /// Binds `line`: its interrupts are told by `event`, two words, from the first acknowledgement on; `charge` is one object.
    ///
    /// # Errors
    /// `EBUSY` if it is bound, `ENOMEM`.
    pub fn new(line: u8, event: Event, charge: Charge) -> Result<Hold<Self>, Errno> {
        let interrupt = Ref::try_new(Self {
            line,
            event,
            holds: Holds::one(),
            _charge: charge,
        })?;
        let mut bound = BOUND.lock();
        match bound.get_mut(usize::from(line)) {
            Some(place @ None) => *place = Some(interrupt.clone()),
            _ => {
                drop(bound);
                return Err(Errno::EBUSY);
            }
        }
        drop(bound);
        let bit = 1 << line;
        TOLD.fetch_or(bit, Ordering::Relaxed);
        MASKED.fetch_or(bit, Ordering::Relaxed);
        ARRIVED.fetch_and(!bit, Ordering::Relaxed);
        Ok(Hold::first(interrupt))
    }

    /// Lets the next interrupt in.
    pub fn acknowledge(&self) {
        let bit = 1 << self.line;
        if TOLD.fetch_and(!bit, Ordering::Relaxed) & bit == 0 {
            return;
        }
        if MASKED.fetch_and(!bit, Ordering::Relaxed) & bit != 0 {
            ioapic::unmask(self.line);
        }
        if ARRIVED.load(Ordering::Relaxed) & bit != 0 {
            scheduler::note_news();
        }
    }
}

impl Held for Interrupt {
    fn holds(&self) -> &Holds {
        &self.holds
    }

    fn end(interrupt: &Ref<Self>) {
        ioapic::mask(interrupt.line);
        let mut bound = BOUND.lock();
        let place = bound.get_mut(usize::from(interrupt.line));
        let unbound = place.and_then(Option::take);
        drop(bound);
        drop(unbound);
    }
}

/// True if `line` is bound.
#[must_use]
pub fn is_bound(line: u8) -> bool {
    matches!(BOUND.lock().get(usize::from(line)), Some(Some(_)))
}

/// An interrupt has come in on `line`. Called with interrupts off, wherever the kernel is.
pub fn arrived(line: u8) {
    let bit = 1 << line;
    let is_known = (ARRIVED.fetch_or(bit, Ordering::Relaxed) | TOLD.load(Ordering::Relaxed)) & bit;
    if is_known != 0 || ioapic::is_level(line) {
        ioapic::mask(line);
        MASKED.fetch_or(bit, Ordering::Relaxed);
    }
    scheduler::note_news();
}

/// Tells of the interrupts that have arrived.
#[inline]
pub fn tell() {
    let lines = ARRIVED.load(Ordering::Relaxed) & !TOLD.load(Ordering::Relaxed);
    if lines != 0 {
        tell_of(lines);
    }
}

#[cold]
fn tell_of(mut lines: u64) {
    while lines != 0 {
        let line = lines.trailing_zeros() as u8;
        let bit = 1 << line;
        lines &= !bit;
        ARRIVED.fetch_and(!bit, Ordering::Relaxed);
        TOLD.fetch_or(bit, Ordering::Relaxed);
        let bound = BOUND.lock();
        let interrupt = bound.get(usize::from(line)).and_then(Clone::clone);
        drop(bound);
        match interrupt {
            Some(interrupt) => interrupt.event.fire(&[1, u64::from(line)]),
            // It came while the line was given up.
            None => ioapic::mask(line),
        }
    }
}
