//! One destination of a message, from its look-up until its queue is settled or everything is given back.

use alloc::vec::Vec;

use crate::account::{self, Charged, Trace};
use crate::effects::{Waker, dismantle, drop_handles};
use crate::handle::Handle;
use crate::mem::{Fill, Ref, Vacant, put};
use crate::message::{Message, SharedPayload, prices};
use crate::node::Node;
use crate::peer::state::{Linked, Origin};
use crate::peer::{PeerCore, reserve};
use crate::transaction::{Entering, Transaction};
use crate::{Amounts, Error, Id, Place, System, trace};

use super::entered::{self, enter, withdraw};
use super::many::Source;

/// How far a destination is.
enum Stage<S: System> {
    /// Its handle is known.
    Known,
    /// Its account is charged.
    Charged(Ref<Trace<S>>),
    /// The message exists. The charge is its. It is nobody else's until it is staged.
    Built(Ref<Message<S>>),
    /// There is nothing left to do: the node is dead, and nothing is charged or sent (SND-4).
    Over,
}

/// One destination of a message.
pub(crate) struct Destination<S: System> {
    id: Id,
    handle: Ref<Handle<S>>,
    stage: Stage<S>,
    /// The message is at its queue.
    is_staged: bool,
    /// What was taken of the account for the charge.
    taken: S::Amounts,
    /// Carried handles that are made; ids are promised for all of them at once.
    n_made: usize,
}

/// What became of one piece of building.
#[derive(PartialEq, Eq)]
pub(super) enum Built {
    More,
    Done,
}

/// What became of charging some destinations.
pub(super) struct Run {
    /// How many.
    pub(super) n: usize,
    /// Their account was charged; otherwise the node is dead, and nothing is charged (SND-4).
    pub(super) is_charged: bool,
}

/// Charges the first of `destinations` and those behind it that are of the same account, `n_most` at most, together: what a sender is
/// charged through is the same for all of them. One whose node is dead is taken alone.
///
/// # Errors
/// [`Error::Quota`], [`Error::OutOfMemory`], and for how many. If these are more than one, some may pass alone.
#[inline(always)]
pub(super) fn charge<S: System>(
    destinations: &mut [Destination<S>],
    sender: &PeerCore<S>,
    n_most: usize,
    price: &S::Amounts,
) -> Result<Run, (Error, usize)> {
    let alive = |destination: &Destination<S>| {
        let node = destination.node();
        (!node.is_buried()).then(|| node.owner().account.address())
    };
    let mut run = Run {
        n: 1,
        is_charged: false,
    };
    let Some((first, others)) = destinations.split_first_mut() else {
        return Ok(run);
    };
    let Some(account) = alive(first) else {
        first.pass_to(Stage::Over);
        return Ok(run);
    };
    let n_more = n_most.saturating_sub(1);
    run.n = others
        .iter()
        .take(n_more)
        .take_while(|other| alive(other) == Some(account))
        .count()
        .saturating_add(1);
    run.is_charged = true;
    let prices = prices::<S>(price, run.n);
    let charged = account::charge_all_through(&first.handle, sender, &prices, run.n)
        .map_err(|error| (error, run.n))?;
    // Destinations are undone from the last to the first, so with this one all is given back that was taken.
    first.taken = charged.taken;
    for (destination, trace) in destinations.iter_mut().zip(charged.traces) {
        destination.pass_to(Stage::Charged(trace));
    }
    Ok(run)
}

impl<S: System> Destination<S> {
    #[inline]
    pub(super) fn new(id: Id, handle: Ref<Handle<S>>) -> Destination<S> {
        Destination {
            id,
            handle,
            stage: Stage::Known,
            is_staged: false,
            taken: S::Amounts::ZERO,
            n_made: 0,
        }
    }

    pub(super) fn id(&self) -> Id {
        self.id
    }

    pub(super) fn handle(&self) -> &Ref<Handle<S>> {
        &self.handle
    }

    #[inline]
    fn node(&self) -> &Ref<Node<S>> {
        self.handle.node()
    }

    /// Goes on to `stage`, from one that has nothing to be dropped.
    #[inline(always)]
    fn pass_to(&mut self, stage: Stage<S>) {
        put(&mut self.stage, stage);
    }

