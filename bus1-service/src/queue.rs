//! The queue of a peer: entries in final order, and pending groups of transactions that may not be decided yet (section 6).
//!
//! An entry is *pending* (staged by a transaction of several steps) → *ordered* → delivered or withdrawn. All entries of one transaction
//! at one queue form a *group*: the first is its leader and carries the rest. Invariants, whenever the lock is free:
//! 1. The ordered entries are in their final order; nothing is ever put between them except NODE_RELEASE of a received handle,
//!    behind the message that carried it (NOT-1).
//! 2. The floor of every pending group that is not decided is at least the queue's clock, so its stamp will be above it.
//!
//! Everything that takes the lock calls [`Queue::settle`] first: it moves decided groups behind the ordered entries, in the order of
//! (stamp, tag), and raises the floors of the others. Its work is proportional to the transactions that are open at this very queue,
//! which is bounded by the threads inside a commit; a group moves as a whole. An undecided group delays nobody.

use crate::System;
use crate::event::EventCore;
use crate::handle::Handle;
use crate::mem::{Borrowed, Key, Link, List, OnQueue, Ref};
use crate::message::Message;
use crate::mutant::{self, Mutant};
use crate::node::Node;
use crate::transaction::{Entering, Transaction, tag};
use crate::transfer::Grant;

/// What can be in a queue.
pub(crate) enum Member<S: System> {
    /// A message of a user.
    Message(Ref<Message<S>>),
    /// A transfer to this peer: takes effect when it is ordered, and is not delivered.
    Grant(Ref<Grant<S>>),
    /// NODE_RELEASE for this handle of the peer.
    Note(Ref<Handle<S>>),
    /// This handle of somebody stops counting for a node of the peer: takes effect when it is ordered, and is not delivered.
    Leave(Ref<Handle<S>>),
    /// HANDLE_RELEASE for this node of the peer.
    Last(Ref<Node<S>>),
    /// What is unread of an event of the embedder's, bound to a node of the peer.
    Event(Ref<EventCore<S>>),
}

/// The place of an object in a queue.
pub(crate) struct Entry<S: System> {
    pub(crate) link: Link,
    /// The other members of the group, if this one leads it.
    chain: List<OnQueue<S>>,
}

impl<S: System> Entry<S> {
    pub(crate) const fn new() -> Entry<S> {
        Entry {
            link: Link::new(),
            chain: List::new(),
        }
    }
}

impl<S: System> Member<S> {
    /// The word that decides it; `None` if it is decided already.
    fn transaction(&self) -> Option<&Ref<Transaction>> {
        match self {
            Member::Message(message) => message.transaction.as_ref(),
            Member::Grant(grant) => Some(grant.transaction()),
            Member::Note(handle) => Some(&handle.node().owner().transaction),
            Member::Leave(handle) => Some(&handle.holder().transaction),
            Member::Last(_) | Member::Event(_) => None,
        }
    }

    /// Members of one transaction are in this order (ORD-5): messages, node releases, handle releases.
    fn rank(&self) -> u8 {
        match self {
            Member::Message(_) | Member::Grant(_) | Member::Event(_) => 0,
            Member::Note(_) => 1,
            Member::Leave(_) | Member::Last(_) => 2,
        }
    }

    pub(crate) fn is(&self, other: &Member<S>) -> bool {
        match (self, other) {
            (Member::Message(a), Member::Message(b)) => a.ptr_eq(b),
            (Member::Grant(a), Member::Grant(b)) => a.ptr_eq(b),
            (Member::Note(a), Member::Note(b)) | (Member::Leave(a), Member::Leave(b)) => {
                a.ptr_eq(b)
            }
            (Member::Last(a), Member::Last(b)) => a.ptr_eq(b),
            (Member::Event(a), Member::Event(b)) => a.ptr_eq(b),
            _ => false,
        }
    }

    fn chain<'a>(&'a self, key: &'a mut Key) -> Option<&'a mut List<OnQueue<S>>> {
        match self {
            Member::Message(message) => Some(&mut message.state(key).entry.chain),
            Member::Grant(grant) => Some(&mut grant.state(key).entry.chain),
            Member::Note(handle) => Some(&mut handle.at_holder(key).note.chain),
            Member::Leave(handle) => Some(&mut handle.at_node(key).leave.chain),
            Member::Last(_) | Member::Event(_) => None,
        }
    }

    fn take_chain(&self, key: &mut Key) -> List<OnQueue<S>> {
        self.chain(key).map(core::mem::take).unwrap_or_default()
    }

