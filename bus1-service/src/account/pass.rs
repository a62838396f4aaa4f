//! A charge that is given back at once: for a message that is received in the moment in which it is sent.
//!
//! The books are afterwards as after [`Books::charge`], [`Books::discharge`] and, for what the message carries, [`Books::transfer`], and it
//! is refused when the charge would be.
//!
//! Usually the claiming account holds nothing else there. Then the books need not be written, and the handle remembers that they would have
//! granted a short message, and when ([`Granted`]). Rules:
//! 1. The *epoch* of the books changes under their lock before they do. As long as it is the one that a handle remembers, the books
//!    are those that granted: nothing is computed, nothing is locked, and the charge takes its place at the moment in which the epoch was read.
//! 2. What is granted for [`SHORT_BYTES`] is granted for less: a claim of less by somebody who holds nothing asks for less of each slot.
//! 3. A handle that is released is granted nothing any more, and remembers nothing.

use crate::handle::Handle;
use crate::mem::{Key, Ref, put};
use crate::message::price;
use crate::peer::PeerCore;
use crate::sync::{AtomicU64, Ordering};
use crate::{AccountNumber, Amounts, System};

use super::arithmetic::Slot;
use super::books::Books;
use super::quota::{Trace, at, set_slot, slot};
use super::{AccountCore, leave};

/// Bytes of a message for which a handle remembers that it would be granted: those that fit registers.
const SHORT_BYTES: u64 = 64;

/// No epoch: nothing was granted yet.
const NEVER: u64 = 0;
/// No epoch: the handle is released.
const OVER: u64 = u64::MAX;

/// The epoch of the books in which they would have granted a short message through a handle. Written under their lock.
pub(crate) struct Granted(AtomicU64);

impl Granted {
    pub(crate) fn new() -> Granted {
        Granted(AtomicU64::new(NEVER))
    }

    /// Whether the books of `account` would grant a short message now.
    #[inline(always)]
    fn is_valid<S: System>(&self, account: &AccountCore<S>) -> bool {
        self.0.load(Ordering::Relaxed) == account.epoch.load(Ordering::Acquire)
    }

    /// They would, as they are; for the holder of their lock.
    fn remember<S: System>(&self, account: &AccountCore<S>) {
        if !self.is_over() {
            let epoch = account.epoch.load(Ordering::Relaxed);
            self.0.store(epoch, Ordering::Relaxed);
        }
    }

    /// The handle is released; for the holder of the books' lock.
    pub(super) fn end(&self) {
        self.0.store(OVER, Ordering::Relaxed);
    }

    /// Whether the handle is released; for the holder of the books' lock.
    pub(super) fn is_over(&self) -> bool {
        self.0.load(Ordering::Relaxed) == OVER
    }
}

/// Whether a message of `n_data` bytes, which carries nothing, would be granted now, and leave no trace. If not, [`pass`] says so for certain.
#[inline(always)]
pub(crate) fn is_granted<S: System>(handle: &Handle<S>, n_data: u64) -> bool {
    n_data <= SHORT_BYTES && handle.granted.is_valid(&handle.node().owner().account)
}

/// Charges a message of `n_data` bytes, which carries nothing, that `sender` sends through `handle`, and gives the charge back; on whose
/// behalf. `is_certain` is asked if that leaves a trace in the books, as it does when the claiming account holds something here already:
/// whether nothing will come in between. `None` if the charge is refused, not certain, or if nothing was sent through the handle before:
/// nothing was done then.
pub(crate) fn pass<S: System>(
    handle: &Handle<S>,
    sender: &PeerCore<S>,
    n_data: u64,
    is_certain: impl FnOnce() -> bool,
) -> Option<AccountNumber> {
    let is_passed = is_granted(handle, n_data)
        || match attempt(handle, sender, n_data, false)? {
            Passed::Yes => true,
            Passed::LeavesTrace => {
                is_certain() && matches!(attempt(handle, sender, n_data, true)?, Passed::Yes)
            }
        };
    is_passed.then_some(sender.account.number)
}

