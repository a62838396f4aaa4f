//! RECV: the next message of a peer.
//!
//! Either at once ([`crate::Peer::recv`]), or in two steps, between which the kernel copies out: the entry stays first and a second
//! RECV is told to wait (OBJ-8), until the first commits, discards or gives up.

mod entry;
mod receiving;

pub use receiving::{Payload, Receiving};

use crate::event::Told;
use crate::mem::{KeyedGuard, Ref};
use crate::message::Message;
use crate::peer::PeerCore;
use crate::peer::state::{First, PeerState};
use crate::queue::Member;
use crate::sync::relax;
use crate::{AccountNumber, Error, Id, System, trace};
use entry::{Entry, arrive, discharge_note, note_taken, settle_charges, take_out};

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
    entry: Entry<S>,
    /// The payload, if it is an event.
    told: Option<Told>,
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
    pub fn kind(&self) -> Kind {
        self.entry.kind
    }

    /// Where it came in and from which account.
    #[must_use]
    pub fn metadata(&self) -> Metadata {
        self.entry.metadata
    }

    /// The payload; empty for notifications.
    #[must_use]
    #[inline]
    pub fn payload(&self) -> &[u8] {
        match &self.told {
            None => self.entry.payload(),
            Some(told) => told.bytes(),
        }
    }

    /// The ids of the carried handles, in the sender's order (RCV-3); they name the handles once the message is received.
    #[must_use]
    pub fn transfers(&self) -> &[Id] {
        self.entry.transfers()
    }

    /// What the message carries of the embedder's, shared with its other receivers.
    #[must_use]
    pub fn objects(&self) -> &[S::Object] {
        self.entry.objects()
    }

    /// Takes the first entry out. Waits for a RECV that copies it out.
    #[inline]
    pub(crate) fn take(peer: &PeerCore<S>) -> Result<Received<S>, Error> {
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
            let entry = Entry::of_event(key, &event);
            let told = Some(event.read(key));
            let over = state.event_taken(key, &event);
            drop(guard);
            event.discharge(over);
            trace::received(peer, entry.kind, entry.metadata.id);
            return Ok(Received { entry, told });
        }
        match state.queue.pop_front(key).ok_or(Error::NothingQueued)? {
            Member::Message(message) => Ok(Received::taken(peer, guard, message)),
            member => {
                let entry = Entry::of_note(key, &member);
                let piece = note_taken(state, key, &member);
                drop(guard);
                drop(piece);
                discharge_note(peer, &member);
                trace::received(peer, entry.kind, entry.metadata.id);
                Ok(Received { entry, told: None })
            }
        }
    }

    /// A message that was just taken out of the queue.
    #[inline(always)]
    fn taken(
        peer: &PeerCore<S>,
        mut guard: KeyedGuard<'_, S, PeerState<S>>,
        mut message: Ref<Message<S>>,
    ) -> Received<S> {
        let (state, key) = guard.parts();
        take_out(key, &mut message);
        arrive(state, key, &message);
        let metadata = Metadata::of_message(&message);
        let objects = message.objects(key);
        drop(guard);
        settle_charges(peer, &mut message);
        trace::received(peer, Kind::User, metadata.id);
        let entry = Entry {
            kind: Kind::User,
            metadata,
            message: Some(message),
            objects,
        };
        Received { entry, told: None }
    }
}

impl<S: System> Glance<S> {
    /// Looks at the first entry, and takes it out if it is a message of at most `n_data_max` bytes that carries nothing.
    #[inline(always)]
    pub(crate) fn at(peer: &PeerCore<S>, n_data_max: usize) -> Glance<S> {
        let mut guard = peer.lock.lock();
        let (state, key) = guard.parts();
        if !state.queue.has_undone() && !state.queue.has_ordered() {
            return Glance::Nothing;
        }
        let is_small = state.first_free(key).is_ok()
            && state.queue.front().is_some_and(|front| match &*front {
                Member::Message(message) => {
                    message.carried.is_none() && Message::payload(message).len() <= n_data_max
                }
                _ => false,
            });
        match is_small.then(|| state.queue.pop_front(key)).flatten() {
            Some(Member::Message(message)) => Glance::Small(Received::taken(peer, guard, message)),
            _ => Glance::Other,
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
