//! An account as the kernel holds it: what the core counts of it, and the CPU time of its tasks.
//!
//! An account may have a *share* of CPU time ([`Budget`]). What its tasks use is taken off its share, and off those of all accounts
//! that it was carved out of, however deep: so a part cannot use more than the whole. When one of them is used up the threads
//! wait ([`crate::task::throttle`]).
//!
//! 1. A task is *metered* if its account or one above has a share. It keeps that in mind itself; when a share comes or goes all tasks
//!    are gone through. Who is not metered costs nothing: his account is found for a read-out only, by going through all tasks.
//! 2. No more than [`DEPTH_MAX`] accounts lie above each other, so that going up is short.
//! 3. The core's account lives as long as something is charged to it (ACC-8). This object lives as long as capabilities and tasks.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use omnibus_abi::Errno;
use omnibus_abi::limits::{CPU_PERIOD_NS_MAX, CPU_PERIOD_NS_MIN};

use super::budget::Budget;
use super::{Account, Amounts, errno};
use crate::lock::{Guard, Lock, Rank};
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
    /// How many lie above it.
    depth: u32,
    /// Its own share, if it has one.
    share: Lock<Share>,
    /// It has one.
    has_share: AtomicBool,
    /// When its threads go on.
    place: Place,
}

/// Most accounts above an account.
const DEPTH_MAX: u32 = 63;

/// A share of CPU time, and who waits for it.
pub struct Share {
    /// What is left, if there is a share.
    pub budget: Option<Budget>,
    /// Threads that are ready, of tasks to which this was the nearest share when they came.
    pub waiting: List<Thread, Ready>,
    /// There is room for it among those of which threads wait.
    is_admitted: bool,
}

/// The share that a caller asks for; `None` if both are 0.
///
/// # Errors
/// `EINVAL` for a period out of bounds, and a budget that is 0 or longer than the period.
pub fn check_share(budget_ns: u64, period_ns: u64) -> Result<Option<(u64, u64)>, Errno> {
    match (budget_ns, period_ns) {
        (0, 0) => Ok(None),
        (1.., CPU_PERIOD_NS_MIN..=CPU_PERIOD_NS_MAX) if budget_ns <= period_ns => {
            Ok(Some((budget_ns, period_ns)))
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
    /// `EDQUOT`, also for [`DEPTH_MAX`]; `ENOMEM`.
    pub fn child(
        parent: &Ref<Self>,
        maxima: Amounts,
        share: Option<(u64, u64)>,
    ) -> Result<Ref<Self>, Errno> {
        if parent.depth >= DEPTH_MAX {
            return Err(Errno::EDQUOT);
        }
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
        share: Option<(u64, u64)>,
    ) -> Result<Ref<Self>, Errno> {
        let object = Ref::try_new(Self {
            core,
            depth: parent.as_ref().map_or(0, |up| up.depth + 1),
            parent,
            ended_ticks: AtomicU64::new(0),
            share: Lock::new(
                Rank::Share,
                Share {
                    budget: None,
                    waiting: List::new(),
                    is_admitted: false,
                },
            ),
            has_share: AtomicBool::new(false),
            place: Place::default(),
        })?;
        if let Some((budget_ns, period_ns)) = share {
            object.set_share(Some((budget_ns, period_ns)), 0)?;
        }
        Ok(object)
    }

    /// Gives it this share, budget and period, from `now_ns` on; none, if there is none.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn set_share(&self, to: Option<(u64, u64)>, now_ns: u64) -> Result<(), Errno> {
        let mut share = self.share.lock();
        if to.is_some() && !share.is_admitted {
            throttle::admit()?;
            share.is_admitted = true;
        }
        share.budget = match (share.budget.take(), to) {
            (Some(mut budget), Some((budget_ns, period_ns))) => {
                budget.set(budget_ns, period_ns, now_ns);
                Some(budget)
            }
            (_, to) => to.map(|(budget_ns, period_ns)| Budget::new(budget_ns, period_ns)),
        };
        self.has_share.store(to.is_some(), Ordering::Relaxed);
        Ok(())
    }

    /// Its own share, budget and period.
    #[must_use]
    pub fn share(&self) -> Option<(u64, u64)> {
        self.share.lock().budget.as_ref().map(Budget::share)
    }

    /// Its share, to wait for.
    pub fn waiting(&self) -> Guard<'_, Share> {
        self.share.lock()
    }

    /// The budgets upwards, from its own on.
    pub fn with_budgets(&self, mut work: impl FnMut(&mut Budget)) {
        let with_share = self
            .upwards()
            .filter(|at| at.has_share.load(Ordering::Relaxed));
        for at in with_share {
            if let Some(budget) = &mut at.share.lock().budget {
                work(budget);
            }
        }
    }

    /// Whether it or one above it has a share.
    #[must_use]
    pub fn is_metered(&self) -> bool {
        self.upwards()
            .any(|at| at.has_share.load(Ordering::Relaxed))
    }

    /// The account and those that it was carved out of.
    pub fn upwards(&self) -> impl Iterator<Item = &Self> {
        core::iter::successors(Some(self), |at| at.parent.as_deref())
    }

    /// What it was carved out of.
    #[must_use]
    pub const fn parent(&self) -> Option<&Ref<Self>> {
        self.parent.as_ref()
    }

    /// The nearest account upwards that has a share.
    #[must_use]
    pub fn nearest_with_share(account: &Ref<Self>) -> Option<Ref<Self>> {
        let mut at = account;
        while !at.has_share.load(Ordering::Relaxed) {
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
        if self.share.lock().is_admitted {
            throttle::dismiss();
        }
    }
}

impl Member for Ref<AccountObject> {
    fn place(&self) -> &Place {
        &self.place
    }
}
