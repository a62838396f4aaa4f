//! A short message to a few destinations that carries nothing: the phases of [`super::Many`] in one go, with all that is known of them on
//! the stack and a copy of the payload behind each message.
//!
//! It is entered, decided and swept as any message to several is. It takes this way only as long as nothing is unusual: if a node is dead
//! or anything is refused, what was done is given back, and the message begins again as a [`super::Many`], which finds the first cause.

use crate::account::{self, Charged, Trace};
use crate::effects::{Waker, Work};
use crate::handle::Handle;
use crate::mem::{Ref, Stock, Vacant};
use crate::message::{Message, price, prices};
use crate::peer::PeerCore;
use crate::transaction::Transaction;
use crate::{Amounts, Effects, Error, Id, Place, System, hook, trace};

use super::SHORT_MAX;
use super::entered::{enter, sweep, withdraw};

/// Most destinations.
pub(crate) const FEW_MAX: usize = 8;

/// Messages that are decided, and whose receivers are still to be woken.
pub(crate) type FewMessages<S> = [Option<Ref<Message<S>>>; FEW_MAX];

/// What is known of the destinations, in order.
struct Few<S: System, const N_MAX: usize> {
    parts: [Option<Part<S>>; N_MAX],
    messages: [Option<Ref<Message<S>>>; N_MAX],
    /// Their queues were asked to take them in.
    are_offered: bool,
    /// The word that decided an earlier message of the sender, until it is used again.
    word: Option<Ref<Transaction>>,
    /// The sender's epoch at the look-up.
    epoch: u64,
}

/// Where a message goes.
struct Part<S: System> {
    handle: Ref<Handle<S>>,
    /// What it is charged to, until the message is.
    trace: Option<Ref<Trace<S>>>,
    /// What was taken of the account for the charge.
    taken: S::Amounts,
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
    // To clear room that is not needed costs the two most what they can least afford.
    match destinations.len() {
        ..=2 => send_up_to::<S, 2>(sender, destinations, payload, effects),
        3..=4 => send_up_to::<S, 4>(sender, destinations, payload, effects),
        _ => send_up_to::<S, FEW_MAX>(sender, destinations, payload, effects),
    }
}

/// The same for at most `N_MAX` destinations.
#[inline(never)]
fn send_up_to<S: System, const N_MAX: usize>(
    sender: &PeerCore<S>,
    destinations: &[Id],
    payload: &[u8],
    effects: &mut Effects<S>,
) -> Result<bool, Error> {
    let mut few = Few {
        parts: [const { None }; N_MAX],
        messages: [const { None }; N_MAX],
        are_offered: false,
        word: None,
        epoch: 0,
    };
    if !few.look_up(sender, destinations) {
        return Ok(false);
    }
    let price = price::<S>(0, payload.len() as u64);
    let sent = match few.charge(sender, &price) {
        Ok(true) => few.send(sender, destinations, payload),
        not_charged => not_charged,
    };
    if sent == Ok(true) {
        few.sent(effects);
    } else {
        few.undo(&price);
    }
    sent
}

impl<S: System, const N_MAX: usize> Few<S, N_MAX> {
    /// `false` if an id is unknown.
    #[inline(always)]
    fn look_up(&mut self, sender: &PeerCore<S>, ids: &[Id]) -> bool {
        let mut guard = sender.lock_settled();
        let (state, key) = guard.parts();
        self.epoch = state.epoch;
        self.word = state.word.take();
        for (place, &id) in self.parts.iter_mut().zip(ids) {
            let Some(handle) = state.handle(key, id) else {
                return false;
            };
            set(
                place,
                Part {
                    handle,
                    trace: None,
                    taken: S::Amounts::ZERO,
                },
            );
        }
        true
    }

    /// Charges all, those of one account together. `false` if a node is dead or an account refuses.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    #[inline(always)]
    fn charge(&mut self, sender: &PeerCore<S>, price: &S::Amounts) -> Result<bool, Error> {
        let mut parts = &mut self.parts[..];
        while let [Some(first), others @ ..] = parts {
            let node = first.handle.node();
            if node.is_buried() {
                return Ok(false);
            }
            let account = &node.owner().account;
            let n_more = others
                .iter()
                .take_while(|other| {
                    other.as_ref().is_some_and(|other| {
                        let node = other.handle.node();
                        node.owner().account.ptr_eq(account) && !node.is_buried()
                    })
                })
                .count();
            let n = n_more.saturating_add(1);
            let prices = prices::<S>(price, n);
            let charged = match account::charge_all_through(&first.handle, sender, &prices, n) {
                Ok(charged) => charged,
                Err(Error::Quota(..)) => return Ok(false),
                Err(error) => return Err(error),
            };
            // They are undone from the last to the first, so with the first all is given back that was taken.
            first.taken = charged.taken;
            let mut traces = charged.traces;
            let (same, different) = others.split_at_mut(n_more);
            for other in same.iter_mut().flatten() {
                set(&mut other.trace, traces.take());
            }
            set(&mut first.trace, traces.into_one());
            hook::point("send: prepare");
            parts = different;
        }
        Ok(true)
    }

