//! A handle: a sending end, which refers to one node for life (OBJ-3).
//!
//! One half of it is under its holder's lock: whether its id is valid, and its NODE_RELEASE in the holder's queue. The other half is
//! under the lock of the node's owner: whether it counts for the node, and its leaving it. States at the holder:
//! *travelling* (its slot in the id table is reserved; a message or a transfer carries it) → *held* → *gone*, or *travelling* →
//! *gone* if what carries it is dropped. Rules:
//! 1. It is linked to its node before the transaction that carries it is decided (R6), counts from that decision on, and is unlinked by
//!    a transaction.
//! 2. NODE_RELEASE is not delivered while it travels: it is *parked*, and queued behind the message that carries it when that is
//!    received (NOT-1).
//! 3. NODE_RELEASE is not delivered once a release of its holder names it (REL-2).
//! 4. The storage of both notifications is here (NOT-4).

use crate::account::{Granted, Trace};
use crate::mem::{Key, Link, LockedBy, LockedToo, Ref, under_second_lock};
use crate::node::Node;
use crate::peer::PeerCore;
use crate::queue::Entry;
use crate::transaction::Transaction;
use crate::{Id, System};

/// Where a handle is in its life, at its holder.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whereabouts {
    Travelling,
    Held,
    Gone,
}

/// A handle.
pub(crate) struct Handle<S: System> {
    holder: LockedBy<Ref<PeerCore<S>>, AtHolder<S>>,
    node: LockedBy<Target<S>, AtNode<S>>,
    /// What sends through it are charged to, from the first on: a trace in the account of the node's owner, under the lock of that
    /// account.
    pub(crate) remembered: LockedToo<Option<Ref<Trace<S>>>>,
    /// When a short message through it would have been granted.
    pub(crate) granted: Granted,
}

/// The node of a handle or a message, which stands for the lock of its owner.
pub(crate) struct Target<S: System>(Ref<Node<S>>);

impl<S: System> Target<S> {
    pub(crate) fn new(node: Ref<Node<S>>) -> Target<S> {
        Target(node)
    }

    #[inline]
    pub(crate) fn node(&self) -> &Ref<Node<S>> {
        &self.0
    }

    #[inline(always)]
    pub(crate) fn into_node(self) -> Ref<Node<S>> {
        self.0
    }
}

/// What is under the holder's lock.
pub(crate) struct AtHolder<S: System> {
    pub(crate) id: Id,
    pub(crate) whereabouts: Whereabouts,
    /// An open release of the holder names it.
    pub(crate) is_marked: bool,
    /// Its node is dead, and NODE_RELEASE waits for what carries it.
    pub(crate) is_parked: bool,
    /// NODE_RELEASE.
    pub(crate) note: Entry<S>,
}

/// What is under the lock of the node's owner.
pub(crate) struct AtNode<S: System> {
    /// On the node's list.
    pub(crate) on_node: Link,
    /// What decides it, while it is on the list and not staged, and nobody knows that it counts.
    pub(crate) undecided: Option<Ref<Transaction>>,
    /// In the owner's queue: it stops counting when the release of its holder is decided.
    pub(crate) leave: Entry<S>,
}

impl<S: System> AtNode<S> {
    /// Whether nobody knows yet that it counts. What is decided is forgotten, so that its word can go.
    pub(crate) fn is_undecided(&mut self) -> bool {
        let is_undecided = self
            .undecided
            .as_ref()
            .is_some_and(|transaction| transaction.stamp().is_none());
        if !is_undecided {
            self.undecided = None;
        }
        is_undecided
    }
}

impl<S: System> Handle<S> {
    /// A travelling handle for `node`, to be known to `holder` as `id`.
    pub(crate) fn new(holder: Ref<PeerCore<S>>, id: Id, node: Ref<Node<S>>) -> Handle<S> {
        let at_holder = AtHolder {
            id,
            whereabouts: Whereabouts::Travelling,
            is_marked: false,
            is_parked: false,
            note: Entry::new(),
        };
        let at_node = AtNode {
            on_node: Link::new(),
            undecided: None,
            leave: Entry::new(),
        };
        Handle {
            holder: LockedBy::new(holder, at_holder),
            node: LockedBy::new(Target(node), at_node),
            remembered: LockedToo::new(None),
            granted: Granted::new(),
        }
    }

    #[inline]
    pub(crate) fn holder(&self) -> &Ref<PeerCore<S>> {
        self.holder.owner()
    }

    #[inline]
    pub(crate) fn node(&self) -> &Ref<Node<S>> {
        self.node.owner().node()
    }

    /// Its node is dead already: NODE_RELEASE waits for what carries it. Only before anybody else knows it.
    pub(crate) fn park(&mut self) {
        self.holder.get_mut().is_parked = true;
    }

    /// The half under the holder's lock.
    #[inline]
    pub(crate) fn at_holder<'a>(&'a self, key: &'a mut Key) -> &'a mut AtHolder<S> {
        self.holder.get(key)
    }

    /// The half under the lock of the node's owner.
    #[inline]
    pub(crate) fn at_node<'a>(&'a self, key: &'a mut Key) -> &'a mut AtNode<S> {
        self.node.get(key)
    }

    /// The id of its node, if messages through it reach that: it counts, and no release of the node is open. Under the lock of the node's owner.
    #[inline(always)]
    pub(crate) fn open_node(&self, key: &mut Key) -> Option<Id> {
        let node = self.node().id_if_plain()?;
        self.at_node(key).on_node.is_linked().then_some(node)
    }

    /// What sends through it are charged to, under the lock of the account of the node's owner.
    #[inline]
    pub(crate) fn remembered<'a>(&'a self, key: &'a mut Key) -> &'a mut Option<Ref<Trace<S>>> {
        under_second_lock(self, key)
    }
}
