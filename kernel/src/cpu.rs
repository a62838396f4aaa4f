//! What one CPU is doing.
//!
//! All per-CPU data of the portable kernel is in [`Cpu`], reached by the trap handler alone, which has it for as long as it
//! runs: interrupts are off, and nothing in the kernel is preempted.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::shared::Ref;
use crate::syscall::caller::Scratch;
use crate::syscall::decode;
use crate::task::thread::{Thread, Work};

/// One CPU.
pub struct Cpu {
    /// The thread that it runs, and what that thread does next.
    pub current: Option<(Ref<Thread>, Work)>,
    /// When the thread's turn is over, in nanoseconds of the clock.
    pub turn_end_ns: u64,
    /// When the reaper, which shares with threads of its priority, may do its next batch.
    pub reaper_turn_ns: u64,
    /// Since when the thread runs, in ticks of the time-stamp counter.
    pub since_ticks: u64,
    /// Memory for calls.
    pub scratch: Scratch,
}

impl Cpu {
    /// A CPU that runs nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            current: None,
            turn_end_ns: 0,
            reaper_turn_ns: 0,
            since_ticks: 0,
            scratch: Scratch::new(),
        }
    }
}

impl Default for Cpu {
    fn default() -> Self {
        Self::new()
    }
}

/// No system call.
const NO_CALL: u64 = u64::MAX;

/// What a panic reports of this CPU: read without locks, at any point.
pub struct Doing {
    task: AtomicU64,
    call: AtomicU64,
}

/// The boot CPU; others are parked.
pub static DOING: Doing = Doing {
    task: AtomicU64::new(0),
    call: AtomicU64::new(NO_CALL),
};

impl Doing {
    /// A thread of the task with this number is about to run.
    pub fn set_task(&self, number: u64) {
        self.task.store(number, Ordering::Relaxed);
    }

    /// It makes the system call of this number, or none.
    pub fn set_call(&self, number: Option<u64>) {
        self.call
            .store(number.unwrap_or(NO_CALL), Ordering::Relaxed);
    }

    /// Says it in a few words.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn describe(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        match self.task.load(Ordering::Relaxed) {
            0 => write!(out, "no task yet")?,
            task => write!(out, "task {task}")?,
        }
        match self.call.load(Ordering::Relaxed) {
            NO_CALL => write!(out, ", no system call"),
            number => match decode(number) {
                Some(call) => write!(out, ", system call {}", call.specification().name),
                None => write!(out, ", unknown system call {number:#x}"),
            },
        }
    }
}
