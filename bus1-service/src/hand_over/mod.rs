//! Handing a message over: SEND to one handle, received in the same instant by somebody who waits for it.
//!
//! The receiver's queue is empty and its embedder has a thread that would receive at once. Then the message need not be queued, nor
//! allocated, nor charged for longer than it takes to see that it could be: it is a transaction whose member was received as soon as
//! it was ordered. Rules:
//! 1. It happens only if SEND would succeed and RECV by the waiting thread would take this very message. Everything else, an error
//!    first of all, is left to SEND.
//! 2. Afterwards every clock, every book and every id is as after SEND and RECV; but SEND decides a message that carries a handle by a
//!    word, whose stamp is above all that the sender has decided, and here it gets the next place in its one queue.
//! 3. The embedder names the thread between the look-up and the decision, with no lock of the core held, and keeps it from receiving
//!    anything else until it has what the message brings.
//! 4. What takes time or can fail, as copying bytes to where the receiver wants them, is done like RECV's copying out: the message has
//!    its place in the order, and a RECV that comes meanwhile is told to wait (OBJ-8). If it fails, the message was never sent: nobody
//!    saw it, and a clock that is ahead tells nothing.
//!
//! Several messages of one transaction are handed over by [`together`].

mod together;

pub use together::Receivers;

use crate::account::{self, Charged};
use crate::effects::Waker;
use crate::handle::{Handle, Whereabouts};
use crate::mem::{Key, KeyedGuard, Ref};
use crate::message::{objects, price};
use crate::peer::state::{Linked, Origin, PeerState};
use crate::peer::{PeerCore, leave_now};
use crate::queue::Member;
use crate::table::Object;
use crate::{AccountNumber, Id, Peer, System, Wake, hook, trace};

/// Where a message is to go: the handle that it goes through, looked up.
pub struct Aim<S: System>(Ref<Handle<S>>);

impl<S: System> Aim<S> {
    /// What is attached to the peer that it is for.
    #[inline(always)]
    #[must_use]
    pub fn watch(&self) -> &S::Watch {
        &self.0.node().owner().watch
    }
}

/// The handle that a message is to carry a copy of, looked up.
pub struct Cargo<S: System>(Ref<Handle<S>>);

/// What the receiver of a message that was handed over is told of it (RCV-4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handed {
    /// The node that it came in on.
    pub node: Id,
    /// The sender's account.
    pub account: AccountNumber,
}

