//! Amounts of what accounts count: one number per slot.

/// Slot of objects: a peer, node or handle is 1, a message is 1 plus the handles it carries (ACC-2).
pub const OBJECTS: usize = 0;
/// Slot of payload bytes of queued messages (ACC-2).
pub const BYTES: usize = 1;

/// An amount per slot. The core uses slots [`OBJECTS`] and [`BYTES`]; the embedding system may have more behind them.
///
/// Implemented for `[u64; N]`; with fewer than two slots the core does not compile.
pub trait Amounts: Copy + PartialEq + core::fmt::Debug + Send + Sync + 'static {
    /// Nothing in any slot.
    const ZERO: Self;

    /// The amounts by slot.
    fn slots(&self) -> &[u64];

    /// The amounts by slot.
    fn slots_mut(&mut self) -> &mut [u64];
}

impl<const N: usize> Amounts for [u64; N] {
    const ZERO: Self = {
        assert!(N >= 2, "an account counts at least OBJECTS and BYTES");
        [0; N]
    };

    fn slots(&self) -> &[u64] {
        self
    }

    fn slots_mut(&mut self) -> &mut [u64] {
        self
    }
}
