//! RELEASE and closing: giving up many nodes and handles at one instant, in batches (REL-4, CLO rules).
//!
//! A peer has at most one release open. Its state is in the peer, so any thread can push it on and it is finished even if the one
//! that began it dies. Phases, each worked through in batches that are one lock-held section of the peer and then one of each
//! other peer concerned:
//!
//! 1. *mark all* (closing only): every node of the table is named. RELEASE marks the ids it names before it begins.
//! 2. *stage handles*: each named handle is entered at the queue of its node's owner, as leaving.
//! 3. *stage nodes*: for each named node, NODE_RELEASE of each of its handles is entered at the holder's queue. A handle that
//!    appears meanwhile puts its node back among those that wait. When none waits, the release is **decided**, under the own lock.
//! 4. *sweep nodes*: every holder's queue is settled and woken, messages for the node are taken apart, its id is free.
//! 5. *sweep handles*: the queues that handles leave are settled and woken.
//! 6. *finish handles*: their ids are free.
//! 7. *drop handles* (closing only): every handle left in the table is released in a transaction of its own.
//!
//! Rules:
//! 1. Nothing here needs memory: objects are linked on the lists of the release (REL-3).
//! 2. A batch is worked through by one thread at a time (`is_busy`); between batches the state is complete.
//! 3. The word is opened again only when all queues that knew it are swept, which is before the release ends.

use crate::effects::{Waker, dismantle};
use crate::handle::{Handle, Whereabouts};
use crate::mem::{Key, List, OnMark, Ref};
use crate::message::{Message, objects};
use crate::node::Node;
use crate::queue::Member;
use crate::table::Object;
use crate::{Error, Id, Place, Progress, System, Wake, account, hook, limits};

use super::state::PeerState;
use super::{Peer, PeerCore, leave_now};

/// Objects per batch: what one lock-held section and the stack hold.
const BATCH: usize = 16;
/// Slots of the id table that one section looks at.
const SLOTS: u32 = 64;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    MarkAll,
    StageHandles,
    StageNodes,
    SweepNodes,
    SweepHandles,
    FinishHandles,
    DropHandles,
    Closed,
}

/// Whether the peer closes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Closing {
    No,
    /// As soon as the open release is over.
    Next,
    Now,
}

/// The open release of a peer, if any.
pub(crate) struct Release<S: System> {
    phase: Phase,
    is_busy: bool,
    closing: Closing,
    /// Named nodes that may have handles which are not staged.
    waiting: List<OnMark<S>>,
    /// Named nodes whose handles are staged.
    staged: List<OnMark<S>>,
    /// Named handles, linked through `next_marked`.
    handles: Option<Ref<Handle<S>>>,
    /// The next of them to be staged or swept.
    next_handle: Option<Ref<Handle<S>>>,
    /// The next slot of the id table to be looked at, when closing.
    next_slot: u32,
}

impl<S: System> Release<S> {
    pub(crate) const fn new() -> Release<S> {
        Release {
            phase: Phase::Idle,
            is_busy: false,
            closing: Closing::No,
            waiting: List::new(),
            staged: List::new(),
            handles: None,
            next_handle: None,
            next_slot: 0,
        }
    }

    /// Whether it is past its instant.
    #[inline]
    pub(crate) fn is_decided(&self) -> bool {
        matches!(
            self.phase,
            Phase::SweepNodes
                | Phase::SweepHandles
                | Phase::FinishHandles
                | Phase::DropHandles
                | Phase::Closed
        )
    }

    /// Whether the peer is closing or closed.
    #[inline]
    pub(crate) fn is_closing(&self) -> bool {
        self.closing != Closing::No
    }

    fn start_closing(&mut self) {
        self.closing = Closing::Now;
        self.next_slot = 0;
        self.phase = Phase::MarkAll;
    }

    /// A handle has appeared on a named node.
    pub(crate) fn joined(&mut self, key: &mut Key, node: &Ref<Node<S>>) {
        if node.is_waiting() {
            return;
        }
        if let Some(node) = self.staged.remove(key, node) {
            node.set_waiting(true);
            self.waiting.push_back(key, node);
        }
    }

