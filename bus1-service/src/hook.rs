//! A place between two steps of an operation, outside every lock: a kernel may be preempted there, and so may a test.

/// Calls what the test build has set for `_place`; otherwise nothing.
#[inline(always)]
pub(crate) fn point(_place: &'static str) {
    #[cfg(feature = "hooks")]
    crate::hooks::call(_place);
}
