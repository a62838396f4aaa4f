//! RECV: the next message of a peer.
//!
//! Either at once ([`crate::Peer::recv`]), or in two steps, between which the kernel copies out: the entry stays first and a second
//! RECV is told to wait (OBJ-8), until the first commits, discards or gives up.

use alloc::vec::Vec;

use crate::effects::Work;
use crate::event::{EventCore, Told};
use crate::handle::Whereabouts;
use crate::mem::{Key, KeyedGuard, List, Ref};
use crate::message::{Message, objects, price};
use crate::mutant::{self, Mutant};
use crate::peer::PeerCore;
use crate::peer::state::{First, PeerState};
use crate::queue::Member;
use crate::sync::relax;
use crate::table::{Object, Piece};
use crate::{AccountNumber, Effects, Error, Id, System, account, hook};

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

/// An entry of a queue, but for the payload of an event.
struct Entry<S: System> {
    kind: Kind,
    metadata: Metadata,
    message: Option<Ref<Message<S>>>,
    objects: Option<Ref<Vec<S::Object>>>,
}

/// The first entry of a queue, while it is copied out. It stays first until [`Receiving::commit`]; dropping this leaves it there.
#[must_use = "nothing is received before the commit"]
pub struct Receiving<S: System> {
    peer: Ref<PeerCore<S>>,
    entry: Entry<S>,
    /// The entry, if it is not a message of a user.
    note: Option<Member<S>>,
    /// It is not being copied out any more.
    is_over: bool,
}

/// The payload of an entry that is being received: that of a message lies with it, that of an event is a copy.
pub enum Payload<'a> {
    /// Of a message.
    OfMessage(&'a [u8]),
    /// Of an event.
    OfEvent(Told),
}

impl core::ops::Deref for Payload<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Payload::OfMessage(bytes) => bytes,
            Payload::OfEvent(told) => told.bytes(),
        }
    }
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
                Ok(Received { entry, told: None })
            }
        }
    }
}

impl<S: System> Received<S> {
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
        let objects = message.state(key).objects.clone();
        drop(guard);
        settle_charges(peer, &mut message);
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
                    message.ids.is_empty()
                        && message.n_objects == 0
                        && Message::payload(message).len() <= n_data_max
                }
                _ => false,
            });
        match is_small.then(|| state.queue.pop_front(key)).flatten() {
            Some(Member::Message(message)) => Glance::Small(Received::taken(peer, guard, message)),
            _ => Glance::Other,
        }
    }
}

impl Metadata {
    #[inline(always)]
    fn of_message<S: System>(message: &Message<S>) -> Metadata {
        let trace = message.trace.as_ref();
        Metadata {
            id: message.node().id(),
            account: trace.map(|trace| trace.claimant()),
        }
    }
}

impl<S: System> Entry<S> {
    #[inline]
    fn payload(&self) -> &[u8] {
        let message = self.message.as_ref();
        message.map(Message::payload).unwrap_or_default()
    }

    fn transfers(&self) -> &[Id] {
        let message = self.message.as_ref();
        message.map(|message| &message.ids[..]).unwrap_or_default()
    }

    fn objects(&self) -> &[S::Object] {
        self.objects
            .as_ref()
            .map_or(&[], |objects| objects.as_slice())
    }

    fn of_message(key: &mut Key, message: Ref<Message<S>>) -> Entry<S> {
        Entry {
            kind: Kind::User,
            metadata: Metadata::of_message(&message),
            objects: message.state(key).objects.clone(),
            message: Some(message),
        }
    }

