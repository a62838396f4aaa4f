//! Which field of which object is the link of which list, which object has a lock, and what fits a word.

use core::marker::PhantomData;

use omnibus_counted::{Bytes, NoBytes};

use crate::System;
use crate::account::Books;
use crate::event::EventCore;
use crate::handle::Handle;
use crate::message::Message;
use crate::node::Node;
use crate::peer::PeerCore;
use crate::peer::state::PeerState;
use crate::queue::Member;
use crate::table::Object;

use super::counted::{Block, from_address, into_address};
use super::list::{Adapter, Link, Word};
use super::locked::{HasLock, NamesLock, NamesTwo};
use super::{Key, KeyedMutex, LockedToo, Ref};

/// What is counted, and whether bytes lie behind it.
macro_rules! blocks {
    ($($tail:ty: $($object:ty),+;)+) => {$($(
        impl<S: System> Block for $object {
            type Tail = $tail;
        }
    )+)+};
}

blocks! {
    NoBytes: PeerCore<S>, Node<S>, Handle<S>, EventCore<S>, crate::carried::Carried<S>, crate::transfer::Grant<S>, crate::send::Many<S>;
    NoBytes: crate::account::AccountCore<S>, crate::account::Quota<S>, crate::account::Trace<S>;
    Bytes: Message<S>;
}

impl Block for crate::transaction::Transaction {
    type Tail = Bytes;
}

impl Block for crate::message::SharedPayload {
    type Tail = Bytes;
}

impl Block for core::sync::atomic::AtomicU64 {
    type Tail = NoBytes;
}

impl<T> Block for alloc::vec::Vec<T> {
    type Tail = NoBytes;
}

// SAFETY: it is a field.
unsafe impl<S: System> HasLock for PeerCore<S> {
    type System = S;
    type State = PeerState<S>;
    fn keyed_lock(&self) -> &KeyedMutex<S, PeerState<S>> {
        &self.lock
    }
}

// SAFETY: it is a field.
unsafe impl<S: System> HasLock for crate::account::AccountCore<S> {
    type System = S;
    type State = Books<S>;
    fn keyed_lock(&self) -> &KeyedMutex<S, Books<S>> {
        &self.books
    }
}

/// The target of a handle, which stands for the lock of the node's owner.
// SAFETY: a node's owner never changes, and the node keeps it alive.
unsafe impl<S: System> NamesLock for crate::handle::Target<S> {
    #[inline]
    fn lock_address(&self) -> usize {
        self.node().owner().lock_address()
    }
}

// SAFETY: the account of a quota never changes, and the quota keeps it alive.
unsafe impl<S: System> NamesLock for crate::account::InQuota<S> {
    #[inline]
    fn lock_address(&self) -> usize {
        self.quota().target().lock_address()
    }
}

// SAFETY: the account of a peer, the owner of a node and the node of a handle never change, and keep each other alive.
unsafe impl<S: System> NamesTwo for Handle<S> {
    type Value = Option<Ref<crate::account::Trace<S>>>;
    fn second_lock_address(&self) -> usize {
        self.node().owner().account.lock_address()
    }
    fn under_second(&self) -> &LockedToo<Self::Value> {
        &self.remembered
    }
}

/// The handles that count for a node.
pub(crate) struct OnNode<S>(PhantomData<S>);

// SAFETY: a field of the handle, used by no other adapter.
unsafe impl<S: System> Adapter for OnNode<S> {
    type Item = Ref<Handle<S>>;
    #[inline]
    fn link<'a>(item: &'a Ref<Handle<S>>, key: &'a mut Key) -> &'a mut Link {
        &mut item.at_node(key).on_node
    }
}

/// The messages that came in on a node and are still queued.
pub(crate) struct QueuedAtNode<S>(PhantomData<S>);

// SAFETY: a field of the message, used by no other adapter.
unsafe impl<S: System> Adapter for QueuedAtNode<S> {
    type Item = Ref<Message<S>>;
    #[inline]
    fn link<'a>(item: &'a Ref<Message<S>>, key: &'a mut Key) -> &'a mut Link {
        &mut item.state(key).at_node
    }
}

