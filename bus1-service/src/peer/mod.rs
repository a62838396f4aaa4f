//! A peer: one incoming queue, one id namespace, one account (OBJ-1).
//!
//! States: *open* → *closing* (its nodes are released, then its queue emptied, then its handles released) → *closed*. Everything about a
//! peer is under its one lock: the id table, the queue, the state of its nodes, the holder's half of its handles. An operation that
//! concerns several peers takes their locks one after the other; the most frequent ones try those of one receiver or two while they hold the
//! sender's, and go on without if they are not free.

mod inspect;
mod release;
pub(crate) mod state;
mod verbs;

use alloc::vec::Vec;

pub use inspect::{EntryInfo, ObjectInfo, PeerInfo};
use state::{LEAVES_MAX, Left, Linked, Origin, PeerState};

use crate::account::{self, AccountCore, Charged, Trace};
use crate::effects::Waker;
use crate::handle::Handle;
use crate::hook;
use crate::mem::{KeyedGuard, KeyedMutex, Ref};
use crate::message::objects;
use crate::transaction::Transaction;
use crate::{Account, Error, Id, PeerName, System, Wake};

/// A peer; clones name the same one. Dropping the last clone does not close it: the embedder calls [`Peer::begin_close`] or
/// [`Peer::close`].
pub struct Peer<S: System> {
    core: Ref<PeerCore<S>>,
}

/// What all the names of a peer share.
pub(crate) struct PeerCore<S: System> {
    pub(crate) watch: S::Watch,
    pub(crate) account: Ref<AccountCore<S>>,
    /// Its number as an actor of its account.
    pub(crate) actor: u64,
    /// What it holds of its own account: itself, its nodes, its handles.
    pub(crate) own: Ref<Trace<S>>,
    /// The word of its releases.
    pub(crate) transaction: Ref<Transaction>,
    pub(crate) lock: KeyedMutex<S, PeerState<S>>,
}

impl<S: System> Clone for Peer<S> {
    fn clone(&self) -> Self {
        Peer {
            core: self.core.clone(),
        }
    }
}

impl<S: System> Peer<S> {
    /// A new peer that acts for `account` and is 1 object of it (ACC-1, ACC-2). `watch` is what wakes are reported with.
    ///
    /// # Errors
    /// [`Error::Quota`], [`Error::OutOfMemory`].
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
    /// let peer = bus1_service::Peer::new(&account, ())?;
    /// assert!(!peer.is_readable());
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(account: &Account<S>, watch: S::Watch) -> Result<Peer<S>, Error> {
        let core = account.core();
        let actor = core.next_actor();
        let charged = account::charge(core, core, actor, None, &objects::<S>(1))?;
        let made = Transaction::try_new(0).and_then(|transaction| {
            Ref::try_new(PeerCore {
                watch,
                account: core.clone(),
                actor,
                own: charged.trace.clone(),
                transaction,
                lock: KeyedMutex::new(PeerState::new(account.clone())),
            })
        });
        match made {
            Ok(core) => Ok(Peer { core }),
            Err(error) => {
                account::undo(&charged, &objects::<S>(1));
                Err(error.into())
            }
        }
    }

    /// What was attached to it.
    #[must_use]
    pub fn watch(&self) -> &S::Watch {
        &self.core.watch
    }

    /// The account it acts for.
    #[must_use]
    pub fn account(&self) -> Account<S> {
        Account::from_core(&self.core.account)
    }

    /// What trace events call it.
    #[must_use]
    pub fn name(&self) -> PeerName {
        self.core.name()
    }

    /// Whether both are the same peer.
    #[must_use]
    pub fn is_same(&self, other: &Peer<S>) -> bool {
        self.core.ptr_eq(&other.core)
    }

    /// Whether RECV would find something (RCV-6).
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.core.is_readable()
    }

    pub(crate) fn core(&self) -> &Ref<PeerCore<S>> {
        &self.core
    }
}

