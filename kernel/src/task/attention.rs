//! Whether anything waits for [`super::run::leave`]: one word, which the end of every call looks at.

use core::sync::atomic::{AtomicU32, Ordering};

/// A reason to look around. Set by whoever has it; read without a lock, as a hint that is right on the CPU that set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Reason {
    /// Somebody became ready, or the thread that runs may have to give way for another reason.
    News = 1,
    /// There is something to clean up.
    Work = 2,
}

static REASONS: AtomicU32 = AtomicU32::new(0);

impl Reason {
    /// From now on there is this reason.
    pub fn give(self) {
        REASONS.fetch_or(self as u32, Ordering::Relaxed);
    }

    /// There is no such reason any more.
    pub fn take_back(self) {
        REASONS.fetch_and(!(self as u32), Ordering::Relaxed);
    }

    /// True if there is this reason.
    #[inline(always)]
    #[must_use]
    pub fn is_given(self) -> bool {
        REASONS.load(Ordering::Relaxed) & self as u32 != 0
    }
}

/// True if there is no reason at all.
#[inline(always)]
#[must_use]
pub fn is_quiet() -> bool {
    REASONS.load(Ordering::Relaxed) == 0
}