    fn put_chain(&self, key: &mut Key, chain: List<OnQueue<S>>) {
        if let Some(place) = self.chain(key) {
            *place = chain;
        }
    }
}

impl<S: System> Clone for Member<S> {
    fn clone(&self) -> Self {
        match self {
            Member::Message(message) => Member::Message(message.clone()),
            Member::Grant(grant) => Member::Grant(grant.clone()),
            Member::Note(handle) => Member::Note(handle.clone()),
            Member::Leave(handle) => Member::Leave(handle.clone()),
            Member::Last(node) => Member::Last(node.clone()),
            Member::Event(event) => Member::Event(event.clone()),
        }
    }
}

/// Where a decided group stands in the order of all transactions.
type Place = (u64, usize, u8);

/// The queue of a peer.
pub(crate) struct Queue<S: System> {
    ordered: List<OnQueue<S>>,
    /// Leaders of groups.
    pending: List<OnQueue<S>>,
    /// Handles that stop counting now, of a group that is decided and ordered. Nothing else is done here before they are through.
    leaving: List<OnQueue<S>>,
    /// The stamp of the last transaction that was ordered.
    clock: u64,
    /// Somebody was told since the last wake that there is nothing, and may wait (RCV-6).
    is_awaited: bool,
}

impl<S: System> Queue<S> {
    pub(crate) const fn new() -> Queue<S> {
        Queue {
            ordered: List::new(),
            pending: List::new(),
            leaving: List::new(),
            clock: 0,
            is_awaited: true,
        }
    }

