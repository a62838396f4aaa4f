//! A message: a payload and travelling handles, for one node (SEND makes one per destination).
//!
//! States: *prepared* (known to its sender only) → *staged* (pending at the queue of the node's owner) → *queued* (in the order) →
//! *received*; or it is *dropped* from any of the first three. Rules:
//! 1. It is charged before it is allocated, and gives the charge back when it is received or has been taken apart.
//! 2. From staging on it is on its node's list of messages. Who takes it off that list, under the owner's lock, receives it or
//!    takes it apart; nobody else does.
//! 3. Taking it apart needs no memory and goes on where it stopped: what is left to do is what it still carries.

use alloc::vec::Vec;

use crate::account::Trace;
use crate::carried::Carried;
use crate::handle::Target;
use crate::mem::{Key, Link, LockedBy, Ref, Unique, put};
use crate::node::Node;
use crate::peer::PeerCore;
use crate::queue::Entry;
use crate::transaction::Transaction;
use crate::{Amounts, BYTES, Error, Id, OBJECTS, System};

/// What a payload is behind that several messages share which carry handles: those may keep the word for long.
pub(crate) struct SharedPayload;

/// A message; behind it lies its payload, unless it shares one. Shared is the memory, not the charge (ACC-2).
pub(crate) struct Message<S: System> {
    /// The word that decides it; `None` if it was decided under the lock of its receiver, or those of two. Behind it lies the payload of a message to
    /// several destinations that carries nothing.
    pub(crate) transaction: Option<Ref<Transaction>>,
    /// What is charged for it; taken out when that is settled.
    pub(crate) trace: Option<Ref<Trace<S>>>,
    /// What it carries, if anything.
    pub(crate) carried: Option<Unique<Carried<S>>>,
    state: LockedBy<Target<S>, MessageState<S>>,
}

/// What is under the lock of the node's owner.
pub(crate) struct MessageState<S: System> {
    pub(crate) entry: Entry<S>,
    /// On the node's list of messages.
    pub(crate) at_node: Link,
    /// Somebody is taking it apart.
    pub(crate) is_dropped: bool,
}

/// The pointers of a message.
pub(crate) type Parts<S> = (
    Ref<Node<S>>,
    Option<Ref<Trace<S>>>,
    Option<Ref<Transaction>>,
);

impl<S: System> Message<S> {
    /// A message that carries nothing, charged to `trace`.
    #[inline(always)]
    pub(crate) fn new(node: Ref<Node<S>>, trace: Ref<Trace<S>>) -> Message<S> {
        let state = MessageState {
            entry: Entry::new(),
            at_node: Link::new(),
            is_dropped: false,
        };
        Message {
            transaction: None,
            trace: Some(trace),
            carried: None,
            state: LockedBy::new(Target::new(node), state),
        }
    }

