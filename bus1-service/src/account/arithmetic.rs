//! The arithmetic of quotas (quota.md): what a charge takes from whom, and what a discharge gives back to whom.
//!
//! Pure functions of one slot's numbers. Invariants of every slot, before and after: available of the account plus all quotas' claimed
//! is the maximum; a quota's claimed is its available plus all its traces' claimed.

use crate::mutant::{self, Mutant};

/// One slot of an account, and of the quota and the trace that a charge goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// What the account has left for anybody: U.avail.
    pub(super) account_available: u64,
    /// What the claiming account has taken of it: Q.claimed.
    pub(super) quota_claimed: u64,
    /// What of that is not yet handed to an actor: Q.avail.
    pub(super) quota_available: u64,
    /// What the actor holds: T.claimed.
    pub(super) trace_claimed: u64,
}

/// A(n): by how much a foreign claim must leave room for others, with `n` quotas on the account. `None` beyond 64 bits.
#[inline(always)]
fn reserve_factor(n: u64) -> Option<u64> {
    let next = n.checked_add(1)?;
    // ⌈log2(next)⌉, for next ≥ 2.
    let log2 = u64::from(u64::BITS).checked_sub(u64::from(n.leading_zeros()))?;
    next.checked_mul(log2.checked_add(1)?)
}

impl Slot {
    /// What a charge of `amount` > 0 takes of the account, or `None` if it is refused. `n_quotas` counts this one; `is_own` says that the
    /// claiming account is the account itself.
    #[inline(always)]
    pub(super) fn taken(self, amount: u64, is_own: bool, n_quotas: u64) -> Option<u64> {
        let need = amount.checked_mul(2)?.checked_add(self.trace_claimed)?;
        let taken = need.saturating_sub(self.quota_available);
        if taken > 0 {
            let required = if is_own || mutant::is(Mutant::ForeignLikeOwn) {
                taken
            } else {
                let reach = taken.checked_add(self.quota_claimed)?;
                reserve_factor(n_quotas)?
                    .checked_mul(reach)?
                    .checked_sub(self.quota_claimed)?
            };
            if self.account_available < required || self.account_available < taken {
                return None;
            }
        }
        Some(taken)
    }

    /// What it is after a charge of `amount`, for which `taken` was taken. Nothing overflows: what is claimed of an account is within its
    /// maximum, and twice the amount was found to fit.
    #[inline]
    pub(super) fn charged(self, amount: u64, taken: u64) -> Slot {
        Slot {
            account_available: self.account_available.wrapping_sub(taken),
            quota_claimed: self.quota_claimed.wrapping_add(taken),
            quota_available: self
                .quota_available
                .wrapping_add(taken)
                .wrapping_sub(amount),
            trace_claimed: self.trace_claimed.wrapping_add(amount),
        }
    }

    /// What it is after `amount` > 0 was given back, which the trace holds. `n_traces` counts the quota's traces with a charge, this one
    /// included. Nothing overflows, by the invariants.
    #[inline]
    pub(super) fn discharged(self, amount: u64, n_traces: u64) -> Slot {
        let available = self.quota_available.wrapping_add(amount);
        let held = self.quota_claimed.wrapping_sub(available);
        // A division takes longer than all the rest.
        let average = if n_traces.is_power_of_two() {
            held.wrapping_shr(n_traces.trailing_zeros())
        } else {
            held.checked_div(n_traces).unwrap_or(0)
        };
        let returned = available.saturating_sub(average);
        Slot {
            account_available: self.account_available.wrapping_add(returned),
            quota_claimed: self.quota_claimed.wrapping_sub(returned),
            quota_available: available.wrapping_sub(returned),
            trace_claimed: self.trace_claimed.wrapping_sub(amount),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The factor by which a foreign claim must leave room is the one of quota.md for one to eight claimants.
    #[test]
    fn acc_2_reserve_factor_is_that_of_the_table() {
        let factors: std::vec::Vec<_> = (1..=8).map(|n| reserve_factor(n).unwrap()).collect();
        assert_eq!(factors, [4, 9, 12, 20, 24, 28, 32, 45]);
    }
}
