//! An event: a message of the embedder's own that can be told again and again, and never fails to be.
//!
//! The end of a task, an interrupt, a timer: what happens in the embedder arrives at a node like a message. A SEND can fail; an event
//! that happens cannot be refused. So its message is made when the source is bound to a handle ([`Peer::new_event`]): charged to the
//! receiver for whoever binds, like a SEND through that handle, and kept for all times it will be told. Rules:
//! 1. To fire needs no memory and no quota and cannot fail. It is a transaction at the receiver's queue, decided by its lock.
//! 2. An event is in the queue at most once. Firing again before that was received changes the message in its place: the first word
//!    of each firing is added up (a count, not 0), the others are those of the last.
//! 3. What fires while RECV copies the message out is left for the next RECV, in the same place.
//! 4. It is told through its handle: when that was released, firing does nothing. When the node is released, the message goes with the
//!    others (REL-2), its charge too.
//! 5. When the source goes, what is unread stays to be received; the charge goes with it, or at once.

use crate::account::{self, Trace};
use crate::handle::{Handle, Target};
use crate::mem::{EventsOfPeer, Key, Link, List, LockedBy, Ref};
use crate::message::price;
use crate::node::Node;
use crate::peer::state::PeerState;
use crate::queue::Member;
use crate::{AccountNumber, Error, Id, Peer, Place, System, Wake, hook};

/// Most words of the payload of an event.
pub const EVENT_WORDS_MAX: usize = 8;

/// Most bytes of it.
const N_BYTES_MAX: usize = EVENT_WORDS_MAX * size_of::<u64>();

/// The source's end of an event. Dropping it ends the source (rule 5).
#[must_use = "dropping an event ends its source"]
pub struct Event<S: System>(Ref<EventCore<S>>);

/// What source, node and queue share.
pub(crate) struct EventCore<S: System> {
    handle: Ref<Handle<S>>,
    n_words: usize,
    state: LockedBy<Target<S>, EventState<S>>,
}

/// What is under the lock of the node's owner.
pub(crate) struct EventState<S: System> {
    /// In the queue, as long as something is unread.
    pub(crate) queued: Link,
    /// On the list of its peer, as long as it is charged.
    pub(crate) at_peer: Link,
    /// The source is there.
    has_source: bool,
    /// What it is charged to.
    trace: Option<Ref<Trace<S>>>,
    words: [u64; EVENT_WORDS_MAX],
    /// The count that the RECV under way tells.
    n_told: u64,
}

impl<S: System> Peer<S> {
    /// Binds a source of events to the handle `id` of this peer. Each event is a message of `n_words` 64-bit words, at most
    /// [`EVENT_WORDS_MAX`], little endian. If the handle's node is dead, none will ever be told (SND-4).
    ///
    /// # Errors
    /// [`Error::TooLong`], [`Error::UnknownId`], [`Error::Quota`], [`Error::OutOfMemory`].
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
    /// let event = client.new_event(handle, 2)?;
    /// event.fire(&[1, 70], &mut |(), _| {});
    /// event.fire(&[1, 80], &mut |(), _| {});
    /// let words = [2_u64.to_le_bytes(), 80_u64.to_le_bytes()].concat();
    /// assert_eq!(server.recv()?.payload(), words);
    /// assert!(!server.is_readable());
    /// # Ok(())
    /// # }
    /// ```
    pub fn new_event(&self, id: Id, n_words: usize) -> Result<Event<S>, Error> {
        if n_words > EVENT_WORDS_MAX {
            return Err(Error::TooLong);
        }
        let sender = self.core();
        let unknown = Error::UnknownId(Place::Destination(0), id);
        let handle = {
            let mut guard = sender.lock_settled();
            let (state, key) = guard.parts();
            state.handle(key, id).ok_or(unknown)?
        };
        let price = price_of::<S>(n_words);
        let charged = if handle.node().is_buried() {
            None
        } else {
            let charged = account::charge_through(&handle, sender, &price);
            Some(charged.map_err(|error| error.at_destination(0))?)
        };
        hook::point("event: charged");
        let target = Target::new(handle.node().clone());
        let state = EventState {
            queued: Link::new(),
            at_peer: Link::new(),
            has_source: true,
            trace: charged.as_ref().map(|charged| charged.trace.clone()),
            words: [0; EVENT_WORDS_MAX],
            n_told: 0,
        };
        let core = Ref::try_new(EventCore {
            handle,
            n_words,
            state: LockedBy::new(target, state),
        });
        let core = core.inspect_err(|_| {
            if let Some(charged) = &charged {
                account::undo(charged, &price);
            }
        })?;
        let (is_dead, is_linked) = {
            let mut guard = core.node().owner().lock_settled();
            let (state, key) = guard.parts();
            let is_dead = state.is_dead(core.node());
            let is_linked = core.handle.at_node(key).on_node.is_linked();
            if !is_dead && is_linked {
                state.events.add(key, core.clone());
            } else {
                drop(core.state(key).trace.take());
            }
            (is_dead, is_linked)
        };
        if let Some(charged) = charged.filter(|_| is_dead || !is_linked) {
            account::undo(&charged, &price);
        }
        if is_dead || is_linked {
            Ok(Event(core))
        } else {
            Err(unknown)
        }
    }
}

