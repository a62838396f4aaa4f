//! Moving the maxima of an account that is in use (ACC-7).
//!
//! What is added is charged to the account that the maxima are a charge on, before it is there; what is taken away is what no quota has
//! claimed, and returns after it is gone. So at no moment is more handed out than is charged. Who changes an account at the same
//! time is found out by the old maxima, and then all begins again.

use crate::{Amounts, Error, QuotaError, System};

use super::books::Books;
use super::quota::{at, put};
use super::{Account, charge, discharge, undo};

impl<S: System> Account<S> {
    /// Gives this account other maxima. In each slot, what is more is charged where the old ones are (those of a root are nobody's charge),
    /// as a part of that charge, and what is less returns there.
    ///
    /// # Errors
    /// [`Error::Quota`], [`Error::OutOfMemory`] of what is more; [`Error::InUse`], if more than that is claimed of this account. All slots
    /// are as before then.
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
    /// let child = account.child(&account.actor(), [1000, 4096])?;
    /// child.resize([1500, 0])?;
    /// assert_eq!(child.inspect().available, [1500, 0]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn resize(&self, maxima: S::Amounts) -> Result<(), Error> {
        loop {
            let old = self.inspect().maxima;
            let (more, less) = (beyond::<S>(&maxima, &old), beyond::<S>(&old, &maxima));
            let parent = self.core.life.lock().parent.clone();
            let added = match &parent {
                Some(trace) if more != S::Amounts::ZERO => {
                    let (target, actor) = (trace.target(), trace.actor());
                    Some(charge(target, target, actor, Some(trace), &more)?)
                }
                _ => None,
            };
            let is_done = {
                let mut guard = self.core.change_books();
                let (books, _) = guard.parts();
                books.resize(&old, &maxima)
            };
            if let Ok(true) = is_done {
                let trace = added.map_or(parent, |added| Some(added.trace));
                if let Some(trace) = trace {
                    // If the account had nothing at all, its trace had gone, and this is another.
                    let old = self.core.life.lock().parent.replace(trace.clone());
                    drop(old);
                    if less != S::Amounts::ZERO {
                        discharge(&trace, &less);
                    }
                }
                return Ok(());
            }
            if let Some(added) = added {
                undo(&added, &more);
            }
            is_done?;
        }
    }
}

impl<S: System> Books<S> {
    /// Other maxima, if they are still `old`; false if not.
    ///
    /// # Errors
    /// [`Error::InUse`]: the first slot in which more than that is claimed.
    fn resize(&mut self, old: &S::Amounts, maxima: &S::Amounts) -> Result<bool, Error> {
        if self.maxima != *old {
            return Ok(false);
        }
        let mut available = S::Amounts::ZERO;
        for (slot, &maximum) in maxima.slots().iter().enumerate() {
            let claimed = at(&self.maxima, slot).saturating_sub(at(&self.available, slot));
            let left = maximum
                .checked_sub(claimed)
                .ok_or(Error::InUse(QuotaError {
                    target: self.number,
                    claimant: self.number,
                    slot,
                    requested: maximum,
                    maximum: at(&self.maxima, slot),
                    available: at(&self.available, slot),
                    claimed,
                }))?;
            put(&mut available, slot, left);
        }
        self.maxima = *maxima;
        self.available = available;
        Ok(true)
    }
}

/// What `these` have beyond `those`.
fn beyond<S: System>(these: &S::Amounts, those: &S::Amounts) -> S::Amounts {
    let mut beyond = *these;
    for (slot, less) in beyond.slots_mut().iter_mut().zip(those.slots()) {
        *slot = slot.saturating_sub(*less);
    }
    beyond
}
