//! The books of an account: who claims how much of it (quota.md).
//!
//! An account's books hold one *quota* per claiming account and, in it, one *trace* per actor of that account. Rules:
//! 1. All of it is under the account's own lock, under which no other lock is taken or tried.
//! 2. A trace is *attached* while it holds anything or a handle remembers it, a quota while a trace of it is. What is attached and
//!    holds nothing counts nowhere: it is there so that the next message finds it without a search.
//! 3. Quotas and traces are allocated before the lock is taken and attached under it, once.
//! 4. While a quota is attached, the account that claims is kept (ACC-8): a charge on its behalf does so, and a handle that
//!    remembers belongs to a peer, which does so too.

use crate::mem::{Key, Ref, Spare, Stock};
use crate::{AccountNumber, Amounts, Error, Place, QuotaError, System};

use super::AccountCore;
use super::arithmetic::Slot;
use super::quota::{
    Holdings, Quota, QuotaState, Trace, TraceState, at, change, put, set_slot, slot,
};
use super::tree::Tree;

/// What is under the lock of an account.
pub(crate) struct Books<S: System> {
    pub(super) number: AccountNumber,
    pub(super) maxima: S::Amounts,
    pub(super) available: S::Amounts,
    /// Those attached.
    pub(super) quotas: Tree<Quota<S>>,
    /// How many of them hold something.
    pub(super) n_quotas: u64,
}

/// A charge that was made.
pub(crate) struct Charged<S: System> {
    /// What it went through.
    pub(crate) trace: Ref<Trace<S>>,
    /// What its quota took of the account for it.
    pub(crate) taken: S::Amounts,
}

/// A charge that was made for several messages at once: a pointer to what it went through for each, and what its quota took for all.
pub(crate) struct ChargedAll<S: System> {
    pub(crate) traces: Stock<Trace<S>>,
    pub(crate) taken: S::Amounts,
}

/// Who makes a charge: an actor of an account, on an account.
pub(super) struct Claim<'a, S: System> {
    pub(super) claimant: &'a Ref<AccountCore<S>>,
    pub(super) actor: u64,
    /// The claiming account is the account charged.
    pub(super) is_own: bool,
}

/// Where a charge goes that nobody remembers.
pub(super) enum Found<S: System> {
    /// Through this trace.
    Trace(Ref<Trace<S>>),
    /// Through a new trace of this quota.
    Quota(Ref<Quota<S>>),
    /// Through a new trace of a new quota.
    Nothing,
}

impl<S: System> Books<S> {
    pub(super) fn new(number: AccountNumber, maxima: S::Amounts) -> Books<S> {
        Books {
            number,
            maxima,
            available: maxima,
            quotas: Tree::new(),
            n_quotas: 0,
        }
    }

    pub(super) fn find(&self, key: &mut Key, claim: &Claim<'_, S>) -> Found<S> {
        let Some(quota) = self.quotas.find(key, claim.claimant.number().as_u64()) else {
            return Found::Nothing;
        };
        quota
            .with_traces(key, |traces, key| traces.find(key, claim.actor))
            .map_or(Found::Quota(quota), Found::Trace)
    }

    /// Checks a charge of `amounts` in every slot and, if all pass, makes it and lets `point` make pointers to the trace; `None` if one
    /// refuses: nothing is changed then, and [`Books::check`] says which.
    #[inline(always)]
    pub(super) fn charge<R>(
        &mut self,
        key: &mut Key,
        through: &Ref<Trace<S>>,
        is_own: bool,
        amounts: &S::Amounts,
        point: impl FnOnce(&mut Spare<Trace<S>>, &Ref<Trace<S>>) -> R,
    ) -> Option<(R, S::Amounts)> {
        let (trace, quota) = through.states(key);
        let n_quotas = self.n_quotas.saturating_add(u64::from(quota.n_traces == 0));
        let numbers = |index| slot(&self.available, quota, trace, index);
        // What only a foreign claim needs is computed only there.
        let taken = if is_own {
            taken::<S>(amounts, |index, amount| {
                numbers(index).taken(amount, true, n_quotas)
            })?
        } else {
            taken::<S>(amounts, |index, amount| {
                numbers(index).taken(amount, false, n_quotas)
            })?
        };
        if trace.claimed == S::Amounts::ZERO && *amounts != S::Amounts::ZERO {
            quota.n_traces = quota.n_traces.saturating_add(1);
            self.n_quotas = n_quotas;
        }
        for (index, &amount) in amounts.slots().iter().enumerate() {
            let numbers = slot(&self.available, quota, trace, index);
            let numbers = numbers.charged(amount, at(&taken, index));
            set_slot(&mut self.available, quota, trace, index, numbers);
        }
        Some((point(&mut trace.spare, through), taken))
    }

