//! Quotas and traces: what one account, and one actor of it, hold in a target account. Their state is under the target's lock.

use crate::mem::{Key, LockedBy, Ref, Spare};
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
    pub(super) claimed: S::Amounts,
    pub(super) available: S::Amounts,
    /// Those attached.
    pub(super) traces: Tree<Trace<S>>,
    /// How many of them hold something.
    pub(super) n_traces: u64,
    /// How many there are.
    pub(super) n_attached: u64,
    branches: Children<Quota<S>>,
}

/// What one actor of a claiming account holds in its quota.
pub(crate) struct Trace<S: System> {
    actor: u64,
    state: LockedBy<InQuota<S>, TraceState<S>>,
}

/// The quota of a trace, which stands for the lock of the account charged.
pub(crate) struct InQuota<S: System>(Ref<Quota<S>>);

pub(super) struct TraceState<S: System> {
    pub(super) is_attached: bool,
    /// How many handles remember it.
    pub(super) n_remembering: u64,
    pub(super) claimed: S::Amounts,
    /// Counts for the messages that are charged through it.
    pub(super) spare: Spare<Trace<S>>,
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

impl<S: System> InQuota<S> {
    pub(crate) fn quota(&self) -> &Ref<Quota<S>> {
        &self.0
    }
}

impl<S: System> Quota<S> {
    pub(super) fn new(
        target: Ref<AccountCore<S>>,
        claimant: AccountNumber,
    ) -> Result<Ref<Quota<S>>, Error> {
        let state = QuotaState {
            keeps: None,
            claimed: S::Amounts::ZERO,
            available: S::Amounts::ZERO,
            traces: Tree::new(),
            n_traces: 0,
            n_attached: 0,
            branches: [None, None],
        };
        Ok(Ref::try_new(Quota {
            claimant,
            state: LockedBy::new(target, state),
        })?)
    }

    pub(super) fn claimant(&self) -> AccountNumber {
        self.claimant
    }

    /// The account charged.
    pub(crate) fn target(&self) -> &Ref<AccountCore<S>> {
        self.state.owner()
    }

    #[inline]
    pub(super) fn state<'a>(&'a self, key: &'a mut Key) -> &'a mut QuotaState<S> {
        self.state.get(key)
    }

    /// Works on its traces. They are taken out meanwhile, since the key opens one thing at a time.
    pub(super) fn with_traces<R>(
        &self,
        key: &mut Key,
        work: impl FnOnce(&mut Tree<Trace<S>>, &mut Key) -> R,
    ) -> R {
        let mut traces = core::mem::replace(&mut self.state(key).traces, Tree::new());
        let result = work(&mut traces, key);
        self.state(key).traces = traces;
        result
    }
}

impl<S: System> Trace<S> {
    pub(super) fn new(quota: Ref<Quota<S>>, actor: u64) -> Result<Ref<Trace<S>>, Error> {
        let state = TraceState {
            is_attached: false,
            n_remembering: 0,
            claimed: S::Amounts::ZERO,
            spare: Spare::new(),
            branches: [None, None],
        };
        Ok(Ref::try_new(Trace {
            actor,
            state: LockedBy::new(InQuota(quota), state),
        })?)
    }

    /// The quota it is a part of for life.
    #[inline]
    pub(super) fn quota(&self) -> &Ref<Quota<S>> {
        self.state.owner().quota()
    }

    /// The account charged.
    #[inline]
    pub(super) fn target(&self) -> &Ref<AccountCore<S>> {
        self.quota().target()
    }

    pub(super) fn actor(&self) -> u64 {
        self.actor
    }

    #[inline]
    pub(super) fn state<'a>(&'a self, key: &'a mut Key) -> &'a mut TraceState<S> {
        self.state.get(key)
    }

    /// The account on whose behalf.
    #[inline]
    pub(crate) fn claimant(&self) -> AccountNumber {
        self.quota().claimant()
    }

    /// What is under the lock of it and of its quota, both at once.
    #[inline(always)]
    pub(super) fn states<'a>(
        &'a self,
        key: &'a mut Key,
    ) -> (&'a mut TraceState<S>, &'a mut QuotaState<S>) {
        self.state.get_with(&self.quota().state, key)
    }
}

/// What a quota and one of its traces hold.
pub(super) struct Holdings<A> {
    pub(super) quota_claimed: A,
    pub(super) quota_available: A,
    pub(super) trace_claimed: A,
    pub(super) n_traces: u64,
}

impl<A: Amounts> Default for Holdings<A> {
    fn default() -> Self {
        Holdings {
            quota_claimed: A::ZERO,
            quota_available: A::ZERO,
            trace_claimed: A::ZERO,
            n_traces: 0,
        }
    }
}

/// The numbers of one slot.
#[inline]
pub(super) fn slot<S: System>(
    available: &S::Amounts,
    quota: &QuotaState<S>,
    trace: &TraceState<S>,
    slot: usize,
) -> Slot {
    Slot {
        account_available: at(available, slot),
        quota_claimed: at(&quota.claimed, slot),
        quota_available: at(&quota.available, slot),
        trace_claimed: at(&trace.claimed, slot),
    }
}

/// Sets the numbers of one slot.
#[inline]
pub(super) fn set_slot<S: System>(
    available: &mut S::Amounts,
    quota: &mut QuotaState<S>,
    trace: &mut TraceState<S>,
    slot: usize,
    numbers: Slot,
) {
    put(available, slot, numbers.account_available);
    put(&mut quota.claimed, slot, numbers.quota_claimed);
    put(&mut quota.available, slot, numbers.quota_available);
    put(&mut trace.claimed, slot, numbers.trace_claimed);
}

/// The amount of a slot.
#[inline]
pub(super) fn at<A: Amounts>(amounts: &A, slot: usize) -> u64 {
    amounts.slots().get(slot).copied().unwrap_or(0)
}

#[inline]
pub(super) fn put<A: Amounts>(amounts: &mut A, slot: usize, amount: u64) {
    change(amounts, slot, |_| amount);
}

#[inline]
pub(super) fn change<A: Amounts>(amounts: &mut A, slot: usize, change: impl FnOnce(u64) -> u64) {
    if let Some(place) = amounts.slots_mut().get_mut(slot) {
        *place = change(*place);
    }
}
