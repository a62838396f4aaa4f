//! One destination of a message, from its look-up until its queue is settled or everything is given back.

use alloc::vec::Vec;

use crate::account::{self, Charged};
use crate::effects::{Waker, dismantle, drop_handles};
use crate::handle::Handle;
use crate::mem::{Fill, Ref, Vacant};
use crate::message::{Message, SharedPayload};
use crate::mutant::{self, Mutant};
use crate::node::Node;
use crate::peer::state::{Linked, Origin};
use crate::peer::{PeerCore, reserve};
use crate::queue::Member;
use crate::transaction::Transaction;
use crate::{Error, Id, Place, System, Wake, hook};

use super::many::Source;

/// How far a destination is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Its handle is known.
    Known,
    /// Its account is charged.
    Charged,
    /// The message exists, and is nobody else's.
    Built,
    /// The message is at its queue.
    Staged,
    /// The node is dead: nothing is charged, nothing is sent (SND-4).
    Dropped,
}

/// One destination of a message.
pub(crate) struct Destination<S: System> {
    id: Id,
    handle: Ref<Handle<S>>,
    charged: Option<Charged<S>>,
    stage: Stage,
    message: Option<Ref<Message<S>>>,
    /// Carried handles that are made; ids are promised for all of them at once.
    n_made: usize,
}

/// What became of one piece of building.
#[derive(PartialEq, Eq)]
pub(super) enum Built {
    More,
    Done,
}

impl<S: System> Destination<S> {
    pub(super) fn new(id: Id, handle: Ref<Handle<S>>) -> Destination<S> {
        Destination {
            id,
            handle,
            charged: None,
            stage: Stage::Known,
            message: None,
            n_made: 0,
        }
    }

    pub(super) fn id(&self) -> Id {
        self.id
    }

    pub(super) fn handle(&self) -> &Ref<Handle<S>> {
        &self.handle
    }

    fn node(&self) -> &Ref<Node<S>> {
        self.handle.node()
    }

    /// Charges the receiver's account. `false` if the node is dead, and nothing is charged (SND-4).
    pub(super) fn charge(
        &mut self,
        sender: &PeerCore<S>,
        index: usize,
        price: &S::Amounts,
    ) -> Result<bool, Error> {
        if self.node().is_buried() {
            self.stage = Stage::Dropped;
            return Ok(false);
        }
        let charged = account::charge_through(&self.handle, sender, price);
        self.charged = Some(charged.map_err(|error| error.at_destination(index))?);
        self.stage = Stage::Charged;
        Ok(true)
    }

    /// Allocates the message, with room for `n_data` bytes behind it, or makes the next of its handles, which are copies of `sources`.
    pub(super) fn build(
        &mut self,
        transaction: Option<&Ref<Transaction>>,
        sources: &[Source<S>],
        objects: Option<&Ref<Vec<S::Object>>>,
        n_data: usize,
    ) -> Result<Built, Error> {
        let owner = self.handle.node().owner();
        match (self.stage, &mut self.message) {
            (Stage::Charged, _) => {
                let Some(charged) = &self.charged else {
                    return Ok(Built::Done);
                };
                let trace = charged.trace.clone();
                let node = self.handle.node().clone();
                let block = Vacant::try_new(n_data)?;
                let mut message = Message::new(node, transaction.cloned(), trace);
                message.reserve(sources.len())?;
                message.set_objects(objects.cloned());
                self.message = Some(block.occupy(message));
                self.stage = Stage::Built;
            }
            (Stage::Built, Some(message)) => {
                let Some(message) = message.get_mut() else {
                    return Ok(Built::Done);
                };
                if message.ids.len() < sources.len() {
                    reserve(owner, sources.len(), &mut message.ids)?;
                    return Ok(Built::More);
                }
                let (Some((source_id, source)), Some(&id)) =
                    (sources.get(self.n_made), message.ids.get(self.n_made))
                else {
                    return Ok(Built::Done);
                };
                let mut copy = Ref::try_new(Handle::new(owner.clone(), id, source.node().clone()))?;
                let origin = Origin {
                    source,
                    transaction,
                };
                match source.node().owner().link(&copy, Some(origin)) {
                    Linked::Yes => {}
                    Linked::NodeIsDead => {
                        if let Some(copy) = copy.get_mut() {
                            copy.park();
                        }
                    }
                    Linked::SourceIsGone => {
                        return Err(Error::UnknownId(Place::Transfer(self.n_made), *source_id));
                    }
                }
                // Within the capacity, which is that of all sources.
                message.state_mut().handles.push(copy);
                self.n_made = self.n_made.saturating_add(1);
            }
            _ => return Ok(Built::Done),
        }
        Ok(if self.n_made == sources.len() {
            Built::Done
        } else {
            Built::More
        })
    }