    /// Why a charge is refused, or would be through a new trace: of `quota`, if there is one already.
    ///
    /// # Errors
    /// The first slot that refuses.
    #[cold]
    pub(super) fn check(
        &self,
        key: &mut Key,
        quota: Option<&Quota<S>>,
        trace: Option<&Trace<S>>,
        claim: &Claim<'_, S>,
        amounts: &S::Amounts,
    ) -> Result<(), Error> {
        let mut numbers_of = Holdings::default();
        if let Some(quota) = quota {
            let state = quota.state(key);
            numbers_of.quota_claimed = state.claimed;
            numbers_of.quota_available = state.available;
            numbers_of.n_traces = state.n_traces;
        }
        if let Some(trace) = trace {
            numbers_of.trace_claimed = trace.state(key).claimed;
        }
        let is_new = numbers_of.n_traces == 0;
        let n_quotas = self.n_quotas.saturating_add(u64::from(is_new));
        for (slot, &requested) in amounts.slots().iter().enumerate() {
            let numbers = Slot {
                account_available: at(&self.available, slot),
                quota_claimed: at(&numbers_of.quota_claimed, slot),
                quota_available: at(&numbers_of.quota_available, slot),
                trace_claimed: at(&numbers_of.trace_claimed, slot),
            };
            if requested == 0 || numbers.taken(requested, claim.is_own, n_quotas).is_some() {
                continue;
            }
            let refused = QuotaError {
                target: self.number,
                claimant: claim.claimant.number(),
                slot,
                requested,
                maximum: at(&self.maxima, slot),
                available: numbers.account_available,
                claimed: numbers.quota_claimed,
            };
            return Err(Error::Quota(Place::Call, refused));
        }
        Ok(())
    }

    /// Attaches a new trace, and its quota if that is new.
    pub(super) fn attach(&mut self, key: &mut Key, claim: &Claim<'_, S>, trace: &Ref<Trace<S>>) {
        let quota = trace.quota();
        if quota.state(key).n_attached == 0 {
            quota.state(key).keeps = (!claim.is_own).then(|| super::count_up(claim.claimant));
            self.quotas.insert(key, quota.clone());
        }
        trace.state(key).is_attached = true;
        quota.with_traces(key, |traces, key| traces.insert(key, trace.clone()));
        let quota = quota.state(key);
        quota.n_attached = quota.n_attached.saturating_add(1);
    }

    /// Takes a charge back that nothing came of: as [`Books::discharge`], but leaves the quota with what it had in hand before (ERR-1).
    pub(super) fn undo(
        &mut self,
        key: &mut Key,
        charged: &Charged<S>,
        amounts: &S::Amounts,
    ) -> Option<Ref<AccountCore<S>>> {
        let (trace, quota) = charged.trace.states(key);
        let had_any = trace.claimed != S::Amounts::ZERO;
        for (index, &amount) in amounts.slots().iter().enumerate() {
            let old = slot(&self.available, quota, trace, index);
            let in_hand = old.quota_available.saturating_add(amount);
            // Less than was taken is there only if another charge of the quota came between.
            let returned = at(&charged.taken, index).min(in_hand);
            let new = Slot {
                account_available: old.account_available.saturating_add(returned),
                quota_claimed: old.quota_claimed.saturating_sub(returned),
                quota_available: in_hand.saturating_sub(returned),
                trace_claimed: old.trace_claimed.saturating_sub(amount),
            };
            set_slot(&mut self.available, quota, trace, index, new);
        }
        let is_unused = self.lessened(trace, quota, had_any);
        is_unused.then(|| self.detach(key, &charged.trace))?
    }

    /// Gives `amounts` back. An account that is returned is used by one less: see [`super::leave`], outside the lock.
    #[inline(always)]
    pub(super) fn discharge(
        &mut self,
        key: &mut Key,
        through: &Ref<Trace<S>>,
        amounts: &S::Amounts,
    ) -> Option<Ref<AccountCore<S>>> {
        let (trace, quota) = through.states(key);
        let had_any = trace.claimed != S::Amounts::ZERO;
        let n_traces = quota.n_traces;
        for (index, &amount) in amounts.slots().iter().enumerate() {
            if amount > 0 {
                let numbers = slot(&self.available, quota, trace, index);
                let numbers = numbers.discharged(amount, n_traces);
                set_slot(&mut self.available, quota, trace, index, numbers);
            }
        }
        let is_unused = self.lessened(trace, quota, had_any);
        is_unused.then(|| self.detach(key, through))?
    }

    /// Moves `amounts` from one trace to another of the same account; nothing is checked (ACC-3).
    pub(super) fn transfer(
        &mut self,
        key: &mut Key,
        from: &Ref<Trace<S>>,
        to: &Ref<Trace<S>>,
        amounts: &S::Amounts,
    ) -> Option<Ref<AccountCore<S>>> {
        add(key, to, amounts, u64::saturating_add);
        add(key, from, amounts, u64::saturating_sub);
        let (trace, quota) = from.states(key);
        let is_unused = self.lessened(trace, quota, *amounts != S::Amounts::ZERO);
        is_unused.then(|| self.detach(key, from))?
    }