    /// Makes the messages, enters them and decides; `true` then.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]; [`Error::UnknownId`] if a destination was released meanwhile.
    #[inline(always)]
    fn send(&mut self, sender: &PeerCore<S>, ids: &[Id], payload: &[u8]) -> Result<bool, Error> {
        let used = self.word.take().and_then(Transaction::used_again);
        let word = match used {
            Some(word) => word,
            None => Transaction::try_new(0)?,
        };
        let mut word = Stock::<Transaction>::new(word);
        word.fill_up(ids.len());
        let parts = self.parts.iter_mut().map_while(Option::as_mut);
        for (place, part) in self.messages.iter_mut().zip(parts) {
            let mut block = Vacant::try_new(payload.len())?;
            block.fill().extend(payload);
            if let Some(trace) = part.trace.take() {
                let mut message = Message::new(part.handle.node().clone(), trace);
                set(&mut message.transaction, word.take());
                set(place, block.occupy(message));
            }
            hook::point("send: prepare");
        }
        let parts = self.parts.iter().map_while(Option::as_ref);
        self.are_offered = true;
        for (message, part) in self.messages.iter_mut().flatten().zip(parts) {
            if !enter(message, part.handle.node())
                && let Some(message) = message.get_mut()
            {
                message.part();
            }
            hook::point("send: stage");
        }
        let mut guard = sender.lock_settled();
        let (state, key) = guard.parts();
        if self.epoch != state.epoch {
            let parts = self.parts.iter().flatten();
            for (index, (&id, part)) in ids.iter().zip(parts).enumerate() {
                if !state.is_held(key, &part.handle) {
                    return Err(Error::UnknownId(Place::Destination(index), id));
                }
            }
        }
        state.decided = word.decide(state.decided);
        let unused = state.word.replace(word.into_one());
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
        for message in self.messages.iter().flatten() {
            if message.is_entered() {
                trace::sent_one(sender, message);
            } else {
                trace::passed_over(sender, message.node());
            }
        }
    }

    /// After the decision: whose receivers are still to be woken.
    #[inline(always)]
    fn sent(&mut self, effects: &mut Effects<S>) {
        let mut messages = [const { None }; FEW_MAX];
        for (place, message) in messages.iter_mut().zip(&mut self.messages) {
            core::mem::forget(core::mem::replace(place, message.take()));
        }
        effects.begin(Work::Few(messages));
    }

    /// Gives everything back.
    #[cold]
    fn undo(&mut self, price: &S::Amounts) {
        let messages = self.messages.iter_mut().map(Option::take);
        for (message, part) in messages.zip(&mut self.parts).rev() {
            let Some(part) = part else { continue };
            let trace = match &message {
                Some(message) if self.are_offered && message.is_entered() && !withdraw(message) => {
                    continue;
                }
                Some(message) => message.trace.clone(),
                None => part.trace.take(),
            };
            if let Some(trace) = trace {
                let taken = part.taken;
                account::undo(&Charged { trace, taken }, price);
            }
        }
    }
}

/// Sets what is not set yet: there is nothing to be dropped.
#[inline(always)]
fn set<T>(place: &mut Option<T>, value: T) {
    core::mem::forget(place.replace(value));
}

/// Wakes the receivers of `messages`; one whose node died meanwhile is dropped (SND-4).
#[inline(always)]
pub(crate) fn sweep_few<S: System>(messages: &mut FewMessages<S>, wake: Waker<'_, S>) {
    for message in messages.iter_mut().map_while(Option::take) {
        if !sweep(&message, wake) {
            discharge(&message);
        }
    }
}

/// Gives back what a message is charged that is dropped.
#[cold]
fn discharge<S: System>(message: &Ref<Message<S>>) {
    if let Some(trace) = &message.trace {
        account::discharge(trace, &Message::price(message));
    }
}