/// The events that are bound to a peer's nodes, or unread.
pub(crate) struct EventsOfPeer<S>(PhantomData<S>);

// SAFETY: a field of the event, used by no other adapter.
unsafe impl<S: System> Adapter for EventsOfPeer<S> {
    type Item = Ref<EventCore<S>>;
    #[inline]
    fn link<'a>(item: &'a Ref<EventCore<S>>, key: &'a mut Key) -> &'a mut Link {
        &mut item.state(key).at_peer
    }
}

/// The nodes that an open release names.
pub(crate) struct OnMark<S>(PhantomData<S>);

// SAFETY: a field of the node, used by no other adapter.
unsafe impl<S: System> Adapter for OnMark<S> {
    type Item = Ref<Node<S>>;
    #[inline]
    fn link<'a>(item: &'a Ref<Node<S>>, key: &'a mut Key) -> &'a mut Link {
        &mut item.state(key).mark
    }
}

/// The entries of a queue, ordered or pending.
pub(crate) struct OnQueue<S>(PhantomData<S>);

// SAFETY: one field per kind of entry, used by no other adapter.
unsafe impl<S: System> Adapter for OnQueue<S> {
    type Item = Member<S>;
    #[inline(always)]
    fn link<'a>(item: &'a Member<S>, key: &'a mut Key) -> &'a mut Link {
        match item {
            Member::Message(message) => &mut message.state(key).entry.link,
            other => link_of_other(other, key),
        }
    }
}

/// The link of an entry that is not a message: out of the way of those.
#[inline(never)]
fn link_of_other<'a, S: System>(item: &'a Member<S>, key: &'a mut Key) -> &'a mut Link {
    match item {
        Member::Message(message) => &mut message.state(key).entry.link,
        Member::Grant(grant) => &mut grant.state(key).entry.link,
        Member::Note(handle) => &mut handle.at_holder(key).note.link,
        Member::Leave(handle) => &mut handle.at_node(key).leave.link,
        Member::Last(node) => &mut node.state(key).last,
        Member::Event(event) => &mut event.state(key).queued,
    }
}

// SAFETY: an address; objects are aligned to their count, hence above 7, and never move.
unsafe impl<T: Block> Word for Ref<T> {
    #[inline]
    fn into_word(self) -> usize {
        into_address(self)
    }
    #[inline]
    unsafe fn from_word(word: usize) -> Self {
        // SAFETY: handed on.
        unsafe { from_address(word) }
    }
}

/// The bits of an address that its alignment leaves free.
const TAG: usize = 7;

// SAFETY: objects are aligned to 8 at least (their count), so the low bits of their address carry the kind.
unsafe impl<S: System> Word for Member<S> {
    #[inline]
    fn into_word(self) -> usize {
        match self {
            Member::Message(message) => into_address(message),
            Member::Grant(grant) => into_address(grant) | 1,
            Member::Note(handle) => into_address(handle) | 2,
            Member::Leave(handle) => into_address(handle) | 3,
            Member::Last(node) => into_address(node) | 4,
            Member::Event(event) => into_address(event) | 5,
        }
    }
    #[inline]
    unsafe fn from_word(word: usize) -> Self {
        let address = word & !TAG;
        // SAFETY: handed on; the tag says of which type the address is.
        unsafe {
            match word & TAG {
                0 => Member::Message(from_address(address)),
                1 => Member::Grant(from_address(address)),
                2 => Member::Note(from_address(address)),
                3 => Member::Leave(from_address(address)),
                4 => Member::Last(from_address(address)),
                _ => Member::Event(from_address(address)),
            }
        }
    }
}

// SAFETY: as for `Member`.
unsafe impl<S: System> Word for Object<S> {
    #[inline]
    fn into_word(self) -> usize {
        match self {
            Object::Node(node) => into_address(node),
            Object::Handle(handle) => into_address(handle) | 1,
        }
    }
    #[inline]
    unsafe fn from_word(word: usize) -> Self {
        let address = word & !TAG;
        // SAFETY: handed on; the tag says of which type the address is.
        unsafe {
            match word & TAG {
                0 => Object::Node(from_address(address)),
                _ => Object::Handle(from_address(address)),
            }
        }
    }
}
