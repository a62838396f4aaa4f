//! Ways in which the core can be made wrong, to show that the tests notice (feature `mutants`). Every other build compiles the
//! questions away.

/// One way to be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
#[cfg_attr(
    not(feature = "mutants"),
    expect(unreachable_pub, reason = "public where a test sets it")
)]
pub enum Mutant {
    /// SEND publishes at each destination, without a shared decision.
    PublishEach = 1,
    /// Receivers order decided transactions as they were staged there.
    NoCommonOrder,
    /// A receiver does not fix the order of what it overtakes.
    NoFloor,
    /// An undecided entry blocks the queue.
    UndecidedBlocks,
    /// Members of one transaction are ordered one by one.
    NotAdjacent,
    /// Every handle that goes is told of.
    NotifyAlways,
    /// A handle stops counting before its release is decided.
    CountOutside,
    /// Copies are not linked to their node before the decision.
    CopiesNotLinked,
    /// Copies count for their node before the decision.
    UndecidedCounts,
    /// The message leaves the queue before it is copied out.
    PopBeforeCopy,
    /// A dropped message keeps its charge.
    DropKeepsCharge,
    /// A foreign account may claim like the account itself.
    ForeignLikeOwn,
    /// SEND wakes nobody.
    NoWake,
    /// NODE_RELEASE is delivered for a handle that still travels.
    EarlyNodeRelease,
    /// A message is delivered on a node that was released.
    DeliverAfterRelease,
    /// The generation of an id does not change.
    IdsRecur,
}

/// Whether the core is to be wrong in this way.
#[inline(always)]
pub(crate) fn is(_mutant: Mutant) -> bool {
    #[cfg(feature = "mutants")]
    return chosen::is(_mutant);
    #[cfg(not(feature = "mutants"))]
    false
}

/// Whether the core is to be wrong in any way.
#[inline(always)]
pub(crate) fn is_any() -> bool {
    #[cfg(feature = "mutants")]
    return chosen::is_any();
    #[cfg(not(feature = "mutants"))]
    false
}

#[cfg(feature = "mutants")]
pub use chosen::choose;

#[cfg(feature = "mutants")]
mod chosen {
    use core::sync::atomic::{AtomicUsize, Ordering};

    use super::Mutant;

    /// The one that is on; 0 is none. Of this build alone.
    static CHOSEN: AtomicUsize = AtomicUsize::new(0);

    /// Makes the core wrong in one way, or in none, for the whole program.
    pub fn choose(mutant: Option<Mutant>) {
        CHOSEN.store(mutant.map_or(0, |mutant| mutant as usize), Ordering::SeqCst);
    }

    pub(super) fn is(mutant: Mutant) -> bool {
        CHOSEN.load(Ordering::Relaxed) == mutant as usize
    }
    pub(super) fn is_any() -> bool {
        CHOSEN.load(Ordering::Relaxed) != 0
    }
}
