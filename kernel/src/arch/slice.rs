//! The test mode in which a timer interrupt follows every instruction of user mode (kernel word `slice=N`, N ticks to begin with).
//!
//! The way back to user mode by IRETQ arms the timer with N ticks (`entry`, `resume_full`), always the same number of instructions before the
//! program goes on. As long as the program then did not move before the interrupt, N is too short for that way, and grows by one. With
//! `-icount shift=0` a tick is an instruction: the first N with which the program moves lets it execute exactly one, and N stays.
//! Requests for the timer by anyone else are not looked at: there is always an interrupt under way, so everybody looks at the clock soon.

use super::context::Next;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// When an interrupt comes that no return to user mode has armed: soon.
const SOON_TICKS: u32 = 100;
/// Ticks to arm at every return; 0: the mode is off. Read by assembly.
pub(super) static N_TICKS: AtomicU32 = AtomicU32::new(0);
/// The program has moved: N is found.
static IS_FOUND: AtomicBool = AtomicBool::new(false);
static RESUMED_AT: AtomicU64 = AtomicU64::new(0);
static N_INTERRUPTED: AtomicU64 = AtomicU64::new(0);

/// Switches the mode on, to begin with `n_ticks`, at least 1.
pub(super) fn switch_on(n_ticks: u32) {
    N_TICKS.store(n_ticks.max(1), Ordering::Relaxed);
    super::apic::start_timer(0);
}

/// True in the test mode: then every timer interrupt ends the turn of the thread that it met.
pub fn is_on() -> bool {
    N_TICKS.load(Ordering::Relaxed) != 0
}

/// How often a program that had moved was interrupted.
pub fn n_interrupted() -> u64 {
    N_INTERRUPTED.load(Ordering::Relaxed)
}

/// Notes where the timer interrupted a program, and whether it had moved.
pub(super) fn interrupted(rip: u64) {
    if !is_on() {
        return;
    }
    if IS_FOUND.load(Ordering::Relaxed) || RESUMED_AT.load(Ordering::Relaxed) != rip {
        IS_FOUND.store(true, Ordering::Relaxed);
        N_INTERRUPTED.fetch_add(1, Ordering::Relaxed);
    } else {
        N_TICKS.fetch_add(1, Ordering::Relaxed);
    }
}

/// Notes where the program goes on. An idle CPU looks again soon.
pub(super) fn resumed(next: Next) {
    match next {
        _ if !is_on() => {}
        // SAFETY: the context is valid until its thread ends, and runs nowhere yet.
        Some(next) => RESUMED_AT.store(unsafe { next.as_ref() }.rip(), Ordering::Relaxed),
        None => super::apic::start_timer(SOON_TICKS),
    }
}

/// The kernel itself took the interrupt that was under way: another takes its place.
pub(super) fn taken_in_kernel() {
    if is_on() {
        super::apic::start_timer(SOON_TICKS);
    }
}
