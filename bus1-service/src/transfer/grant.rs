//! What a transfer enters at the destination's queue: it takes effect there when it is ordered, and is not delivered.

use alloc::vec::Vec;

use crate::System;
use crate::handle::Handle;
use crate::mem::{Key, LockedBy, Ref};
use crate::peer::PeerCore;
use crate::queue::Entry;
use crate::transaction::Transaction;

/// The handles that a peer gets at one instant.
pub(crate) struct Grant<S: System> {
    transaction: Ref<Transaction>,
    state: LockedBy<Ref<PeerCore<S>>, GrantState<S>>,
}

/// What is under the destination's lock.
pub(crate) struct GrantState<S: System> {
    pub(crate) entry: Entry<S>,
    pub(crate) handles: Vec<Ref<Handle<S>>>,
}

impl<S: System> Grant<S> {
    pub(super) fn new(
        to: Ref<PeerCore<S>>,
        transaction: Ref<Transaction>,
        handles: Vec<Ref<Handle<S>>>,
    ) -> Grant<S> {
        let state = GrantState {
            entry: Entry::new(),
            handles,
        };
        Grant {
            transaction,
            state: LockedBy::new(to, state),
        }
    }

    pub(crate) fn transaction(&self) -> &Ref<Transaction> {
        &self.transaction
    }

    pub(crate) fn state<'a>(&'a self, key: &'a mut Key) -> &'a mut GrantState<S> {
        self.state.get(key)
    }

    /// The state, before anybody else knows it.
    pub(super) fn state_mut(&mut self) -> &mut GrantState<S> {
        self.state.get_mut()
    }
}
