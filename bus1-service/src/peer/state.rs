//! What is under a peer's lock, and what happens to it in one lock-held section.

use crate::event::Events;
use crate::handle::{Handle, Whereabouts};
use crate::mem::{Key, Ref, Spare};
use crate::message::Message;
use crate::mutant::{self, Mutant};
use crate::node::Node;
use crate::queue::{Member, Queue};
use crate::table::{Object, Table};
use crate::transaction::Transaction;
use crate::{Account, Id, System};

use super::release::Release;

/// How many entries that are not to be delivered one look at the queue passes over.
const PASS_OVER_MAX: u32 = 64;

/// How many handles stop counting, or turn out never to have counted, in one lock-held section.
pub(super) const LEAVES_MAX: u32 = 256;

/// What is under the lock of a peer.
pub(crate) struct PeerState<S: System> {
    pub(crate) table: Table<S>,
    pub(crate) queue: Queue<S>,
    pub(crate) release: Release<S>,
    pub(crate) events: Events<S>,
    /// The stamp of the last transaction that the peer decided: the next is above it, in the order of its calls (OBJ-8).
    pub(crate) decided: u64,
    /// The word of a short message to a few, for the next ([`Transaction::try_open`]).
    pub(crate) word: Option<Ref<Transaction>>,
    /// Counts of the node on which a message was received last, for the next message; of one that is not buried.
    pub(crate) nodes: Spare<Node<S>>,
    /// Changes when ids of the peer stop being valid; what was looked up under the same number is still valid.
    pub(crate) epoch: u64,
    /// A RECV copies the first entry out, or one is expected.
    pub(crate) is_receiving: bool,
    /// The word of a message that is expected here, if one is being handed over together with others ([`crate::hand_over`]).
    pub(crate) expected: Option<Ref<Transaction>>,
    /// Keeps the account open until the peer is closed.
    pub(crate) account: Option<Account<S>>,
}

/// What a RECV finds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum First {
    /// Something to deliver stands first.
    Entry,
    Nothing,
    /// Many entries were passed over; look again.
    More,
}

/// Where a copy comes from.
pub(crate) struct Origin<'a, S: System> {
    /// The handle it is a copy of.
    pub(crate) source: &'a Ref<Handle<S>>,
    /// What decides it; `None` if it counts from now on.
    pub(crate) transaction: Option<&'a Ref<Transaction>>,
}

/// What became of unlinking a handle from its node.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// It was the last that counted: the node is in the queue.
    Last,
    NotLast,
    /// So many others were undecided that it takes one more section to tell; it is still linked.
    More,
}

/// What became of linking a handle to its node.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Linked {
    /// It counts.
    Yes,
    /// The node is dead: NODE_RELEASE comes with what carries the handle (TRA-5).
    NodeIsDead,
    /// The handle it is a copy of was released.
    SourceIsGone,
}

impl<S: System> PeerState<S> {
    pub(crate) fn new(account: Account<S>) -> PeerState<S> {
        PeerState {
            table: Table::new(),
            queue: Queue::new(),
            release: Release::new(),
            events: Events::new(),
            decided: 0,
            word: None,
            nodes: Spare::new(),
            epoch: 0,
            is_receiving: false,
            expected: None,
            account: Some(account),
        }
    }

    /// Brings the queue up to date: everything that is decided takes effect here. Comes first in every lock-held section. `false` if so
    /// many handles leave at once that it takes one more section; nothing else may be done in this one then.
    #[inline(always)]
    pub(crate) fn settle(&mut self, key: &mut Key) -> bool {
        self.overtake();
        if !self.queue.has_undone() {
            return true;
        }
        let is_ordered = cfg!(not(feature = "sabotage")) && self.queue.order_only(key);
        is_ordered || self.settle_undone(key)
    }

    #[inline(never)]
    fn settle_undone(&mut self, key: &mut Key) -> bool {
        let mut n_left = LEAVES_MAX;
        loop {
            while let Some(member) = self.queue.pop_leaving(key) {
                let is_more = match &member {
                    Member::Leave(handle) => self.leave(key, handle, &mut n_left) == Left::More,
                    _ => false,
                };
                if is_more {
                    self.queue.put_back_leaving(key, member);
                }
                if n_left == 0 {
                    return !self.queue.has_undone();
                }
            }
            let Some(leader) = self.queue.next_decided(key) else {
                return true;
            };
            let is_alone = mutant::is(Mutant::NotAdjacent);
            match &leader {
                Member::Message(_) | Member::Note(_) | Member::Last(_) | Member::Event(_) => {
                    self.queue.order_group(key, leader)
                }
                Member::Grant(grant) => {
                    while let Some(handle) = grant.state(key).handles.pop() {
                        self.grant(key, handle);
                    }
                }
                Member::Leave(_) => self.queue.begin_leaving(key, leader),
            }
            if is_alone {
                return true;
            }
        }
    }