impl<S: System> Event<S> {
    /// Tells of it: the first of `words`, which is not 0, is added to what is unread, the others take the place of those before.
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
    /// let event = client.new_event(handle, 1)?;
    /// event.fire(&[1], &mut |(), _| {});
    /// assert_eq!(server.recv()?.payload(), 1_u64.to_le_bytes());
    /// drop(event);
    /// assert!(!server.is_readable());
    /// # Ok(())
    /// # }
    /// ```
    pub fn fire(&self, words: &[u64], wake: &mut dyn FnMut(&S::Watch, Wake)) {
        let event = &self.0;
        let owner = event.node().owner();
        {
            let mut guard = owner.lock_settled();
            let (state, key) = guard.parts();
            if state.is_dead(event.node()) || !event.handle.at_node(key).on_node.is_linked() {
                return;
            }
            let at_event = event.state(key);
            let n_unread = at_event.words.first().copied().unwrap_or_default();
            for (to, from) in at_event.words.iter_mut().zip(words) {
                *to = *from;
            }
            if at_event.queued.is_linked() {
                if let Some(count) = at_event.words.first_mut() {
                    *count = count.saturating_add(n_unread);
                }
                return;
            }
            state.queue.tick(key);
            state.queue.push(key, Member::Event(event.clone()));
        }
        hook::point("event: fired");
        wake(&owner.watch, Wake::Readable);
    }
}

impl<S: System> Drop for Event<S> {
    fn drop(&mut self) {
        let event = &self.0;
        let over = {
            let mut guard = event.node().owner().lock_settled();
            let (state, key) = guard.parts();
            event.state(key).has_source = false;
            state.end_if_unused(key, event)
        };
        event.discharge(over);
    }
}

impl<S: System> EventCore<S> {
    /// The node that it is told at.
    #[inline]
    pub(crate) fn node(&self) -> &Ref<Node<S>> {
        self.handle.node()
    }

    #[inline]
    pub(crate) fn state<'a>(&'a self, key: &'a mut Key) -> &'a mut EventState<S> {
        self.state.get(key)
    }

    /// Bytes of its payload.
    pub(crate) fn n_data(&self) -> usize {
        self.n_words.saturating_mul(size_of::<u64>())
    }

    /// Gives back what [`PeerState::unbind`] took out. Called without any lock.
    pub(crate) fn discharge(&self, trace: Option<Ref<Trace<S>>>) {
        if let Some(trace) = trace {
            account::discharge(&trace, &price_of::<S>(self.n_words));
        }
    }
}

/// The payload of an event as a RECV tells it.
pub struct Told {
    bytes: [u8; N_BYTES_MAX],
    n_bytes: usize,
}

impl Told {
    /// The payload.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.n_bytes).unwrap_or_default()
    }
}

impl<S: System> EventCore<S> {
    /// A RECV begins to copy it out: what is unread now is what it tells.
    pub(crate) fn begin_telling(&self, key: &mut Key) {
        let at_event = self.state(key);
        at_event.n_told = at_event.words.first().copied().unwrap_or_default();
    }

