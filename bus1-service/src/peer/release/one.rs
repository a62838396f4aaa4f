//! RELEASE of one handle, which most releases are: the phases of a release, each for this handle alone.
//!
//! Nothing is put on lists or found on them again, and the batches that would find nothing to do are left out. What is decided is decided
//! under the same locks and by the same word as by batches, step by step:
//!
//! | under the lock of | what | phase |
//! |---|---|---|
//! | the holder | the handle is looked up and named | *mark* |
//! | the node's owner | it is entered as leaving | *stage handles* |
//! | the holder | the release is decided | *stage nodes*, which finds none |
//! | the node's owner | the handle leaves; if it was the last, the node enters the queue | *sweep handles* |
//! | the holder | its id is free | *finish handles* |
//!
//! The thread that names the handle does all of it, so nobody else ever finds a batch of it to do: others see a release that is busy.

use crate::effects::Waker;
use crate::handle::Handle;
use crate::mem::Ref;
use crate::message::objects;
use crate::{Id, Peer, System, Wake, account, hook, trace};

use super::super::PeerCore;
use super::Phase;

impl<S: System> Peer<S> {
    /// Releases one handle, all of it. `false`: nothing has happened, since `id` names no handle, or a release is open already;
    /// [`Peer::begin_release`] tells, or does it.
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
    /// assert!(client.release_one(handle, &mut |(), _| {}));
    /// assert!(server.is_readable());
    /// assert!(!client.release_one(handle, &mut |(), _| {}), "it is gone");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn release_one(&self, id: Id, wake: &mut dyn FnMut(&S::Watch, Wake)) -> bool {
        let holder = self.core();
        let Some(handle) = holder.name_one(id) else {
            return false;
        };
        hook::point("release one: named");
        let owner = handle.node().owner();
        owner.stage_leave(&handle);
        hook::point("release one: staged");
        holder.decide_one(id);
        hook::point("release one: decided");
        owner.sweep_one(&handle, wake);
        hook::point("release one: swept");
        holder.finish_one(&handle);
        account::forget(&handle);
        account::discharge(&holder.own, &objects::<S>(1));
        trace::handle_released(holder, &handle);
        true
    }
}

impl<S: System> PeerCore<S> {
    /// Names the handle, if nothing is in the way.
    #[inline(always)]
    fn name_one(&self, id: Id) -> Option<Ref<Handle<S>>> {
        let mut guard = self.lock.lock();
        let (state, key) = guard.parts();
        let is_open = state.release.phase != Phase::Idle || state.release.is_closing();
        if is_open || !state.settle(key) {
            return None;
        }
        let handle = state.handle(key, id)?;
        handle.at_holder(key).is_marked = true;
        self.transaction.reopen();
        state.release.phase = Phase::StageHandles;
        state.release.is_busy = true;
        Some(handle)
    }

    /// Decides the release of one handle: from here on its id names nothing.
    #[inline(always)]
    fn decide_one(&self, id: Id) {
        let mut guard = self.lock.lock();
        let (state, _) = guard.parts();
        state.decided = self.transaction.decide(state.decided);
        state.epoch = state.epoch.wrapping_add(1);
        state.table.forget_if_recent(id);
        state.release.phase = Phase::SweepHandles;
    }

    /// Lets `handle`, of anybody, leave its node, which is this peer's, now that this is decided, and wakes who waits for what comes of it.
    #[inline(always)]
    fn sweep_one(&self, handle: &Ref<Handle<S>>, wake: Waker<'_, S>) {
        let is_readable = {
            let mut guard = self.lock.lock();
            let (state, key) = guard.parts();
            state
                .settle_leave(key, handle)
                .then(|| state.queue.has_ordered())
        };
        match is_readable {
            Some(false) => {}
            Some(true) => wake(&self.watch, Wake::Readable),
            None => self.sweep(wake),
        }
    }

    /// The handle is gone, and the release is over.
    #[inline(always)]
    fn finish_one(&self, handle: &Ref<Handle<S>>) {
        let (object, piece) = {
            let mut guard = self.lock.lock();
            let (state, key) = guard.parts();
            let id = state.strand(key, handle);
            let object = state.table.free(id);
            let piece = state.table.take_empty();
            let _ = self.end(state);
            state.release.is_busy = false;
            (object, piece)
        };
        drop((object, piece));
    }
}
