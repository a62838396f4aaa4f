//! Quotas and traces: what one account, and one actor of it, hold in a target account. Their state is under the target's lock.

use crate::mem::{Key, LockedBy, Ref};
use crate::{AccountNumber, Amounts, Error, System};

use super::AccountCore;
use super::arithmetic::Slot;
use super::tree::{Branch, Children, Tree};

/// What one claiming account holds in a target account.
pub(crate) struct Quota<S: System> {
    claimant: AccountNumber,
    state: LockedBy<Ref<AccountCore<S>>, QuotaState<S>>,
}

pub(super) struct QuotaState<S: System> {
    /// The claiming account, while the quota is attached and not the account's own.
    pub(super) keeps: Option<Ref<AccountCore<S>>>,
    pub(super) is_attached: bool,
    pub(super) claimed: S::Amounts,
    pub(super) available: S::Amounts,
    pub(super) traces: Tree<Trace<S>>,
    pub(super) n_traces: u64,
    branches: Children<Quota<S>>,
}

/// What one actor of a claiming account holds in its quota.
pub(crate) struct Trace<S: System> {
    claimant: AccountNumber,
    actor: u64,
    state: LockedBy<Ref<AccountCore<S>>, TraceState<S>>,
}

pub(super) struct TraceState<S: System> {
    /// Absent only while the trace's owner works on it ([`Trace::with_quota`]).
    pub(super) quota: Option<Ref<Quota<S>>>,
    pub(super) is_attached: bool,
    pub(super) claimed: S::Amounts,
    branches: Children<Trace<S>>,
}

impl<S: System> Branch for Quota<S> {
    fn number(&self) -> u64 {
        self.claimant.as_u64()
    }
    fn children<'a>(&'a self, key: &'a mut Key) -> &'a mut Children<Self> {
        &mut self.state.get(key).branches
    }
}

impl<S: System> Branch for Trace<S> {
    fn number(&self) -> u64 {
        self.actor
    }
    fn children<'a>(&'a self, key: &'a mut Key) -> &'a mut Children<Self> {
        &mut self.state.get(key).branches
    }
}

impl<S: System> Quota<S> {
    pub(super) fn new(
        target: Ref<AccountCore<S>>,
        claimant: AccountNumber,
    ) -> Result<Ref<Quota<S>>, Error> {
        let state = QuotaState {
            keeps: None,
            is_attached: false,
            claimed: S::Amounts::ZERO,
            available: S::Amounts::ZERO,
            traces: Tree::new(),
            n_traces: 0,
            branches: [None, None],
        };
        Ref::try_new(Quota {
            claimant,
            state: LockedBy::new(target, state),
        })
    }

    pub(super) fn claimant(&self) -> AccountNumber {
        self.claimant
    }

    pub(super) fn state<'a>(&'a self, key: &'a mut Key) -> &'a mut QuotaState<S> {
        self.state.get(key)
    }

    pub(super) fn holdings(&self, key: &mut Key) -> Holdings<S::Amounts> {
        let state = self.state.get(key);
        Holdings {
            claimed: state.claimed,
            available: state.available,
            trace: S::Amounts::ZERO,
        }
    }
}

impl<S: System> Trace<S> {
    pub(super) fn new(quota: Ref<Quota<S>>, actor: u64) -> Result<Ref<Trace<S>>, Error> {
        let (target, claimant) = (quota.state.owner().clone(), quota.claimant);
        let state = TraceState {
            quota: Some(quota),
            is_attached: false,
            claimed: S::Amounts::ZERO,
            branches: [None, None],
        };
        Ref::try_new(Trace {
            claimant,
            actor,
            state: LockedBy::new(target, state),
        })
    }

    /// The account charged.
    pub(super) fn target(&self) -> &Ref<AccountCore<S>> {
        self.state.owner()
    }

    pub(super) fn actor(&self) -> u64 {
        self.actor
    }

    pub(super) fn state<'a>(&'a self, key: &'a mut Key) -> &'a mut TraceState<S> {
        self.state.get(key)
    }

    /// The account on whose behalf.
    pub(crate) fn claimant(&self) -> AccountNumber {
        self.claimant
    }

    pub(super) fn holdings(&self, key: &mut Key) -> Holdings<S::Amounts> {
        let holdings = self.with_quota(key, |quota, key| quota.holdings(key));
        Holdings {
            trace: self.state.get(key).claimed,
            ..holdings
        }
    }

    /// Changes what it and its quota hold by `amounts`, as a charge moves from one trace to another.
    pub(super) fn shift(&self, key: &mut Key, amounts: &S::Amounts, by: fn(u64, u64) -> u64) {
        for (slot, &amount) in amounts.slots().iter().enumerate() {
            change(&mut self.state.get(key).claimed, slot, |claimed| {
                by(claimed, amount)
            });
            self.with_quota(key, |quota, key| {
                change(&mut quota.state(key).claimed, slot, |claimed| {
                    by(claimed, amount)
                })
            });
        }
    }

    /// Works on the quota it is in, or was last. It is taken out meanwhile, since the key opens one thing at a time.
    pub(super) fn with_quota<R: Default>(
        &self,
        key: &mut Key,
        work: impl FnOnce(&Ref<Quota<S>>, &mut Key) -> R,
    ) -> R {
        let Some(quota) = self.state.get(key).quota.take() else {
            return R::default();
        };
        let result = work(&quota, key);
        self.state.get(key).quota = Some(quota);
        result
    }
}

/// What a quota and one of its traces hold.
#[derive(Clone, Copy)]
pub(super) struct Holdings<A> {
    /// Q.claimed.
    pub(super) claimed: A,
    /// Q.avail.
    pub(super) available: A,
    /// T.claimed.
    pub(super) trace: A,
}

impl<A: Amounts> Default for Holdings<A> {
    fn default() -> Self {
        Holdings {
            claimed: A::ZERO,
            available: A::ZERO,
            trace: A::ZERO,
        }
    }
}

impl<A: Amounts> Holdings<A> {
    pub(super) fn slot(&self, account_available: &A, slot: usize) -> Slot {
        Slot {
            account_available: at(account_available, slot),
            quota_claimed: at(&self.claimed, slot),
            quota_available: at(&self.available, slot),
            trace_claimed: at(&self.trace, slot),
        }
    }

    pub(super) fn put(&mut self, slot: usize, numbers: Slot) {
        put(&mut self.claimed, slot, numbers.quota_claimed);
        put(&mut self.available, slot, numbers.quota_available);
        put(&mut self.trace, slot, numbers.trace_claimed);
    }
}

/// The amount of a slot.
pub(super) fn at<A: Amounts>(amounts: &A, slot: usize) -> u64 {
    amounts.slots().get(slot).copied().unwrap_or(0)
}

pub(super) fn put<A: Amounts>(amounts: &mut A, slot: usize, amount: u64) {
    change(amounts, slot, |_| amount);
}

pub(super) fn change<A: Amounts>(amounts: &mut A, slot: usize, change: impl FnOnce(u64) -> u64) {
    if let Some(place) = amounts.slots_mut().get_mut(slot) {
        *place = change(*place);
    }
}