    /// `false` if it is marked already.
    fn mark_node(&mut self, key: &mut Key, node: &Ref<Node<S>>) -> bool {
        if node.is_marked() {
            return false;
        }
        node.set_marked(true);
        node.set_waiting(true);
        self.waiting.push_back(key, node.clone());
        true
    }

    /// `false` if it is marked already.
    fn mark_handle(&mut self, key: &mut Key, handle: &Ref<Handle<S>>) -> bool {
        let at_holder = handle.at_holder(key);
        if at_holder.is_marked {
            return false;
        }
        at_holder.is_marked = true;
        at_holder.next_marked = self.handles.replace(handle.clone());
        true
    }

    fn unmark_all(&mut self, key: &mut Key) {
        while let Some(node) = self.waiting.pop_front(key) {
            node.set_marked(false);
            node.set_waiting(false);
        }
        while let Some(handle) = self.pop_handle(key) {
            handle.at_holder(key).is_marked = false;
        }
    }

    fn pop_handle(&mut self, key: &mut Key) -> Option<Ref<Handle<S>>> {
        let handle = self.handles.take()?;
        self.handles = handle.at_holder(key).next_marked.take();
        Some(handle)
    }
}

impl<S: System> PeerState<S> {
    /// Marks what `ids` name, or nothing. All are checked for being known before any is for being named twice (REL-1).
    fn mark(&mut self, key: &mut Key, ids: &[Id]) -> Result<(), Error> {
        let mut twice = None;
        for (index, &id) in ids.iter().enumerate() {
            let is_new = match self.table.get(id).map(|object| object.get()).as_deref() {
                Some(Object::Node(node)) => self.release.mark_node(key, node),
                Some(Object::Handle(handle)) => self.release.mark_handle(key, handle),
                None => {
                    self.release.unmark_all(key);
                    return Err(Error::UnknownId(Place::Release(index), id));
                }
            };
            if !is_new {
                twice = twice.or(Some((index, id)));
            }
        }
        match twice {
            None => Ok(()),
            Some((index, id)) => {
                self.release.unmark_all(key);
                Err(Error::NamedTwice(Place::Release(index), id))
            }
        }
    }
}

impl<S: System> Peer<S> {
    /// Begins to release these nodes and handles (RELEASE): checks and marks them all. From here on it cannot fail;
    /// [`Peer::work`] completes it, called by anybody.
    ///
    /// # Errors
    /// [`Error::UnknownId`], [`Error::NamedTwice`], with the place; [`Error::TooLong`] beyond 4096; [`Error::Busy`] while an
    /// earlier release of this peer is not finished ([`Peer::work`] helps it); [`Error::Closed`].
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
    /// use bus1_service::Progress;
    /// server.begin_release(&[node])?;
    /// while server.work(1, &mut |(), _| {}) != Progress::Done {}
    /// assert!(client.is_readable());
    /// # Ok(())
    /// # }
    /// ```
    pub fn begin_release(&self, ids: &[Id]) -> Result<(), Error> {
        if ids.len() > limits::RELEASE_IDS_MAX {
            return Err(Error::TooLong);
        }
        let mut guard = self.core.lock_settled();
        let (state, key) = guard.parts();
        if state.release.is_closing() {
            return Err(Error::Closed);
        }
        if state.release.phase != Phase::Idle {
            return Err(Error::Busy);
        }
        state.mark(key, ids)?;
        if !ids.is_empty() {
            self.core.transaction.reopen();
            state.release.next_handle = state.release.handles.clone();
            state.release.phase = Phase::StageHandles;
        }
        Ok(())
    }

    /// Begins to close the peer (CLO-1), behind a release that is still open. It cannot fail and needs no memory; [`Peer::work`] completes
    /// it. `true` if this call began it, `false` if it was closing already.
    pub fn begin_close(&self) -> bool {
        let mut guard = self.core.lock_settled();
        let (state, _) = guard.parts();
        if state.release.is_closing() {
            return false;
        }
        if state.release.phase == Phase::Idle {
            self.core.transaction.reopen();
            state.release.start_closing();
        } else {
            state.release.closing = Closing::Next;
        }
        true
    }