    /// Allocates the message, with room for `n_data` bytes behind it.
    #[inline(always)]
    pub(super) fn build(&mut self, n_data: usize) -> Result<(), Error> {
        match core::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Charged(trace) => match Vacant::try_new(n_data) {
                Ok(block) => {
                    let message = Message::new(self.node().clone(), trace);
                    self.pass_to(Stage::Built(block.occupy(message)));
                }
                Err(error) => {
                    self.pass_to(Stage::Charged(trace));
                    return Err(error.into());
                }
            },
            stage => self.pass_to(stage),
        }
        Ok(())
    }

    /// Makes one thing more that the message carries: copies of `sources`, one after the other, to be decided by `transaction`.
    #[inline(never)]
    pub(super) fn load(
        &mut self,
        transaction: Option<&Ref<Transaction>>,
        sources: &[Source<S>],
        objects: Option<&Ref<Vec<S::Object>>>,
    ) -> Result<Built, Error> {
        let owner = self.handle.node().owner();
        let Stage::Built(message) = &mut self.stage else {
            return Ok(Built::Done);
        };
        let Some(message) = message.get_mut() else {
            return Ok(Built::Done);
        };
        let carried = message.carried_mut()?;
        if carried.ids.len() < sources.len() {
            carried.reserve(sources.len())?;
            reserve(owner, sources.len(), &mut carried.ids)?;
            return Ok(Built::More);
        }
        let (Some((source_id, source)), Some(&id)) =
            (sources.get(self.n_made), carried.ids.get(self.n_made))
        else {
            carried.set_objects(objects.cloned());
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
        carried.state_mut().handles.push(copy);
        self.n_made = self.n_made.saturating_add(1);
        Ok(Built::More)
    }

    /// Writes the bytes behind the message, while it is nobody else's.
    pub(super) fn fill(&mut self) -> Option<Fill<'_>> {
        match &mut self.stage {
            Stage::Built(message) => message.fill(),
            _ => None,
        }
    }

    /// Enters the message, with the payload it shares, at its queue, undecided. If the node is dead, it is not entered, and taken apart in
    /// the end.
    #[inline(always)]
    pub(super) fn stage(&mut self, entering: &mut Entering, payload: Option<&Ref<SharedPayload>>) {
        let Stage::Built(message) = &mut self.stage else {
            return;
        };
        let node = self.handle.node();
        if let Some(message) = message.get_mut() {
            message.join(entering.word.take(), payload.cloned());
        }
        let [at_queue, at_node] = message.clone_unique_twice();
        self.is_staged = enter(node, entering, at_queue, at_node);
    }

    /// After the decision: tells whoever watches what became of the message.
    pub(super) fn tell(&self, sender: &PeerCore<S>) {
        match &self.stage {
            Stage::Built(message) if self.is_staged => trace::sent_one(sender, message),
            _ => trace::passed_over(sender, self.node()),
        }
    }

    /// After the decision: wakes the receiver, or takes apart what was dropped. `true` when all is done.
    #[inline(always)]
    pub(crate) fn sweep(&mut self, budget: &mut u32, wake: Waker<'_, S>) -> bool {
        if core::mem::take(&mut self.is_staged) {
            match core::mem::replace(&mut self.stage, Stage::Over) {
                Stage::Built(message) if entered::sweep(&message, wake) => {
                    // Its queue has it, unless it was received already.
                    message.drop_shared();
                    return true;
                }
                stage => self.pass_to(stage),
            }
        }
        match &self.stage {
            Stage::Built(message) => dismantle(message, budget, wake),
            _ => true,
        }
    }

    /// Gives everything back. `true` when all is done.
    pub(crate) fn undo(
        &mut self,
        price: &S::Amounts,
        budget: &mut u32,
        wake: Waker<'_, S>,
    ) -> bool {
        if self.is_staged
            && let Stage::Built(message) = &self.stage
        {
            if !withdraw(message) {
                return true;
            }
            self.is_staged = false;
        }
        let trace = match &self.stage {
            Stage::Charged(trace) => trace.clone(),
            Stage::Built(message) => {
                if self.n_made < message.ids().len() {
                    let mut guard = message.receiver().lock.lock();
                    let (state, _) = guard.parts();
                    for &id in message.ids().get(self.n_made..).unwrap_or_default() {
                        drop(state.table.free(id));
                    }
                    drop(guard);
                    self.n_made = message.ids().len();
                }
                if !drop_handles(message, budget, wake) {
                    return false;
                }
                let Some(trace) = &message.trace else {
                    return true;
                };
                trace.clone()
            }
            _ => return true,
        };
        self.stage = Stage::Over;
        let taken = self.taken;
        account::undo(&Charged { trace, taken }, price);
        true
    }
}
