//! A message to one destination that carries no handle: by far the most frequent.
//!
//! It needs no word: the lock of its receiver decides it. One section of the sender's lock looks the handle up, one of the
//! account's charges it, one of the receiver's enters it; its memory is one block, taken in between.

use omnibus_counted::OutOfMemory;

use crate::account::{self, Charged, Trace};
use crate::handle::Handle;
use crate::mem::{Fill, Key, Ref, Vacant};
use crate::message::{Message, price};
use crate::mutant::{self, Mutant};
use crate::node::Node;
use crate::peer::PeerCore;
use crate::queue::{Member, Queue};
use crate::{Effects, Error, Id, Place, System, hook, trace};

/// A message to one destination.
pub(super) struct One<S: System> {
    pub(super) id: Id,
    pub(super) handle: Ref<Handle<S>>,
    /// The sender's epoch at the look-up.
    pub(super) epoch: u64,
    prepared: Prepared<S>,
}

/// What is set aside for it.
enum Prepared<S: System> {
    No,
    /// The node is dead: nothing is charged, nothing is sent (SND-4).
    ForNobody,
    Yes {
        block: Vacant<Message<S>>,
        n_data: usize,
        charged: Charged<S>,
    },
}

impl<S: System> One<S> {
    /// Looks the destination up.
    ///
    /// # Errors
    /// [`Error::UnknownId`].
    #[inline(always)]
    pub(super) fn look_up(sender: &PeerCore<S>, id: Id) -> Result<One<S>, Error> {
        let mut guard = sender.lock_settled();
        let (state, key) = guard.parts();
        let Some(handle) = state.handle(key, id) else {
            return Err(Error::UnknownId(Place::Destination(0), id));
        };
        Ok(One {
            id,
            handle,
            epoch: state.epoch,
            prepared: Prepared::No,
        })
    }

    pub(super) fn is_prepared(&self) -> bool {
        !matches!(self.prepared, Prepared::No)
    }

    /// Whether anybody is charged for the payload.
    pub(super) fn is_charged(&self) -> bool {
        matches!(self.prepared, Prepared::Yes { .. })
    }

    /// Charges the message and takes its memory.
    ///
    /// # Errors
    /// [`Error::Quota`], [`Error::OutOfMemory`].
    #[inline(always)]
    pub(super) fn prepare(&mut self, sender: &PeerCore<S>, n_data: usize) -> Result<(), Error> {
        self.prepare_in(sender, n_data, || Vacant::try_new(n_data))
    }

    /// The same with the memory that `take` takes.
    ///
    /// # Errors
    /// As above.
    #[inline(always)]
    pub(super) fn prepare_in(
        &mut self,
        sender: &PeerCore<S>,
        n_data: usize,
        take: impl FnOnce() -> Result<Vacant<Message<S>>, OutOfMemory>,
    ) -> Result<(), Error> {
        if self.handle.node().is_buried() {
            self.prepared = Prepared::ForNobody;
            return Ok(());
        }
        let price = price::<S>(0, n_data as u64);
        let charged = account::charge_through(&self.handle, sender, &price)
            .map_err(|error| error.at_destination(0))?;
        hook::point("send: prepare");
        match take() {
            Ok(block) => {
                self.prepared = Prepared::Yes {
                    block,
                    n_data,
                    charged,
                };
                Ok(())
            }
            Err(error) => {
                account::undo(&charged, &price);
                Err(error.into())
            }
        }
    }

    /// Writes the payload, if it is kept.
    #[inline(always)]
    pub(super) fn fill(&mut self) -> Option<Fill<'_>> {
        match &mut self.prepared {
            Prepared::Yes { block, .. } => Some(block.fill()),
            Prepared::No | Prepared::ForNobody => None,
        }
    }

    /// Sends the message as a transaction of its own, all under the receiver's lock: its place in the order is the next there. If the
    /// node died meanwhile, the message is dropped (SND-4).
    ///
    /// # Errors
    /// [`Error::UnknownId`] if the handle was released meanwhile; everything is given back then.
    #[inline(always)]
    pub(super) fn commit(self, sender: &PeerCore<S>) -> Result<Effects<S>, Error> {
        let One {
            id,
            handle,
            prepared,
            ..
        } = self;
        let Prepared::Yes {
            block,
            n_data,
            charged,
        } = prepared
        else {
            return dropped(sender, &handle, id);
        };
        hook::point("send: stage");
        let node = handle.node();
        let is_dead = {
            let mut guard = node.owner().lock_settled();
            let (state, key) = guard.parts();
            let is_dead = state.is_dead(node) && !mutant::is(Mutant::DeliverAfterRelease);
            if !is_dead && handle.at_node(key).on_node.is_linked() {
                let queue = &mut state.queue;
                queue.tick(key);
                let is_awaited = push(queue, key, node.clone(), charged.trace, block);
                drop(guard);
                trace::sent(sender, handle.node(), n_data as u64, 0);
                hook::point("send: committed");
                return Ok(if is_awaited {
                    Effects::wake(handle)
                } else {
                    Effects::none()
                });
            }
            is_dead
        };
        let price = price::<S>(0, n_data as u64);
        if is_dead {
            account::discharge(&charged.trace, &price);
            return dropped(sender, &handle, id);
        }
        account::undo(&charged, &price);
        Err(Error::UnknownId(Place::Destination(0), id))
    }

    /// Gives everything back.
    pub(super) fn undo(self) {
        if let Prepared::Yes {
            n_data, charged, ..
        } = self.prepared
        {
            account::undo(&charged, &price::<S>(0, n_data as u64));
        }
    }
}

/// A message was dropped since its node is dead. The node may have died of its last handle, and that was this one, released by another
/// call on the sender: then that call came first, and the handle is none.
///
/// # Errors
/// [`Error::UnknownId`] then.
#[cold]
fn dropped<S: System>(
    sender: &PeerCore<S>,
    handle: &Handle<S>,
    id: Id,
) -> Result<Effects<S>, Error> {
    hook::point("send: dropped");
    let mut guard = sender.lock_settled();
    let (state, key) = guard.parts();
    if state.is_held(key, handle) {
        drop(guard);
        trace::passed_over(sender, handle.node());
        Ok(Effects::none())
    } else {
        Err(Error::UnknownId(Place::Destination(0), id))
    }
}

/// Puts a message that carries nothing, in `block`, behind all others: its transaction has its place in the order, for a transaction of its own by
/// [`Queue::tick`]. Whether somebody may wait for it.
#[inline(always)]
pub(super) fn push<S: System>(
    queue: &mut Queue<S>,
    key: &mut Key,
    node: Ref<Node<S>>,
    trace: Ref<Trace<S>>,
    block: Vacant<Message<S>>,
) -> bool {
    let [message, at_node] = block.occupy_for(Message::new(node, trace));
    message.node().push_message(key, at_node);
    queue.push(key, Member::Message(message));
    queue.take_awaited()
}