impl<S: System> PeerCore<S> {
    pub(crate) fn name(&self) -> PeerName {
        PeerName {
            account: self.account.number(),
            actor: self.actor,
        }
    }

    /// The lock, with the queue brought up to date. One section is of bounded length; more handles leaving at once take several.
    #[inline(always)]
    pub(crate) fn lock_settled(&self) -> KeyedGuard<'_, S, PeerState<S>> {
        let mut guard = self.lock.lock();
        let (state, key) = guard.parts();
        if state.settle(key) {
            return guard;
        }
        drop(guard);
        self.settle_and_lock()
    }

    #[cold]
    fn settle_and_lock(&self) -> KeyedGuard<'_, S, PeerState<S>> {
        loop {
            S::between_sections();
            hook::point("settle");
            let mut guard = self.lock.lock();
            let (state, key) = guard.parts();
            if state.settle(key) {
                return guard;
            }
        }
    }

    /// Charges `n` objects of its own account to itself.
    pub(crate) fn charge_own(&self, n: u64) -> Result<Charged<S>, Error> {
        account::charge(
            &self.account,
            &self.account,
            self.actor,
            Some(&self.own),
            &objects::<S>(n),
        )
    }

    /// Links a new handle to its node, which is this peer's.
    pub(crate) fn link(&self, copy: &Ref<Handle<S>>, origin: Option<Origin<'_, S>>) -> Linked {
        let mut guard = self.lock_settled();
        let (state, key) = guard.parts();
        state.link(key, copy, origin)
    }
}

/// Promises `n` ids of `peer`, put into `ids`, which has room for them.
///
/// # Errors
/// [`Error::OutOfMemory`]; nothing is promised then.
pub(crate) fn reserve<S: System>(
    peer: &PeerCore<S>,
    n: usize,
    ids: &mut Vec<Id>,
) -> Result<(), Error> {
    let n_slots = u32::try_from(n).map_err(|_| Error::OutOfMemory)?;
    loop {
        let need = {
            let mut guard = peer.lock.lock();
            let (state, _) = guard.parts();
            match state.table.growth(n_slots) {
                Some(need) => need,
                None => {
                    ids.extend((0..n_slots).filter_map(|_| state.table.reserve()));
                    return Ok(());
                }
            }
        };
        let growth = need.take()?;
        let mut guard = peer.lock.lock();
        let left_over = guard.parts().0.table.grow(growth);
        drop(guard);
        drop(left_over);
    }
}

/// Promises one id of `peer`.
///
/// # Errors
/// [`Error::OutOfMemory`].
pub(crate) fn reserve_one<S: System>(peer: &PeerCore<S>) -> Result<Id, Error> {
    loop {
        let need = {
            let mut guard = peer.lock.lock();
            let (state, _) = guard.parts();
            if let Some(id) = state.table.reserve() {
                return Ok(id);
            }
            state.table.growth(1)
        };
        let Some(need) = need else {
            return Err(Error::OutOfMemory);
        };
        let growth = need.take()?;
        let mut guard = peer.lock.lock();
        let left_over = guard.parts().0.table.grow(growth);
        drop(guard);
        drop(left_over);
    }
}

/// `handle` leaves its node, in a transaction of its own at the queue of the node's owner (NOT-2).
pub(crate) fn leave_now<S: System>(handle: &Ref<Handle<S>>, wake: Waker<'_, S>) {
    let owner = handle.node().owner();
    loop {
        let mut n_left = LEAVES_MAX;
        let left = {
            let mut guard = owner.lock_settled();
            let (state, key) = guard.parts();
            state.queue.tick(key);
            state.leave(key, handle, &mut n_left)
        };
        match left {
            Left::Last => return wake(&owner.watch, Wake::Readable),
            Left::NotLast => return,
            Left::More => S::between_sections(),
        }
    }
}
