//! The batches of a release: what one lock-held section of the releasing peer finds to do, and what is done about it without that
//! lock. No batch is longer than [`BATCH`] objects.

use crate::account::Trace;
use crate::effects::{Waker, dismantle};
use crate::event::{EventCore, Looked};
use crate::handle::{Handle, Whereabouts};
use crate::mem::{Key, Ref};
use crate::message::{Message, objects};
use crate::node::Node;
use crate::queue::Member;
use crate::table::{Chain, Object, Piece};
use crate::{System, Wake, account, hook, trace};

use super::super::state::PeerState;
use super::super::{PeerCore, leave_now};
use super::{Closing, Phase, Release};

/// Objects per batch: what one lock-held section and the stack hold.
const BATCH: usize = 16;
/// Slots of the id table that one section looks at.
pub(super) const SLOTS: u32 = 64;
/// Names that one section takes back.
const NAMES: u32 = 256;

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
    /// Give back what this event is charged.
    EndEvent(Ref<EventCore<S>>, Option<Ref<Trace<S>>>),
    /// This node is over.
    Buried(Ref<Node<S>>),
    /// Settle the queues that these leave.
    SweepHandles([Option<Ref<Handle<S>>>; BATCH]),
    /// These handles are gone.
    Finished([Option<Ref<Handle<S>>>; BATCH]),
    /// Release these, each in a transaction of its own.
    DropHandles([Option<Ref<Handle<S>>>; BATCH]),
    /// Give back this piece of the id table.
    Free(Piece<S>),
    /// The release is over.
    Done { is_closing: bool },
}

