//! Accounts: who pays, and up to how much (`docs/model.md`, section 8).

use crate::calls::{self, Result};
use crate::capability::{Owned, owns_capability};
use alloc::vec;
use alloc::vec::Vec;
use omnibus_abi::native::{AccountClaim, AccountLimits, AccountState};

/// An account that this task may use as far as the rights of its capability go.
#[derive(Debug)]
pub struct Account(Owned);

owns_capability!(Account);

impl Account {
    /// Carves an account of its own out of this one; its maxima are charged here (ACC-7).
    ///
    /// # Errors
    /// `EDQUOT`: not that much is left. `EPERM`: no right CARVE. `ENOMEM`.
    pub fn carve(&self, objects: u64, bytes: u64, frames: u64) -> Result<Self> {
        self.carve_with(&AccountLimits {
            objects,
            bytes,
            frames,
            ..AccountLimits::default()
        })
    }

    /// The same with all that can be said of an account, a share of CPU time among it.
    ///
    /// # Errors
    /// Those of [`Self::carve`]; `EINVAL`: no objects, or a share that is none.
    pub fn carve_with(&self, limits: &AccountLimits) -> Result<Self> {
        calls::account_new(self.number(), limits).map(Self::from_capability)
    }

    /// Gives it other limits. What is more is taken from `parent`, which it was carved out of, and what is less returns there; all of it, or
    /// nothing.
    ///
    /// # Errors
    /// `EDQUOT`: the parent has not that much left. `EBUSY`: more is claimed of this account. `EPERM`: no right LIMIT, or of the parent none to
    /// CARVE. `EINVAL`: no objects, or not its parent. `ENOMEM`.
    pub fn set_limits(&self, parent: &Self, objects: u64, bytes: u64, frames: u64) -> Result<()> {
        let limits = AccountLimits {
            objects,
            bytes,
            frames,
            ..AccountLimits::default()
        };
        calls::account_limits(self.number(), parent.number(), &limits)
    }

    /// Gives it a share of CPU time, or another one: `budget_ns` of every `period_ns`. A budget of the whole period is no bound; both 0
    /// take the share away.
    ///
    /// # Errors
    /// `EPERM`: no right LIMIT. `EINVAL`: no share. `ENOMEM`.
    pub fn set_share(&self, budget_ns: u64, period_ns: u64) -> Result<()> {
        calls::account_share(self.number(), budget_ns, period_ns)
    }

    /// A second capability for the same account, with all its rights.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn copy(&self) -> Result<Self> {
        self.0.copy(self.0.info()?.rights).map(Self)
    }

    /// Limits and use.
    ///
    /// # Errors
    /// `EPERM`: no right INSPECT.
    pub fn state(&self) -> Result<AccountState> {
        calls::account_read(self.number())
    }

    /// [`Self::state`] without the CPU time, which does not come back: the same again when everything that was held is given back.
    ///
    /// # Errors
    /// `EPERM`: no right INSPECT.
    pub fn holdings(&self) -> Result<AccountState> {
        let state = self.state()?;
        Ok(AccountState { cpu_ns: 0, ..state })
    }

    /// Who claims how much, in the order of the claimants' numbers.
    ///
    /// # Errors
    /// `EPERM`: no right INSPECT.
    pub fn claims(&self) -> Result<Vec<AccountClaim>> {
        let mut claims = Vec::new();
        // All ones stands before every number, 0 included.
        let mut after = u64::MAX;
        loop {
            let mut batch = vec![AccountClaim::default(); 16];
            let n_claims = calls::account_claims(self.number(), &mut batch, after)?;
            batch.truncate(n_claims as usize);
            let Some(last) = batch.last() else {
                return Ok(claims);
            };
            after = last.claimant;
            claims.append(&mut batch);
        }
    }
}
