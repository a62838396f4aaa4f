//! A share of CPU time: so much of every period.
//!
//! ```text
//!   full ── used ──> period runs, something is left ── used ──> used up ── periods begin ──> full
//! ```
//!
//! A period begins with the first use of a full budget and ends after its length; then the budget is given again. What was used beyond
//! it, since a call is seen through before its thread waits, is a debt that later periods pay first. So in any n periods that
//! follow each other no more than n budgets are given; and at most one more, if the first was saved.

/// See the module's documentation. Times are of the monotonic clock.
#[derive(Debug)]
pub struct Budget {
    budget_ns: u64,
    period_ns: u64,
    left_ns: i64,
    period_end_ns: u64,
}

impl Budget {
    /// A full budget of `budget_ns`, 1 to `period_ns`, in every period.
    #[must_use]
    pub const fn new(budget_ns: u64, period_ns: u64) -> Self {
        Self {
            budget_ns,
            period_ns,
            left_ns: budget_ns as i64,
            period_end_ns: 0,
        }
    }

    /// Budget and period.
    #[must_use]
    pub const fn share(&self) -> (u64, u64) {
        (self.budget_ns, self.period_ns)
    }

    /// From now on it is another share. What is left stays, as far as it fits; a debt stays.
    pub fn set(&mut self, budget_ns: u64, period_ns: u64, now_ns: u64) {
        self.refresh(now_ns);
        self.budget_ns = budget_ns;
        self.period_ns = period_ns;
        self.left_ns = self.left_ns.min(budget_ns as i64);
        self.period_end_ns = self.period_end_ns.min(now_ns.saturating_add(period_ns));
    }

    /// `used_ns` were used until now. Of a budget of the whole period nothing is taken: there is no debt when it becomes less.
    pub fn take(&mut self, used_ns: u64, now_ns: u64) {
        self.refresh(now_ns);
        if self.is_whole() {
            return;
        }
        let used_ns = i64::try_from(used_ns).unwrap_or(i64::MAX);
        self.left_ns = self.left_ns.saturating_sub(used_ns);
    }

    /// What is left now; all the time there is, if the budget is the whole period.
    pub fn left_ns(&mut self, now_ns: u64) -> u64 {
        self.refresh(now_ns);
        match self.is_whole() {
            true => u64::MAX,
            false => u64::try_from(self.left_ns).unwrap_or(0),
        }
    }

    /// If it is used up, when something is given again, unless more is taken until then.
    pub fn used_up_until_ns(&mut self, now_ns: u64) -> Option<u64> {
        if self.left_ns(now_ns) > 0 {
            return None;
        }
        let n_more = self.left_ns.unsigned_abs() / self.budget_ns;
        let later_ns = n_more.saturating_mul(self.period_ns);
        Some(self.period_end_ns.saturating_add(later_ns))
    }

    const fn is_whole(&self) -> bool {
        self.budget_ns == self.period_ns
    }

    /// Gives what the periods that have ended since give.
    fn refresh(&mut self, now_ns: u64) {
        let Some(over_ns) = now_ns.checked_sub(self.period_end_ns) else {
            return;
        };
        let n_periods = over_ns / self.period_ns + 1;
        let given_ns = i64::try_from(n_periods.saturating_mul(self.budget_ns));
        let full_ns = self.budget_ns as i64;
        let left_ns = self.left_ns.saturating_add(given_ns.unwrap_or(i64::MAX));
        self.left_ns = left_ns.min(full_ns);
        self.period_end_ns = match left_ns >= full_ns {
            true => now_ns.saturating_add(self.period_ns),
            false => self
                .period_end_ns
                .saturating_add(n_periods.saturating_mul(self.period_ns)),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever takes all he gets has the budget in every period, and waits for the rest of it.
    #[test]
    fn share_a_runaway_has_its_budget() {
        let mut budget = Budget::new(20, 100);
        let (mut now_ns, mut used_ns) = (1000, 0);
        while now_ns < 101_000 {
            match budget.used_up_until_ns(now_ns) {
                Some(until_ns) => {
                    assert!(until_ns > now_ns && until_ns - now_ns <= 100);
                    now_ns = until_ns;
                }
                None => {
                    let step_ns = budget.left_ns(now_ns).min(7);
                    now_ns += step_ns;
                    used_ns += step_ns;
                    budget.take(step_ns, now_ns);
                }
            }
        }
        assert!((19_980..=20_040).contains(&used_ns), "{used_ns}");
    }

    /// What was used beyond the budget is paid by the next periods, each of which gives no more than the budget.
    #[test]
    fn share_debts_are_paid() {
        let mut budget = Budget::new(20, 100);
        assert_eq!(budget.left_ns(1000), 20);
        budget.take(65, 1065);
        assert_eq!(budget.used_up_until_ns(1065), Some(1300));
        assert_eq!(budget.left_ns(1299), 0);
        assert_eq!(budget.left_ns(1300), 15);
        assert_eq!(budget.left_ns(1400), 20);
    }

    /// What is not used is not saved beyond one budget, however long nothing is used.
    #[test]
    fn share_nothing_is_saved() {
        let mut budget = Budget::new(20, 100);
        budget.take(20, 1000);
        assert_eq!(budget.used_up_until_ns(1000), Some(1100));
        assert_eq!(budget.left_ns(u64::MAX / 2), 20);
        budget.take(20, u64::MAX / 2);
        assert!(budget.used_up_until_ns(u64::MAX / 2).is_some());
    }

    /// A budget of the whole period is never used up, and a smaller one that is set then counts from now on.
    #[test]
    fn share_whole_periods_are_no_bound() {
        let mut budget = Budget::new(100, 100);
        budget.take(1_000_000, 1000);
        assert_eq!(budget.used_up_until_ns(1000), None);
        assert_eq!(budget.left_ns(1000), u64::MAX);
        budget.set(10, 1000, 2_000_000);
        assert_eq!(
            (budget.share(), budget.left_ns(2_000_000)),
            ((10, 1000), 10)
        );
        budget.take(10, 2_000_010);
        assert_eq!(budget.used_up_until_ns(2_000_010), Some(2_000_100));
    }
}