    /// Whether the first step of closing, the release of all own nodes, has taken effect (CLO-5).
    #[must_use]
    pub fn is_hung_up(&self) -> bool {
        let mut guard = self.core.lock.lock();
        let (state, _) = guard.parts();
        state.release.closing == Closing::Now && state.release.is_decided()
    }

    /// Does up to `budget` batches, of at most 16 objects each, of the release or closing of this peer that is open, if any.
    pub fn work(&self, budget: u32, wake: &mut dyn FnMut(&S::Watch, Wake)) -> Progress {
        {
            let mut guard = self.core.lock.lock();
            let (state, _) = guard.parts();
            if matches!(state.release.phase, Phase::Idle | Phase::Closed) {
                return Progress::Done;
            }
            if state.release.is_busy {
                return Progress::Busy;
            }
            state.release.is_busy = true;
        }
        let mut is_done = false;
        for _ in 0..budget {
            hook::point("release");
            is_done = self.core.batch(wake);
            if is_done {
                break;
            }
        }
        if !is_done {
            let mut guard = self.core.lock.lock();
            let (state, _) = guard.parts();
            state.release.is_busy = false;
        }
        if is_done {
            Progress::Done
        } else {
            Progress::More
        }
    }
}

/// What one section of the own lock found to do without it.
enum Batch<S: System> {
    /// Nothing: go on with the next phase.
    Next,
    /// Enter these handles as leaving.
    StageHandles([Option<Ref<Handle<S>>>; BATCH]),
    /// Enter NODE_RELEASE of these.
    StageNotes([Option<Ref<Handle<S>>>; BATCH]),
    /// The release has taken effect.
    Decided { is_closing: bool },
    /// Settle the queues of the holders of these.
    SweepNotes([Option<Ref<Handle<S>>>; BATCH]),
    /// Go on taking this message apart.
    Drop(Ref<Message<S>>),
    /// This node is over.
    Buried(Ref<Node<S>>),
    /// Settle the queues that these leave.
    SweepHandles([Option<Ref<Handle<S>>>; BATCH]),
    /// These handles are gone.
    Finished([Option<Ref<Handle<S>>>; BATCH]),
    /// Release these, each in a transaction of its own.
    DropHandles([Option<Ref<Handle<S>>>; BATCH]),
    /// The release is over.
    Done { is_closing: bool },
}

impl<S: System> PeerCore<S> {
    /// One batch. `true` if the release is over.
    fn batch(&self, wake: Waker<'_, S>) -> bool {
        let batch = {
            let mut guard = self.lock.lock();
            let (state, key) = guard.parts();
            if !state.settle(key) {
                return false;
            }
            self.next_batch(state, key)
        };
        hook::point("release: batch");
        match batch {
            Batch::Next => {}
            Batch::StageHandles(handles) => {
                each(&handles, |handle| handle.node().owner().stage_leave(handle))
            }
            Batch::StageNotes(handles) => {
                each(&handles, |handle| handle.holder().stage_note(handle))
            }
            Batch::Decided { is_closing } => {
                if is_closing {
                    wake(&self.watch, Wake::HangUp);
                }
            }
            Batch::SweepNotes(handles) => {
                each(&handles, |handle| handle.holder().sweep(&mut *wake))
            }
            Batch::SweepHandles(handles) => self.sweep_handles(&handles, wake),
            Batch::Drop(message) => {
                let mut budget = BATCH as u32;
                if dismantle(&message, &mut budget, wake) {
                    let mut guard = self.lock.lock();
                    drop(message.node().pop_message(guard.parts().1));
                }
            }
            Batch::Buried(node) => {
                account::discharge(&self.own, &objects::<S>(1));
                drop(node);
            }
            Batch::Finished(handles) => self.discharge_all(&handles),
            Batch::DropHandles(handles) => {
                each(&handles, |handle| leave_now(handle, &mut *wake));
                self.discharge_all(&handles);
            }
            Batch::Done { is_closing } => {
                if is_closing {
                    account::discharge(&self.own, &objects::<S>(1));
                    let mut guard = self.lock.lock();
                    let account = guard.parts().0.account.take();
                    drop(guard);
                    drop(account);
                }
                return true;
            }
        }
        false
    }

