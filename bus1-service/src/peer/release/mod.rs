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
//!    What a queue may still hold of it then is NODE_RELEASE of a handle that its own holder releases, which is never delivered.

mod batch;

use crate::handle::Handle;
use crate::mem::{Key, List, OnMark, Ref};
use crate::node::Node;
use crate::table::Object;
use crate::{Error, Id, Place, Progress, System, Wake, hook, limits};

use super::Peer;
use super::state::PeerState;

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