impl<S: System> Peer<S> {
    /// Whether nothing is queued, and nothing on its way: somebody who waits from before this question on misses nothing.
    #[inline]
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let mut guard = self.core().lock.lock();
        let queue = &mut guard.parts().0.queue;
        queue.await_next();
        queue.is_idle()
    }

    /// Looks the destination of a message up that may be handed over. With `is_reply_awaited` the sender is going to receive too: then its
    /// own queue must be empty. `None`: SEND says why.
    #[inline(always)]
    #[must_use]
    pub fn aim(&self, destination: Id, is_reply_awaited: bool) -> Option<Aim<S>> {
        let mut guard = self.core().lock.lock();
        let (state, key) = guard.parts();
        if !is_usual(state, is_reply_awaited) {
            return None;
        }
        state.handle_again(key, destination).map(Aim)
    }

    /// The same for a message that carries a copy of the handle `carried`, which is looked up in the same instant.
    #[inline(always)]
    #[must_use]
    pub fn aim_with(
        &self,
        destination: Id,
        carried: Id,
        is_reply_awaited: bool,
    ) -> Option<(Aim<S>, Cargo<S>)> {
        let mut guard = self.core().lock.lock();
        let (state, key) = guard.parts();
        if !is_usual(state, is_reply_awaited) {
            return None;
        }
        let cargo = state.handle(key, carried).map(Cargo)?;
        Some((Aim(state.handle_again(key, destination)?), cargo))
    }

    /// Hands a message of `n_data` bytes, which are the embedder's to move, over to a thread that waits where `aim` leads. `None`: nothing
    /// has happened; SEND says why, or sets aside what the next time needs.
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
    /// client.send(&[handle], &[], b"the first goes through the queue")?.finish_silently();
    /// drop(server.recv()?);
    /// let aim = client.aim(handle, true).expect("a handle, and nothing to receive");
    /// let handed = client.hand_over(aim, 8).expect("the server is idle");
    /// assert_eq!(handed.node, node);
    /// assert!(!server.is_readable(), "whoever waits there has it already");
    /// # Ok(())
    /// # }
    /// ```
    #[inline(always)]
    #[must_use]
    pub fn hand_over(&self, aim: Aim<S>, n_data: u64) -> Option<Handed> {
        let (sender, handle) = (self.core(), aim.0);
        hook::point("hand over: looked up");
        if !account::is_granted(&handle, n_data) && !may_pass(sender, &handle, n_data) {
            return None;
        }
        hook::point("hand over: charged");
        let mut guard = handle.node().owner().lock.lock();
        let Some(node) = destination(&mut guard, &handle) else {
            turn_away(guard);
            return None;
        };
        guard.parts().0.queue.tick_idle();
        drop(guard);
        trace::handed_over(sender, handle.node(), n_data, 0);
        handle.drop_shared();
        let account = sender.account.number();
        Some(Handed { node, account })
    }

    /// The same for a message that carries a handle; with the id by which the receiver knows the copy. `wake` is as for [`Peer::deliver`].
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
    /// client.send(&[handle], &[handle], b"the first goes through the queue")?.finish_silently();
    /// drop(server.recv()?);
    /// let (aim, cargo) = client.aim_with(handle, handle, true).expect("two handles");
    /// let wake = &mut |(): &(), _| {};
    /// let (handed, copy) = client.hand_over_with(aim, cargo, 0, wake).expect("the server is idle");
    /// assert_eq!(handed.node, node);
    /// server.send(&[copy], &[], b"to itself")?.finish_silently();
    /// # Ok(())
    /// # }
    /// ```
    #[inline(always)]
    #[must_use]
    pub fn hand_over_with(
        &self,
        aim: Aim<S>,
        cargo: Cargo<S>,
        n_data: u64,
        wake: &mut dyn FnMut(&S::Watch, Wake),
    ) -> Option<(Handed, Id)> {
        let (handle, source) = (aim.0, cargo.0);
        hook::point("hand over: looked up");
        let receiver = handle.node().owner();
        let paid = Paid::pay(self.core(), &handle, true, n_data)?;
        hook::point("hand over: charged");
        let copied = copy(receiver, &source, Id::INVALID);
        hook::point("hand over: begun");
        let arrived = copied.as_ref().and_then(|copied| arrive(&handle, copied));
        let Some((node, id)) = arrived else {
            give_up(receiver, None, copied, wake);
            paid.undo(receiver, true, n_data);
            return None;
        };
        let account = paid.settle(receiver, true, n_data);
        trace::handed_over(self.core(), handle.node(), n_data, 1);
        Some((Handed { node, account }, id))
    }

    /// The same for a message that carries a copy of the handle `carried`, or whose bytes are put where the receiver wants them before it is
    /// decided (rule 4). `deliver` does that, and is told what the copy will be called; false if it cannot be done. `wake` is told of nodes
    /// that lose their last handle because a message that was almost handed over was not.
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
    /// client.send(&[handle], &[handle], b"the first goes through the queue")?.finish_silently();
    /// drop(server.recv()?);
    /// let aim = client.aim(handle, true).expect("a handle, and nothing to receive");
    /// let mut copy = None;
    /// let mut put = |id| {
    ///     copy = id;
    ///     true
    /// };
    /// let handed = client.deliver(aim, Some(handle), 8, &mut put, &mut |(), _| {});
    /// assert_eq!(handed.expect("the server is idle").node, node);
    /// server.send(&[copy.expect("the server's handle")], &[], b"to itself")?.finish_silently();
    /// assert_eq!(server.recv()?.payload(), b"to itself");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn deliver(
        &self,
        aim: Aim<S>,
        carried: Option<Id>,
        n_data: u64,
        deliver: &mut dyn FnMut(Option<Id>) -> bool,
        wake: &mut dyn FnMut(&S::Watch, Wake),
    ) -> Option<Handed> {
        let (sender, handle) = (self.core(), aim.0);
        hook::point("hand over: looked up");
        let source = match carried {
            None => None,
            Some(id) => {
                let mut guard = sender.lock.lock();
                let (state, key) = guard.parts();
                Some(state.handle(key, id)?)
            }
        };
        let owner = handle.node().owner();
        let has_carried = source.is_some();
        let paid = Paid::pay(sender, &handle, has_carried, n_data)?;
        hook::point("hand over: charged");
        let mut copied = None;
        let mut id = None;
        if let Some(reserved) = begin(&handle, has_carried) {
            id = reserved;
            copied = match (&source, id) {
                (Some(source), Some(id)) => copy(owner, source, id),
                _ => None,
            };
            hook::point("hand over: begun");
            let is_ready = copied.is_some() == has_carried;
            let is_delivered = is_ready && deliver(id);
            if finish(&handle, copied.as_ref(), is_delivered) {
                let account = paid.settle(owner, has_carried, n_data);
                trace::handed_over(sender, handle.node(), n_data, u64::from(has_carried));
                let node = handle.node().id();
                return Some(Handed { node, account });
            }
        }
        give_up(owner, id, copied, wake);
        paid.undo(owner, has_carried, n_data);
        None
    }
}