    /// Lets `own`, which holds something already, hold `kept` more, for which nothing else is taken of the account. False if it holds nothing.
    #[inline(always)]
    pub(super) fn keep(&mut self, key: &mut Key, own: &Trace<S>, kept: &S::Amounts) -> bool {
        if own.state(key).claimed == S::Amounts::ZERO {
            return false;
        }
        add(key, own, kept, u64::saturating_add);
        self.add_available(kept, u64::saturating_sub);
        true
    }

    /// Takes that back.
    pub(super) fn take_back(
        &mut self,
        key: &mut Key,
        own: &Ref<Trace<S>>,
        kept: &S::Amounts,
    ) -> Option<Ref<AccountCore<S>>> {
        add(key, own, kept, u64::saturating_sub);
        self.add_available(kept, u64::saturating_add);
        let (trace, quota) = own.states(key);
        let is_unused = self.lessened(trace, quota, true);
        is_unused.then(|| self.detach(key, own))?
    }

    #[inline(always)]
    fn add_available(&mut self, amounts: &S::Amounts, by: impl Fn(u64, u64) -> u64) {
        for (index, &amount) in amounts.slots().iter().enumerate() {
            if amount > 0 {
                change(&mut self.available, index, |available| {
                    by(available, amount)
                });
            }
        }
    }

    /// A trace holds less than before, when it held something if `had_any`. One that holds nothing counts no more; when the last trace of
    /// a quota does not, the quota returns everything. `true` if nobody remembers the trace either: it is to be detached.
    #[inline(always)]
    fn lessened(
        &mut self,
        trace: &mut TraceState<S>,
        quota: &mut QuotaState<S>,
        had_any: bool,
    ) -> bool {
        if trace.claimed != S::Amounts::ZERO || !trace.is_attached {
            return false;
        }
        if had_any {
            quota.n_traces = quota.n_traces.saturating_sub(1);
            if quota.n_traces == 0 {
                for (index, &claimed) in quota.claimed.slots().iter().enumerate() {
                    change(&mut self.available, index, |available| {
                        available.saturating_add(claimed)
                    });
                }
                quota.claimed = S::Amounts::ZERO;
                quota.available = S::Amounts::ZERO;
                self.n_quotas = self.n_quotas.saturating_sub(1);
            }
        }
        trace.n_remembering == 0
    }

    /// Detaches a trace that holds nothing and that nobody remembers, and its quota if that was the last. An account that is
    /// returned is used by one less.
    #[inline]
    pub(super) fn detach_if_unused(
        &mut self,
        key: &mut Key,
        trace: &Ref<Trace<S>>,
    ) -> Option<Ref<AccountCore<S>>> {
        let state = trace.state(key);
        if !state.is_attached || state.n_remembering > 0 || state.claimed != S::Amounts::ZERO {
            return None;
        }
        self.detach(key, trace)
    }

    #[cold]
    fn detach(&mut self, key: &mut Key, trace: &Ref<Trace<S>>) -> Option<Ref<AccountCore<S>>> {
        let state = trace.state(key);
        state.is_attached = false;
        state.spare.drain();
        let quota = trace.quota();
        drop(quota.with_traces(key, |traces, key| traces.remove(key, trace.actor())));
        let state = quota.state(key);
        state.n_attached = state.n_attached.saturating_sub(1);
        if state.n_attached > 0 {
            return None;
        }
        let kept = state.keeps.take();
        drop(self.quotas.remove(key, quota.claimant().as_u64()));
        kept
    }
}

/// What a charge of `amounts` takes in each slot, by what it takes in one; `None` if one refuses.
#[inline(always)]
fn taken<S: System>(
    amounts: &S::Amounts,
    taken_in: impl Fn(usize, u64) -> Option<u64>,
) -> Option<S::Amounts> {
    let mut taken = S::Amounts::ZERO;
    for (index, &amount) in amounts.slots().iter().enumerate() {
        if amount > 0 {
            put(&mut taken, index, taken_in(index, amount)?);
        }
    }
    Some(taken)
}

/// Changes what a trace and its quota claim by `amounts`.
#[inline(always)]
fn add<S: System>(
    key: &mut Key,
    through: &Trace<S>,
    amounts: &S::Amounts,
    by: impl Fn(u64, u64) -> u64,
) {
    let (trace, quota) = through.states(key);
    for (index, &amount) in amounts.slots().iter().enumerate() {
        if amount > 0 {
            change(&mut trace.claimed, index, |claimed| by(claimed, amount));
            change(&mut quota.claimed, index, |claimed| by(claimed, amount));
        }
    }
}
