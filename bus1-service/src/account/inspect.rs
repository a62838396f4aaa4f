//! The read-out of an account: limits, use, and who claims how much (ACC-6), in pieces. Memory is the caller's; a piece is one
//! lock-held section of bounded length.

use crate::{Amounts, System};

use super::tree;
use super::{Account, AccountNumber};

/// An account as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountInfo<A> {
    /// Its number.
    pub number: AccountNumber,
    /// Its maxima.
    pub maxima: A,
    /// What is left for anybody: U.avail.
    pub available: A,
    /// How many accounts claim something, itself included.
    pub n_quotas: u64,
}

/// What one account claims of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaInfo<A> {
    /// The claiming account.
    pub claimant: AccountNumber,
    /// What it has taken: Q.claimed.
    pub claimed: A,
    /// What of that no actor of it holds: Q.avail.
    pub available: A,
    /// How many actors of it hold something.
    pub n_traces: u64,
}

/// What one actor of a claiming account holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceInfo<A> {
    /// The actor's number, unique in the claiming account.
    pub actor: u64,
    /// What it holds: T.claimed.
    pub claimed: A,
}

impl<S: System> Account<S> {
    /// The account as a whole.
    #[must_use]
    pub fn inspect(&self) -> AccountInfo<S::Amounts> {
        let mut guard = self.core.books.lock();
        let (books, _) = guard.parts();
        AccountInfo {
            number: self.number(),
            maxima: books.maxima,
            available: books.available,
            n_quotas: books.n_quotas,
        }
    }

    /// The next quota from `place` on (0 at first), and the place to go on with. `None` at the end. The order is fixed, and not that of
    /// the numbers.
    #[must_use]
    pub fn inspect_quota(&self, place: u64) -> Option<(QuotaInfo<S::Amounts>, Option<u64>)> {
        let mut place = place;
        loop {
            let mut guard = self.core.books.lock();
            let (books, key) = guard.parts();
            let quota = books.quotas.next_from(key, place)?;
            let state = quota.state(key);
            let next = tree::place(&*quota).checked_add(1);
            // One that is only remembered holds nothing.
            if state.n_traces > 0 {
                let info = QuotaInfo {
                    claimant: quota.claimant(),
                    claimed: state.claimed,
                    available: state.available,
                    n_traces: state.n_traces,
                };
                return Some((info, next));
            }
            place = next?;
        }
    }

    /// The next trace from `place` on (0 at first) of the quota of `claimant`, and the place to go on with. `None` at the end.
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
    /// use bus1_service::OBJECTS;
    /// let guest = account.child(&account.actor(), [10, 100])?;
    /// let actor = guest.actor();
    /// let held = account.charge(&actor, [3, 0])?;
    /// let quota = std::iter::successors(account.inspect_quota(0), |(_, next)| account.inspect_quota((*next)?))
    ///     .map(|(quota, _)| quota)
    ///     .find(|quota| quota.claimant == guest.number())
    ///     .expect("the guest claims something of the account");
    /// let (trace, _) = account.inspect_trace(guest.number(), 0).expect("one actor of the guest does");
    /// assert_eq!(trace.claimed[OBJECTS], 3);
    /// assert_eq!(quota.claimed[OBJECTS], trace.claimed[OBJECTS] + quota.available[OBJECTS]);
    /// # drop(held);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn inspect_trace(
        &self,
        claimant: AccountNumber,
        place: u64,
    ) -> Option<(TraceInfo<S::Amounts>, Option<u64>)> {
        let mut place = place;
        loop {
            let mut guard = self.core.books.lock();
            let (books, key) = guard.parts();
            let quota = books.quotas.find(key, claimant.as_u64())?;
            let trace = quota.with_traces(key, |traces, key| traces.next_from(key, place))?;
            let claimed = trace.state(key).claimed;
            let next = tree::place(&*trace).checked_add(1);
            if claimed != S::Amounts::ZERO {
                let actor = trace.actor();
                return Some((TraceInfo { actor, claimed }, next));
            }
            place = next?;
        }
    }
}
