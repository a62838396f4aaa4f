//! What the core tells whoever watches it ([`System::trace`]): what took effect, in the words of the rules.
//!
//! 1. The short ways (a message that is handed over, one to a few, the release of one handle) tell what the general ones tell, in the
//!    same order; property tests compare. A call that failed has told nothing (ERR-1).
//! 2. Told is after the fact and outside every lock. So what two threads do at once may be told in another order than that in which it
//!    took effect; what one thread does is told in its order.
//! 3. An embedder that does not watch pays for none of this: [`System::is_traced`] is asked first, and what is told is put together
//!    only then.

use core::fmt::{self, Display, Formatter};

use crate::handle::Handle;
use crate::mem::Ref;
use crate::message::Message;
use crate::node::Node;
use crate::peer::PeerCore;
use crate::recv::Kind;
use crate::{AccountNumber, Id, System};

/// What a peer is called in trace events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PeerName {
    /// The account it acts for.
    pub account: AccountNumber,
    /// Its number as an actor of that account, unique there ([`crate::TraceInfo::actor`]).
    pub actor: u64,
}

/// Something that took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceEvent {
    /// A message has its place in the order of its receiver: one for each destination, in array order.
    Sent {
        /// The sender.
        from: PeerName,
        /// The receiver.
        to: PeerName,
        /// The receiver's node.
        node: Id,
        /// Bytes of its payload.
        n_data: u64,
        /// Handles and objects that it carries.
        n_carried: u64,
    },
    /// A destination whose node is dead was passed over (SND-4).
    PassedOver {
        /// The sender.
        from: PeerName,
        /// Who owned the node.
        to: PeerName,
        /// The node.
        node: Id,
    },
    /// A message or notification was received (RCV-4).
    Received {
        /// The receiver.
        by: PeerName,
        /// What it was.
        kind: Kind,
        /// The receiver's node, or what the notification was about.
        id: Id,
    },
    /// A message or notification was removed (RCV-7).
    Discarded {
        /// The receiver.
        by: PeerName,
        /// What it was.
        kind: Kind,
        /// The receiver's node, or what the notification was about.
        id: Id,
    },
    /// TRANSFER made or copied a handle.
    Transferred {
        /// Whose handle it was a copy of, or whose node was made.
        from: PeerName,
        /// Whose handle it is.
        to: PeerName,
        /// What that one calls it.
        handle: Id,
    },
    /// A peer gave up a handle, by RELEASE or by closing.
    HandleReleased {
        /// Whose it was.
        by: PeerName,
        /// Who owns the node it referred to.
        owner: PeerName,
        /// What that one calls the node.
        node: Id,
    },
    /// A peer gave up a node, by RELEASE or by closing; all of its holders are told.
    NodeReleased {
        /// Whose it was.
        by: PeerName,
        /// What it was called.
        node: Id,
    },
    /// A peer has closed.
    Closed {
        /// Which.
        peer: PeerName,
    },
}

impl Display for PeerName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.account.as_u64(), self.actor)
    }
}

impl Display for TraceEvent {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            TraceEvent::Sent {
                from,
                to,
                node,
                n_data,
                n_carried,
            } => {
                let node = node.as_u64();
                write!(f, "{from} sends to node {node:#x} of {to}: {n_data} bytes")?;
                match n_carried {
                    0 => Ok(()),
                    n => write!(f, " and {n} carried"),
                }
            }
            TraceEvent::PassedOver { from, to, node } => {
                let node = node.as_u64();
                write!(
                    f,
                    "{from} passes node {node:#x} of {to} over, which is dead"
                )
            }
            TraceEvent::Received { by, kind, id } => {
                write!(f, "{by} receives {kind:?}, id {:#x}", id.as_u64())
            }
            TraceEvent::Discarded { by, kind, id } => {
                write!(f, "{by} discards {kind:?}, id {:#x}", id.as_u64())
            }
            TraceEvent::Transferred { from, to, handle } => {
                write!(f, "{from} transfers to {to}: handle {:#x}", handle.as_u64())
            }
            TraceEvent::HandleReleased { by, owner, node } => {
                let node = node.as_u64();
                write!(f, "{by} releases a handle on node {node:#x} of {owner}")
            }
            TraceEvent::NodeReleased { by, node } => {
                write!(f, "{by} releases its node {:#x}", node.as_u64())
            }
            TraceEvent::Closed { peer } => write!(f, "{peer} has closed"),
        }
    }
}

