//! A message to one destination that carries no handle, in one nest of sections: what nearly every SEND is.
//!
//! Under the sender's lock, which keeps the handle valid meanwhile, the locks of the receiver and of the account are tried, and neither is waited
//! for: so no two senders can wait for each other, and nobody who stands in line is overtaken (ORD-6). What lies between two sections need not be
//! counted then, and nothing is done that would have to be undone: the charge is the last that can be refused. If a lock is not free, or
//! anything is unusual, nothing has happened. For a lock it is tried again a few times; then, or if anything is unusual, the message goes on by one
//! section after the other ([`One`]), which finds the first cause. The sections take the same locks, and more often: two processors that meet there
//! hinder each other longer than they wait here.
//!
//! Nothing is allocated, given back or called under these locks. The block of the message is taken before them, hence before the charge: it is
//! nobody's but this call's until then, and no longer than [`SHORT_MAX`].

use omnibus_counted::OutOfMemory;

use crate::account::{self, Charged};
use crate::handle::Handle;
use crate::mem::{Key, Ref, Spare, Vacant};
use crate::message::{Message, price};
use crate::node::Node;
use crate::peer::PeerCore;
use crate::peer::state::{PeerState, usable};
use crate::queue::Queue;
use crate::sync::{Missed, short_waits, wait_shortly};
use crate::{Effects, Error, Id, System, hook, trace};

use super::SHORT_MAX;
use super::one::{One, push};

/// Sends `payload` through the handle `id`. That there is no memory for a short one is told when nothing comes before that (SND-5).
///
/// # Errors
/// Those of the phases.
#[inline(always)]
pub(crate) fn send_one<S: System>(
    sender: &PeerCore<S>,
    id: Id,
    payload: &[u8],
) -> Result<Effects<S>, Error> {
    let mut block = None;
    if payload.len() <= SHORT_MAX {
        match filled(payload) {
            Ok(vacant) => {
                let mut filled = Some(vacant);
                if let Ok(effects) = send_at_once(sender, id, payload.len(), &mut filled) {
                    return Ok(effects);
                }
                block = filled.map(Ok);
            }
            Err(error) => block = Some(Err(error)),
        }
    }
    // In a place of its own, as in `Received::take`.
    let mut effects = Effects::none();
    send_later(sender, id, payload, block, &mut effects)?;
    Ok(effects)
}

/// A block for a message, with its payload.
///
/// # Errors
/// [`OutOfMemory`].
#[inline(always)]
pub(super) fn filled<S: System>(payload: &[u8]) -> Result<Vacant<Message<S>>, OutOfMemory> {
    let mut block = Vacant::try_new(payload.len())?;
    block.fill().extend(payload);
    Ok(block)
}

/// The same after that was missed, in `block`, if that was taken and filled before: again, as long as it is for a lock, and then by one section after
/// the other. Why it was missed the first time is not told: that cost every message 22 instructions.
#[inline(never)]
fn send_later<S: System>(
    sender: &PeerCore<S>,
    id: Id,
    payload: &[u8],
    mut block: Option<Result<Vacant<Message<S>>, OutOfMemory>>,
    effects: &mut Effects<S>,
) -> Result<(), Error> {
    if let Some(Ok(vacant)) = block {
        let mut filled = Some(vacant);
        for _ in short_waits() {
            match send_at_once(sender, id, payload.len(), &mut filled) {
                Ok(sent) => {
                    *effects = sent;
                    return Ok(());
                }
                Err(Missed::Held) => wait_shortly(),
                Err(Missed::Unusual) => break,
            }
        }
        block = filled.map(Ok);
    }
    let mut one = One::look_up(sender, id)?;
    let is_filled = block.is_some();
    one.prepare_in(sender, payload.len(), || {
        block.unwrap_or_else(|| Vacant::try_new(payload.len()))
    })?;
    if let Some(mut fill) = one.fill().filter(|_| !is_filled) {
        fill.extend(payload);
    }
    *effects = one.commit(sender)?;
    Ok(())
}