    fn discharge_all(&self, handles: &[Option<Ref<Handle<S>>>]) {
        let n = handles.iter().flatten().count() as u64;
        if n > 0 {
            account::discharge(&self.own, &objects::<S>(n));
        }
    }

    fn next_batch(&self, state: &mut PeerState<S>, key: &mut Key) -> Batch<S> {
        match state.release.phase {
            Phase::MarkAll => {
                let is_end = walk_table(state, |release, object| {
                    if let Object::Node(node) = object {
                        release.mark_node(key, node);
                    }
                    true
                });
                if is_end {
                    state.release.phase = Phase::StageNodes;
                }
                Batch::Next
            }
            Phase::StageHandles => {
                let handles = next_handles(state, key);
                if handles.iter().all(Option::is_none) {
                    state.release.phase = Phase::StageNodes;
                }
                Batch::StageHandles(handles)
            }
            Phase::StageNodes => self.stage_nodes(state, key),
            Phase::SweepNodes => sweep_nodes(state, key),
            Phase::SweepHandles => {
                let handles = next_handles(state, key);
                if handles.iter().all(Option::is_none) {
                    state.release.phase = Phase::FinishHandles;
                }
                Batch::SweepHandles(handles)
            }
            Phase::FinishHandles => {
                let mut handles = [const { None }; BATCH];
                for place in &mut handles {
                    let Some(handle) = state.release.pop_handle(key) else {
                        break;
                    };
                    state.retire(key, &handle);
                    *place = Some(handle);
                }
                if handles.iter().any(Option::is_some) {
                    return Batch::Finished(handles);
                }
                match state.release.closing {
                    Closing::No => {
                        state.release.phase = Phase::Idle;
                        state.release.is_busy = false;
                        return Batch::Done { is_closing: false };
                    }
                    Closing::Next => {
                        self.transaction.reopen();
                        state.release.start_closing();
                    }
                    Closing::Now => {
                        state.release.next_slot = 0;
                        state.release.phase = Phase::DropHandles;
                    }
                }
                Batch::Next
            }
            Phase::DropHandles => drop_handles(state, key),
            Phase::Idle | Phase::Closed => Batch::Done { is_closing: false },
        }
    }

    /// Stages the handles of named nodes; when there are none left, decides.
    fn stage_nodes(&self, state: &mut PeerState<S>, key: &mut Key) -> Batch<S> {
        let mut handles = [const { None }; BATCH];
        let mut places = handles.iter_mut();
        let mut has_any = false;
        // A node without handles takes a place in the batch too, to keep the section short.
        for _ in 0..BATCH {
            let Some(node) = state.release.waiting.front().map(|node| node.clone()) else {
                break;
            };
            let handle = node.with_handles(key, |handles, key| {
                let handle = handles.waiting.pop_front(key)?;
                handles.staged.push_back(key, handle.clone());
                Some(handle)
            });
            match (handle, places.next()) {
                (Some(handle), Some(place)) => *place = Some(handle),
                _ => {
                    drop(state.release.waiting.pop_front(key));
                    node.set_waiting(false);
                    state.release.staged.push_back(key, node);
                }
            }
            has_any = true;
        }
        if has_any {
            return Batch::StageNotes(handles);
        }
        state.decided = self.transaction.decide(state.decided);
        state.epoch = state.epoch.wrapping_add(1);
        state.release.next_handle = state.release.handles.clone();
        state.release.phase = Phase::SweepNodes;
        Batch::Decided {
            is_closing: state.release.closing == Closing::Now,
        }
    }

    /// Settles the queues that these leave. One that needs more than one section is gone on with in the next batch.
    fn sweep_handles(&self, handles: &[Option<Ref<Handle<S>>>], wake: Waker<'_, S>) {
        for handle in handles.iter().flatten() {
            let owner = handle.node().owner();
            let is_settled = {
                let mut guard = owner.lock.lock();
                let (state, key) = guard.parts();
                state.settle(key)
            };
            if !is_settled {
                self.lock.lock().parts().0.release.next_handle = Some(handle.clone());
                return;
            }
            owner.sweep(&mut *wake);
        }
    }

