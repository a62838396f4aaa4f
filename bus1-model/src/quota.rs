//! The arithmetic of `quota.md`, word by word.

use std::collections::BTreeMap;

/// An amount of OBJECTS and of BYTES.
pub type Slots = [u64; 2];

/// An account U: what it may hold, and who claims how much of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Account {
    number: u64,
    maximum: Slots,
    available: Slots,
    quotas: BTreeMap<u64, Quota>,
}

/// A quota Q(U, u): what one claiming account holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Quota {
    /// Taken from the account.
    pub claimed: Slots,
    /// Taken, and not handed to a trace.
    pub available: Slots,
    /// T(Q, a).claimed by actor; an actor without any charge has no trace.
    pub traces: BTreeMap<usize, Slots>,
}

impl Account {
    /// An account of which nothing is held.
    #[must_use]
    pub fn new(number: u64, maximum: Slots) -> Account {
        Account {
            number,
            maximum,
            available: maximum,
            quotas: BTreeMap::new(),
        }
    }

    /// The number that receivers see.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// U.avail.
    #[must_use]
    pub fn available(&self) -> Slots {
        self.available
    }

    /// The quotas by the number of the claiming account.
    #[must_use]
    pub fn quotas(&self) -> &BTreeMap<u64, Quota> {
        &self.quotas
    }

    /// Whether nothing is held of it (ACC-5).
    #[must_use]
    pub fn is_untouched(&self) -> bool {
        self.quotas.is_empty() && self.available == self.maximum
    }

    /// Charges `amounts` for `actor` of account `claimant`; `false` is `EDQUOT`, and changes nothing.
    pub fn charge(&mut self, claimant: u64, actor: usize, amounts: Slots) -> bool {
        let mut next = self.clone();
        let quota = next.quotas.entry(claimant).or_default();
        let trace = quota.traces.entry(actor).or_default();
        let n_quotas = {
            let is_new = !self.quotas.contains_key(&claimant);
            self.quotas.len() as u128 + u128::from(is_new)
        };
        for slot in 0..amounts.len() {
            let r = u128::from(amounts[slot]);
            if r == 0 {
                continue;
            }
            let need = 2 * r + u128::from(trace[slot]);
            let taken = need.saturating_sub(u128::from(quota.available[slot]));
            let claimed = u128::from(quota.claimed[slot]);
            let available = u128::from(next.available[slot]);
            let required = if claimant == next.number {
                taken
            } else {
                share_divisor(n_quotas) * (taken + claimed) - claimed
            };
            if taken > 0 && available < required {
                return false;
            }
            let taken = u64::try_from(taken).unwrap_or(u64::MAX);
            next.available[slot] -= taken;
            quota.claimed[slot] += taken;
            quota.available[slot] = quota.available[slot] + taken - amounts[slot];
            trace[slot] += amounts[slot];
        }
        *self = next;
        true
    }

    /// Gives `amounts` of that actor back.
    pub fn discharge(&mut self, claimant: u64, actor: usize, amounts: Slots) {
        let Some(quota) = self.quotas.get_mut(&claimant) else {
            return;
        };
        let n_traces = quota.traces.len() as u64;
        for (slot, &amount) in amounts
            .iter()
            .enumerate()
            .filter(|(_, amount)| **amount > 0)
        {
            quota.traces.entry(actor).or_default()[slot] -= amount;
            quota.available[slot] += amount;
            let average = (quota.claimed[slot] - quota.available[slot]) / n_traces;
            let excess = quota.available[slot].saturating_sub(average);
            quota.available[slot] -= excess;
            quota.claimed[slot] -= excess;
            self.available[slot] += excess;
        }
        self.forget(claimant, actor);
    }

    /// Moves the charge of `n_handles` handles from the trace of their sender to the receiver's own (ACC-3).
    pub fn take_over(&mut self, claimant: u64, actor: usize, receiver: usize, n_handles: u64) {
        let own = self.number;
        for (number, actor, is_giving) in [(claimant, actor, true), (own, receiver, false)] {
            let quota = self.quotas.entry(number).or_default();
            let trace = quota.traces.entry(actor).or_default();
            if is_giving {
                quota.claimed[0] -= n_handles;
                trace[0] -= n_handles;
            } else {
                quota.claimed[0] += n_handles;
                trace[0] += n_handles;
            }
        }
        self.forget(own, receiver);
        self.forget(claimant, actor);
    }

