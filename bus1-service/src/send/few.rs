//! A short message to a few destinations that carries nothing: the phases of [`super::Many`] in one go, with all that is known of them on
//! the stack and a copy of the payload behind each message.
//!
//! It is entered, decided and swept as any message to several is. It takes this way only as long as nothing is unusual: if a node is dead
//! or anything is refused, what was done is given back, and the message begins again as a [`super::Many`], which finds the first cause.

use arrayvec::ArrayVec;

use crate::account::{self, Charged, Trace};
use crate::effects::{Waker, Work};
use crate::handle::Handle;
use crate::mem::{Ref, put};
use crate::message::{Message, price, prices};
use crate::node::Node;
use crate::peer::PeerCore;
use crate::peer::state::usable;
use crate::transaction::{Entering, Transaction};
use crate::{Amounts, Effects, Error, Id, Place, System, hook, trace};

use super::SHORT_MAX;
use super::at_once::filled;
use super::entered::{enter, sweep, withdraw};
use super::pair::send_pair;

/// Most destinations.
pub(crate) const FEW_MAX: usize = 16;
/// Those of most such messages.
const FEWER_MAX: usize = 4;

/// Messages that are decided, and whose receivers are still to be woken.
pub(crate) type FewMessages<S> = ArrayVec<Ref<Message<S>>, FEW_MAX>;

/// Destinations in a row that are of one account, which is charged for all of them together.
struct Run<S: System> {
    /// To the first.
    handle: Ref<Handle<S>>,
    n: usize,
    /// What was taken of the account for the charge.
    taken: S::Amounts,
}

/// What is done for the destinations, in order, and to be undone if the rest cannot be.
struct Few<S: System, const N_MAX: usize> {
    runs: ArrayVec<Run<S>, N_MAX>,
    /// Those that were entered, or whose node was found dead.
    messages: FewMessages<S>,
}

/// The nodes of those whose message is still to be made.
type Nodes<S, const N_MAX: usize> = [Option<Ref<Node<S>>>; N_MAX];

/// What is known of the sender after the look-up.
struct Found {
    /// The word that decided an earlier message, until it is used again.
    word: Option<Ref<Transaction>>,
    epoch: u64,
}

/// Whether a message may go this way.
#[inline(always)]
pub(crate) fn is_few(destinations: &[Id], payload: &[u8]) -> bool {
    (2..=FEW_MAX).contains(&destinations.len()) && payload.len() <= SHORT_MAX
}

/// Sends `payload` to every one of `destinations`, and lets `effects`, which are none, be those of that. `false` if something is unusual:
/// nothing has happened then.
///
/// # Errors
/// [`Error::OutOfMemory`]; [`Error::UnknownId`] if a destination was released meanwhile.
#[inline(always)]
pub(crate) fn send_few<S: System>(
    sender: &PeerCore<S>,
    destinations: &[Id],
    payload: &[u8],
    effects: &mut Effects<S>,
) -> Result<bool, Error> {
    if let &[first, second] = destinations
        && send_pair(sender, [first, second], payload, effects)
    {
        return Ok(true);
    }
    // To clear room that is not needed costs most those who can least afford it.
    match destinations.len() {
        ..=FEWER_MAX => send_by_word::<S, FEWER_MAX>(sender, destinations, payload, effects),
        _ => send_by_word::<S, FEW_MAX>(sender, destinations, payload, effects),
    }
}

/// The same, decided by a word, for at most `N_MAX` destinations.
#[inline(never)]
fn send_by_word<S: System, const N_MAX: usize>(
    sender: &PeerCore<S>,
    destinations: &[Id],
    payload: &[u8],
    effects: &mut Effects<S>,
) -> Result<bool, Error> {
    let mut few = Few::<S, N_MAX> {
        runs: ArrayVec::new(),
        messages: ArrayVec::new(),
    };
    let mut nodes = [const { None }; N_MAX];
    let Some(found) = few.look_up(sender, destinations, &mut nodes) else {
        return Ok(false);
    };
    let price = price::<S>(0, payload.len() as u64);
    let sent = few.send(sender, destinations, &mut nodes, found, payload, &price);
    if sent == Ok(true) {
        // There are none left to be dropped.
        core::mem::forget(nodes);
        effects.begin(Work::Few(few.messages));
    } else {
        undo(few, &price);
    }
    sent
}

impl<S: System, const N_MAX: usize> Few<S, N_MAX> {
    /// `None` if an id is unknown or a node is dead.
    #[inline(always)]
    fn look_up(
        &mut self,
        sender: &PeerCore<S>,
        ids: &[Id],
        nodes: &mut Nodes<S, N_MAX>,
    ) -> Option<Found> {
        let mut guard = sender.lock_settled();
        let (state, key) = guard.parts();
        let (mut account, mut first) = (0, 0);
        for (index, (place, &id)) in nodes.iter_mut().zip(ids).enumerate() {
            let object = state.table.get(id)?.get();
            let handle = usable(&object, &state.release, key)?;
            let node = handle.node();
            if node.is_buried() {
                return None;
            }
            put(place, Some(node.clone()));
            let before = core::mem::replace(&mut account, node.owner().account.address());
            if account != before {
                self.end_run(core::mem::replace(&mut first, index), index);
                let run = Run {
                    handle: handle.clone(),
                    n: 0,
                    taken: S::Amounts::ZERO,
                };
                self.runs.try_push(run).ok()?;
            }
        }
        self.end_run(first, ids.len());
        Some(Found {
            word: state.word.take(),
            epoch: state.epoch,
        })
    }

