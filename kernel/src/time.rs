//! The monotonic clock.

/// Nanoseconds since boot.
#[must_use]
pub fn now_ns() -> u64 {
    #[cfg(not(test))]
    return crate::arch::timer::clock_ns();
    // On the host time stands still.
    #[cfg(test)]
    return 1;
}

/// The time-stamp counter, for intervals.
#[inline]
#[must_use]
pub fn ticks() -> u64 {
    #[cfg(not(test))]
    return crate::arch::timer::counter();
    // On the host time stands still.
    #[cfg(test)]
    return 1;
}

/// An interval of [`ticks`] in nanoseconds.
#[must_use]
pub fn ns_of(ticks: u64) -> u64 {
    crate::arch::timer::ticks_to_ns(ticks)
}
