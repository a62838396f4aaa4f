//! The books of an account: who claims how much of it (quota.md).
//!
//! An account's books hold one *quota* per claiming account and, in it, one *trace* per actor of that account. Rules:
//! 1. All of it is under the account's own lock, under which no other lock is taken.
//! 2. Quotas and traces are allocated before the lock is taken and linked under it. They are *attached* while they hold anything;
//!    a detached one is kept by whoever remembers it (the handle that was sent through) and attached again by the next charge.
//! 3. While a quota is attached, the account that claims is kept (ACC-8).

use crate::mem::{Key, Ref};
use crate::{AccountNumber, Amounts, Error, Place, QuotaError, System};

use super::AccountCore;
use super::arithmetic::Slot;
use super::quota::{Holdings, Quota, Trace, at, change, put};
use super::tree::Tree;

/// What is under the lock of an account.
pub(crate) struct Books<S: System> {
    number: AccountNumber,
    pub(super) maxima: S::Amounts,
    pub(super) available: S::Amounts,
    pub(super) quotas: Tree<Quota<S>>,
    pub(super) n_quotas: u64,
}

/// A charge that was made.
pub(crate) struct Charged<S: System> {
    /// What it went through.
    pub(crate) trace: Ref<Trace<S>>,
    /// What its quota took of the account for it.
    taken: S::Amounts,
}

/// Where a charge of an actor goes.
pub(super) enum Found<S: System> {
    /// Through the trace that was remembered.
    Remembered,
    /// Through another attached trace.
    Trace(Ref<Trace<S>>),
    /// A new trace of an attached quota.
    Quota(Ref<Quota<S>>),
    /// A new quota.
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

    /// The trace of actor `actor` of `claimant`; `remembered` is looked at first.
    pub(super) fn find(
        &self,
        key: &mut Key,
        claimant: AccountNumber,
        actor: u64,
        remembered: Option<&Ref<Trace<S>>>,
    ) -> Found<S> {
        if let Some(trace) = remembered
            && trace.state(key).is_attached
        {
            return Found::Remembered;
        }
        let Some(quota) = self.quotas.find(key, claimant.as_u64()) else {
            return Found::Nothing;
        };
        // Taken out for the walk, since the key opens one thing at a time.
        let traces = core::mem::replace(&mut quota.state(key).traces, Tree::new());
        let trace = traces.find(key, actor);
        quota.state(key).traces = traces;
        trace.map_or(Found::Quota(quota), Found::Trace)
    }

    /// Checks a charge of `amounts` in every slot and, if all pass, makes it. `found` says where it goes. `spare` is the trace that was
    /// remembered, or a fresh one: taken if the charge goes through it. `None` if one is needed and there is none: the caller
    /// allocates it and comes again.
    ///
    /// # Errors
    /// The first slot that refuses; nothing is changed then.
    pub(super) fn charge(
        &mut self,
        key: &mut Key,
        claimant: &Ref<AccountCore<S>>,
        is_own: bool,
        found: Found<S>,
        spare: &mut Option<Ref<Trace<S>>>,
        amounts: &S::Amounts,
    ) -> Result<Option<Charged<S>>, Error> {
        let before = match (&found, &spare) {
            (Found::Remembered, Some(trace)) | (Found::Trace(trace), _) => trace.holdings(key),
            (Found::Quota(quota), _) => Holdings {
                trace: S::Amounts::ZERO,
                ..quota.holdings(key)
            },
            _ => Holdings::default(),
        };
        let n_quotas = self
            .n_quotas
            .saturating_add(u64::from(matches!(found, Found::Nothing)));
        let (mut available, mut after, mut taken) = (self.available, before, S::Amounts::ZERO);
        for (slot, &amount) in amounts.slots().iter().enumerate() {
            if amount == 0 {
                continue;
            }
            let old = before.slot(&self.available, slot);
            let Some(new) = old.charged(amount, is_own, n_quotas) else {
                return Err(self.refusal(claimant, slot, amount, old));
            };
            put(&mut available, slot, new.account_available);
            put(
                &mut taken,
                slot,
                new.quota_claimed.saturating_sub(old.quota_claimed),
            );
            after.put(slot, new);
        }
        let trace = match (found, spare.take()) {
            (Found::Trace(trace), left_over) => {
                *spare = left_over;
                trace
            }
            (_, None) => return Ok(None),
            (Found::Remembered, Some(trace)) => trace,
            (found, Some(trace)) => {
                self.attach(key, claimant, is_own, found, &trace);
                trace
            }
        };
        self.available = available;
        trace.with_quota(key, |quota, key| {
            let state = quota.state(key);
            state.claimed = after.claimed;
            state.available = after.available;
        });
        trace.state(key).claimed = after.trace;
        Ok(Some(Charged { trace, taken }))
    }

    fn refusal(
        &self,
        claimant: &Ref<AccountCore<S>>,
        slot: usize,
        requested: u64,
        old: Slot,
    ) -> Error {
        Error::Quota(
            Place::Call,
            QuotaError {
                target: self.number,
                claimant: claimant.number(),
                slot,
                requested,
                maximum: at(&self.maxima, slot),
                available: old.account_available,
                claimed: old.quota_claimed,
            },
        )
    }