/// Tells it, if anybody watches; it is put together only then.
macro_rules! tell {
    ($system:ident, $event:expr) => {
        if $system::is_traced() {
            tell_now::<$system>(move || $event);
        }
    };
}

#[cold]
#[inline(never)]
fn tell_now<S: System>(event: impl FnOnce() -> TraceEvent) {
    S::trace(event());
}

/// `from` has sent a message to `node`.
#[inline(always)]
pub(crate) fn sent<S: System>(from: &PeerCore<S>, node: &Node<S>, n_data: u64, n_carried: u64) {
    tell!(
        S,
        TraceEvent::Sent {
            from: from.name(),
            to: node.owner().name(),
            node: node.id(),
            n_data,
            n_carried,
        }
    );
}

/// `from` has sent a message to `node`, and its owner has it.
#[inline(always)]
pub(crate) fn handed_over<S: System>(
    from: &PeerCore<S>,
    node: &Node<S>,
    n_data: u64,
    n_carried: u64,
) {
    if S::is_traced() {
        sent(from, node, n_data, n_carried);
        received(node.owner(), Kind::User, node.id());
    }
}

/// `from` has sent `message`, one of several.
pub(crate) fn sent_one<S: System>(from: &PeerCore<S>, message: &Ref<Message<S>>) {
    let n_data = Message::n_data(message);
    sent(from, message.node(), n_data, message.n_carried());
}

/// `from` has sent a message to `node`, which is dead.
#[inline(always)]
pub(crate) fn passed_over<S: System>(from: &PeerCore<S>, node: &Node<S>) {
    tell!(
        S,
        TraceEvent::PassedOver {
            from: from.name(),
            to: node.owner().name(),
            node: node.id(),
        }
    );
}

/// `by` has received what stood first in its queue.
#[inline(always)]
pub(crate) fn received<S: System>(by: &PeerCore<S>, kind: Kind, id: Id) {
    tell!(
        S,
        TraceEvent::Received {
            by: by.name(),
            kind,
            id,
        }
    );
}

/// `by` has removed what stood first in its queue.
#[inline(always)]
pub(crate) fn discarded<S: System>(by: &PeerCore<S>, kind: Kind, id: Id) {
    tell!(
        S,
        TraceEvent::Discarded {
            by: by.name(),
            kind,
            id,
        }
    );
}

/// `to` has got the handle `id` of `from`.
#[inline(always)]
pub(crate) fn transferred<S: System>(from: &PeerCore<S>, to: &PeerCore<S>, id: Id) {
    tell!(
        S,
        TraceEvent::Transferred {
            from: from.name(),
            to: to.name(),
            handle: id,
        }
    );
}

/// `by` has given `handle` up.
#[inline(always)]
pub(crate) fn handle_released<S: System>(by: &PeerCore<S>, handle: &Handle<S>) {
    tell!(
        S,
        TraceEvent::HandleReleased {
            by: by.name(),
            owner: handle.node().owner().name(),
            node: handle.node().id(),
        }
    );
}

/// The owner of `node` has given it up.
#[inline(always)]
pub(crate) fn node_released<S: System>(node: &Node<S>) {
    tell!(
        S,
        TraceEvent::NodeReleased {
            by: node.owner().name(),
            node: node.id(),
        }
    );
}

/// `peer` has closed.
#[inline(always)]
pub(crate) fn closed<S: System>(peer: &PeerCore<S>) {
    tell!(S, TraceEvent::Closed { peer: peer.name() });
}