    /// The last charge of a trace removes the trace; the last trace removes the quota and returns everything.
    fn forget(&mut self, claimant: u64, actor: usize) {
        let Some(quota) = self.quotas.get_mut(&claimant) else {
            return;
        };
        if quota.traces.get(&actor) == Some(&[0, 0]) {
            quota.traces.remove(&actor);
        }
        if quota.traces.is_empty() {
            for slot in 0..quota.available.len() {
                self.available[slot] += quota.available[slot];
            }
            self.quotas.remove(&claimant);
        }
    }

    /// Takes Q.avail over from an observation, by claimant, and all that follows from it. The charges of several traces given
    /// back by one call leave a Q.avail that depends on their order, which no rule fixes; what the traces hold does not.
    pub fn adopt(&mut self, available: impl Fn(u64) -> Option<Slots>) {
        for (&claimant, quota) in &mut self.quotas {
            let Some(observed) = available(claimant) else {
                continue;
            };
            for (slot, &now) in observed.iter().enumerate() {
                let before = quota.claimed[slot];
                quota.claimed[slot] = before - quota.available[slot] + now;
                quota.available[slot] = now;
                self.available[slot] = self.available[slot] + before - quota.claimed[slot];
            }
        }
    }

    /// Both invariants of `quota.md`.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        (0..self.maximum.len()).all(|slot| {
            let claimed: u64 = self.quotas.values().map(|quota| quota.claimed[slot]).sum();
            self.available[slot] + claimed == self.maximum[slot]
                && self.quotas.values().all(|quota| {
                    let traces: u64 = quota.traces.values().map(|trace| trace[slot]).sum();
                    quota.claimed[slot] == quota.available[slot] + traces
                })
        })
    }
}

/// A(n) = (n+1)·(⌈log2(n+1)⌉ + 1).
fn share_divisor(n_quotas: u128) -> u128 {
    let n = n_quotas + 1;
    n * (u128::from(n.next_power_of_two().ilog2()) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest further charge that would pass.
    fn largest(account: &Account, claimant: u64, actor: usize) -> u64 {
        let (mut low, mut high) = (0, account.maximum[0] + 1);
        while high - low > 1 {
            let middle = low.midpoint(high);
            if account.clone().charge(claimant, actor, [middle, 0]) {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The model itself reproduces the tables of quota.md, so that it can judge the core.
    #[test]
    fn acc_4_model_reproduces_the_tables() {
        let mut own = Account::new(0, [1024, 0]);
        let mut foreign = own.clone();
        for (actor, expected) in [512, 256, 128, 64, 32, 16, 8, 4].into_iter().enumerate() {
            assert_eq!(largest(&own, 0, actor), expected);
            assert!(own.charge(0, actor, [expected, 0]));
        }
        for (claimant, (expected, left)) in [
            (128, 768),
            (42, 684),
            (28, 628),
            (15, 598),
            (12, 574),
            (10, 554),
            (8, 538),
            (5, 528),
        ]
        .into_iter()
        .enumerate()
        {
            let claimant = claimant as u64 + 1;
            assert_eq!(largest(&foreign, claimant, 0), expected);
            assert!(foreign.charge(claimant, 0, [expected, 0]));
            assert_eq!(foreign.available[0], left);
            assert!(foreign.is_sound());
        }
    }

    /// Sequence S3 of quota.md, with two foreign accounts and the own one.
    #[test]
    fn acc_4_model_follows_sequence_s3() {
        let mut account = Account::new(0, [1024, 0]);
        let state = |account: &Account, claimant| {
            let quota = account.quotas.get(&claimant);
            (
                account.available[0],
                quota.map(|q| (q.claimed[0], q.available[0])),
            )
        };
        assert!(account.charge(1, 1, [128, 0]));
        assert_eq!(state(&account, 1), (768, Some((256, 128))));
        assert!(account.charge(1, 2, [64, 0]));
        assert!(!account.charge(1, 1, [1, 0]));
        assert!(account.charge(2, 3, [42, 0]));
        assert_eq!(state(&account, 2), (684, Some((84, 42))));
        assert!(account.charge(2, 4, [21, 0]));
        assert!(!account.charge(2, 3, [1, 0]));
        assert_eq!(largest(&account, 0, 9), 342);
        account.discharge(1, 1, [128, 0]);
        assert_eq!(state(&account, 1), (844, Some((96, 32))));
        account.discharge(1, 2, [64, 0]);
        assert_eq!(state(&account, 1), (940, None));
        account.discharge(2, 3, [42, 0]);
        assert_eq!(state(&account, 2), (993, Some((31, 10))));
        account.discharge(2, 4, [21, 0]);
        assert!(account.is_untouched());
    }
}
