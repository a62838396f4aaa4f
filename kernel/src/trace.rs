//! The last events of the kernel, for whoever researches what happened: a ring, printed by a panic and at the end of the system.
//!
//! The kernel word `trace=on` switches it on before the first program runs; only a kernel that was built for it (feature `trace`) has
//! any of it, and the tool boots that one for the word. In the other one nothing stands where something could be told: a test of one
//! word there made a call and its reply 28 instructions longer, of 527. Events are what the kernel does (system calls, switches, faults,
//! refusals) and what the core of the bus tells ([`bus1_service::TraceEvent`]). Rules:
//! 1. Telling allocates nothing and waits for nobody. An event has a slot of its own; one that is being written or read by somebody
//!    else is left out.
//! 2. A receiving call that ends because a message is handed over to its thread has no exit of its own: *receives* and *runs* tell.

use core::fmt::{self, Display, Formatter};
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bus1_service::{PeerName, TraceEvent};
use omnibus_abi::Errno;
use spin::Mutex;

use crate::syscall::decode;
use crate::time;

/// Whether this kernel can tell at all.
const IS_BUILT: bool = cfg!(any(test, feature = "trace"));

/// Events that are kept.
const N_KEPT: usize = 1024;

/// Events that a panic prints.
pub const N_IN_PANIC: usize = 32;

/// Something that happened. Threads, tasks and peers are named by their numbers.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// A thread makes a system call.
    Entry {
        /// The thread.
        thread: u64,
        /// The register that names it.
        call: u64,
    },
    /// A system call ends.
    Exit {
        /// The thread that made it.
        thread: u64,
        /// What it returns.
        result: Result<u64, Errno>,
    },
    /// The CPU runs another thread.
    Switch {
        /// Which.
        thread: u64,
        /// Of which task.
        task: u64,
    },
    /// A thread faults in user mode.
    Fault {
        /// Which.
        thread: u64,
        /// The exception's vector.
        vector: u8,
        /// The address that it is about.
        address: u64,
    },
    /// Memory that a system call was told to use is not there, or not to be used like that.
    Missed {
        /// The thread that made the call.
        thread: u64,
        /// Where.
        address: u64,
    },
    /// The core refused something.
    Refused(bus1_service::Error),
    /// A peer was made, which the core calls so.
    Peer {
        /// Its number in the kernel's reports.
        number: u64,
        /// Its name in the core's events.
        name: PeerName,
    },
    /// Something took effect in the core.
    Bus(TraceEvent),
}

impl Display for Event {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Entry { thread, call } => match decode(call) {
                Some(call) => write!(f, "thread {thread} calls {}", call.specification().name),
                None => write!(f, "thread {thread} calls {call:#x}, which there is not"),
            },
            Self::Exit { thread, result } => match result {
                Ok(value) => write!(f, "thread {thread} gets {value:#x}"),
                Err(errno) => write!(f, "thread {thread} gets {errno}"),
            },
            Self::Switch { thread, task } => write!(f, "thread {thread} of task {task} runs"),
            Self::Fault {
                thread,
                vector,
                address,
            } => write!(
                f,
                "thread {thread} faults: vector {vector}, address {address:#x}"
            ),
            Self::Missed { thread, address } => {
                write!(f, "thread {thread}: no use of memory at {address:#x}")
            }
            Self::Refused(error) => write!(f, "refused: {error:?}"),
            Self::Peer { number, name } => write!(f, "peer {name} is number {number}"),
            Self::Bus(event) => event.fmt(f),
        }
    }
}

/// An event, when it was told, and its number in the order of telling.
struct Told {
    number: usize,
    ticks: u64,
    event: Event,
}

/// Whether events are kept.
static IS_ON: AtomicBool = AtomicBool::new(false);

/// Only ever tried to be locked: nobody waits here, and so the locks have no rank.
static RING: [Mutex<Option<Told>>; N_KEPT] = [const { Mutex::new(None) }; N_KEPT];

/// Number of the next event.
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// Takes the kernel word: false if its value is none that it can have, or this kernel was not built for it.
#[must_use]
pub fn choose(value: &[u8]) -> bool {
    let is_on = IS_BUILT && value == b"on";
    IS_ON.store(is_on, Ordering::Relaxed);
    is_on
}

/// Whether somebody watches.
#[inline(always)]
#[must_use]
pub fn is_on() -> bool {
    IS_BUILT && IS_ON.load(Ordering::Relaxed)
}

/// Tells of an event, if anybody watches: `trace!(Event::…)`. It is put together only then.
#[macro_export]
macro_rules! trace {
    ($event:expr) => {
        if $crate::trace::is_on() {
            $crate::trace::keep(|| $event);
        }
    };
}

pub use trace;

/// Keeps an event. Apart from what is told of, so that its room is not made there.
#[cold]
#[inline(never)]
pub fn keep(event: impl FnOnce() -> Event) {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    if let Some(mut slot) = RING[number % N_KEPT].try_lock() {
        *slot = Some(Told {
            number,
            ticks: time::ticks(),
            event: event(),
        });
    }
}

/// Prints the last events, `n_max` at most, oldest first, each with the nanoseconds since the one before it.
pub fn print(n_max: usize) {
    let end = NEXT.load(Ordering::Relaxed);
    let first = end.saturating_sub(n_max.min(N_KEPT));
    if end == 0 {
        return;
    }
    crate::log::print(format_args!(
        "trace: the last {} of {end} events, each with the nanoseconds since the one before\n",
        end - first
    ));
    let mut before = None;
    for number in first..end {
        let slot = RING[number % N_KEPT].try_lock();
        let Some(told) = slot.as_deref().and_then(Option::as_ref) else {
            continue;
        };
        if told.number != number {
            continue;
        }
        let since = told.ticks.saturating_sub(before.unwrap_or(told.ticks));
        let (since_ns, event) = (time::ns_of(since), told.event);
        crate::log::print(format_args!("trace: {since_ns:>9} {event}\n"));
        before = Some(told.ticks);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// While nobody watches nothing is kept; then the last events are, and each can be said.
    #[test]
    fn the_last_events_are_kept() {
        let entry = |call| Event::Entry { thread: 3, call };
        trace!(unreachable!("nobody watches"));
        assert!(!choose(b"off"));
        assert!(choose(b"on"));
        for call in 0..2 * N_KEPT as u64 + 1 {
            trace!(entry(call));
        }
        assert!(!choose(b""), "off again");
        let newest = RING[0].lock();
        let told = newest.as_ref().map(|told| (told.number, told.event));
        assert!(
            matches!(told, Some((n, Event::Entry { call, .. })) if n == 2 * N_KEPT && call == n as u64)
        );
        assert_eq!(
            entry(u64::MAX).to_string(),
            "thread 3 calls 0xffffffffffffffff, which there is not"
        );
        let exit = Event::Exit {
            thread: 3,
            result: Err(Errno::EDQUOT),
        };
        assert!(exit.to_string().contains("EDQUOT"), "{exit}");
    }
}
