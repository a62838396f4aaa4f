//! RECV: the next message of a peer.
//!
//! Either at once ([`crate::Peer::recv`]), or in two steps, between which the kernel copies out: the entry stays first and a second
//! RECV is told to wait (OBJ-8), until the first commits, discards or gives up.

mod entry;
mod receiving;

pub use receiving::{Payload, Receiving};

use alloc::vec::Vec;

use crate::account;
use crate::event::Told;
use crate::mem::{KeyedGuard, Ref, Vacant};
use crate::message::{Message, bytes, price};
use crate::peer::PeerCore;
use crate::peer::state::{First, PeerState};
use crate::queue::Member;
use crate::sync::relax;
use crate::transaction::Transaction;
use crate::{AccountNumber, Error, Id, System, trace};
use entry::{Entry, arrive, discharge_note, note_taken, settle_charges};

/// What an entry of a queue is (`enum bus1_message_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A message of a user: 0.
    User,
    /// The node behind an own handle was released: 1.
    NodeRelease,
    /// The last handle on an own node is gone: 2.
    HandleRelease,
}

/// What is told about an entry besides its content (RCV-4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// The own node it came in on; for NODE_RELEASE the own handle, for HANDLE_RELEASE the own node.
    pub id: Id,
    /// The sender's account; `None` for notifications.
    pub account: Option<AccountNumber>,
}

/// The entry was released by another call meanwhile: begin again (REL-2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry;

/// A received entry.
pub struct Received<S: System> {
    kind: Kind,
    metadata: Metadata,
    content: Content<S>,
}

/// What is left of an entry that was received.
enum Content<S: System> {
    /// A notification has none.
    Nothing,
    /// The bytes of a message that carried nothing: in its block, or behind the word that decided it.
    Bytes(Vacant<Message<S>>, Option<Ref<Transaction>>),
    /// A message, and what it carries of the embedder's.
    Message(Ref<Message<S>>, Option<Ref<Vec<S::Object>>>),
    /// The payload of an event.
    Told(Told),
}

/// What stands first in a queue, for somebody who has little room.
pub enum Glance<S: System> {
    /// Nothing, and nothing is on its way.
    Nothing,
    /// A message that fits, and carries nothing. It was taken out.
    Small(Received<S>),
    /// Something else, or it is not known yet.
    Other,
}

impl<S: System> Received<S> {
    /// What it is.
    #[must_use]
    #[inline]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Where it came in and from which account.
    #[must_use]
    #[inline]
    pub fn metadata(&self) -> Metadata {
        self.metadata
    }

    /// The payload; empty for notifications.
    #[must_use]
    #[inline(always)]
    pub fn payload(&self) -> &[u8] {
        match &self.content {
            Content::Bytes(block, word) => bytes(block.bytes(), word.as_ref()),
            Content::Message(message, _) => Message::payload(message),
            Content::Told(told) => told.bytes(),
            Content::Nothing => &[],
        }
    }

    /// The ids of the carried handles, in the sender's order (RCV-3); they name the handles once the message is received.
    #[must_use]
    pub fn transfers(&self) -> &[Id] {
        match &self.content {
            Content::Message(message, _) => message.ids(),
            _ => &[],
        }
    }

    /// What the message carries of the embedder's, shared with its other receivers.
    #[must_use]
    pub fn objects(&self) -> &[S::Object] {
        match &self.content {
            Content::Message(_, Some(objects)) => objects,
            _ => &[],
        }
    }

    /// Takes the first entry out. Waits for a RECV that copies it out.
    #[inline]
    pub(crate) fn take(peer: &PeerCore<S>) -> Result<Received<S>, Error> {
        {
            let mut guard = peer.lock.lock();
            let (state, key) = guard.parts();
            if let Some(message) = state.pop_message(key, |_| true) {
                return Ok(Received::taken(peer, guard, message));
            }
        }
        // In a place of its own, so that what is usual need not lie in memory: there it was stored in parts and loaded as a whole, which
        // a processor cannot forward. That was a fifth of the time of a unicast and its receipt.
        let mut other = None;
        Received::take_other(peer, &mut other)?;
        other.ok_or(Error::NothingQueued)
    }

