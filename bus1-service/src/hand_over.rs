//! Handing a message over: SEND of bytes to one handle, received in the same instant by somebody who waits for it.
//!
//! The receiver's queue is empty and its embedder has a thread that would receive at once. Then the message need not be queued, nor
//! allocated, nor charged for longer than it takes to see that it could be: it is a transaction whose member was received as soon as
//! it was ordered. Rules:
//! 1. It happens only if SEND would succeed and RECV by the waiting thread would take this very message. Everything else, an error
//!    first of all, is left to SEND.
//! 2. Afterwards every clock, every book and every id is as after SEND and RECV.
//! 3. The embedder names the thread between the look-up and the decision, with no lock of the core held, and keeps it from receiving
//!    anything else until it has what the message brings.

use crate::account;
use crate::handle::Handle;
use crate::mem::KeyedGuard;
use crate::message::price;
use crate::peer::state::PeerState;
use crate::recv::Metadata;
use crate::{Id, Peer, System, hook};

/// Why a message was not handed over: nothing has happened, except that a concurrent call may have met the charge.
#[derive(Debug)]
pub enum Unusual<R> {
    /// The sender or the handle is not as it has to be, or nobody waits.
    Nobody,
    /// The account, the receiver's queue or its node is not; this thread was to receive.
    Refused(R),
}

impl<S: System> Peer<S> {
    /// Whether nothing is queued, and nothing on its way: somebody who waits from before this question on misses nothing.
    #[inline]
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let mut guard = self.core().lock.lock();
        let (state, _) = guard.parts();
        !state.queue.has_undone() && !state.queue.has_ordered()
    }

    /// Hands a message of `n_data` bytes over to the thread that `receiver` names, if one waits at the peer with this watch. The bytes are the
    /// embedder's to move. With `is_reply_awaited` the sender is going to receive too: then its own queue must be empty.
    ///
    /// # Errors
    /// [`Unusual`]: SEND then says why, or sets aside what the next time needs.
    #[inline(always)]
    pub fn hand_over<R>(
        &self,
        destination: Id,
        n_data: u64,
        is_reply_awaited: bool,
        receiver: impl FnOnce(&S::Watch) -> Option<R>,
    ) -> Result<(R, Metadata), Unusual<R>> {
        let sender = self.core();
        let handle = {
            let mut guard = sender.lock.lock();
            let (state, key) = guard.parts();
            if state.queue.has_undone() || (is_reply_awaited && state.queue.has_ordered()) {
                return Err(Unusual::Nobody);
            }
            state.handle(key, destination).ok_or(Unusual::Nobody)?
        };
        hook::point("hand over: looked up");
        let node = handle.node();
        let owner = node.owner();
        let Some(receiver) = receiver(&owner.watch) else {
            return Err(Unusual::Nobody);
        };
        let is_own = owner.account.ptr_eq(&sender.account);
        let price = price::<S>(0, n_data);
        let is_certain = || can_receive(&mut owner.lock.lock(), &handle);
        let Some(account) = account::pass(&handle, is_own, &price, is_certain) else {
            return Err(Unusual::Refused(receiver));
        };
        hook::point("hand over: charged");
        let mut guard = owner.lock.lock();
        if !can_receive(&mut guard, &handle) {
            return Err(Unusual::Refused(receiver));
        }
        let (state, key) = guard.parts();
        state.queue.tick(key);
        drop(guard);
        let metadata = Metadata {
            id: node.id(),
            account: Some(account),
        };
        Ok((receiver, metadata))
    }
}

/// Whether a message through `handle` would be the next that its receiver, whose lock this is, receives.
#[inline(always)]
fn can_receive<S: System>(guard: &mut KeyedGuard<'_, S, PeerState<S>>, handle: &Handle<S>) -> bool {
    let (state, key) = guard.parts();
    !state.queue.has_undone()
        && !state.queue.has_ordered()
        && !state.is_receiving
        && !state.is_dead(handle.node())
        && handle.at_node(key).on_node.is_linked()
}
