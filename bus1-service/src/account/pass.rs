//! A charge that is given back at once: for a message that is received in the moment in which it is sent.
//!
//! The books are afterwards as after [`Books::charge`] and [`Books::discharge`], and it is refused when the charge would be.

use crate::handle::Handle;
use crate::mem::{Key, Ref};
use crate::{AccountNumber, Amounts, System};

use super::arithmetic::Slot;
use super::books::Books;
use super::quota::{Remembered, Trace, at, set_slot, slot};

/// Charges `amounts` through `handle` and gives them back; on whose behalf. `is_certain` is asked if that leaves a trace in the books,
/// as it does when the claiming account holds something here already: whether nothing will come in between. `None` if the charge is
/// refused, not certain, or if nothing was sent through the handle before: nothing was done then.
#[inline(always)]
pub(crate) fn pass<S: System>(
    handle: &Handle<S>,
    is_own: bool,
    amounts: &S::Amounts,
    is_certain: impl FnOnce() -> bool,
) -> Option<AccountNumber> {
    let passed = attempt(handle, is_own, amounts, false)?;
    match passed {
        Passed::Yes(account) => Some(account),
        Passed::LeavesTrace if is_certain() => match attempt(handle, is_own, amounts, true)? {
            Passed::Yes(account) => Some(account),
            Passed::LeavesTrace => None,
        },
        Passed::LeavesTrace => None,
    }
}

/// What became of a charge that is given back at once.
enum Passed {
    Yes(AccountNumber),
    LeavesTrace,
}

#[inline(always)]
fn attempt<S: System>(
    handle: &Handle<S>,
    is_own: bool,
    amounts: &S::Amounts,
    may_leave_trace: bool,
) -> Option<Passed> {
    let mut guard = handle.node().owner().account.books.lock();
    let (books, key) = guard.parts();
    // Taken out meanwhile, since the key opens one thing at a time.
    let remembered = core::mem::replace(handle.remembered(key), Remembered::Nothing);
    let passed = match &remembered {
        Remembered::Trace(trace) => books.pass(key, trace, is_own, amounts, may_leave_trace),
        Remembered::Nothing | Remembered::Over => None,
    };
    // Nothing was left there that is to be dropped.
    core::mem::forget(core::mem::replace(handle.remembered(key), remembered));
    passed
}

impl<S: System> Books<S> {
    #[inline(always)]
    fn pass(
        &mut self,
        key: &mut Key,
        through: &Ref<Trace<S>>,
        is_own: bool,
        amounts: &S::Amounts,
        may_leave_trace: bool,
    ) -> Option<Passed> {
        if through.quota().state(key).n_traces > 0 {
            if !may_leave_trace {
                return Some(Passed::LeavesTrace);
            }
            return self.pass_some(key, through, is_own, amounts);
        }
        // The claiming account holds nothing here: all that it takes returns, and nothing need be written.
        let n_quotas = self.n_quotas.saturating_add(1);
        for (index, &amount) in amounts.slots().iter().enumerate() {
            if amount > 0 && !can_take(at(&self.available, index), amount, is_own, n_quotas) {
                return None;
            }
        }
        Some(Passed::Yes(through.claimant()))
    }

    /// The claiming account holds something here already.
    #[inline(never)]
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
        Some(Passed::Yes(through.claimant()))
    }
}

/// Whether somebody who holds nothing can take `amount` of `available`.
#[inline(always)]
fn can_take(available: u64, amount: u64, is_own: bool, n_quotas: u64) -> bool {
    let nothing = Slot {
        account_available: available,
        quota_claimed: 0,
        quota_available: 0,
        trace_claimed: 0,
    };
    nothing.taken(amount, is_own, n_quotas).is_some()
}
