//! The books of an account: who claims how much of it (quota.md).
//!
//! An account's books hold one *quota* per claiming account and, in it, one *trace* per actor of that account. Rules:
//! 1. All of it is under the account's own lock, under which no other lock is taken.
//! 2. Quotas and traces are allocated before the lock is taken and linked under it. They are *attached* while they hold anything;
//!    a detached one is kept by whoever remembers it (the handle that was sent through) and attached again by the next charge.
//! 3. While a quota is attached, the account that claims is kept (ACC-8).

use crate::mem::{Key, LockedBy, Ref};
use crate::{AccountNumber, Amounts, Error, Place, QuotaError, System};

use super::AccountCore;
use super::arithmetic::Slot;
use super::tree::{Branch, Children, Tree};

/// What is under the lock of an account.
pub(crate) struct Books<S: System> {
    number: AccountNumber,
    pub(super) maxima: S::Amounts,
    pub(super) available: S::Amounts,
    pub(super) quotas: Tree<Quota<S>>,
    pub(super) n_quotas: u64,
}

/// What one claiming account holds in a target account.
pub(crate) struct Quota<S: System> {
    claimant: AccountNumber,
    state: LockedBy<Ref<AccountCore<S>>, QuotaState<S>>,
}

pub(super) struct QuotaState<S: System> {
    /// The claiming account, while the quota is attached and not the account's own.
    keeps: Option<Ref<AccountCore<S>>>,
    is_attached: bool,
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
    quota: Option<Ref<Quota<S>>>,
    is_attached: bool,
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

    fn holdings(&self, key: &mut Key) -> Holdings<S::Amounts> {
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

    fn holdings(&self, key: &mut Key) -> Holdings<S::Amounts> {
        let holdings = self.with_quota(key, |quota, key| quota.holdings(key));
        Holdings {
            trace: self.state.get(key).claimed,
            ..holdings
        }
    }

    /// Changes what it and its quota hold by `amounts`, as a charge moves from one trace to another.
    fn shift(&self, key: &mut Key, amounts: &S::Amounts, by: fn(u64, u64) -> u64) {
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
    fn with_quota<R: Default>(
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
struct Holdings<A> {
    /// Q.claimed.
    claimed: A,
    /// Q.avail.
    available: A,
    /// T.claimed.
    trace: A,
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
    fn slot(&self, account_available: &A, slot: usize) -> Slot {
        Slot {
            account_available: at(account_available, slot),
            quota_claimed: at(&self.claimed, slot),
            quota_available: at(&self.available, slot),
            trace_claimed: at(&self.trace, slot),
        }
    }

    fn put(&mut self, slot: usize, numbers: Slot) {
        put(&mut self.claimed, slot, numbers.quota_claimed);
        put(&mut self.available, slot, numbers.quota_available);
        put(&mut self.trace, slot, numbers.trace_claimed);
    }
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
        drop(self.quotas.remove(key, quota.claimant.as_u64()));
        self.n_quotas = self.n_quotas.saturating_sub(1);
        kept
    }
}

/// The amount of a slot.
pub(super) fn at<A: Amounts>(amounts: &A, slot: usize) -> u64 {
    amounts.slots().get(slot).copied().unwrap_or(0)
}

fn put<A: Amounts>(amounts: &mut A, slot: usize, amount: u64) {
    change(amounts, slot, |_| amount);
}

fn change<A: Amounts>(amounts: &mut A, slot: usize, change: impl FnOnce(u64) -> u64) {
    if let Some(place) = amounts.slots_mut().get_mut(slot) {
        *place = change(*place);
    }
}