    /// [`PeerState::settle`] for who has decided that `handle` leaves its node, which is this peer's: mostly there is nothing else to do.
    #[inline(always)]
    pub(crate) fn settle_leave(&mut self, key: &mut Key, handle: &Ref<Handle<S>>) -> bool {
        let Some(leaving) = self.queue.pop_only_leaving(key, handle) else {
            return self.settle(key);
        };
        let mut n_left = LEAVES_MAX;
        let is_more = self.leave(key, handle, &mut n_left) == Left::More;
        if is_more {
            self.queue.put_back_leaving(key, leaving);
        } else if let Member::Leave(leaving) = leaving {
            leaving.drop_shared();
        }
        !is_more
    }

    /// A handle arrives by a transfer. If its node is dead, NODE_RELEASE comes behind it (NOT-1).
    fn grant(&mut self, key: &mut Key, handle: Ref<Handle<S>>) {
        let note = Member::Note(handle.clone());
        let at_holder = handle.at_holder(key);
        at_holder.whereabouts = Whereabouts::Held;
        let is_parked = core::mem::take(&mut at_holder.is_parked);
        let is_noted = at_holder.note.link.is_linked();
        let id = at_holder.id;
        if is_parked || (is_noted && !self.queue.is_pending(key, &note)) {
            self.queue.withdraw(key, &note);
            self.queue.push(key, note);
        }
        self.table.fill(id, Object::Handle(handle));
    }

    /// A handle stops counting for its node, which is this peer's. If it was the last, the node enters the queue (NOT-2). `n_left` is how
    /// many handles may still be unlinked in this section, at least one.
    pub(crate) fn leave(
        &mut self,
        key: &mut Key,
        handle: &Ref<Handle<S>>,
        n_left: &mut u32,
    ) -> Left {
        *n_left = n_left.saturating_sub(1);
        let node = handle.node();
        let Some((unlinked, is_first_undecided)) = node.unlink_and_look(key, handle) else {
            return Left::NotLast;
        };
        // Of a marked node nothing but its end is told.
        let is_told = !node.is_marked() && !self.is_dead(node);
        let left = match is_first_undecided {
            _ if !is_told => Left::NotLast,
            Some(false) if !mutant::is(Mutant::NotifyAlways) => Left::NotLast,
            None | Some(false) => self.tell_last(key, node),
            Some(true) => return self.leave_with_undecided(key, unlinked, n_left),
        };
        unlinked.drop_shared();
        left
    }

    /// A handle that stops counting is off its node's list, and the first there does not count, as far as anybody knows.
    #[inline(never)]
    fn leave_with_undecided(
        &mut self,
        key: &mut Key,
        unlinked: Ref<Handle<S>>,
        n_left: &mut u32,
    ) -> Left {
        let node = unlinked.node();
        while let Some(first) = node.first_handle(key) {
            if !first.at_node(key).is_undecided() {
                return Left::NotLast;
            }
            first.at_node(key).undecided = None;
            drop(node.unlink(key, &first));
            if *n_left == 0 {
                node.link_first(key, unlinked.clone());
                return Left::More;
            }
            *n_left = n_left.saturating_sub(1);
        }
        self.tell_last(key, node)
    }

    /// The release of a node of this peer is over.
    pub(crate) fn bury(&mut self, node: &Ref<Node<S>>) {
        node.bury();
        self.nodes.forget(node);
    }

    fn tell_last(&mut self, key: &mut Key, node: &Ref<Node<S>>) -> Left {
        self.queue.push(key, Member::Last(node.clone()));
        Left::Last
    }

    /// Whether a node of this peer is dead: its release is decided.
    #[inline]
    pub(crate) fn is_dead(&self, node: &Node<S>) -> bool {
        let (is_buried, is_marked) = node.is_buried_or_marked();
        is_buried || (is_marked && self.release.is_decided())
    }

    /// Whether a handle of this peer can be used: it is held, and no decided release names it.
    #[inline]
    pub(crate) fn is_held(&self, key: &mut Key, handle: &Handle<S>) -> bool {
        self.release.is_held(key, handle)
    }

    /// The handle that `id` names.
    #[inline(always)]
    pub(crate) fn handle(&self, key: &mut Key, id: Id) -> Option<Ref<Handle<S>>> {
        let object = self.table.get(id)?.get();
        usable(&object, &self.release, key).cloned()
    }

    /// The same, of a handle that is used again and again: the last one is found without a search.
    #[inline(always)]
    pub(crate) fn handle_again(&mut self, key: &mut Key, id: Id) -> Option<Ref<Handle<S>>> {
        match self.table.recent(id) {
            Some(handle) => Some(handle.clone()),
            None => self.handle_anew(key, id),
        }
    }

