//! The test mode in which a timer interrupt follows every instruction of user mode (kernel word `slice=N`, N ticks to begin with).
//!
//! At every return from an interrupt the timer is armed with N ticks. As long as the program then did not move before the next one, N is
//! too short for the way back to user mode, and grows by one. With `-icount shift=0` a tick is an instruction and the way back
//! is always equally long: from the first instruction that runs on, each is followed by an interrupt.

#[cfg(not(test))]
use super::context::{Next, UserContext};
use core::sync::atomic::{AtomicU32, Ordering};

/// The timer is never armed for longer in this mode: enough for the way back from a system call.
const TICKS_MAX: u32 = 10_000;

/// Ticks to arm at every return; 0: the mode is off.
static N_TICKS: AtomicU32 = AtomicU32::new(0);

/// Switches the mode on with `n_ticks`, at least 1.
pub fn switch_on(n_ticks: u32) {
    N_TICKS.store(n_ticks.max(1), Ordering::Relaxed);
}

/// True in the test mode: then every timer interrupt ends the turn of the thread that it met.
pub fn is_on() -> bool {
    N_TICKS.load(Ordering::Relaxed) != 0
}

/// What to arm for a request of `n_ticks` (0: none): in this mode the timer never stops, and comes soon.
pub(super) fn shorten(n_ticks: u32) -> u32 {
    if is_on() {
        n_ticks.wrapping_sub(1).min(TICKS_MAX) + 1
    } else {
        n_ticks
    }
}

#[cfg(not(test))]
mod armed {
    use super::{N_TICKS, Next, Ordering, UserContext};
    use crate::arch::apic;
    use core::sync::atomic::AtomicU64;

    static RESUMED_AT: AtomicU64 = AtomicU64::new(0);
    static N_INTERRUPTED: AtomicU64 = AtomicU64::new(0);

    /// Notes that the timer interrupted `context`, and whether it had moved.
    pub(in crate::arch) fn interrupted(context: &UserContext) {
        let n_ticks = N_TICKS.load(Ordering::Relaxed);
        if n_ticks == 0 {
            return;
        }
        if RESUMED_AT.load(Ordering::Relaxed) == context.rip() {
            N_TICKS.store(n_ticks.saturating_add(1), Ordering::Relaxed);
        } else {
            N_INTERRUPTED.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Arms the timer for the return to `next`; the last thing before it.
    pub(in crate::arch) fn arm(next: Next) {
        let n_ticks = N_TICKS.load(Ordering::Relaxed);
        if n_ticks != 0
            && let Some(next) = next
        {
            // SAFETY: the context is valid until its thread ends, and runs nowhere yet.
            RESUMED_AT.store(unsafe { next.as_ref() }.rip(), Ordering::Relaxed);
            apic::start_timer(n_ticks);
        }
    }

    /// How often a program that had moved was interrupted.
    pub fn n_interrupted() -> u64 {
        N_INTERRUPTED.load(Ordering::Relaxed)
    }
}
#[cfg(not(test))]
pub use armed::n_interrupted;
#[cfg(not(test))]
pub(super) use armed::{arm, interrupted};