    /// The last run is from place `first` to before `end`.
    #[inline(always)]
    fn end_run(&mut self, first: usize, end: usize) {
        if let Some(run) = self.runs.last_mut() {
            run.n = end.saturating_sub(first);
        }
    }

    /// Charges, makes and enters the messages and decides; `true` then, `false` if an account refuses.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]; [`Error::UnknownId`] if a destination was released meanwhile.
    #[inline(always)]
    fn send(
        &mut self,
        sender: &PeerCore<S>,
        ids: &[Id],
        nodes: &mut Nodes<S, N_MAX>,
        found: Found,
        payload: &[u8],
        price: &S::Amounts,
    ) -> Result<bool, Error> {
        let mut entering = Entering::new(Transaction::try_open(found.word)?);
        entering.word.fill_up(ids.len());
        let mut left = nodes.iter_mut().map_while(Option::take);
        for run in &mut self.runs {
            let prices = prices::<S>(price, run.n);
            let charged = match account::charge_all_through(&run.handle, sender, &prices, run.n) {
                Ok(charged) => charged,
                Err(Error::Quota(..)) => return Ok(false),
                Err(error) => return Err(error),
            };
            hook::point("send: prepare");
            run.taken = charged.taken;
            let n_before = self.messages.len();
            for (trace, node) in charged.traces.into_iter().zip(&mut left) {
                let Ok(block) = filled(payload) else {
                    let n_made = self.messages.len().saturating_sub(n_before);
                    run.undo_rest(trace, n_made, price);
                    return Err(Error::OutOfMemory);
                };
                let mut message = Message::new(node, trace);
                put(&mut message.transaction, Some(entering.word.take()));
                let [mut message, at_queue, at_node] = block.occupy_for(message);
                if !enter(message.node(), &mut entering, at_queue, at_node)
                    && let Some(message) = message.get_mut()
                {
                    message.part();
                }
                if self.messages.try_push(message).is_err() {
                    break;
                }
                hook::point("send: stage");
            }
        }
        let mut guard = sender.lock_settled();
        let (state, key) = guard.parts();
        if found.epoch != state.epoch {
            for (index, &id) in ids.iter().enumerate() {
                if state.handle(key, id).is_none() {
                    return Err(Error::UnknownId(Place::Destination(index), id));
                }
            }
        }
        state.decided = entering.word.decide(state.decided);
        let unused = state.word.replace(entering.word.into_one());
        drop(guard);
        drop(unused);
        self.tell(sender);
        hook::point("send: committed");
        Ok(true)
    }

    /// Tells whoever watches what became of each message.
    #[inline(always)]
    fn tell(&self, sender: &PeerCore<S>) {
        if !S::is_traced() {
            return;
        }
        for message in &self.messages {
            if message.is_entered() {
                trace::sent_one(sender, message);
            } else {
                trace::passed_over(sender, message.node());
            }
        }
    }
}

/// Gives everything back.
#[cold]
fn undo<S: System, const N_MAX: usize>(few: Few<S, N_MAX>, price: &S::Amounts) {
    let mut messages = few.messages.into_iter();
    for run in few.runs {
        let mut n_charged = 0_usize;
        let mut charged_to = None;
        for message in messages.by_ref().take(run.n) {
            // Whoever takes it out of the queue gives its charge back.
            if !message.is_entered() || withdraw(&message) {
                n_charged = n_charged.saturating_add(1);
                charged_to = message.trace.clone();
            }
        }
        if let Some(trace) = charged_to {
            let taken = run.taken;
            account::undo(&Charged { trace, taken }, &prices::<S>(price, n_charged));
        }
    }
}

impl<S: System> Run<S> {
    /// Gives back what was charged through `trace` for those behind the first `n_made`.
    #[cold]
    fn undo_rest(&self, trace: Ref<Trace<S>>, n_made: usize, price: &S::Amounts) {
        // What was taken of the account goes back with the first.
        let taken = if n_made == 0 {
            self.taken
        } else {
            S::Amounts::ZERO
        };
        let rest = prices::<S>(price, self.n.saturating_sub(n_made));
        account::undo(&Charged { trace, taken }, &rest);
    }
}

/// Wakes the receivers of `messages`; one whose node died meanwhile is dropped (SND-4).
#[inline(always)]
pub(crate) fn sweep_few<S: System>(messages: &mut FewMessages<S>, wake: Waker<'_, S>) {
    for message in messages.drain(..) {
        if !sweep(&message, wake) {
            discharge(&message);
        }
        message.drop_shared();
    }
}

/// Gives back what a message is charged that is dropped.
#[cold]
fn discharge<S: System>(message: &Ref<Message<S>>) {
    if let Some(trace) = &message.trace {
        account::discharge(trace, &Message::price(message));
    }
}
