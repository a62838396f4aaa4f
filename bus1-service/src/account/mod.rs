//! Accounts: who pays for what (quota.md, ACC rules).
//!
//! An account has a maximum per slot. Whoever makes it hold something, for itself or for others, charges it first, as an *actor* of
//! an account: every peer is one. States: *open*; *closed* when its last capability, peer and charge, on it or by it, are
//! gone, and then its maxima return to the account they are a charge on (ACC-8). Rules:
//! 1. The books of an account are under its own lock; an operation takes one such lock at a time.
//! 2. `users` counts what keeps an account open: capabilities ([`Account`]), its peers, its quotas in other accounts, and its children.
//!    Whatever else points to it (a remembered trace) keeps no more than its memory.

mod arithmetic;
mod books;
mod inspect;
mod pass;
mod quota;
mod tree;

use core::sync::atomic::{AtomicU64 as Counter, Ordering};

pub(crate) use books::{Books, Charged};
use books::{Claim, Found};
pub(crate) use pass::pass;
pub(crate) use quota::{InQuota, Quota, Remembered, Trace};

pub use inspect::{AccountInfo, QuotaInfo, TraceInfo};

use crate::handle::Handle;
use crate::mem::{KeyedMutex, Ref, Spare};
use crate::peer::PeerCore;
use crate::sync::{Mutex, record};
use crate::{AccountNumber, Amounts, Error, System};

/// An account; clones name the same one and keep it open.
pub struct Account<S: System> {
    core: Ref<AccountCore<S>>,
}

/// What all the names of an account share.
pub(crate) struct AccountCore<S: System> {
    number: AccountNumber,
    /// The next number of an account, shared by a root and all below it.
    numbers: Ref<Counter>,
    next_actor: Counter,
    users: Counter,
    life: Mutex<S, Life<S>>,
    pub(crate) books: KeyedMutex<S, Books<S>>,
}

struct Life<S: System> {
    /// What its maxima are a charge on.
    parent: Option<(Ref<Trace<S>>, S::Amounts)>,
    /// The next account that closes, while several do.
    next_closing: Option<Ref<AccountCore<S>>>,
}

/// Somebody who acts for an account: every charge is made by one. A peer is one; an embedder may make others for its own slots.
pub struct Actor<S: System> {
    account: Account<S>,
    number: u64,
}

/// Amounts held of an account; dropping it gives them back.
#[must_use = "dropping a charge gives it back"]
pub struct Charge<S: System> {
    target: Account<S>,
    claimant: Account<S>,
    trace: Ref<Trace<S>>,
    amounts: S::Amounts,
}

impl<S: System> Account<S> {
    /// The first account, with what the machine sets aside as its maxima (ACC-7). Its number is 0.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn root(maxima: S::Amounts) -> Result<Account<S>, Error> {
        let numbers = Ref::try_new(Counter::new(1))?;
        Account::new(AccountNumber::from_u64(0), numbers, maxima)
    }

    /// A new account whose maxima are a charge by `actor` on this one (ACC-7). They return when its last capability, peer and
    /// charge are gone (ACC-8).
    ///
    /// # Errors
    /// [`Error::Quota`], [`Error::OutOfMemory`].
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
    /// let child = account.child(&account.actor(), [1000, 4096])?;
    /// assert_eq!(child.inspect().available, [1000, 4096]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn child(&self, actor: &Actor<S>, maxima: S::Amounts) -> Result<Account<S>, Error> {
        let charged = charge(&self.core, &actor.account.core, actor.number, None, &maxima)?;
        let number = AccountNumber::from_u64(self.core.numbers.fetch_add(1, Ordering::Relaxed));
        match Account::new(number, self.core.numbers.clone(), maxima) {
            Ok(child) => {
                self.core.used();
                child.core.life.lock().parent = Some((charged.trace, maxima));
                Ok(child)
            }
            Err(error) => {
                undo(&charged, &maxima);
                Err(error)
            }
        }
    }

    fn new(
        number: AccountNumber,
        numbers: Ref<Counter>,
        maxima: S::Amounts,
    ) -> Result<Account<S>, Error> {
        let core = Ref::try_new(AccountCore {
            number,
            numbers,
            next_actor: Counter::new(0),
            users: Counter::new(1),
            life: Mutex::new(Life {
                parent: None,
                next_closing: None,
            }),
            books: KeyedMutex::new(Books::new(number, maxima)),
        })?;
        Ok(Account { core })
    }

    /// A new actor of this account.
    #[must_use]
    pub fn actor(&self) -> Actor<S> {
        Actor {
            account: self.clone(),
            number: self.core.next_actor(),
        }
    }

    /// Charges `amounts` to this account on behalf of `actor` and the account it acts for.
    ///
    /// # Errors
    /// [`Error::Quota`], [`Error::OutOfMemory`].
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
    /// let actor = account.actor();
    /// let held = account.charge(&actor, [10, 0])?;
    /// assert!(account.inspect().available[bus1_service::OBJECTS] <= (1 << 20) - 10);
    /// drop(held);
    /// # Ok(())
    /// # }
    /// ```
    pub fn charge(&self, actor: &Actor<S>, amounts: S::Amounts) -> Result<Charge<S>, Error> {
        let claimant = &actor.account.core;
        let trace = charge(&self.core, claimant, actor.number, None, &amounts)?.trace;
        Ok(Charge {
            target: self.clone(),
            claimant: actor.account.clone(),
            trace,
            amounts,
        })
    }

    /// Its number: the same for all receivers, never used again.
    #[must_use]
    pub fn number(&self) -> AccountNumber {
        self.core.number
    }

    /// Whether both are the same account.
    #[must_use]
    pub fn is_same(&self, other: &Account<S>) -> bool {
        self.core.ptr_eq(&other.core)
    }

    pub(crate) fn core(&self) -> &Ref<AccountCore<S>> {
        &self.core
    }

    /// The account with this core, which is open.
    pub(crate) fn from_core(core: &Ref<AccountCore<S>>) -> Account<S> {
        Account { core: core.used() }
    }
}

