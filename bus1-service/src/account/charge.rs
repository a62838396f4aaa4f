//! Charges and discharges, each one section of the lock of the account charged.
//!
//! A send charges through what its handle remembers ([`charge_through`]), everything else through a trace of its own or one that is
//! searched. Memory is taken before the lock, and only if the charge would pass: too little room comes before too little memory
//! (ERR-4).

use crate::handle::Handle;
use crate::mem::{KeyedGuard, Ref, Spare, Stock, put};
use crate::message::objects;
use crate::peer::PeerCore;
use crate::sync::Missed;
use crate::{Error, System};

use super::books::{Books, Charged, ChargedAll, Claim, Found};
use super::quota::{Quota, Trace};
use super::{AccountCore, leave};

/// Charges `amounts` to `target` on behalf of `actor` of `claimant`, through the trace `remembered` from an earlier charge if there is
/// one.
///
/// # Errors
/// [`Error::Quota`], [`Error::OutOfMemory`].
pub(crate) fn charge<S: System>(
    target: &Ref<AccountCore<S>>,
    claimant: &Ref<AccountCore<S>>,
    actor: u64,
    remembered: Option<&Ref<Trace<S>>>,
    amounts: &S::Amounts,
) -> Result<Charged<S>, Error> {
    let claim = Claim {
        claimant,
        actor,
        is_own: target.ptr_eq(claimant),
    };
    if let Some(trace) = remembered {
        let mut guard = target.change_books();
        let (books, key) = guard.parts();
        if trace.state(key).is_attached
            && let Some((trace, taken)) =
                books.charge(key, trace, claim.is_own, amounts, Spare::take)
        {
            return Ok(Charged { trace, taken });
        }
    }
    charge_anew(target, &claim, None, amounts)
}

/// Charges `amounts` to the account of the owner of `handle`'s node on behalf of `sender`, who holds the handle. The trace is
/// remembered in the handle, so that nothing is searched.
///
/// # Errors
/// [`Error::Quota`], [`Error::OutOfMemory`].
#[inline(always)]
pub(crate) fn charge_through<S: System>(
    handle: &Handle<S>,
    sender: &PeerCore<S>,
    amounts: &S::Amounts,
) -> Result<Charged<S>, Error> {
    let claim = claim(handle, sender);
    match charge_remembered(handle, claim.is_own, amounts) {
        Some(charged) => Ok(charged),
        None => charge_anew(
            &handle.node().owner().account,
            &claim,
            Some(handle),
            amounts,
        ),
    }
}

/// The same, if the handle remembers what it goes through and that does not refuse; `None` otherwise, and nothing is charged.
#[inline(always)]
pub(crate) fn charge_remembered<S: System>(
    handle: &Handle<S>,
    is_own: bool,
    amounts: &S::Amounts,
) -> Option<Charged<S>> {
    let guard = handle.node().owner().account.change_books();
    let (trace, taken) = through_remembered(guard, handle, is_own, amounts, Spare::take)?;
    Some(Charged { trace, taken })
}

/// The same as [`charge_through`], if the handle remembers what it goes through, that does not refuse, and the lock of the account is free: it
/// is not waited for, so this may be called with other locks held.
///
/// # Errors
/// [`Missed`] otherwise; nothing is charged.
#[inline(always)]
pub(crate) fn try_charge_through<S: System>(
    handle: &Handle<S>,
    sender: &PeerCore<S>,
    amounts: &S::Amounts,
) -> Result<Charged<S>, Missed> {
    let (trace, taken) = try_through_remembered(handle, sender, amounts, Spare::take)?;
    Ok(Charged { trace, taken })
}

/// The same for the price of `n` messages, as [`charge_all_through`].
#[inline(always)]
pub(crate) fn try_charge_all_through<S: System>(
    handle: &Handle<S>,
    sender: &PeerCore<S>,
    amounts: &S::Amounts,
    n: usize,
) -> Result<ChargedAll<S>, Missed> {
    let stock = |spare: &mut Spare<_>, trace: &_| spare.take_stock(trace, n);
    let (traces, taken) = try_through_remembered(handle, sender, amounts, stock)?;
    Ok(ChargedAll { traces, taken })
}

