//! A short message to two peers that carries nothing, in one nest of sections, as [`super::at_once`] sends one to a single peer.
//!
//! Under the sender's lock the locks of both receivers are tried, and then those of what they are charged to: none is waited for, and there are
//! never more (ORD-6). While both are held the message gets one stamp, above the clocks of both and above all that the sender decided, and
//! goes into both queues: no word is needed to decide it. If a lock is not free, or anything is unusual, it goes on as one to a few.

use crate::account::{self, Charged, Trace};
use crate::handle::Handle;
use crate::mem::{KeyedGuard, Ref, Vacant};
use crate::message::{Message, price, prices};
use crate::mutant;
use crate::peer::PeerCore;
use crate::peer::state::{PeerState, usable};
use crate::{Effects, Id, System, hook, trace};

use super::at_once::{filled, is_usual};
use super::one::push;

/// Of each of the two the handle, if somebody may wait behind it.
type Awaited<S> = [Option<Ref<Handle<S>>>; 2];

/// Sends `payload` to both of `destinations`, and lets `effects`, which are none, be those of that. `false`: nothing has happened.
#[inline(never)]
pub(super) fn send_pair<S: System>(
    sender: &PeerCore<S>,
    destinations: [Id; 2],
    payload: &[u8],
    effects: &mut Effects<S>,
) -> bool {
    // What is wrong on purpose is wrong in the ways that need a word.
    if mutant::is_any() || cfg!(feature = "sabotage") {
        return false;
    }
    let (Ok(first), Ok(second)) = (filled(payload), filled(payload)) else {
        return false;
    };
    let n_data = payload.len() as u64;
    let mut refused = None;
    let awaited = enter_both(sender, destinations, n_data, [first, second], &mut refused);
    if let Some(charged) = refused {
        account::undo(&charged, &price::<S>(0, n_data));
    }
    let Some(awaited) = awaited else {
        return false;
    };
    hook::point("send: committed");
    effects.wake_both(awaited);
    true
}

/// Enters the messages that `blocks` are for, each of `n_data` bytes. `None`: nothing has happened, except that the charge of the first is to be undone
/// if it is left in `refused`.
#[inline(always)]
fn enter_both<S: System>(
    sender: &PeerCore<S>,
    [first, second]: [Id; 2],
    n_data: u64,
    blocks: [Vacant<Message<S>>; 2],
    refused: &mut Option<Charged<S>>,
) -> Option<Awaited<S>> {
    let mut guard = sender.lock.lock();
    let (state, key) = guard.parts();
    if !state.settle(key) {
        return None;
    }
    let first = state.table.get(first)?.get();
    let first = usable(&first, &state.release, key)?;
    let second = state.table.get(second)?.get();
    let second = usable(&second, &state.release, key)?;
    // One of the sender's own nodes, or two of one peer: then a lock is not free.
    let mut at_first = first.node().owner().lock.try_lock()?;
    let mut at_second = second.node().owner().lock.try_lock()?;
    let clock = clock(&mut at_first, first)?.max(clock(&mut at_second, second)?);
    let price = price::<S>(0, n_data);
    let traces = charge_both(sender, first, second, &price, refused)?;
    let stamp = clock.max(state.decided).saturating_add(1);
    state.decided = stamp;
    let [first_trace, second_trace] = traces;
    let [first_block, second_block] = blocks;
    let awaited = [
        enter(&mut at_first, first, stamp, first_trace, first_block),
        enter(&mut at_second, second, stamp, second_trace, second_block),
    ];
    // Whoever watches is told outside every lock.
    let watched = S::is_traced().then(|| [first.clone(), second.clone()]);
    drop((at_first, at_second));
    drop(guard);
    for handle in watched.iter().flatten() {
        trace::sent(sender, handle.node(), n_data, 0);
    }
    Some(awaited)
}

/// The clock of the receiver behind `handle`, whose lock this is. `None` if the message would not be the next there.
#[inline(always)]
fn clock<S: System>(
    guard: &mut KeyedGuard<'_, S, PeerState<S>>,
    handle: &Handle<S>,
) -> Option<u64> {
    let (state, key) = guard.parts();
    let is_next = state.expected.is_none() && is_usual(&state.queue, key, handle);
    is_next.then_some(state.queue.clock())
}

/// Charges both messages, together if they are one account's. `None` if that is refused; a charge in `refused` is to be undone then.
#[inline(always)]
fn charge_both<S: System>(
    sender: &PeerCore<S>,
    first: &Handle<S>,
    second: &Handle<S>,
    price: &S::Amounts,
    refused: &mut Option<Charged<S>>,
) -> Option<[Ref<Trace<S>>; 2]> {
    let [account, other] = [first, second].map(|handle| &handle.node().owner().account);
    if account.ptr_eq(other) {
        let prices = prices::<S>(price, 2);
        let charged = account::try_charge_all_through(first, sender, &prices, 2);
        let mut traces = charged.ok()?.traces;
        return Some([traces.take(), traces.into_one()]);
    }
    let charged = account::try_charge_through(first, sender, price).ok()?;
    match account::try_charge_through(second, sender, price) {
        Ok(other) => Some([charged.trace, other.trace]),
        Err(_) => {
            *refused = Some(charged);
            None
        }
    }
}

/// Puts a message with this stamp into the queue behind `handle`, whose lock this is; the handle if somebody may wait there.
#[inline(always)]
fn enter<S: System>(
    guard: &mut KeyedGuard<'_, S, PeerState<S>>,
    handle: &Ref<Handle<S>>,
    stamp: u64,
    trace: Ref<Trace<S>>,
    block: Vacant<Message<S>>,
) -> Option<Ref<Handle<S>>> {
    let (state, key) = guard.parts();
    let PeerState { queue, nodes, .. } = state;
    queue.pass(stamp);
    push(queue, key, nodes.take(handle.node()), trace, block).then(|| handle.clone())
}