/// Sends a short `payload` through the handle `id`, if nobody waits there. `false`: nothing has happened.
#[inline(always)]
pub(crate) fn send_unawaited<S: System>(sender: &PeerCore<S>, id: Id, payload: &[u8]) -> bool {
    if payload.len() > SHORT_MAX {
        return false;
    }
    let Ok(block) = filled(payload) else {
        return false;
    };
    let is_right = |queue: &Queue<S>| !queue.is_awaited();
    enter_at_once(sender, id, payload.len(), &mut Some(block), is_right).is_ok()
}

/// Sends the message that `block` is for, of `n_data` bytes.
///
/// # Errors
/// [`Missed`]; the block is still there.
#[inline(always)]
fn send_at_once<S: System>(
    sender: &PeerCore<S>,
    id: Id,
    n_data: usize,
    block: &mut Option<Vacant<Message<S>>>,
) -> Result<Effects<S>, Missed> {
    let awaited = enter_at_once(sender, id, n_data, block, |_| true)?;
    Ok(awaited.map_or_else(Effects::none, Effects::wake))
}

/// The same, if the queue of the receiver `is_right`; the handle if somebody may wait behind it.
///
/// # Errors
/// As above.
#[inline(always)]
fn enter_at_once<S: System>(
    sender: &PeerCore<S>,
    id: Id,
    n_data: usize,
    block: &mut Option<Vacant<Message<S>>>,
    is_right: impl FnOnce(&Queue<S>) -> bool,
) -> Result<Option<Ref<Handle<S>>>, Missed> {
    let mut guard = sender.lock.lock();
    let (state, key) = guard.parts();
    if !state.settle(key) {
        return Err(Missed::Unusual);
    }
    let PeerState {
        table,
        release,
        queue,
        nodes,
        ..
    } = state;
    let object = table.get(id).ok_or(Missed::Unusual)?.get();
    let handle = usable(&object, release, key).ok_or(Missed::Unusual)?;
    let owner = handle.node().owner();
    let is_awaited = if core::ptr::eq::<PeerCore<S>>(&**owner, sender) {
        if !is_right(queue) {
            return Err(Missed::Unusual);
        }
        enter(queue, nodes, key, sender, handle, n_data, block)?
    } else {
        let mut guard = owner.lock.try_lock().ok_or(Missed::Held)?;
        let (state, key) = guard.parts();
        if state.expected.is_some() {
            return Err(Missed::Unusual);
        }
        let PeerState { queue, nodes, .. } = state;
        if !is_right(queue) {
            return Err(Missed::Unusual);
        }
        enter(queue, nodes, key, sender, handle, n_data, block)?
    };
    let awaited = is_awaited.then(|| handle.clone());
    // Whoever watches is told outside every lock.
    let watched = S::is_traced().then(|| handle.clone());
    drop(guard);
    if let Some(handle) = watched {
        trace::sent(sender, handle.node(), n_data as u64, 0);
    }
    hook::point("send: committed");
    Ok(awaited)
}

/// Charges the message that `block` is for, of `n_data` bytes, and puts it behind all others, under the lock of the sender and that of the receiver,
/// whose all these are. Whether somebody may wait for it.
///
/// # Errors
/// [`Missed`].
#[inline(always)]
fn enter<S: System>(
    queue: &mut Queue<S>,
    nodes: &mut Spare<Node<S>>,
    key: &mut Key,
    sender: &PeerCore<S>,
    handle: &Handle<S>,
    n_data: usize,
    block: &mut Option<Vacant<Message<S>>>,
) -> Result<bool, Missed> {
    if !is_usual(queue, key, handle) {
        return Err(Missed::Unusual);
    }
    let price = price::<S>(0, n_data as u64);
    let Charged { trace, .. } = account::try_charge_through(handle, sender, &price)?;
    let block = block.take().ok_or(Missed::Unusual)?;
    queue.tick(key);
    Ok(push(queue, key, nodes.take(handle.node()), trace, block))
}

/// Whether a message through `handle` is the next for the receiver, whose queue it is, and nothing about that is unusual.
#[inline(always)]
pub(super) fn is_usual<S: System>(queue: &Queue<S>, key: &mut Key, handle: &Handle<S>) -> bool {
    !queue.has_undone() && handle.open_node(key).is_some()
}