    fn of_event(key: &mut Key, event: &Ref<EventCore<S>>) -> Entry<S> {
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
    fn of_note(key: &mut Key, member: &Member<S>) -> Entry<S> {
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
fn take_out<S: System>(key: &mut Key, message: &mut Ref<Message<S>>) {
    if let Some(at_node) = message.node().remove_message(key, message) {
        at_node.drop_beside(message);
    }
}

/// What a message carries is the peer's from here on.
#[inline(always)]
fn arrive<S: System>(state: &mut PeerState<S>, key: &mut Key, message: &Ref<Message<S>>) {
    if !message.ids.is_empty() {
        arrive_handles(state, key, message);
    }
}

#[inline(never)]
fn arrive_handles<S: System>(state: &mut PeerState<S>, key: &mut Key, message: &Ref<Message<S>>) {
    let mut notes = List::new();
    while let Some(handle) = message.state(key).handles.pop() {
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
fn settle_charges<S: System>(peer: &PeerCore<S>, message: &mut Ref<Message<S>>) {
    let gone = price::<S>(message.n_objects, Message::n_data(message));
    let kept = objects::<S>(message.n_handles());
    let trace = match message.get_mut() {
        Some(message) => message.trace.take(),
        None => message.trace.clone(),
    };
    if let Some(trace) = trace {
        account::receive(trace, peer, &gone, &kept);
    }
}

/// A notification was taken out of the queue. What is returned is to be dropped outside the lock.
#[inline(never)]
#[must_use]
fn note_taken<S: System>(
    state: &mut PeerState<S>,
    key: &mut Key,
    member: &Member<S>,
) -> Option<Piece<S>> {
    match member {
        // The id is gone (RCV-5), and what was looked up before is to be looked up again.
        Member::Note(handle) => {
            state.retire(key, handle);
            state.epoch = state.epoch.wrapping_add(1);
        }
        Member::Last(node) => {
            node.bury();
            drop(state.table.free(node.id()));
        }
        Member::Message(_) | Member::Grant(_) | Member::Leave(_) | Member::Event(_) => {}
    }
    state.table.take_empty()
}

/// The object that a notification was about is charged no more.
#[inline(never)]
fn discharge_note<S: System>(peer: &PeerCore<S>, member: &Member<S>) {
    match member {
        Member::Note(handle) => account::forget(handle),
        // What it is charged is its own.
        Member::Event(_) => return,
        _ => {}
    }
    account::discharge(&peer.own, &objects::<S>(1));
}

impl<S: System> PeerState<S> {
    /// Brings the queue up to date, and finds the first entry, if no RECV copies it out.
    fn first_free(&mut self, key: &mut Key) -> Result<(), Error> {
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

impl<S: System> Receiving<S> {
    pub(crate) fn begin(peer: &Ref<PeerCore<S>>) -> Result<Receiving<S>, Error> {
        let (entry, note) = {
            let mut guard = peer.lock.lock();
            let (state, key) = guard.parts();
            state.first_free(key)?;
            let member = state
                .queue
                .front()
                .map(|front| front.clone())
                .ok_or(Error::NothingQueued)?;
            state.is_receiving = true;
            if mutant::is(Mutant::PopBeforeCopy) {
                drop(state.queue.pop_front(key));
            }
            match member {
                Member::Message(message) => (Entry::of_message(key, message), None),
                note => {
                    if let Member::Event(event) = &note {
                        event.begin_telling(key);
                    }
                    (Entry::of_note(key, &note), Some(note))
                }
            }
        };
        Ok(Receiving {
            peer: peer.clone(),
            entry,
            note,
            is_over: false,
        })
    }

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

    /// The payload; empty for notifications. That of an event is what is unread now, and told by the commit.
    #[must_use]
    #[inline]
    pub fn payload(&self) -> Payload<'_> {
        match &self.note {
            Some(Member::Event(event)) => {
                let mut guard = self.peer.lock.lock();
                Payload::OfEvent(event.read(guard.parts().1))
            }
            _ => Payload::OfMessage(self.entry.payload()),
        }
    }

    /// How many handles and objects it carries.
    #[must_use]
    pub fn n_transfers(&self) -> usize {
        self.transfers().len().saturating_add(self.objects().len())
    }

    /// The ids that the carried handles will have once the message is received, in the sender's order (RCV-3).
    #[must_use]
    pub fn transfers(&self) -> &[Id] {
        self.entry.transfers()
    }

    /// What the message carries of the embedder's: to be taken over before the commit.
    #[must_use]
    pub fn objects(&self) -> &[S::Object] {
        self.entry.objects()
    }

    /// Entry `index` of [`Receiving::transfers`].
    #[must_use]
    pub fn transfer(&self, index: usize) -> Option<Id> {
        self.transfers().get(index).copied()
    }

    /// Takes the entry out of the queue: the line of no return of RECV. Needs no memory and no quota (ACC-3).
    ///
    /// # Errors
    /// [`Retry`] if another call released what it names; then nothing happened.
    pub fn commit(mut self) -> Result<Effects<S>, Retry> {
        self.take(true)?;
        if let Some(message) = &mut self.entry.message {
            settle_charges(&self.peer, message);
        }
        if let Some(note) = &self.note {
            discharge_note(&self.peer, note);
        }
        Ok(Effects::new(Work::Nothing))
    }

    /// Takes the entry out of the queue and releases what it carries (RCV-7).
    ///
    /// # Errors
    /// [`Retry`] if another call released what it names; then nothing happened.
    ///
    /// ```
    /// # struct Host;
    /// # impl bus1_service::System for Host {
    /// #     type Watch = ();
    /// #     type Object = std::convert::Infallible;
    /// #     type Amounts = [u64; 2];
    /// # }
    /// # fn main() -> Result<(), bus1_service::Error> {
    /// # let account = bus1_service::Account::<Host>::root([1 << 20, 1 << 30])?;
    /// # let (server, client) = (bus1_service::Peer::new(&account, ())?, bus1_service::Peer::new(&account, ())?);
    /// # let (node, handle) = server.create_node(&client)?;
    /// client.send(&[handle], &[handle], b"not wanted")?.finish_silently();
    /// let receiving = server.begin_recv()?;
    /// assert_eq!(receiving.n_transfers(), 1);
    /// receiving.discard().expect("nobody else released it").finish_silently();
    /// assert!(!server.is_readable() && server.inspect_object(1).is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn discard(mut self) -> Result<Effects<S>, Retry> {
        self.take(false)?;
        if let Some(note) = &self.note {
            discharge_note(&self.peer, note);
        }
        let work = self.entry.message.take();
        Ok(Effects::new(work.map_or(Work::Nothing, Work::Drop)))
    }

    fn take(&mut self, is_wanted: bool) -> Result<(), Retry> {
        hook::point("recv: copied");
        let mut guard = self.peer.lock_settled();
        let (state, key) = guard.parts();
        state.is_receiving = false;
        self.is_over = true;
        let is_first = state.first(key) == First::Entry
            && state
                .queue
                .front()
                .is_some_and(|front| match (&*front, &self.entry.message) {
                    (Member::Message(front), Some(message)) => front.ptr_eq(message),
                    (front, _) => self.note.as_ref().is_some_and(|note| front.is(note)),
                });
        if !is_first {
            return Err(Retry);
        }
        if let Some(Member::Event(event)) = &self.note {
            let over = state.event_taken(key, event);
            drop(guard);
            event.discharge(over);
            return Ok(());
        }
        drop(state.queue.pop_front(key));
        if let Some(message) = &mut self.entry.message {
            take_out(key, message);
            if is_wanted {
                arrive(state, key, message);
            }
        }
        let note = self.note.as_ref();
        let piece = note.and_then(|note| note_taken(state, key, note));
        drop(guard);
        drop(piece);
        Ok(())
    }
}

impl<S: System> Drop for Receiving<S> {
    fn drop(&mut self) {
        if !self.is_over {
            self.peer.lock.lock().parts().0.is_receiving = false;
        }
    }
}