    /// Takes a charge back that nothing came of: as [`Books::discharge`], but leaves the quota with what it had in hand before (ERR-1).
    pub(super) fn undo(
        &mut self,
        key: &mut Key,
        charged: &Charged<S>,
        amounts: &S::Amounts,
    ) -> Option<Ref<AccountCore<S>>> {
        charged.trace.with_quota(key, |quota, key| {
            for (slot, (&amount, &taken)) in amounts
                .slots()
                .iter()
                .zip(charged.taken.slots())
                .enumerate()
            {
                change(&mut charged.trace.state(key).claimed, slot, |claimed| {
                    claimed.saturating_sub(amount)
                });
                let state = quota.state(key);
                let in_hand = at(&state.available, slot).saturating_add(amount);
                // Less than was taken is there only if another charge of the quota came between.
                let returned = taken.min(in_hand);
                put(&mut state.available, slot, in_hand.saturating_sub(returned));
                change(&mut state.claimed, slot, |claimed| {
                    claimed.saturating_sub(returned)
                });
                change(&mut self.available, slot, |available| {
                    available.saturating_add(returned)
                });
            }
            self.detach_if_empty(key, &charged.trace, quota)
        })
    }

    fn attach(
        &mut self,
        key: &mut Key,
        claimant: &Ref<AccountCore<S>>,
        is_own: bool,
        found: Found<S>,
        trace: &Ref<Trace<S>>,
    ) {
        let quota = match found {
            Found::Quota(quota) => Some(quota),
            _ => trace.with_quota(key, |quota, key| {
                let state = quota.state(key);
                state.is_attached = true;
                state.keeps = (!is_own).then(|| claimant.used());
                self.quotas.insert(key, quota.clone());
                self.n_quotas = self.n_quotas.saturating_add(1);
                None
            }),
        };
        let state = trace.state(key);
        state.is_attached = true;
        if quota.is_some() {
            state.quota = quota;
        }
        trace.with_quota(key, |quota, key| {
            let mut traces = core::mem::replace(&mut quota.state(key).traces, Tree::new());
            traces.insert(key, trace.clone());
            let state = quota.state(key);
            state.traces = traces;
            state.n_traces = state.n_traces.saturating_add(1);
        });
    }

    /// Gives `amounts` back. An account that is returned is used by one less: see [`super::leave`], outside the lock.
    pub(super) fn discharge(
        &mut self,
        key: &mut Key,
        trace: &Ref<Trace<S>>,
        amounts: &S::Amounts,
    ) -> Option<Ref<AccountCore<S>>> {
        trace.with_quota(key, |quota, key| {
            let n_traces = quota.state(key).n_traces;
            let before = Holdings {
                trace: trace.state(key).claimed,
                ..quota.holdings(key)
            };
            let mut after = before;
            for (slot, &amount) in amounts.slots().iter().enumerate() {
                if amount == 0 {
                    continue;
                }
                let new = before
                    .slot(&self.available, slot)
                    .discharged(amount, n_traces);
                put(&mut self.available, slot, new.account_available);
                after.put(slot, new);
            }
            let state = quota.state(key);
            state.claimed = after.claimed;
            state.available = after.available;
            trace.state(key).claimed = after.trace;
            self.detach_if_empty(key, trace, quota)
        })
    }

    /// Moves `amounts` from one trace to another of the same account; nothing is checked (ACC-3).
    pub(super) fn transfer(
        &mut self,
        key: &mut Key,
        from: &Ref<Trace<S>>,
        to: &Ref<Trace<S>>,
        amounts: &S::Amounts,
    ) -> Option<Ref<AccountCore<S>>> {
        from.shift(key, amounts, u64::saturating_sub);
        to.shift(key, amounts, u64::saturating_add);
        from.with_quota(key, |quota, key| self.detach_if_empty(key, from, quota))
    }

    /// The last charge of a trace removes the trace; the last trace removes the quota and returns everything.
    fn detach_if_empty(
        &mut self,
        key: &mut Key,
        trace: &Ref<Trace<S>>,
        quota: &Ref<Quota<S>>,
    ) -> Option<Ref<AccountCore<S>>> {
        let state = trace.state(key);
        if !state.is_attached || state.claimed != S::Amounts::ZERO {
            return None;
        }
        state.is_attached = false;
        let mut traces = core::mem::replace(&mut quota.state(key).traces, Tree::new());
        drop(traces.remove(key, trace.actor()));
        let state = quota.state(key);
        state.traces = traces;
        state.n_traces = state.n_traces.saturating_sub(1);
        if state.n_traces > 0 {
            return None;
        }
        for (slot, &claimed) in state.claimed.slots().iter().enumerate() {
            change(&mut self.available, slot, |available| {
                available.saturating_add(claimed)
            });
        }
        state.claimed = S::Amounts::ZERO;
        state.available = S::Amounts::ZERO;
        state.is_attached = false;
        let kept = state.keeps.take();
        drop(self.quotas.remove(key, quota.claimant().as_u64()));
        self.n_quotas = self.n_quotas.saturating_sub(1);
        kept
    }
}