/// [`through_remembered`], if the lock of the account is free.
///
/// # Errors
/// [`Missed`] if it is not, or that refuses.
#[inline(always)]
fn try_through_remembered<S: System, R>(
    handle: &Handle<S>,
    sender: &PeerCore<S>,
    amounts: &S::Amounts,
    point: impl FnOnce(&mut Spare<Trace<S>>, &Ref<Trace<S>>) -> R,
) -> Result<(R, S::Amounts), Missed> {
    let account = &handle.node().owner().account;
    let is_own = account.ptr_eq(&sender.account);
    let guard = account.try_change_books().ok_or(Missed::Held)?;
    through_remembered(guard, handle, is_own, amounts, point).ok_or(Missed::Unusual)
}

/// Charges `amounts`, the price of `n` messages, at once, to the account of the owner of `handle`'s node, as [`charge_through`] does. By
/// the arithmetic of quotas that takes as much of the account, and is refused when, one of `n` charges in a row would be: what those
/// after the first that takes anything take is always twice their amount.
///
/// # Errors
/// [`Error::Quota`], [`Error::OutOfMemory`].
#[inline(always)]
pub(crate) fn charge_all_through<S: System>(
    handle: &Handle<S>,
    sender: &PeerCore<S>,
    amounts: &S::Amounts,
    n: usize,
) -> Result<ChargedAll<S>, Error> {
    let claim = claim(handle, sender);
    let guard = handle.node().owner().account.change_books();
    let stock = |spare: &mut Spare<_>, trace: &_| spare.take_stock(trace, n);
    if let Some((traces, taken)) = through_remembered(guard, handle, claim.is_own, amounts, stock) {
        return Ok(ChargedAll { traces, taken });
    }
    let target = &handle.node().owner().account;
    let Charged { trace, taken } = charge_anew(target, &claim, Some(handle), amounts)?;
    let mut traces = Stock::<Trace<S>>::new(trace);
    traces.fill_up(n.saturating_sub(1));
    Ok(ChargedAll { traces, taken })
}

/// Who charges when `sender` sends through `handle`.
#[inline(always)]
fn claim<'a, S: System>(handle: &Handle<S>, sender: &'a PeerCore<S>) -> Claim<'a, S> {
    Claim {
        claimant: &sender.account,
        actor: sender.actor,
        is_own: handle.node().owner().account.ptr_eq(&sender.account),
    }
}

/// Charges through the trace that `handle` remembers, in the books under `guard`, and lets `point` make pointers to it. `None` if there is none,
/// or it refuses.
#[inline(always)]
fn through_remembered<S: System, R>(
    mut guard: KeyedGuard<'_, S, Books<S>>,
    handle: &Handle<S>,
    is_own: bool,
    amounts: &S::Amounts,
    point: impl FnOnce(&mut Spare<Trace<S>>, &Ref<Trace<S>>) -> R,
) -> Option<(R, S::Amounts)> {
    let (books, key) = guard.parts();
    // Taken out meanwhile, since the key opens one thing at a time.
    let remembered = handle.remembered(key).take()?;
    let charged = books.charge(key, &remembered, is_own, amounts, point);
    put(handle.remembered(key), Some(remembered));
    charged
}