/// Charges `amounts` for a message that `sender` sends through `handle`, and gives all back but `kept`, which is what its receiver holds from
/// then on (ACC-3): in one section, if the claiming account holds nothing else there. `None` otherwise, or as for [`pass`].
#[inline(always)]
pub(crate) fn pass_with<S: System>(
    handle: &Handle<S>,
    sender: &PeerCore<S>,
    amounts: &S::Amounts,
    kept: &S::Amounts,
) -> Option<AccountNumber> {
    let receiver = handle.node().owner();
    let account = &receiver.account;
    let is_own = account.ptr_eq(&sender.account);
    let mut guard = account.books.lock();
    let (books, key) = guard.parts();
    let remembered = handle.remembered(key).take()?;
    let is_nothing_held = remembered.quota().state(key).n_traces == 0;
    put(handle.remembered(key), Some(remembered));
    if !is_nothing_held || !books.would_grant(is_own, amounts) {
        return None;
    }
    account.end_epoch();
    books
        .keep(key, &receiver.own, kept)
        .then_some(sender.account.number)
}

/// Gives `kept` of a message back that did not arrive, so that the books are as before (ERR-1). Called without any lock.
pub(crate) fn take_back<S: System>(receiver: &PeerCore<S>, kept: &S::Amounts) {
    let unused = {
        let mut guard = receiver.account.change_books();
        let (books, key) = guard.parts();
        books.take_back(key, &receiver.own, kept)
    };
    if let Some(claimant) = unused {
        leave(&claimant);
    }
}

/// What became of a charge that is given back at once.
enum Passed {
    Yes,
    LeavesTrace,
}

fn attempt<S: System>(
    handle: &Handle<S>,
    sender: &PeerCore<S>,
    n_data: u64,
    may_leave_trace: bool,
) -> Option<Passed> {
    let account = &handle.node().owner().account;
    let is_own = account.ptr_eq(&sender.account);
    // Only what leaves a trace changes the books.
    let mut guard = if may_leave_trace {
        account.change_books()
    } else {
        account.books.lock()
    };
    let (books, key) = guard.parts();
    // Taken out meanwhile, since the key opens one thing at a time.
    let remembered = handle.remembered(key).take()?;
    let passed = if remembered.quota().state(key).n_traces == 0 {
        if n_data <= SHORT_BYTES && books.would_grant(is_own, &price::<S>(0, SHORT_BYTES)) {
            handle.granted.remember(account);
            Some(Passed::Yes)
        } else {
            books
                .would_grant(is_own, &price::<S>(0, n_data))
                .then_some(Passed::Yes)
        }
    } else if may_leave_trace {
        books.pass_some(key, &remembered, is_own, &price::<S>(0, n_data))
    } else {
        Some(Passed::LeavesTrace)
    };
    put(handle.remembered(key), Some(remembered));
    passed
}

impl<S: System> Books<S> {
    /// Whether somebody who holds nothing here can take `amounts`. All that it takes returns, and nothing need be written.
    #[inline(always)]
    fn would_grant(&self, is_own: bool, amounts: &S::Amounts) -> bool {
        let n_quotas = self.n_quotas.saturating_add(1);
        let mut slots = amounts.slots().iter().enumerate();
        slots.all(|(index, &amount)| {
            amount == 0 || can_take(at(&self.available, index), amount, is_own, n_quotas)
        })
    }

    /// The claiming account holds something here already.
    fn pass_some(
        &mut self,
        key: &mut Key,
        through: &Ref<Trace<S>>,
        is_own: bool,
        amounts: &S::Amounts,
    ) -> Option<Passed> {
        let (trace, quota) = through.states(key);
        for (index, &amount) in amounts.slots().iter().enumerate() {
            if amount > 0 {
                let numbers = slot(&self.available, quota, trace, index);
                numbers.taken(amount, is_own, self.n_quotas)?;
            }
        }
        let is_new = trace.claimed == S::Amounts::ZERO;
        let n_traces = quota.n_traces.saturating_add(u64::from(is_new));
        for (index, &amount) in amounts.slots().iter().enumerate() {
            let numbers = slot(&self.available, quota, trace, index);
            if amount > 0
                && let Some(taken) = numbers.taken(amount, is_own, self.n_quotas)
            {
                let numbers = numbers.charged(amount, taken).discharged(amount, n_traces);
                set_slot(&mut self.available, quota, trace, index, numbers);
            }
        }
        Some(Passed::Yes)
    }
}

/// Whether somebody who holds nothing can take `amount` of `available`.
fn can_take(available: u64, amount: u64, is_own: bool, n_quotas: u64) -> bool {
    let nothing = Slot {
        account_available: available,
        quota_claimed: 0,
        quota_available: 0,
        trace_claimed: 0,
    };
    nothing.taken(amount, is_own, n_quotas).is_some()
}
