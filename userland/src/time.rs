//! The monotonic clock, and deadlines on it.

use crate::calls;
use core::time::Duration;
use omnibus_abi::{DEADLINE_NEVER, Errno};

/// Nanoseconds since boot.
#[must_use]
pub fn now_ns() -> u64 {
    calls::clock_ns()
}

/// The deadline that passes after `duration`.
#[must_use]
pub fn deadline_in(duration: Duration) -> u64 {
    deadline(now_ns(), duration)
}

/// A duration too long to count is for ever.
fn deadline(now_ns: u64, duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).map_or(DEADLINE_NEVER, |n| now_ns.saturating_add(n))
}

/// Sleeps for at least `duration`.
pub fn sleep(duration: Duration) {
    let result = calls::wait(&mut [], deadline_in(duration));
    debug_assert_eq!(
        result,
        Err(Errno::ETIMEDOUT),
        "a wait for nothing ends by its deadline"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A deadline beyond the end of time is never, not one in the past.
    #[test]
    fn run_deadlines_saturate() {
        assert_eq!(deadline(5, Duration::from_nanos(7)), 12);
        assert_eq!(deadline(5, Duration::MAX), DEADLINE_NEVER);
        assert_eq!(
            deadline(u64::MAX - 1, Duration::from_secs(1)),
            DEADLINE_NEVER
        );
    }
}