impl<S: System> Clone for Account<S> {
    fn clone(&self) -> Self {
        Account {
            core: self.core.used(),
        }
    }
}

impl<S: System> Drop for Account<S> {
    fn drop(&mut self) {
        leave(&self.core);
    }
}

impl<S: System> Charge<S> {
    /// Charges more to the same account on behalf of the same actor, as part of this charge: an embedder that gives something
    /// out piece by piece needs one charge, not one for each piece.
    ///
    /// # Errors
    /// [`Error::Quota`], [`Error::OutOfMemory`]; the charge is as before then.
    pub fn grow(&mut self, amounts: S::Amounts) -> Result<(), Error> {
        let (target, claimant) = (&self.target.core, &self.claimant.core);
        self.trace = charge(
            target,
            claimant,
            self.trace.actor(),
            Some(&self.trace),
            &amounts,
        )?
        .trace;
        for (held, &more) in self.amounts.slots_mut().iter_mut().zip(amounts.slots()) {
            // What is charged fits the account's books, which are in 64 bits.
            *held = held.saturating_add(more);
        }
        Ok(())
    }

    /// Gives a part back. More than is charged in a slot counts as all of it.
    pub fn shrink(&mut self, amounts: S::Amounts) {
        let mut less = amounts;
        for (held, less) in self.amounts.slots_mut().iter_mut().zip(less.slots_mut()) {
            *less = (*less).min(*held);
            *held = held.saturating_sub(*less);
        }
        discharge(&self.trace, &less);
    }

    /// What is charged.
    #[must_use]
    pub fn amounts(&self) -> S::Amounts {
        self.amounts
    }
}

impl<S: System> Drop for Charge<S> {
    fn drop(&mut self) {
        discharge(&self.trace, &self.amounts);
    }
}

impl<S: System> AccountCore<S> {
    pub(crate) fn number(&self) -> AccountNumber {
        self.number
    }

    pub(crate) fn next_actor(&self) -> u64 {
        self.next_actor.fetch_add(1, Ordering::Relaxed)
    }
}

impl<S: System> Ref<AccountCore<S>> {
    /// The account, used by one more.
    fn used(&self) -> Ref<AccountCore<S>> {
        record(core::ptr::from_ref(&self.users).addr());
        self.users.fetch_add(1, Ordering::Relaxed);
        self.clone()
    }
}

/// The account is used by one less. The last use closes it, and what it claimed returns; the accounts that this closes in turn are put on
/// a list, never on the stack. Called without any lock.
fn leave<S: System>(core: &Ref<AccountCore<S>>) {
    let mut closing = None;
    count_down(core, &mut closing);
    while let Some(account) = closing {
        let mut life = account.life.lock();
        closing = life.next_closing.take();
        let parent = life.parent.take();
        drop(life);
        if let Some((trace, amounts)) = parent {
            if let Some(claimant) = give_back(&trace, &amounts) {
                count_down(&claimant, &mut closing);
            }
            count_down(trace.target(), &mut closing);
        }
    }
}

