//! RELEASE and closing: giving up many nodes and handles at one instant, in batches (REL-4, CLO rules).
//!
//! A peer has at most one release open. Its state is in the peer, so any thread can push it on and it is finished even if the one
//! that began it dies. Phases, each worked through in batches that are one lock-held section of the peer and then one of each
//! other peer concerned:
//!
//! 1. *mark*: what RELEASE named in the id table, all at one instant, is put on the lists of the release. Closing marks every node
//!    of the table instead (*mark all*). If it could not name them all, the names are taken back (*unname*), and nobody saw any.
//! 2. *stage handles*: each named handle is entered at the queue of its node's owner, as leaving.
//! 3. *stage nodes*: for each named node, NODE_RELEASE of each of its handles is entered at the holder's queue. A handle that
//!    appears meanwhile puts its node back among those that wait. When none waits, the release is **decided**, under the own lock.
//! 4. *end events*: those bound to named nodes are taken out of the queue, and their charge is given back.
//! 5. *sweep nodes*: every holder's queue is settled and woken, messages for the node are taken apart, its id is free.
//! 6. *sweep handles*: the queues that handles leave are settled and woken.
//! 7. *finish handles*: their ids are free.
//! 8. *drop handles* (closing only): every handle left in the table is released in a transaction of its own.
//! 9. *free table* (closing only): the memory of the id table is given back.
//!
//! Rules:
//! 1. Nothing here needs memory: objects are linked on the lists of the release (REL-3).
//! 2. A batch is worked through by one thread at a time (`is_busy`); between batches the state is complete.
//! 3. The word is opened again only when all queues that knew it are swept, which is before the release ends.
//!    What a queue may still hold of it then is NODE_RELEASE of a handle that its own holder releases, which is never delivered.
//!
//! A single handle, which most releases are of, goes through the same phases by a way of its own ([`one`]).

mod batch;
mod one;

use crate::handle::{Handle, Whereabouts};
use crate::mem::{Key, List, OnMark, Ref};
use crate::node::Node;
use crate::table::{Chain, Misnamed};
use crate::{Error, Id, Place, Progress, System, Wake, hook, limits};

use super::Peer;
use super::state::PeerState;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    Mark,
    Unname,
    MarkAll,
    StageHandles,
    StageNodes,
    EndEvents,
    SweepNodes,
    SweepHandles,
    FinishHandles,
    DropHandles,
    FreeTable,
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
    /// Named handles.
    handles: Chain,
    /// The next of them to be staged or swept, and those behind it.
    next_handle: Chain,
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
            handles: Chain::EMPTY,
            next_handle: Chain::EMPTY,
            next_slot: 0,
        }
    }

    /// Whether a handle of the peer can be used: it is held, and no decided release names it.
    #[inline(always)]
    pub(crate) fn is_held(&self, key: &mut Key, handle: &Handle<S>) -> bool {
        let at_holder = handle.at_holder(key);
        at_holder.whereabouts == Whereabouts::Held && !(at_holder.is_marked && self.is_decided())
    }

    /// Whether it is past its instant.
    #[inline]
    pub(crate) fn is_decided(&self) -> bool {
        matches!(
            self.phase,
            Phase::EndEvents
                | Phase::SweepNodes
                | Phase::SweepHandles
                | Phase::FinishHandles
                | Phase::DropHandles
                | Phase::FreeTable
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

    fn mark_node(&mut self, key: &mut Key, node: &Ref<Node<S>>) {
        node.set_marked(true);
        node.set_waiting(true);
        self.waiting.push_back(key, node.clone());
    }
}

impl<S: System> PeerState<S> {
    /// Whether the open release names the object with this id, which `is_marked` says once it is on the lists of the release.
    pub(crate) fn is_named(&self, id: Id, is_marked: bool) -> bool {
        is_marked || (self.release.phase == Phase::Mark && self.table.is_named(id))
    }
}

impl<S: System> Peer<S> {
    /// Begins to release these nodes and handles (RELEASE): checks and names them all. From here on it cannot fail;
    /// [`Peer::work`] completes it, called by anybody.
    ///
    /// # Errors
    /// [`Error::UnknownId`], [`Error::NamedTwice`], with the place; [`Error::TooLong`] beyond 4096; [`Error::Busy`] while an
    /// earlier release of this peer is not finished ([`Peer::work`] helps it); [`Error::Closed`]. After the first two, nothing has
    /// happened that anybody can see, but there is [`Peer::work`] to do before another release can begin.
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
        // Few are marked at once; many, by batches.
        let is_short = ids.len() < batch::SLOTS as usize;
        let id = |place| ids.get(place).copied().unwrap_or(Id::INVALID);
        if let Err(misnamed) = state.table.name(ids) {
            if !is_short || !batch::unname(state) {
                state.release.phase = Phase::Unname;
            }
            return Err(match misnamed {
                Misnamed::Unknown(place) => Error::UnknownId(Place::Release(place), id(place)),
                Misnamed::Twice(place) => Error::NamedTwice(Place::Release(place), id(place)),
            });
        }
        if !ids.is_empty() {
            self.core.transaction.reopen();
            state.release.phase = Phase::Mark;
            if is_short {
                batch::mark_named(state, key);
            }
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
    /// use bus1_service::{Kind, Progress};
    /// assert!(server.begin_close());
    /// while server.work(1, &mut |(), _| {}) != Progress::Done {
    ///     // Another thread may have its turn here.
    /// }
    /// let received = client.recv()?;
    /// assert_eq!((received.kind(), received.metadata().id), (Kind::NodeRelease, handle));
    /// # Ok(())
    /// # }
    /// ```
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