/// Whether nothing is to be done in the sender's queue and, if it is going to receive too, nothing is there.
#[inline(always)]
fn is_usual<S: System>(state: &mut PeerState<S>, is_reply_awaited: bool) -> bool {
    if is_reply_awaited {
        state.queue.await_next();
        state.queue.is_idle()
    } else {
        !state.queue.has_undone()
    }
}

/// Whether a message that is received at once may be sent, when nothing is known about that.
#[inline(never)]
fn may_pass<S: System>(sender: &PeerCore<S>, handle: &Handle<S>, n_data: u64) -> bool {
    let owner = handle.node().owner();
    let is_certain = || destination(&mut owner.lock.lock(), handle).is_some();
    account::pass(handle, sender, n_data, is_certain).is_some()
}

/// It is not to be now. Apart from the usual way, so that the two are not woven into one.
#[cold]
#[inline(never)]
fn turn_away<S: System>(guard: KeyedGuard<'_, S, PeerState<S>>) {
    drop(guard);
}

/// The node that a message through `handle` goes to, if it would be the next that its receiver, whose lock this is, receives, and no release
/// of the node is open.
#[inline(always)]
fn destination<S: System>(
    guard: &mut KeyedGuard<'_, S, PeerState<S>>,
    handle: &Handle<S>,
) -> Option<Id> {
    let (state, key) = guard.parts();
    if !state.queue.is_idle() || state.is_receiving {
        return None;
    }
    handle.open_node(key)
}

/// What a charge for a message came to.
enum Paid<S: System> {
    /// It would be granted, and nothing is left of it but what the receiver is to hold, which it is charged already.
    Passed(AccountNumber),
    Charged(Charged<S>),
}

impl<S: System> Paid<S> {
    /// Charges a message, if the handle remembers whom.
    #[inline(always)]
    fn pay(
        sender: &PeerCore<S>,
        handle: &Handle<S>,
        has_carried: bool,
        n_data: u64,
    ) -> Option<Paid<S>> {
        let whole = price::<S>(u64::from(has_carried), n_data);
        let passed = if has_carried {
            account::pass_with(handle, sender, &whole, &objects::<S>(1))
        } else {
            account::pass(handle, sender, n_data, || false)
        };
        if let Some(account) = passed {
            return Some(Paid::Passed(account));
        }
        let is_own = handle.node().owner().account.ptr_eq(&sender.account);
        account::charge_remembered(handle, is_own, &whole).map(Paid::Charged)
    }

    /// The message is received: what it carries stays charged, to `receiver`. On whose behalf the message was charged.
    #[inline(always)]
    fn settle(self, receiver: &PeerCore<S>, has_carried: bool, n_data: u64) -> AccountNumber {
        match self {
            Paid::Passed(account) => account,
            Paid::Charged(charged) => {
                let account = charged.trace.claimant();
                let n_kept = u64::from(has_carried);
                account::receive(charged.trace, receiver, &price::<S>(0, n_data), n_kept);
                account
            }
        }
    }

