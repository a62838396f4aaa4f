//! An account as the kernel holds it: what the core counts of it, and the CPU time of its tasks.
//!
//! An account may have a *share* of CPU time ([`Budget`]). What its tasks use is taken off its share, and off those of all accounts
//! that it was carved out of, however deep: so a part cannot use more than the whole. When one of them is used up the threads
//! wait ([`crate::task::throttle`]).
//!
//! 1. An account has a share from its making on or never; the share may be changed. So a task is *metered* for life or never, and
//!    who is not costs nothing: its account is found for a read-out only, by going through all tasks.
//! 2. An account has at most half the objects of the one that it was carved out of (quota.md), so that no more than 64 lie above
//!    each other, and going up is short.
//! 3. The core's account lives as long as something is charged to it (ACC-8). This object lives as long as capabilities and tasks.

use core::sync::atomic::{AtomicU64, Ordering};

use omnibus_abi::Errno;
use omnibus_abi::limits::{CPU_PERIOD_NS_MAX, CPU_PERIOD_NS_MIN};

use super::budget::Budget;
use super::{Account, Amounts, errno};
use crate::lock::{Lock, Rank};
use crate::shared::{List, Ref};
use crate::task::deadlines::{Member, Place};
use crate::task::ready::Ready;
use crate::task::thread::Thread;
use crate::task::throttle;

/// See the module's documentation.
pub struct AccountObject {
    core: Account,
    /// What it was carved out of.
    parent: Option<Ref<AccountObject>>,
    /// CPU time of the tasks under it that have ended.
    ended_ticks: AtomicU64,
    /// Its own share, if it has one.
    pub share: Option<Lock<Share>>,
    /// It or one above it has a share.
    pub is_metered: bool,
    /// When its threads go on.
    place: Place,
}

/// A share of CPU time, and who waits for it.
pub struct Share {
    /// What is left.
    pub budget: Budget,
    /// Threads that are ready, of tasks to which this is the nearest share.
    pub waiting: List<Thread, Ready>,
}

/// The share that a caller asks for; `None` if both are 0.
///
/// # Errors
/// `EINVAL` for a period out of bounds, and a budget that is 0 or longer than the period.
pub fn check_share(budget_ns: u64, period_ns: u64) -> Result<Option<Budget>, Errno> {
    match (budget_ns, period_ns) {
        (0, 0) => Ok(None),
        (1.., CPU_PERIOD_NS_MIN..=CPU_PERIOD_NS_MAX) if budget_ns <= period_ns => {
            Ok(Some(Budget::new(budget_ns, period_ns)))
        }
        _ => Err(Errno::EINVAL),
    }
}

impl AccountObject {
    /// The first account, with these maxima.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn root(maxima: Amounts) -> Result<Ref<Self>, Errno> {
        let core = Account::root(maxima).map_err(|error| errno(&error))?;
        Self::new(core, None, None)
    }

    /// Carves an account out of this one: the maxima are a charge on it, by itself (ACC-7).
    ///
    /// # Errors
    /// `EDQUOT`, `ENOMEM`.
    pub fn child(
        parent: &Ref<Self>,
        maxima: Amounts,
        share: Option<Budget>,
    ) -> Result<Ref<Self>, Errno> {
        // Carving is the parent's own act, whoever has the right: each child holds a share of its own.
        let core = parent
            .core
            .child(&parent.core.actor(), maxima)
            .map_err(|error| errno(&error))?;
        Self::new(core, Some(parent.clone()), share)
    }

    fn new(
        core: Account,
        parent: Option<Ref<Self>>,
        share: Option<Budget>,
    ) -> Result<Ref<Self>, Errno> {
        let is_metered = share.is_some() || parent.as_ref().is_some_and(|up| up.is_metered);
        if share.is_some() {
            throttle::admit()?;
        }
        let share = share.map(|budget| Share {
            budget,
            waiting: List::new(),
        });
        Ok(Ref::try_new(Self {
            core,
            parent,
            ended_ticks: AtomicU64::new(0),
            share: share.map(|share| Lock::new(Rank::Share, share)),
            is_metered,
            place: Place::default(),
        })?)
    }

    /// The account and those that it was carved out of.
    pub fn upwards(&self) -> impl Iterator<Item = &Self> {
        core::iter::successors(Some(self), |at| at.parent.as_deref())
    }

    /// The nearest account upwards that has a share.
    #[must_use]
    pub fn nearest_with_share(account: &Ref<Self>) -> Option<Ref<Self>> {
        let mut at = account;
        while at.share.is_none() {
            at = at.parent.as_ref()?;
        }
        Some(at.clone())
    }

    /// True if it is `other`, or was carved out of it.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.upwards().any(|at| core::ptr::eq(at, other))
    }

    /// A task of it has ended that used this.
    pub fn add_ended(&self, ticks: u64) {
        for at in self.upwards() {
            at.ended_ticks.fetch_add(ticks, Ordering::Relaxed);
        }
    }

    /// CPU time of the tasks under it that have ended.
    #[must_use]
    pub fn ended_ticks(&self) -> u64 {
        self.ended_ticks.load(Ordering::Relaxed)
    }
}

impl core::ops::Deref for AccountObject {
    type Target = Account;

    fn deref(&self) -> &Account {
        &self.core
    }
}

impl Drop for AccountObject {
    fn drop(&mut self) {
        if self.share.is_some() {
            throttle::dismiss();
        }
    }
}

impl Member for Ref<AccountObject> {
    fn place(&self) -> &Place {
        &self.place
    }
}