    /// Enters `handle`, of anybody, as leaving its node, which is this peer's.
    fn stage_leave(&self, handle: &Ref<Handle<S>>) {
        let mut guard = self.lock_settled();
        let (state, key) = guard.parts();
        if handle.at_node(key).on_node.is_linked() {
            state.queue.stage(key, Member::Leave(handle.clone()));
        }
    }

    /// Enters NODE_RELEASE of `handle`, which is this peer's.
    fn stage_note(&self, handle: &Ref<Handle<S>>) {
        let mut guard = self.lock_settled();
        let (state, key) = guard.parts();
        if handle.at_holder(key).whereabouts != Whereabouts::Gone {
            state.queue.stage(key, Member::Note(handle.clone()));
        }
    }

    /// Lets what is decided take effect in the queue, and wakes who waits for it.
    pub(crate) fn sweep(&self, wake: Waker<'_, S>) {
        let is_readable = {
            let mut guard = self.lock_settled();
            let (state, _) = guard.parts();
            state.queue.has_ordered()
        };
        if is_readable {
            wake(&self.watch, Wake::Readable);
        }
    }
}

/// The next named handles, to be staged or swept.
fn next_handles<S: System>(
    state: &mut PeerState<S>,
    key: &mut Key,
) -> [Option<Ref<Handle<S>>>; BATCH] {
    let mut handles = [const { None }; BATCH];
    for place in &mut handles {
        let Some(handle) = state.release.next_handle.take() else {
            break;
        };
        state.release.next_handle = handle.at_holder(key).next_marked.clone();
        *place = Some(handle);
    }
    handles
}

/// Settles the queues of the holders of dead nodes, takes their messages apart, and frees their ids.
fn sweep_nodes<S: System>(state: &mut PeerState<S>, key: &mut Key) -> Batch<S> {
    let Some(node) = state.release.staged.front().map(|node| node.clone()) else {
        state.release.phase = Phase::SweepHandles;
        return Batch::Next;
    };
    let mut handles = [const { None }; BATCH];
    for place in &mut handles {
        let handle = node.with_handles(key, |handles, key| handles.staged.pop_front(key));
        let Some(handle) = handle else { break };
        *place = Some(handle);
    }
    if handles.iter().any(Option::is_some) {
        return Batch::SweepNotes(handles);
    }
    if let Some(message) = node.first_message(key) {
        let is_dropped = core::mem::replace(&mut message.state(key).is_dropped, true);
        if !is_dropped {
            state.queue.withdraw(key, &Member::Message(message.clone()));
        }
        return Batch::Drop(message);
    }
    if node.state(key).last.is_linked() {
        state.queue.withdraw(key, &Member::Last(node.clone()));
    }
    drop(state.release.staged.pop_front(key));
    node.bury();
    drop(state.table.free(node.id()));
    Batch::Buried(node)
}

/// Takes the handles that are left out of the table of a closing peer.
fn drop_handles<S: System>(state: &mut PeerState<S>, key: &mut Key) -> Batch<S> {
    let mut handles = [const { None }; BATCH];
    let mut places = handles.iter_mut();
    let is_end = walk_table(state, |_, object| {
        let Object::Handle(handle) = object else {
            return true;
        };
        match places.next() {
            None => false,
            Some(place) => {
                *place = Some(handle.clone());
                true
            }
        }
    });
    for handle in handles.iter().flatten() {
        state.retire(key, handle);
    }
    if is_end && handles.iter().all(Option::is_none) {
        state.release.phase = Phase::Closed;
        state.release.is_busy = false;
        return Batch::Done { is_closing: true };
    }
    Batch::DropHandles(handles)
}

/// Shows objects of the table to `visit`, from where the last walk stopped until it says `false`. `true` at the end of the table.
fn walk_table<S: System>(
    state: &mut PeerState<S>,
    mut visit: impl FnMut(&mut Release<S>, &Object<S>) -> bool,
) -> bool {
    for _ in 0..SLOTS {
        let Some(slot) = state.table.at(state.release.next_slot) else {
            return true;
        };
        if let Some(object) = slot
            && !visit(&mut state.release, &object.get())
        {
            return false;
        }
        state.release.next_slot = state.release.next_slot.saturating_add(1);
    }
    false
}

fn each<T>(items: &[Option<T>], work: impl FnMut(&T)) {
    items.iter().flatten().for_each(work);
}
