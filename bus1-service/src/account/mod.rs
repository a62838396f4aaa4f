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
mod charge;
mod inspect;
mod pass;
mod quota;
mod resize;
mod tree;

use core::sync::atomic::{AtomicU64 as Counter, Ordering};

pub(crate) use books::{Books, Charged};
use charge::give_back;
pub(crate) use charge::{
    charge, charge_all_through, charge_remembered, charge_through, discharge, forget, receive,
    try_charge_all_through, try_charge_through, undo,
};
pub(crate) use pass::{Granted, is_granted, pass, pass_with, take_back};
pub(crate) use quota::{InQuota, Quota, Trace};

pub use inspect::{AccountInfo, QuotaInfo, TraceInfo};

use crate::mem::{KeyedGuard, KeyedMutex, Ref};
use crate::sync::{AtomicU64, Mutex, record};
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
    /// Changes before the books do, under their lock; 1 to begin with ([`pass`]).
    epoch: AtomicU64,
}

struct Life<S: System> {
    /// What its maxima are a charge through.
    parent: Option<Ref<Trace<S>>>,
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
                count_up(&self.core);
                child.core.life.lock().parent = Some(charged.trace);
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
            epoch: AtomicU64::new(1),
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
        Account {
            core: count_up(core),
        }
    }
}

impl<S: System> Clone for Account<S> {
    fn clone(&self) -> Self {
        Account {
            core: count_up(&self.core),
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
    /// let mut held = account.charge(&account.actor(), [10, 0])?;
    /// held.grow([5, 100])?;
    /// assert_eq!(held.amounts(), [15, 100]);
    /// held.shrink([15, 0]);
    /// assert_eq!(held.amounts(), [0, 100]);
    /// # Ok(())
    /// # }
    /// ```
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

    /// The books, to be changed: what they would grant is to be found out anew.
    #[inline(always)]
    fn change_books(&self) -> KeyedGuard<'_, S, Books<S>> {
        let guard = self.books.lock();
        self.end_epoch();
        guard
    }

    /// The same, if their lock is free.
    #[inline(always)]
    fn try_change_books(&self) -> Option<KeyedGuard<'_, S, Books<S>>> {
        let guard = self.books.try_lock()?;
        self.end_epoch();
        Some(guard)
    }

    /// The books are about to change; for the holder of their lock.
    #[inline(always)]
    fn end_epoch(&self) {
        let epoch = self.epoch.load(Ordering::Relaxed).wrapping_add(1);
        self.epoch.store(epoch, Ordering::Release);
    }

    pub(crate) fn next_actor(&self) -> u64 {
        self.next_actor.fetch_add(1, Ordering::Relaxed)
    }
}

/// The account, used by one more.
fn count_up<S: System>(core: &Ref<AccountCore<S>>) -> Ref<AccountCore<S>> {
    record(core::ptr::from_ref(&core.users).addr());
    core.users.fetch_add(1, Ordering::Relaxed);
    core.clone()
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
        if let Some(trace) = parent {
            // Nobody is left who could change them.
            let maxima = account.books.lock().parts().0.maxima;
            if let Some(claimant) = give_back(&trace, &maxima) {
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