    #[inline(never)]
    fn handle_anew(&mut self, key: &mut Key, id: Id) -> Option<Ref<Handle<S>>> {
        let handle = self.handle(key, id)?;
        self.table.keep_recent(id, &handle);
        Some(handle)
    }

    /// Ids of the peer stop being valid.
    pub(crate) fn end_epoch(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
        self.table.forget_recent();
    }

    /// Links a new handle to its node, which is this peer's; a node's first has no origin.
    pub(crate) fn link(
        &mut self,
        key: &mut Key,
        handle: &Ref<Handle<S>>,
        origin: Option<Origin<'_, S>>,
    ) -> Linked {
        let node = handle.node();
        if self.is_dead(node) {
            return Linked::NodeIsDead;
        }
        if let Some(Origin {
            source,
            transaction,
        }) = origin
        {
            if mutant::is(Mutant::CopiesNotLinked) {
                return Linked::Yes;
            }
            let at_source = source.at_node(key);
            if !at_source.on_node.is_linked() {
                return Linked::SourceIsGone;
            }
            // It is held, so it was decided.
            at_source.undecided = None;
            if !mutant::is(Mutant::UndecidedCounts) {
                handle.at_node(key).undecided = transaction.cloned();
            }
        }
        node.with_handles(key, |handles, key| {
            // One copy after the other keeps one word, not one for each.
            if let Some(last) = handles.waiting.back() {
                last.at_node(key).is_undecided();
            }
            handles.push_back(key, handle.clone());
        });
        if node.is_marked() {
            // It joins the release (REL-4).
            self.release.joined(key, node);
        }
        Linked::Yes
    }

    /// The first entry that RECV may deliver. What is not to be delivered is passed over for good: the release that names it, the one
    /// who drops the message, or the message that carries the handle, looks after it.
    pub(crate) fn first(&mut self, key: &mut Key) -> First {
        if self.queue.has_pending() && mutant::is(Mutant::UndecidedBlocks) {
            self.queue.await_next();
            return First::Nothing;
        }
        for _ in 0..PASS_OVER_MAX {
            let Some(front) = self.queue.front() else {
                self.queue.await_next();
                return First::Nothing;
            };
            if self.is_deliverable(key, &front) {
                return First::Entry;
            }
            drop(self.queue.pop_front(key));
        }
        First::More
    }

    fn is_deliverable(&self, key: &mut Key, front: &Member<S>) -> bool {
        match front {
            Member::Message(message) => {
                !self.is_dead(message.node()) || mutant::is(Mutant::DeliverAfterRelease)
            }
            Member::Note(handle) => {
                let at_holder = handle.at_holder(key);
                if at_holder.whereabouts == Whereabouts::Travelling {
                    at_holder.is_parked = true;
                }
                let is_early = mutant::is(Mutant::EarlyNodeRelease);
                (at_holder.whereabouts == Whereabouts::Held || is_early)
                    && !self.is_named(at_holder.id, at_holder.is_marked)
            }
            Member::Last(node) => {
                !self.is_dead(node) && !self.is_named(node.id(), node.is_marked())
            }
            Member::Event(event) => !self.is_dead(event.node()),
            Member::Grant(_) | Member::Leave(_) => false,
        }
    }

    /// Takes a message out of the queue for its sender to take apart; `false` if it was received or somebody else does.
    pub(crate) fn take_message(&mut self, key: &mut Key, message: &Ref<Message<S>>) -> bool {
        let at_message = message.state(key);
        if at_message.is_dropped || !at_message.at_node.is_linked() {
            return false;
        }
        at_message.is_dropped = true;
        drop(message.node().remove_message(key, message));
        self.queue.withdraw(key, &Member::Message(message.clone()));
        true
    }

    /// A handle of this peer is gone: its id is free, and nothing will be told about it.
    pub(crate) fn retire(&mut self, key: &mut Key, handle: &Ref<Handle<S>>) {
        let id = self.strand(key, handle);
        drop(self.table.free(id));
    }

    /// A handle of this peer does not arrive, or is gone: nothing is told of it any more. Its id.
    pub(crate) fn strand(&mut self, key: &mut Key, handle: &Ref<Handle<S>>) -> Id {
        let at_holder = handle.at_holder(key);
        at_holder.whereabouts = Whereabouts::Gone;
        at_holder.is_parked = false;
        let id = at_holder.id;
        if at_holder.note.link.is_linked() {
            self.queue.withdraw(key, &Member::Note(handle.clone()));
        }
        id
    }
}

/// The handle that `object` of a peer, whose release this is, is, if it can be used: it is held, and no decided release names it.
#[inline(always)]
pub(crate) fn usable<'a, S: System>(
    object: &'a Object<S>,
    release: &Release<S>,
    key: &mut Key,
) -> Option<&'a Ref<Handle<S>>> {
    match object {
        Object::Handle(handle) if release.is_held(key, handle) => Some(handle),
        _ => None,
    }
}
