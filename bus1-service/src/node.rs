//! A node: the receiving end of a many-to-one channel (OBJ-2).
//!
//! States: *fresh* (made by a transfer that is not committed: no id answers to it), *live*, *marked* (named by the open release of
//! its owner; sends succeed as before), *dead*. Rules:
//! 1. Its state is under the lock of its owner, like the queue: what is decided about node, handles and queue is decided at once.
//! 2. Handles count from the decision of the transaction that made them, whether held or travelling. When the last that counts is
//!    unlinked from a live node, the node itself enters the queue as HANDLE_RELEASE; none can be linked from then on, since a copy needs
//!    a linked source (NOT-2).
//! 3. Copies are linked before they are decided, so that a release of the node finds them (R6): among the handles that are not staged
//!    some may be undecided. A copy stands behind its source, and as long as the node is not marked, the first counts, or there is
//!    none. When the first leaves, those behind it are looked at, in order. One that is decided counts, and is the first now. One that
//!    is not decided, and has none before it, never will be, and is unlinked: its source stood before it, and has left by a release,
//!    which was decided under the lock of its holder. The copy's transaction is decided under that same lock: not before, or it
//!    would be seen here; and not from now on, since it finds the source gone.
//! 4. It is dead from the decision of its release; handles of a dead node count nothing. What remains of it is kept by them.

mod lists;

use core::sync::atomic::{AtomicU64, Ordering};

use crate::mem::{Key, Link, List, LockedBy, OnNode, QueuedAtNode, Ref};
use crate::peer::PeerCore;
use crate::{Id, System};

/// Its release is over (or its making was undone): nothing is queued for it any more.
const DEAD: u64 = 1 << 63;
/// The open release of its owner names it.
const MARKED: u64 = 1 << 62;
/// It is on the list of marked nodes with handles that are not staged yet.
const WAITING: u64 = 1 << 61;
const FLAGS: u64 = DEAD | MARKED | WAITING;

/// A node.
pub(crate) struct Node<S: System> {
    /// The id and, in bits that no id uses, the flags; written under the owner's lock only.
    name: AtomicU64,
    state: LockedBy<Ref<PeerCore<S>>, NodeState<S>>,
}

/// What is under the owner's lock.
pub(crate) struct NodeState<S: System> {
    /// Handles that the open release has not staged; without one, all. Those that count come first (rule 3).
    pub(crate) waiting: List<OnNode<S>>,
    /// Handles whose NODE_RELEASE the open release has staged.
    pub(crate) staged: List<OnNode<S>>,
    /// Messages for the node, pending or ordered.
    pub(crate) messages: List<QueuedAtNode<S>>,
    /// On the lists of the open release.
    pub(crate) mark: Link,
    /// In the queue, as HANDLE_RELEASE.
    pub(crate) last: Link,
}

impl<S: System> NodeState<S> {
    /// Whether no handle counts.
    pub(crate) fn has_no_handles(&self) -> bool {
        self.waiting.is_empty() && self.staged.is_empty()
    }
}

impl<S: System> Node<S> {
    pub(crate) fn new(owner: Ref<PeerCore<S>>, id: Id) -> Node<S> {
        let state = NodeState {
            waiting: List::new(),
            staged: List::new(),
            messages: List::new(),
            mark: Link::new(),
            last: Link::new(),
        };
        Node {
            name: AtomicU64::new(id.as_u64()),
            state: LockedBy::new(owner, state),
        }
    }

    /// The peer it belongs to for life.
    pub(crate) fn owner(&self) -> &Ref<PeerCore<S>> {
        self.state.owner()
    }

    /// Its state, for the holder of the owner's lock.
    #[inline]
    pub(crate) fn state<'a>(&'a self, key: &'a mut Key) -> &'a mut NodeState<S> {
        self.state.get(key)
    }

    pub(crate) fn id(&self) -> Id {
        Id::from_u64(self.name.load(Ordering::Relaxed) & !FLAGS)
    }

    /// Its id, if it is live and nothing is open on it.
    #[inline(always)]
    pub(crate) fn id_if_plain(&self) -> Option<Id> {
        let name = self.name.load(Ordering::Relaxed);
        (name & FLAGS == 0).then_some(Id::from_u64(name))
    }

    /// Whether its release is over. Without the owner's lock only a hint: it may be dead although this says no.
    #[inline]
    pub(crate) fn is_buried(&self) -> bool {
        self.has(DEAD)
    }

    /// Whether the open release of its owner names it.
    #[inline]
    pub(crate) fn is_marked(&self) -> bool {
        self.has(MARKED)
    }

    /// Whether its release is over, and whether the open release of its owner names it: one look for both.
    #[inline]
    pub(crate) fn is_buried_or_marked(&self) -> (bool, bool) {
        let name = self.name.load(Ordering::Relaxed);
        (name & DEAD != 0, name & MARKED != 0)
    }

    /// Whether its release is over, or open. Without the owner's lock: `false` means that it was alive, and named by no release, at some
    /// moment since the call began, in the one order of all SeqCst operations.
    #[inline]
    pub(crate) fn may_be_dead(&self) -> bool {
        self.name.load(Ordering::SeqCst) & (DEAD | MARKED) != 0
    }

    pub(crate) fn is_waiting(&self) -> bool {
        self.has(WAITING)
    }

    pub(crate) fn bury(&self) {
        self.set(DEAD, true);
        self.set(MARKED, false);
    }

    pub(crate) fn set_marked(&self, is_marked: bool) {
        self.set(MARKED, is_marked);
    }

    pub(crate) fn set_waiting(&self, is_waiting: bool) {
        self.set(WAITING, is_waiting);
    }

    fn has(&self, flag: u64) -> bool {
        self.name.load(Ordering::Relaxed) & flag != 0
    }

    /// Called under the owner's lock; others only read.
    fn set(&self, flag: u64, is_set: bool) {
        let name = self.name.load(Ordering::Relaxed);
        self.name.store(
            if is_set { name | flag } else { name & !flag },
            Ordering::SeqCst,
        );
    }
}
