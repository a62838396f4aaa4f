//! Whether anything waits for [`super::run::leave`]: one word, which the end of every call looks at.
//!
//! Who gives a reason has done before what it stands for, and who finds one sees that; who takes one back does so before it looks. So what
//! happens meanwhile on another CPU is a reason again, and none is lost.

use core::sync::atomic::{AtomicU32, Ordering};

/// A reason to look around. Set by whoever has it; read without a lock, as a hint that is right on the CPU that set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Reason {
    /// The thread that runs may have to give way, though nobody became ready.
    News = 1,
    /// There is something to clean up.
    Work = 2,
    /// Somebody became ready.
    Ready = 4,
}

static REASONS: AtomicU32 = AtomicU32::new(0);

impl Reason {
    /// From now on there is this reason.
    pub fn give(self) {
        REASONS.fetch_or(self as u32, Ordering::Release);
    }

    /// There is no such reason any more.
    pub fn take_back(self) {
        take_back(self as u32);
    }

    /// True if there is this reason.
    #[inline(always)]
    #[must_use]
    pub fn is_given(self) -> bool {
        REASONS.load(Ordering::Acquire) & self as u32 != 0
    }
}

/// Everything that may make the running thread give way is about to be looked at.
pub fn clear_news() {
    take_back(Reason::News as u32 | Reason::Ready as u32);
}

fn take_back(reasons: u32) {
    REASONS.fetch_and(!reasons, Ordering::Acquire);
}

/// True if there is no reason but that somebody became ready.
#[inline(always)]
#[must_use]
pub fn is_nothing_but_ready() -> bool {
    REASONS.load(Ordering::Acquire) & !(Reason::Ready as u32) == 0
}

/// True if there is no reason at all.
#[inline(always)]
#[must_use]
pub fn is_quiet() -> bool {
    REASONS.load(Ordering::Acquire) == 0
}
