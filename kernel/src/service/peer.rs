//! A peer as the kernel holds it.
//!
//! A peer is *open* while something holds it: capabilities, and the calls that run on it (CLO-5). A thread
//! that waits does not. With the last [`Hold`] it begins to close, and the reaper closes it, in batches:
//!
//! ```text
//!   open(n_holds > 0) ── last hold dropped ──> closing (on the reaper's list) ──> closed
//! ```

use core::sync::atomic::{AtomicU64, Ordering};

use bus1_service::{Peer, Progress};

use super::{Account, Omnibus, wake};
use crate::lock::{Lock, Rank};
use crate::shared::{Link, Linked, List, Ref};
use crate::task::{reaper, waiters::Waiters};
use crate::trace::{Event, trace};

/// Pieces of work ([`crate::task::reaper::BATCH`]) that one batch of the core stands for: it looks after up to 16 objects.
pub const BATCH_PIECES: u32 = 32;

/// A peer with its holders and waiters.
pub struct PeerObject {
    /// Its number, unique for ever; for reports only.
    pub number: u64,
    /// The peer of the core.
    pub core: Peer<Omnibus>,
    /// Threads that wait for a message, or for the end.
    pub waiters: Ref<Waiters>,
    n_holds: AtomicU64,
    all: Link,
    unfinished: Link,
}

/// Purpose of the link of a peer in the list of all.
#[derive(Debug)]
pub enum All {}

impl Linked<All> for PeerObject {
    fn link(&self) -> &Link {
        &self.all
    }
}

/// Every peer that has not closed, in the order of their numbers. For reports only.
static PEERS: Lock<List<PeerObject, All>> = Lock::new(Rank::Registry, List::new());

/// Number of the next peer.
static NUMBERS: AtomicU64 = AtomicU64::new(1);

/// Purpose of the link of a peer whose release or closing the reaper sees through.
#[derive(Debug)]
pub enum Unfinished {}

impl Linked<Unfinished> for PeerObject {
    fn link(&self) -> &Link {
        &self.unfinished
    }
}

impl PeerObject {
    /// Does about `budget` pieces of what is open on this peer: a release or its closing.
    pub fn work(&self, budget: u32) -> Progress {
        self.core.work(budget.div_ceil(BATCH_PIECES), &mut wake)
    }

    /// Number of capabilities and running calls that keep it open.
    #[must_use]
    pub fn n_holds(&self) -> u64 {
        self.n_holds.load(Ordering::Acquire)
    }

    /// Takes a peer that has closed out of the list of all.
    pub fn forget(peer: &Ref<Self>) {
        let removed = PEERS.lock().remove(peer);
        drop(removed);
    }

    /// The peer behind `peer` in the order of numbers, or the first.
    #[must_use]
    pub fn after(peer: Option<&Ref<Self>>) -> Option<Ref<Self>> {
        PEERS.lock().behind(peer, |peer| peer.number)
    }

    /// True once nobody holds it: it closes, or is closed.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.n_holds.load(Ordering::Acquire) == 0
    }
}

/// Keeps a peer open.
pub struct Hold(Ref<PeerObject>);

impl Hold {
    /// A new peer that acts for `account`.
    ///
    /// # Errors
    /// Those of [`Peer::new`].
    pub fn new(account: &Account) -> Result<Self, bus1_service::Error> {
        let no_memory = |_| bus1_service::Error::OutOfMemory;
        let waiters = Ref::try_new(Waiters::new()).map_err(no_memory)?;
        let core = Peer::new(account, waiters.clone())?;
        let object = PeerObject {
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            core: core.clone(),
            waiters,
            n_holds: AtomicU64::new(1),
            all: Link::new(),
            unfinished: Link::new(),
        };
        match Ref::try_new(object) {
            Ok(object) => {
                trace!(Event::Peer {
                    number: object.number,
                    name: object.core.name(),
                });
                PEERS.lock().push_back(object.clone());
                Ok(Self(object))
            }
            Err(error) => {
                // It is empty: closing it is one short step.
                core.close(&mut wake);
                Err(no_memory(error))
            }
        }
    }

    /// The peer, without keeping it open.
    #[must_use]
    pub fn object(&self) -> &Ref<PeerObject> {
        &self.0
    }

    /// Gives the hold up. If it was the last, closing has begun, and the peer is returned so that
    /// the caller can see its first step through.
    #[must_use]
    pub fn release(self) -> Option<Ref<PeerObject>> {
        let object = self.0.clone();
        drop(self);
        object.is_closing().then_some(object)
    }
}

impl core::ops::Deref for Hold {
    type Target = PeerObject;

    fn deref(&self) -> &PeerObject {
        &self.0
    }
}

impl Clone for Hold {
    fn clone(&self) -> Self {
        self.n_holds.fetch_add(1, Ordering::Relaxed);
        Self(self.0.clone())
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.n_holds.fetch_sub(1, Ordering::AcqRel) == 1 && self.core.begin_close() {
            reaper::finish(self.0.clone());
        }
    }
}