    pub(crate) fn front(&self) -> Option<Borrowed<'_, Member<S>>> {
        self.ordered.front()
    }

    pub(crate) fn pop_front(&mut self, key: &mut Key) -> Option<Member<S>> {
        self.ordered.pop_front(key)
    }

    pub(crate) fn has_ordered(&self) -> bool {
        !self.ordered.is_empty()
    }

    pub(crate) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Whether settling may find something to do.
    #[inline]
    pub(crate) fn has_undone(&self) -> bool {
        !self.pending.is_empty() || !self.leaving.is_empty()
    }

    /// Whether nothing is in it at all: neither to be delivered nor to be done.
    #[inline(always)]
    pub(crate) fn is_idle(&self) -> bool {
        List::are_empty([&self.ordered, &self.pending, &self.leaving])
    }

    /// Somebody is told that there is nothing to be received.
    #[inline(always)]
    pub(crate) fn await_next(&mut self) {
        self.is_awaited = true;
    }

    /// Whether somebody was told that there is nothing, and nothing was put into the queue since.
    #[inline(always)]
    pub(crate) fn is_awaited(&self) -> bool {
        self.is_awaited
    }

    /// Whether somebody may wait for what was just put into the queue, and is woken now.
    #[inline(always)]
    pub(crate) fn take_awaited(&mut self) -> bool {
        core::mem::take(&mut self.is_awaited) && !mutant::is(Mutant::NoWake)
    }

    pub(crate) fn clock(&self) -> u64 {
        self.clock
    }

    /// Calls `visit` for the ordered entries in order, until it says `false`.
    pub(crate) fn walk(&self, key: &mut Key, visit: impl FnMut(&Member<S>) -> bool) {
        self.ordered.walk(key, visit);
    }

    /// Whether `member` leads a pending group, or the group of its transaction is pending.
    pub(crate) fn is_pending(&self, key: &mut Key, member: &Member<S>) -> bool {
        self.leader_of(key, member).is_some()
    }

    /// The decided group that comes first, now that the floors of all undecided ones are raised to its stamp. A group that turns out
    /// decided while the floors are raised may come before it: then all is looked at again.
    pub(crate) fn next_decided(&mut self, key: &mut Key) -> Option<Member<S>> {
        loop {
            let mut first: Option<(Place, Member<S>)> = None;
            self.pending.walk(key, |leader| {
                if let Some(place) = place_of(leader)
                    && first.as_ref().is_none_or(|(first, _)| {
                        place < *first && !mutant::is(Mutant::NoCommonOrder)
                    })
                {
                    first = Some((place, leader.clone()));
                }
                true
            });
            let (place, leader) = first?;
            if mutant::is(Mutant::NoFloor) || mutant::is(Mutant::NoCommonOrder) {
                return self.pending.remove(key, &leader);
            }
            let mut is_first = true;
            self.pending.walk(key, |other| {
                if let Some(transaction) = other.transaction()
                    && let Some(stamp) = transaction.raise(place.0)
                {
                    is_first = is_first && (stamp, tag(transaction), other.rank()) >= place;
                }
                is_first
            });
            if is_first {
                self.clock = self.clock.max(place.0);
                return self.pending.remove(key, &leader);
            }
        }
    }

    /// Settles the most frequent case: nothing is pending but one message, alone of its transaction here, and decided. It overtakes nobody.
    /// `true` if so.
    #[inline(always)]
    pub(crate) fn order_only(&mut self, key: &mut Key) -> bool {
        let Some(stamp) = self.only_decided(key) else {
            return false;
        };
        self.clock = self.clock.max(stamp);
        self.ordered.append(key, &mut self.pending);
        true
    }

    /// The stamp of the only pending entry, if it is a message and decided, and nothing is leaving.
    #[inline(always)]
    fn only_decided(&self, key: &mut Key) -> Option<u64> {
        let leader = self.pending.only().filter(|_| self.leaving.is_empty())?;
        let Member::Message(message) = &*leader else {
            return None;
        };
        let stamp = message.transaction.as_ref()?.stamp()?;
        message.state(key).entry.chain.is_empty().then_some(stamp)
    }

    /// Puts `leader`'s group behind the ordered entries, as a whole.
    pub(crate) fn order_group(&mut self, key: &mut Key, leader: Member<S>) {
        let mut chain = leader.take_chain(key);
        #[cfg(feature = "sabotage")]
        if matches!(&leader, Member::Message(message) if message.ids().is_empty())
            && crate::sabotage::is_last_first(core::ptr::from_ref(self).addr())
        {
            let mut before = core::mem::take(&mut self.ordered);
            self.ordered.push_back(key, leader);
            self.ordered.append(key, &mut chain);
            self.ordered.append(key, &mut before);
            return;
        }
        self.ordered.push_back(key, leader);
        self.ordered.append(key, &mut chain);
    }

    /// Lets a group of handles leave, one after the other ([`Queue::pop_leaving`]).
    pub(crate) fn begin_leaving(&mut self, key: &mut Key, leader: Member<S>) {
        let mut chain = leader.take_chain(key);
        self.leaving.push_back(key, leader);
        self.leaving.append(key, &mut chain);
    }

    /// Takes out the only pending entry, if it is that `handle` leaves, alone of its transaction here, and decided. It overtakes nobody.
    #[inline(always)]
    pub(crate) fn pop_only_leaving(
        &mut self,
        key: &mut Key,
        handle: &Ref<Handle<S>>,
    ) -> Option<Member<S>> {
        let leader = self.pending.only().filter(|_| self.leaving.is_empty())?;
        let is_handle = matches!(&*leader, Member::Leave(leaving) if leaving.ptr_eq(handle));
        if !is_handle || !handle.at_node(key).leave.chain.is_empty() {
            return None;
        }
        self.clock = self.clock.max(handle.holder().transaction.stamp()?);
        self.pending.pop_front(key)
    }

    /// The next handle that stops counting.
    pub(crate) fn pop_leaving(&mut self, key: &mut Key) -> Option<Member<S>> {
        self.leaving.pop_front(key)
    }

    /// Puts one back that needs another section.
    pub(crate) fn put_back_leaving(&mut self, key: &mut Key, member: Member<S>) {
        self.leaving.push_front(key, member);
    }

    /// Gives a transaction at this queue alone its place in the order: behind all that is ordered, before all that is undecided. To be
    /// followed by [`Queue::push`] under the same lock, after [`Queue::next_decided`] gave `None`.
    pub(crate) fn tick(&mut self, key: &mut Key) {
        self.clock = self.clock.saturating_add(1);
        if self.has_pending() {
            self.raise_pending(key);
        }
    }

    /// The same while it is idle, for a transaction that is over at once.
    #[inline(always)]
    pub(crate) fn tick_idle(&mut self) {
        // One for each message: it does not come round in the life of a machine.
        self.clock = self.clock.wrapping_add(1);
    }

    /// What comes from now on comes behind this stamp, with which something was received while the queue was idle.
    #[inline(always)]
    pub(crate) fn pass(&mut self, stamp: u64) {
        self.clock = self.clock.max(stamp);
    }

    /// Raises what is undecided to the clock.
    #[inline(never)]
    fn raise_pending(&mut self, key: &mut Key) {
        let clock = self.clock;
        self.pending.walk(key, |leader| {
            if let Some(transaction) = leader.transaction() {
                // If it was decided just now, it is above the old clock, and comes behind all the same: nobody saw it here.
                let _ = transaction.raise(clock);
            }
            true
        });
    }

    /// Puts an entry behind all ordered ones.
    pub(crate) fn push(&mut self, key: &mut Key, member: Member<S>) {
        self.ordered.push_back(key, member);
    }

    /// Puts NODE_RELEASE of handles that just were received behind the rest of the transaction that carried them, which stands first.
    /// At most as many entries are passed as a message has destinations, once for all of the notes (ORD-8).
    pub(crate) fn push_behind(
        &mut self,
        key: &mut Key,
        transaction: Option<&Ref<Transaction>>,
        notes: &mut List<OnQueue<S>>,
    ) {
        if notes.is_empty() {
            return;
        }
        let mut rest = List::new();
        loop {
            let is_of_it = match (self.ordered.front().as_deref(), transaction) {
                (Some(Member::Message(message)), Some(transaction)) => message
                    .transaction
                    .as_ref()
                    .is_some_and(|other| other.ptr_eq(transaction)),
                _ => false,
            };
            if !is_of_it {
                break;
            }
            if let Some(member) = self.ordered.pop_front(key) {
                rest.push_back(key, member);
            }
        }
        rest.append(key, notes);
        rest.append(key, &mut self.ordered);
        self.ordered = rest;
    }

    /// Enters `member` undecided: it joins the group of its transaction, or begins one.
    #[inline(always)]
    pub(crate) fn stage(&mut self, key: &mut Key, member: Member<S>) {
        if let Some(transaction) = member.transaction() {
            // A release's own thread decides it later; nobody else decides this word.
            let _ = transaction.raise(self.clock);
        }
        self.stage_raised(key, member);
    }

    /// The same for a member of the transaction that is `entering`.
    #[inline(always)]
    pub(crate) fn stage_for(&mut self, key: &mut Key, entering: &mut Entering, member: Member<S>) {
        entering.pass(self.clock);
        self.stage_raised(key, member);
    }

    /// The same when its word is raised to the clock.
    #[inline(always)]
    fn stage_raised(&mut self, key: &mut Key, member: Member<S>) {
        if self.pending.is_empty() {
            self.pending.push_back(key, member);
        } else {
            self.stage_beside(key, member);
        }
    }

    /// Something is pending already.
    #[inline(never)]
    fn stage_beside(&mut self, key: &mut Key, member: Member<S>) {
        let leader = self.leader_of(key, &member);
        match leader.filter(|_| !mutant::is(Mutant::NotAdjacent)) {
            None => self.pending.push_back(key, member),
            Some(leader) => {
                let mut chain = leader.take_chain(key);
                chain.push_back(key, member);
                leader.put_chain(key, chain);
            }
        }
    }

    /// Takes an entry out, pending or ordered, if it is here.
    pub(crate) fn withdraw(&mut self, key: &mut Key, member: &Member<S>) {
        let Some(leader) = self.leader_of(key, member) else {
            drop(self.ordered.remove(key, member));
            return;
        };
        let mut chain = leader.take_chain(key);
        if leader.is(member) {
            // The next member leads from here on.
            drop(self.pending.remove(key, &leader));
            if let Some(next) = chain.pop_front(key) {
                next.put_chain(key, chain);
                self.pending.push_back(key, next);
            }
            return;
        }
        let is_found = chain.remove(key, member).is_some();
        leader.put_chain(key, chain);
        if !is_found {
            drop(self.ordered.remove(key, member));
        }
    }

    /// The leader of the pending group that `member` is in or would join.
    fn leader_of(&self, key: &mut Key, member: &Member<S>) -> Option<Member<S>> {
        let transaction = member.transaction()?;
        let rank = member.rank();
        let mut found = None;
        self.pending.walk(key, |leader| {
            let is_same = leader.rank() == rank
                && leader
                    .transaction()
                    .is_some_and(|other| other.ptr_eq(transaction));
            if is_same {
                found = Some(leader.clone());
            }
            !is_same
        });
        found
    }
}

fn place_of<S: System>(leader: &Member<S>) -> Option<Place> {
    let transaction = leader.transaction()?;
    if matches!(leader, Member::Leave(_)) && mutant::is(Mutant::CountOutside) {
        return Some((0, 0, 0));
    }
    Some((transaction.stamp()?, tag(transaction), leader.rank()))
}