fn count_down<S: System>(core: &Ref<AccountCore<S>>, closing: &mut Option<Ref<AccountCore<S>>>) {
    record(core::ptr::from_ref(&core.users).addr());
    if core.users.fetch_sub(1, Ordering::AcqRel) == 1 {
        core.life.lock().next_closing = closing.take();
        *closing = Some(core.clone());
    }
}

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
        let mut guard = target.books.lock();
        let (books, key) = guard.parts();
        if trace.state(key).is_attached
            && let Some(charged) = books.charge(key, trace, claim.is_own, amounts)
        {
            return Ok(charged);
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
    let target = &handle.node().owner().account;
    let claim = Claim {
        claimant: &sender.account,
        actor: sender.actor,
        is_own: target.ptr_eq(&sender.account),
    };
    {
        let mut guard = target.books.lock();
        let (books, key) = guard.parts();
        // Taken out meanwhile, since the key opens one thing at a time.
        let remembered = core::mem::replace(handle.remembered(key), Remembered::Nothing);
        let charged = match &remembered {
            Remembered::Trace(trace) => books.charge(key, trace, claim.is_own, amounts),
            Remembered::Nothing | Remembered::Over => None,
        };
        // Nothing was left there that is to be dropped.
        core::mem::forget(core::mem::replace(handle.remembered(key), remembered));
        if let Some(charged) = charged {
            return Ok(charged);
        }
    }
    charge_anew(target, &claim, Some(handle), amounts)
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
            let mut guard = target.books.lock();
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
                let result = match books.charge(key, &trace, claim.is_own, amounts) {
                    Some(charged) => Ok(charged),
                    None => books
                        .check(key, Some(trace.quota()), Some(&trace), claim, amounts)
                        .and(Err(Error::OutOfMemory)),
                };
                if let Some(handle) = handle
                    && result.is_ok()
                    && matches!(handle.remembered(key), Remembered::Nothing)
                {
                    let state = trace.state(key);
                    state.n_remembering = state.n_remembering.saturating_add(1);
                    *handle.remembered(key) = Remembered::Trace(trace.clone());
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
        let mut guard = handle.node().owner().account.books.lock();
        let (books, key) = guard.parts();
        let remembered = core::mem::replace(handle.remembered(key), Remembered::Over);
        let Remembered::Trace(trace) = remembered else {
            return;
        };
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
pub(crate) fn discharge<S: System>(trace: &Ref<Trace<S>>, amounts: &S::Amounts) {
    if let Some(claimant) = give_back(trace, amounts) {
        leave(&claimant);
    }
}

/// Takes a charge back that nothing came of, so that the books are as before (ERR-1). Called without any lock.
pub(crate) fn undo<S: System>(charged: &Charged<S>, amounts: &S::Amounts) {
    let claimant = {
        let mut guard = charged.trace.target().books.lock();
        let (books, key) = guard.parts();
        books.undo(key, charged, amounts)
    };
    if let Some(claimant) = claimant {
        leave(&claimant);
    }
}

#[inline(never)]
fn give_back<S: System>(
    trace: &Ref<Trace<S>>,
    amounts: &S::Amounts,
) -> Option<Ref<AccountCore<S>>> {
    let mut guard = trace.target().books.lock();
    let (books, key) = guard.parts();
    books.discharge(key, trace, amounts)
}

/// Settles a received message (ACC-3): discharges `price` from the sender's `trace` and moves `kept` from it to the receiver's own.
#[inline(always)]
pub(crate) fn receive<S: System>(
    trace: Ref<Trace<S>>,
    receiver: &PeerCore<S>,
    price: &S::Amounts,
    kept: &S::Amounts,
) {
    // A message is charged to its receiver's account.
    let mut guard = receiver.account.books.lock();
    let (books, key) = guard.parts();
    let mut unused = books.discharge(key, &trace, price);
    if *kept != S::Amounts::ZERO {
        // Only one of them can have emptied the trace.
        unused = unused.or(books.transfer(key, &trace, &receiver.own, kept));
    }
    if trace.state(key).is_attached {
        Spare::give(trace, key, |trace, key| &mut trace.state(key).spare);
        drop(guard);
    } else {
        drop(guard);
        drop(trace);
    }
    if let Some(claimant) = unused {
        leave(&claimant);
    }
}