    /// The same, of whatever stands first.
    #[inline(never)]
    fn take_other(peer: &PeerCore<S>, into: &mut Option<Received<S>>) -> Result<(), Error> {
        *into = Some(Received::take_any(peer)?);
        Ok(())
    }

    fn take_any(peer: &PeerCore<S>) -> Result<Received<S>, Error> {
        let mut guard = loop {
            let mut guard = peer.lock.lock();
            let (state, key) = guard.parts();
            match state.first_free(key) {
                Ok(()) => break guard,
                Err(Error::Busy) => {}
                Err(error) => return Err(error),
            }
            drop(guard);
            relax::<S>();
        };
        let (state, key) = guard.parts();
        if let Some(Member::Event(event)) = state.queue.front().as_deref() {
            let event = event.clone();
            let Entry { kind, metadata, .. } = Entry::of_event(key, &event);
            let content = Content::Told(event.read(key));
            let over = state.event_taken(key, &event);
            drop(guard);
            event.discharge(over);
            trace::received(peer, kind, metadata.id);
            return Ok(Received {
                kind,
                metadata,
                content,
            });
        }
        match state.queue.pop_front(key).ok_or(Error::NothingQueued)? {
            Member::Message(message) => Ok(Received::taken(peer, guard, message)),
            member => {
                let Entry { kind, metadata, .. } = Entry::of_note(key, &member);
                let piece = note_taken(state, key, &member);
                drop(guard);
                drop(piece);
                discharge_note(peer, &member);
                trace::received(peer, kind, metadata.id);
                Ok(Received {
                    kind,
                    metadata,
                    content: Content::Nothing,
                })
            }
        }
    }

    /// A message that was just taken out of the queue. One that carries nothing, and that nobody else has any more, is taken apart: its bytes
    /// are left.
    #[inline(always)]
    fn taken(
        peer: &PeerCore<S>,
        mut guard: KeyedGuard<'_, S, PeerState<S>>,
        message: Ref<Message<S>>,
    ) -> Received<S> {
        let (state, key) = guard.parts();
        let metadata = Metadata::of_message(&message);
        let at_node = message.node().remove_message(key, &message);
        let mut message = match (&message.carried, at_node) {
            (None, Some(at_node)) => match message.take_apart(at_node) {
                Ok((taken, block)) => {
                    let (node, trace, word) = taken.into_parts();
                    let left_over = state.nodes.keep(node);
                    drop(guard);
                    drop(left_over);
                    let n_data = bytes(block.bytes(), word.as_ref()).len();
                    if let Some(trace) = trace {
                        account::receive(trace, peer, &price::<S>(0, n_data as u64), 0);
                    }
                    trace::received(peer, Kind::User, metadata.id);
                    return Received {
                        kind: Kind::User,
                        metadata,
                        content: Content::Bytes(block, word),
                    };
                }
                Err(message) => message,
            },
            _ => message,
        };
        let (state, key) = guard.parts();
        arrive(state, key, &message);
        let objects = message.objects(key);
        drop(guard);
        settle_charges(peer, &mut message);
        trace::received(peer, Kind::User, metadata.id);
        Received {
            kind: Kind::User,
            metadata,
            content: Content::Message(message, objects),
        }
    }
}

impl<S: System> Glance<S> {
    /// Looks at the first entry, and takes it out if it is a message of at most `n_data_max` bytes that carries nothing.
    #[inline(always)]
    pub(crate) fn at(peer: &PeerCore<S>, n_data_max: usize) -> Glance<S> {
        let mut guard = peer.lock.lock();
        let (state, key) = guard.parts();
        if !state.queue.has_undone() && !state.queue.has_ordered() {
            state.queue.await_next();
            return Glance::Nothing;
        }
        let is_small = |message: &Ref<Message<S>>| {
            message.carried.is_none() && Message::payload(message).len() <= n_data_max
        };
        match state.pop_message(key, is_small) {
            Some(message) => Glance::Small(Received::taken(peer, guard, message)),
            None => Glance::Other,
        }
    }
}

impl<S: System> PeerCore<S> {
    /// Whether RECV would find something (RCV-6).
    pub(crate) fn is_readable(&self) -> bool {
        loop {
            let mut guard = self.lock_settled();
            let (state, key) = guard.parts();
            match state.first(key) {
                First::Entry => return true,
                First::Nothing => return false,
                First::More => {}
            }
        }
    }
}