    /// What it carries, to be added to before the message is known to anybody else.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub(crate) fn carried_mut(&mut self) -> Result<&mut Carried<S>, Error> {
        let carried = match self.carried.take() {
            Some(carried) => carried,
            None => Unique::try_new(Carried::new(self.node().clone()))?,
        };
        Ok(self.carried.insert(carried))
    }

    /// Lets a word decide it, and lets it share a payload, before it is known to anybody else.
    pub(crate) fn join(&mut self, word: Ref<Transaction>, payload: Option<Ref<SharedPayload>>) {
        put(&mut self.transaction, Some(word));
        if let Some(carried) = &mut self.carried {
            carried.payload = payload;
        }
    }

    /// It was not entered at its queue: no word decides it. Only if its payload lies behind it, and not behind the word.
    pub(crate) fn part(&mut self) {
        self.transaction = None;
    }

    /// What is left of it when it was received: its node, what was charged for it, and the word that decided it. It carries nothing.
    #[inline(always)]
    pub(crate) fn into_parts(self) -> Parts<S> {
        let node = self.state.into_owner().into_node();
        (node, self.trace, self.transaction)
    }

    /// Whether it is or was at its queue, of a message that is decided by a word.
    pub(crate) fn is_entered(&self) -> bool {
        self.transaction.is_some()
    }

    /// The ids of what it carries.
    #[inline]
    pub(crate) fn ids(&self) -> &[Id] {
        self.carried
            .as_ref()
            .map(|carried| &carried.ids[..])
            .unwrap_or_default()
    }

    /// How many objects it carries.
    #[inline]
    pub(crate) fn n_objects(&self) -> u64 {
        self.carried.as_ref().map_or(0, |carried| carried.n_objects)
    }

    /// The objects that it carries.
    #[inline]
    pub(crate) fn objects(&self, key: &mut Key) -> Option<Ref<Vec<S::Object>>> {
        let carried = self.carried.as_ref()?;
        carried.state(key).objects.clone()
    }

    /// How many handles it carries.
    #[inline]
    pub(crate) fn n_handles(&self) -> u64 {
        self.ids().len() as u64
    }

    /// How many handles and objects it carries, once it has them all.
    #[inline]
    pub(crate) fn n_carried(&self) -> u64 {
        self.n_handles().saturating_add(self.n_objects())
    }

    #[inline]
    pub(crate) fn node(&self) -> &Ref<Node<S>> {
        self.state.owner().node()
    }

    /// The peer it is for.
    #[inline]
    pub(crate) fn receiver(&self) -> &Ref<PeerCore<S>> {
        self.node().owner()
    }

    #[inline]
    pub(crate) fn state<'a>(&'a self, key: &'a mut Key) -> &'a mut MessageState<S> {
        self.state.get(key)
    }
}

/// What concerns the bytes too, which lie behind the message: of a pointer to it.
impl<S: System> Message<S> {
    #[inline]
    pub(crate) fn payload(message: &Ref<Message<S>>) -> &[u8] {
        let shared = message.carried.as_ref().map(|carried| &carried.payload);
        match shared {
            Some(Some(payload)) => payload.bytes(),
            _ => bytes(message.bytes(), message.transaction.as_ref()),
        }
    }

    pub(crate) fn n_data(message: &Ref<Message<S>>) -> u64 {
        Message::payload(message).len() as u64
    }

    /// What is charged for it, once it has all that it carries.
    #[inline]
    pub(crate) fn price(message: &Ref<Message<S>>) -> S::Amounts {
        price::<S>(message.n_carried(), Message::n_data(message))
    }
}

/// The payload of a message that shares none with others that carry handles: what lies behind it, or behind its word.
#[inline]
pub(crate) fn bytes<'a>(behind: &'a [u8], word: Option<&'a Ref<Transaction>>) -> &'a [u8] {
    match word {
        Some(word) if behind.is_empty() => word.bytes(),
        _ => behind,
    }
}

/// What a message is charged (ACC-2): itself and what it carries, and its bytes.
#[inline]
pub(crate) fn price<S: System>(n_carried: u64, n_data: u64) -> S::Amounts {
    let mut amounts = S::Amounts::ZERO;
    for (slot, amount) in amounts.slots_mut().iter_mut().enumerate() {
        match slot {
            OBJECTS => *amount = n_carried.saturating_add(1),
            BYTES => *amount = n_data,
            _ => {}
        }
    }
    amounts
}

/// What `n` messages of this price are charged together. More than fits 64 bits is refused by every account.
pub(crate) fn prices<S: System>(price: &S::Amounts, n: usize) -> S::Amounts {
    let mut amounts = *price;
    for amount in amounts.slots_mut() {
        *amount = amount.saturating_mul(n as u64);
    }
    amounts
}

/// The price of `n` nodes, handles or peers.
#[inline]
pub(crate) fn objects<S: System>(n: u64) -> S::Amounts {
    let mut amounts = S::Amounts::ZERO;
    if let Some(amount) = amounts.slots_mut().get_mut(OBJECTS) {
        *amount = n;
    }
    amounts
}
