//! What RECV takes out of a queue, and what becomes of it: of a message, its handles and charges; of what a notification was about.

use alloc::vec::Vec;

use super::{Kind, Metadata};
use crate::carried::Carried;
use crate::event::EventCore;
use crate::handle::Whereabouts;
use crate::mem::{Key, List, Ref};
use crate::message::{Message, objects, price};
use crate::mutant::{self, Mutant};
use crate::peer::PeerCore;
use crate::peer::state::{First, PeerState};
use crate::queue::Member;
use crate::table::{Object, Piece};
use crate::{Error, Id, System, account};

/// An entry of a queue, but for the payload of an event.
pub(super) struct Entry<S: System> {
    pub(super) kind: Kind,
    pub(super) metadata: Metadata,
    pub(super) message: Option<Ref<Message<S>>>,
    pub(super) objects: Option<Ref<Vec<S::Object>>>,
}

impl Metadata {
    #[inline(always)]
    pub(super) fn of_message<S: System>(message: &Message<S>) -> Metadata {
        let trace = message.trace.as_ref();
        Metadata {
            id: message.node().id(),
            account: trace.map(|trace| trace.claimant()),
        }
    }
}

impl<S: System> Entry<S> {
    #[inline]
    pub(super) fn payload(&self) -> &[u8] {
        let message = self.message.as_ref();
        message.map(Message::payload).unwrap_or_default()
    }

    pub(super) fn transfers(&self) -> &[Id] {
        let message = self.message.as_ref();
        message.map(|message| message.ids()).unwrap_or_default()
    }

    pub(super) fn objects(&self) -> &[S::Object] {
        self.objects
            .as_ref()
            .map_or(&[], |objects| objects.as_slice())
    }

    pub(super) fn of_message(key: &mut Key, message: Ref<Message<S>>) -> Entry<S> {
        Entry {
            kind: Kind::User,
            metadata: Metadata::of_message(&message),
            objects: message.objects(key),
            message: Some(message),
        }
    }

    pub(super) fn of_event(key: &mut Key, event: &Ref<EventCore<S>>) -> Entry<S> {
        Entry {
            kind: Kind::User,
            metadata: Metadata {
                id: event.node().id(),
                account: event.claimant(key),
            },
            objects: None,
            message: None,
        }
    }

    #[inline(never)]
    pub(super) fn of_note(key: &mut Key, member: &Member<S>) -> Entry<S> {
        let (kind, id) = match member {
            Member::Note(handle) | Member::Leave(handle) => {
                (Kind::NodeRelease, handle.at_holder(key).id)
            }
            Member::Last(node) => (Kind::HandleRelease, node.id()),
            Member::Event(event) => return Entry::of_event(key, event),
            Member::Message(_) | Member::Grant(_) => (Kind::User, Id::INVALID),
        };
        Entry {
            kind,
            metadata: Metadata { id, account: None },
            objects: None,
            message: None,
        }
    }
}

/// A message was taken out of the queue: it is nobody else's from here on.
#[inline(always)]
pub(super) fn take_out<S: System>(key: &mut Key, message: &mut Ref<Message<S>>) {
    if let Some(at_node) = message.node().remove_message(key, message) {
        at_node.drop_beside(message);
    }
}

/// What a message carries is the peer's from here on.
#[inline(always)]
pub(super) fn arrive<S: System>(
    state: &mut PeerState<S>,
    key: &mut Key,
    message: &Ref<Message<S>>,
) {
    if let Some(carried) = &message.carried {
        arrive_handles(state, key, message, carried);
    }
}

#[inline(never)]
fn arrive_handles<S: System>(
    state: &mut PeerState<S>,
    key: &mut Key,
    message: &Message<S>,
    carried: &Carried<S>,
) {
    let mut notes = List::new();
    while let Some(handle) = carried.state(key).handles.pop() {
        let at_holder = handle.at_holder(key);
        at_holder.whereabouts = Whereabouts::Held;
        let id = at_holder.id;
        if core::mem::take(&mut at_holder.is_parked) {
            notes.push_back(key, Member::Note(handle.clone()));
        }
        state.table.fill(id, Object::Handle(handle));
    }
    let transaction = message.transaction.as_ref();
    state.queue.push_behind(key, transaction, &mut notes);
}

/// The charge of a message goes back, that of its handles is the receiver's own (ACC-3).
#[inline(always)]
pub(super) fn settle_charges<S: System>(peer: &PeerCore<S>, message: &mut Ref<Message<S>>) {
    let gone = price::<S>(message.n_objects(), Message::n_data(message));
    let n_kept = message.n_handles();
    let trace = match message.get_mut() {
        Some(message) => message.trace.take(),
        None => message.trace.clone(),
    };
    if let Some(trace) = trace {
        account::receive(trace, peer, &gone, n_kept);
    }
}

/// A notification was taken out of the queue. What is returned is to be dropped outside the lock.
#[inline(never)]
#[must_use]
pub(super) fn note_taken<S: System>(
    state: &mut PeerState<S>,
    key: &mut Key,
    member: &Member<S>,
) -> Option<Piece<S>> {
    match member {
        // The id is gone (RCV-5), and what was looked up before is to be looked up again.
        Member::Note(handle) => {
            state.retire(key, handle);
            state.end_epoch();
        }
        Member::Last(node) => {
            state.bury(node);
            drop(state.table.free(node.id()));
        }
        Member::Message(_) | Member::Grant(_) | Member::Leave(_) | Member::Event(_) => {}
    }
    state.table.take_empty()
}

/// The object that a notification was about is charged no more.
#[inline(never)]
pub(super) fn discharge_note<S: System>(peer: &PeerCore<S>, member: &Member<S>) {
    match member {
        Member::Note(handle) => account::forget(handle),
        // What it is charged is its own.
        Member::Event(_) => return,
        _ => {}
    }
    account::discharge(&peer.own, &objects::<S>(1));
}

impl<S: System> PeerState<S> {
    /// Takes the first entry out of the queue, if it is a message that `is_wanted`, and nothing is to be done before.
    #[inline(always)]
    pub(super) fn pop_message(
        &mut self,
        key: &mut Key,
        is_wanted: impl FnOnce(&Ref<Message<S>>) -> bool,
    ) -> Option<Ref<Message<S>>> {
        let is_free = self.settle(key) && !self.is_receiving;
        if !is_free || (self.queue.has_pending() && mutant::is(Mutant::UndecidedBlocks)) {
            return None;
        }
        match &*self.queue.front()? {
            Member::Message(message) => {
                let is_plain = message.node().id_if_plain().is_some();
                (is_plain && is_wanted(message)).then_some(())?;
            }
            _ => return None,
        }
        match self.queue.pop_front(key) {
            Some(Member::Message(message)) => Some(message),
            _ => None,
        }
    }

    /// Brings the queue up to date, and finds the first entry, if no RECV copies it out.
    pub(super) fn first_free(&mut self, key: &mut Key) -> Result<(), Error> {
        if !self.settle(key) || self.is_receiving {
            return Err(Error::Busy);
        }
        match self.first(key) {
            First::Entry => Ok(()),
            First::Nothing => Err(Error::NothingQueued),
            First::More => Err(Error::Busy),
        }
    }
}