    /// The message was not sent.
    #[cold]
    fn undo(self, receiver: &PeerCore<S>, has_carried: bool, n_data: u64) {
        match self {
            Paid::Passed(_) if has_carried => account::take_back(receiver, &objects::<S>(1)),
            Paid::Passed(_) => {}
            Paid::Charged(charged) => {
                let whole = price::<S>(u64::from(has_carried), n_data);
                account::undo(&charged, &whole);
            }
        }
    }
}

/// The message gets its place in the order, and is being copied out; the id that is promised to the handle that it carries.
#[inline(always)]
fn begin<S: System>(handle: &Handle<S>, has_carried: bool) -> Option<Option<Id>> {
    let mut guard = handle.node().owner().lock.lock();
    destination(&mut guard, handle)?;
    let (state, _) = guard.parts();
    let id = if has_carried {
        Some(state.table.reserve()?)
    } else {
        None
    };
    state.queue.tick_idle();
    state.is_receiving = true;
    Some(id)
}

/// The copy of `source` that its receiver, who knows it as `id`, gets; it counts from now on.
#[inline(always)]
fn copy<S: System>(
    receiver: &Ref<PeerCore<S>>,
    source: &Ref<Handle<S>>,
    id: Id,
) -> Option<Ref<Handle<S>>> {
    let node = source.node();
    let copy = Ref::try_new(Handle::new(receiver.clone(), id, node.clone())).ok()?;
    let origin = Origin {
        source,
        transaction: None,
    };
    match node.owner().link(&copy, Some(origin)) {
        Linked::Yes => Some(copy),
        Linked::NodeIsDead | Linked::SourceIsGone => None,
    }
}

/// The message is copied out: what it carries is the receiver's, unless its node was released meanwhile (REL-2). False if the message is
/// not received.
#[inline(always)]
fn finish<S: System>(
    handle: &Handle<S>,
    copied: Option<&Ref<Handle<S>>>,
    is_delivered: bool,
) -> bool {
    let mut guard = handle.node().owner().lock.lock();
    let (state, key) = guard.parts();
    state.is_receiving = false;
    if !is_delivered || state.is_dead(handle.node()) {
        return false;
    }
    if let Some(copied) = copied {
        let id = copied.at_holder(key).id;
        hold(state, key, copied, id);
    }
    true
}

/// A message that carries `copied`, and of which nothing is to be copied out, has its place in the order and is received: the node it came in
/// on, and what the receiver knows the handle by.
#[inline(always)]
fn arrive<S: System>(handle: &Handle<S>, copied: &Ref<Handle<S>>) -> Option<(Id, Id)> {
    let mut guard = handle.node().owner().lock.lock();
    let node = destination(&mut guard, handle)?;
    let (state, key) = guard.parts();
    let id = state.table.reserve()?;
    state.queue.tick_idle();
    hold(state, key, copied, id);
    Some((node, id))
}

/// `copied` is the receiver's from now on, under this id. If its node was released meanwhile, that is told next (NOT-1).
#[inline(always)]
fn hold<S: System>(state: &mut PeerState<S>, key: &mut Key, copied: &Ref<Handle<S>>, id: Id) {
    let at_holder = copied.at_holder(key);
    at_holder.whereabouts = Whereabouts::Held;
    at_holder.id = id;
    if core::mem::take(&mut at_holder.is_parked) {
        state.queue.push(key, Member::Note(copied.clone()));
    }
    state.table.fill(id, Object::Handle(copied.clone()));
}

/// Takes back what was made for the receiver.
#[cold]
fn give_up<S: System>(
    receiver: &PeerCore<S>,
    id: Option<Id>,
    copied: Option<Ref<Handle<S>>>,
    wake: Waker<'_, S>,
) {
    {
        let mut guard = receiver.lock.lock();
        let (state, key) = guard.parts();
        if let Some(copied) = &copied {
            state.strand(key, copied);
        }
        if let Some(id) = id {
            state.table.cancel(id);
        }
    }
    if let Some(copied) = copied {
        leave_now(&copied, wake);
    }
}
