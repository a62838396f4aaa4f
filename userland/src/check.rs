//! Claims that may turn out false: a failed check ends the test or chapter with a reason, not the task.

use alloc::format;
use alloc::string::String;
use core::fmt;
use core::panic::Location;
use omnibus_abi::Errno;

/// Why a claim does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(String);

/// Result of a test or chapter.
pub type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    /// A failure with this reason, found at the caller's place.
    #[must_use]
    #[track_caller]
    pub fn new(reason: impl fmt::Display) -> Self {
        let place = Location::caller();
        let file = place.file();
        let file = file.rsplit('/').next().unwrap_or(file);
        Self(format!("{reason} ({file}:{})", place.line()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Errno> for Failure {
    #[track_caller]
    fn from(error: Errno) -> Self {
        Self::new(format_args!("unexpected {error}"))
    }
}

/// Ends the test with a failure unless the condition holds; the rest says what was found instead.
#[macro_export]
macro_rules! check {
    ($condition:expr, $($reason:tt)+) => {
        if !$condition {
            return Err($crate::check::Failure::new(format_args!($($reason)+)));
        }
    };
}

/// Ends the test with a failure unless both are equal; the rest says what they are.
#[macro_export]
macro_rules! check_eq {
    ($found:expr, $expected:expr, $($what:tt)+) => {
        // Both are borrowed by a `match`, so that temporaries in them live long enough.
        match (&$found, &$expected) {
            (found, expected) => $crate::check!(
                *found == *expected,
                "{}: {found:?} instead of {expected:?}",
                format_args!($($what)+)
            ),
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(left: u32) -> Outcome {
        crate::check_eq!(left, 2, "left of {}", "two");
        Ok(())
    }

    /// A failed check says what was found, what was expected, and where.
    #[test]
    fn run_a_failed_check_says_what_and_where() {
        assert_eq!(fails(2), Ok(()));
        let text = fails(3).unwrap_err().0;
        assert!(
            text.starts_with("left of two: 3 instead of 2 (check.rs:"),
            "{text}"
        );
    }
}
