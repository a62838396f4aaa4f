//! Threads, of which there is one: what the evidence of all kinds shares asks for this.

/// Lets another thread go on.
///
/// # Panics
/// There is none: a call that waits for itself would hang.
pub(crate) fn pause() {
    panic!("the only thread waits for another");
}
