//! Accounts: who pays for what (quota.md, ACC rules).

use core::marker::PhantomData;

use crate::{AccountNumber, Error, System};

/// An account; clones name the same one.
pub struct Account<S: System> {
    _system: PhantomData<S>,
}

impl<S: System> Clone for Account<S> {
    fn clone(&self) -> Self {
        Account {
            _system: PhantomData,
        }
    }
}

/// Somebody who acts for an account: every charge is made by one. A peer is one; an embedder may make others for its own slots.
pub struct Actor<S: System> {
    _system: PhantomData<S>,
}

/// Amounts held of an account; dropping it gives them back.
#[must_use = "dropping a charge gives it back"]
pub struct Charge<S: System> {
    _system: PhantomData<S>,
}

impl<S: System> Account<S> {
    pub(crate) fn placeholder() -> Account<S> {
        Account {
            _system: PhantomData,
        }
    }

    /// The first account, with what the machine sets aside as its maxima (ACC-7). Its number is 0.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn root(_maxima: S::Amounts) -> Result<Account<S>, Error> {
        Err(Error::OutOfMemory)
    }

    /// A new account whose maxima are a charge by `actor` on this one (ACC-7). They return when its last capability, peer and
    /// charge are gone (ACC-8).
    ///
    /// # Errors
    /// [`Error::Quota`], [`Error::OutOfMemory`].
    pub fn child(&self, _actor: &Actor<S>, _maxima: S::Amounts) -> Result<Account<S>, Error> {
        Err(Error::OutOfMemory)
    }

    /// A new actor of this account.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn actor(&self) -> Result<Actor<S>, Error> {
        Err(Error::OutOfMemory)
    }

    /// Charges `amounts` to this account on behalf of `actor` and the account it acts for.
    ///
    /// # Errors
    /// [`Error::Quota`], [`Error::OutOfMemory`].
    pub fn charge(&self, _actor: &Actor<S>, _amounts: S::Amounts) -> Result<Charge<S>, Error> {
        Err(Error::OutOfMemory)
    }

    /// Its number: the same for all receivers, never used again.
    #[must_use]
    pub fn number(&self) -> AccountNumber {
        AccountNumber::from_u64(0)
    }
}

impl<S: System> Charge<S> {
    /// Charges more to the same account on behalf of the same actor, as part of this charge: an embedder that gives something
    /// out piece by piece needs one charge, not one for each piece.
    ///
    /// # Errors
    /// [`Error::Quota`]; the charge is as before then.
    pub fn grow(&mut self, _amounts: S::Amounts) -> Result<(), Error> {
        Err(Error::OutOfMemory)
    }

    /// Gives a part back. More than is charged in a slot counts as all of it.
    pub fn shrink(&mut self, _amounts: S::Amounts) {}

    /// What is charged.
    #[must_use]
    pub fn amounts(&self) -> S::Amounts {
        <S::Amounts as crate::Amounts>::ZERO
    }
}
