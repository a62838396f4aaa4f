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