/// Charges through the trace that a search finds, or a new one, and lets `handle` remember it; or says why not.
#[cold]
fn charge_anew<S: System>(
    target: &Ref<AccountCore<S>>,
    claim: &Claim<'_, S>,
    handle: Option<&Handle<S>>,
    amounts: &S::Amounts,
) -> Result<Charged<S>, Error> {
    let number = claim.claimant.number;
    let mut new: Option<Ref<Trace<S>>> = None;
    loop {
        let quota = {
            let mut guard = target.change_books();
            let (books, key) = guard.parts();
            let (trace, quota) = match (books.find(key, claim), &new) {
                (Found::Trace(trace), _) => (Some(trace), None),
                (Found::Quota(quota), Some(new)) if new.quota().ptr_eq(&quota) => {
                    (Some(new.clone()), None)
                }
                (Found::Nothing, Some(new)) if new.quota().state(key).n_attached == 0 => {
                    (Some(new.clone()), None)
                }
                (Found::Quota(quota), _) => (None, Some(quota)),
                (Found::Nothing, _) => (None, None),
            };
            if let Some(trace) = trace {
                if !trace.state(key).is_attached {
                    books.attach(key, claim, &trace);
                }
                let result = match books.charge(key, &trace, claim.is_own, amounts, Spare::take) {
                    Some((trace, taken)) => Ok(Charged { trace, taken }),
                    None => books
                        .check(key, Some(trace.quota()), Some(&trace), claim, amounts)
                        .and(Err(Error::OutOfMemory)),
                };
                if let Some(handle) = handle
                    && result.is_ok()
                    && handle.remembered(key).is_none()
                    && !handle.granted.is_over()
                {
                    let state = trace.state(key);
                    state.n_remembering = state.n_remembering.saturating_add(1);
                    *handle.remembered(key) = Some(trace.clone());
                }
                let unused = books.detach_if_unused(key, &trace);
                drop(guard);
                if let Some(claimant) = unused {
                    leave(&claimant);
                }
                return result;
            }
            // Too little room comes before too little memory (ERR-4).
            books.check(key, quota.as_deref(), None, claim, amounts)?;
            quota
        };
        let quota = match quota {
            Some(quota) => quota,
            None => Quota::new(target.clone(), number)?,
        };
        new = Some(Trace::new(quota, claim.actor)?);
    }
}

/// The handle is released: it remembers nothing any more. Called without any lock.
pub(crate) fn forget<S: System>(handle: &Handle<S>) {
    let (trace, unused) = {
        let account = &handle.node().owner().account;
        let mut guard = account.books.lock();
        let (books, key) = guard.parts();
        handle.granted.end();
        let Some(trace) = handle.remembered(key).take() else {
            return;
        };
        account.end_epoch();
        let state = trace.state(key);
        state.n_remembering = state.n_remembering.saturating_sub(1);
        let unused = books.detach_if_unused(key, &trace);
        (trace, unused)
    };
    drop(trace);
    if let Some(claimant) = unused {
        leave(&claimant);
    }
}

/// Gives `amounts` back to the account that `trace` is on. Called without any lock.
#[inline]
pub(crate) fn discharge<S: System>(trace: &Ref<Trace<S>>, amounts: &S::Amounts) {
    if let Some(claimant) = give_back(trace, amounts) {
        leave(&claimant);
    }
}

/// Takes a charge back that nothing came of, so that the books are as before (ERR-1). Called without any lock.
pub(crate) fn undo<S: System>(charged: &Charged<S>, amounts: &S::Amounts) {
    let claimant = {
        let mut guard = charged.trace.target().change_books();
        let (books, key) = guard.parts();
        books.undo(key, charged, amounts)
    };
    if let Some(claimant) = claimant {
        leave(&claimant);
    }
}

#[inline(always)]
pub(super) fn give_back<S: System>(
    trace: &Ref<Trace<S>>,
    amounts: &S::Amounts,
) -> Option<Ref<AccountCore<S>>> {
    let mut guard = trace.target().change_books();
    let (books, key) = guard.parts();
    books.discharge(key, trace, amounts)
}

/// Settles a received message (ACC-3): discharges `price` from the sender's `trace` and moves `n_kept` objects from it to the receiver's own.
#[inline(always)]
pub(crate) fn receive<S: System>(
    trace: Ref<Trace<S>>,
    receiver: &PeerCore<S>,
    price: &S::Amounts,
    n_kept: u64,
) {
    // A message is charged to its receiver's account.
    let mut guard = receiver.account.change_books();
    let (books, key) = guard.parts();
    let mut unused = books.discharge(key, &trace, price);
    if n_kept > 0 {
        // Only one of them can have emptied the trace.
        unused = unused.or(books.transfer(key, &trace, &receiver.own, &objects::<S>(n_kept)));
    }
    let left_over = Spare::give(trace, key, |trace, key| {
        let state = trace.state(key);
        state.is_attached.then_some(&mut state.spare)
    });
    drop(guard);
    drop(left_over);
    if let Some(claimant) = unused {
        leave(&claimant);
    }
}