    /// Writes the bytes behind the message, while it is nobody else's.
    pub(super) fn fill(&mut self) -> Option<Fill<'_>> {
        self.message.as_mut().and_then(Ref::fill)
    }

    /// Enters the message, with the payload it shares, at its queue, undecided. If the node is dead, it is not entered, and taken apart in
    /// the end.
    pub(super) fn stage(&mut self, payload: Option<&Ref<SharedPayload>>) {
        let (Stage::Built, Some(message)) = (self.stage, &mut self.message) else {
            return;
        };
        if let (Some(payload), Some(message)) = (payload, message.get_mut()) {
            message.set_shared(payload.clone());
        }
        let mut guard = self.handle.node().owner().lock_settled();
        let (state, key) = guard.parts();
        if !state.is_dead(message.node()) {
            let at_queue = Member::Message(message.clone_unique());
            message.node().push_message(key, message.clone());
            if mutant::is(Mutant::PublishEach) {
                state.queue.tick(key);
                state.queue.push(key, at_queue);
            } else {
                state.queue.stage(key, at_queue);
            }
            drop(guard);
            self.stage = Stage::Staged;
        }
    }

    /// After the decision: wakes the receiver, or takes apart what was dropped. `true` when all is done.
    ///
    /// The queue is not settled here: whoever takes its lock next does that first, a RECV too, so that it sees what is decided. If the
    /// node died before the decision, its release had named it before, and that was visible when the word was decided.
    pub(crate) fn sweep(&mut self, budget: &mut u32, wake: Waker<'_, S>) -> bool {
        let Some(message) = &self.message else {
            return true;
        };
        if self.stage == Stage::Staged {
            let receiver = self.handle.node().owner();
            let is_mine = self.handle.node().may_be_dead() && {
                let mut guard = receiver.lock_settled();
                let (state, key) = guard.parts();
                // One that was received is on no list of its node any more.
                state.is_dead(message.node()) && state.take_message(key, message)
            };
            hook::point("send: sweep");
            if !is_mine {
                wake(&receiver.watch, Wake::Readable);
                return true;
            }
            self.stage = Stage::Built;
        }
        self.stage != Stage::Built || dismantle(message, budget, wake)
    }

    /// Gives everything back. `true` when all is done.
    pub(crate) fn undo(
        &mut self,
        price: &S::Amounts,
        budget: &mut u32,
        wake: Waker<'_, S>,
    ) -> bool {
        let Some(message) = &self.message else {
            if let Some(charged) = self.charged.take() {
                account::undo(&charged, price);
            }
            return true;
        };
        if self.stage == Stage::Staged {
            let is_mine = {
                let mut guard = message.receiver().lock_settled();
                let (state, key) = guard.parts();
                state.take_message(key, message)
            };
            if !is_mine {
                return true;
            }
            self.stage = Stage::Built;
        }
        if self.n_made < message.ids.len() {
            let mut guard = message.receiver().lock.lock();
            let (state, _) = guard.parts();
            for &id in message.ids.get(self.n_made..).unwrap_or_default() {
                drop(state.table.free(id));
            }
            self.n_made = message.ids.len();
        }
        let is_done = drop_handles(message, budget, wake);
        if is_done && let Some(charged) = self.charged.take() {
            account::undo(&charged, price);
        }
        is_done
    }
}