impl<S: System> PeerCore<S> {
    /// One batch. `true` if the release is over.
    pub(super) fn batch(&self, wake: Waker<'_, S>) -> bool {
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
            Batch::EndEvent(event, trace) => event.discharge(trace),
            Batch::Buried(node) => {
                account::discharge(&self.own, &objects::<S>(1));
                trace::node_released(&node);
                drop(node);
            }
            Batch::Finished(handles) => self.discharge_all(&handles),
            Batch::DropHandles(handles) => {
                each(&handles, |handle| leave_now(handle, &mut *wake));
                self.discharge_all(&handles);
            }
            Batch::Free(piece) => drop(piece),
            Batch::Done { is_closing } => {
                if is_closing {
                    account::discharge(&self.own, &objects::<S>(1));
                    let mut guard = self.lock.lock();
                    let account = guard.parts().0.account.take();
                    drop(guard);
                    drop(account);
                    trace::closed(self);
                }
                return true;
            }
        }
        false
    }

    fn discharge_all(&self, handles: &[Option<Ref<Handle<S>>>]) {
        each(handles, |handle| account::forget(handle));
        let n = handles.iter().flatten().count() as u64;
        if n > 0 {
            account::discharge(&self.own, &objects::<S>(n));
        }
        each(handles, |handle| trace::handle_released(self, handle));
    }

    fn next_batch(&self, state: &mut PeerState<S>, key: &mut Key) -> Batch<S> {
        match state.release.phase {
            Phase::Mark => {
                mark_named(state, key);
                Batch::Next
            }
            Phase::Unname => {
                if unname(state) && self.end(state) {
                    Batch::Done { is_closing: false }
                } else {
                    Batch::Next
                }
            }
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
                let handles = next_handles(state);
                if !is_full(&handles) {
                    state.release.phase = Phase::StageNodes;
                }
                Batch::StageHandles(handles)
            }
            Phase::StageNodes => self.stage_nodes(state, key),
            Phase::EndEvents => match state.end_event(key) {
                Looked::Ended(event, trace) => Batch::EndEvent(event, trace),
                Looked::More => Batch::Next,
                Looked::Done => {
                    state.release.phase = Phase::SweepNodes;
                    Batch::Next
                }
            },
            Phase::SweepNodes => sweep_nodes(state, key),
            Phase::SweepHandles => {
                let handles = next_handles(state);
                if !is_full(&handles) {
                    state.release.phase = Phase::FinishHandles;
                }
                Batch::SweepHandles(handles)
            }
            Phase::FinishHandles => {
                let mut handles = [const { None }; BATCH];
                for place in &mut handles {
                    let Some(handle) = pop_handle(state) else {
                        break;
                    };
                    state.retire(key, &handle);
                    *place = Some(handle);
                }
                if handles.iter().any(Option::is_some) {
                    return Batch::Finished(handles);
                }
                match state.table.take_empty() {
                    Some(piece) => Batch::Free(piece),
                    None if self.end(state) => Batch::Done { is_closing: false },
                    None => Batch::Next,
                }
            }
            Phase::DropHandles => drop_handles(state, key),
            Phase::FreeTable => match state.table.shrink() {
                Some(piece) => Batch::Free(piece),
                None => {
                    state.release.phase = Phase::Closed;
                    state.release.is_busy = false;
                    Batch::Done { is_closing: true }
                }
            },
            Phase::Idle | Phase::Closed => Batch::Done { is_closing: false },
        }
    }

    /// The open release is over. `false` if something comes behind it.
    pub(super) fn end(&self, state: &mut PeerState<S>) -> bool {
        match state.release.closing {
            Closing::No => {
                state.release.phase = Phase::Idle;
                state.release.is_busy = false;
                return true;
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
        false
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
                handle.at_node(key).undecided = None;
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
        state.end_epoch();
        state.release.next_handle = state.release.handles;
        state.release.phase = match (state.release.staged.is_empty(), state.events.is_empty()) {
            (true, _) => Phase::SweepHandles,
            (false, true) => Phase::SweepNodes,
            (false, false) => {
                state.events.look_again();
                Phase::EndEvents
            }
        };
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
                let mut guard = self.lock.lock();
                let (state, key) = guard.parts();
                state.release.next_handle = Chain::from(handle.at_holder(key).id);
                return;
            }
            owner.sweep(&mut *wake);
        }
    }

    /// Enters `handle`, of anybody, as leaving its node, which is this peer's.
    pub(super) fn stage_leave(&self, handle: &Ref<Handle<S>>) {
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

/// Puts objects that are named on the lists of the release.
pub(super) fn mark_named<S: System>(state: &mut PeerState<S>, key: &mut Key) {
    let PeerState { table, release, .. } = state;
    for _ in 0..SLOTS {
        let Some(index) = table.pop_named() else {
            release.next_handle = release.handles;
            release.phase = Phase::StageHandles;
            break;
        };
        let object = table.at(index).flatten().map(|object| object.get());
        let is_handle = match object.as_deref() {
            Some(Object::Handle(handle)) => {
                handle.at_holder(key).is_marked = true;
                true
            }
            Some(Object::Node(node)) => {
                release.mark_node(key, node);
                false
            }
            None => false,
        };
        if is_handle {
            table.push(&mut release.handles, index);
        }
    }
}

/// Takes names back. `true` if none is left.
pub(super) fn unname<S: System>(state: &mut PeerState<S>) -> bool {
    (0..NAMES).any(|_| state.table.pop_named().is_none())
}

/// The next named handles, to be staged or swept.
fn next_handles<S: System>(state: &mut PeerState<S>) -> [Option<Ref<Handle<S>>>; BATCH] {
    let mut handles = [const { None }; BATCH];
    for place in &mut handles {
        let object = state.table.next(&mut state.release.next_handle);
        match object.map(|object| object.get()).as_deref() {
            Some(Object::Handle(handle)) => *place = Some(handle.clone()),
            _ => break,
        }
    }
    handles
}

/// Whether there may be more handles where these come from.
fn is_full<S: System>(handles: &[Option<Ref<Handle<S>>>; BATCH]) -> bool {
    handles.iter().all(Option::is_some)
}

/// Takes the first named handle off their chain.
fn pop_handle<S: System>(state: &mut PeerState<S>) -> Option<Ref<Handle<S>>> {
    let index = state.table.pop(&mut state.release.handles)?;
    match &*state.table.at(index)??.get() {
        Object::Handle(handle) => Some(handle.clone()),
        Object::Node(_) => None,
    }
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
    state.bury(&node);
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
    if handles.iter().any(Option::is_some) {
        // A call that looked one of them up finds out.
        state.end_epoch();
    } else if is_end {
        state.release.phase = Phase::FreeTable;
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