    /// The payload that a RECV tells.
    #[inline(never)]
    pub(crate) fn read(&self, key: &mut Key) -> Told {
        self.begin_telling(key);
        let mut bytes = [0; N_BYTES_MAX];
        let words = self.state(key).words;
        for (to, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
            *to = word.to_le_bytes();
        }
        Told {
            bytes,
            n_bytes: self.n_data(),
        }
    }

    /// The account of who bound it.
    pub(crate) fn claimant(&self, key: &mut Key) -> Option<AccountNumber> {
        let trace = self.state(key).trace.as_ref();
        trace.map(|trace| trace.claimant())
    }
}

/// The events that are bound to the nodes of a peer, or unread.
pub(crate) struct Events<S: System> {
    list: List<EventsOfPeer<S>>,
    n_events: u64,
    /// How many are still to be looked at by the open release.
    n_unseen: u64,
}

impl<S: System> Events<S> {
    pub(crate) const fn new() -> Events<S> {
        Events {
            list: List::new(),
            n_events: 0,
            n_unseen: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    fn add(&mut self, key: &mut Key, event: Ref<EventCore<S>>) {
        self.list.push_back(key, event);
        self.n_events = self.n_events.saturating_add(1);
    }

    fn remove(&mut self, key: &mut Key, event: &Ref<EventCore<S>>) {
        if self.list.remove(key, event).is_some() {
            self.n_events = self.n_events.saturating_sub(1);
        }
    }

    /// A release that names nodes is decided: all are to be looked at once.
    pub(crate) fn look_again(&mut self) {
        self.n_unseen = self.n_events;
    }
}

/// What a look at some events of a peer found.
pub(crate) enum Looked<S: System> {
    /// One that was ended, and what is to be given back ([`EventCore::discharge`]).
    Ended(Ref<EventCore<S>>, Option<Ref<Trace<S>>>),
    /// There are more to look at.
    More,
    Done,
}

/// How many events one lock-held section looks at.
const LOOKS: u32 = 64;

impl<S: System> PeerState<S> {
    /// `event`, which stands first, was received: it goes, unless it has fired since it was copied out (rule 3). What is to be given back.
    pub(crate) fn event_taken(
        &mut self,
        key: &mut Key,
        event: &Ref<EventCore<S>>,
    ) -> Option<Ref<Trace<S>>> {
        let EventState { words, n_told, .. } = event.state(key);
        if let Some(count) = words.first_mut() {
            *count = count.saturating_sub(*n_told);
            if *count > 0 {
                return None;
            }
        }
        drop(self.queue.pop_front(key));
        self.end_if_unused(key, event)
    }

    /// Looks for an event of a dead node, and ends it.
    pub(crate) fn end_event(&mut self, key: &mut Key) -> Looked<S> {
        for _ in 0..LOOKS {
            if self.events.n_unseen == 0 {
                return Looked::Done;
            }
            self.events.n_unseen = self.events.n_unseen.saturating_sub(1);
            let Some(event) = self.events.list.pop_front(key) else {
                return Looked::Done;
            };
            let is_over = self.is_dead(event.node());
            self.events.list.push_back(key, event.clone());
            if is_over {
                if event.state(key).queued.is_linked() {
                    self.queue.withdraw(key, &Member::Event(event.clone()));
                }
                let trace = self.unbind(key, &event);
                return Looked::Ended(event, trace);
            }
        }
        Looked::More
    }

    /// Takes an event off the list with its charge, which is to be given back ([`EventCore::discharge`]).
    fn unbind(&mut self, key: &mut Key, event: &Ref<EventCore<S>>) -> Option<Ref<Trace<S>>> {
        self.events.remove(key, event);
        event.state(key).trace.take()
    }

    /// Ends an event if nothing is unread and the source is gone.
    fn end_if_unused(&mut self, key: &mut Key, event: &Ref<EventCore<S>>) -> Option<Ref<Trace<S>>> {
        let at_event = event.state(key);
        if at_event.has_source || at_event.queued.is_linked() {
            return None;
        }
        self.unbind(key, event)
    }
}

fn price_of<S: System>(n_words: usize) -> S::Amounts {
    price::<S>(0, n_words.saturating_mul(size_of::<u64>()) as u64)
}
