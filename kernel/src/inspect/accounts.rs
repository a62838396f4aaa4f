//! Accounts that a task, a peer or a capability refers to, and who claims how much of each.

use core::fmt;

use super::Cursor;
use crate::cap::Object;
use crate::service::{Account, peer::PeerObject};
use crate::shared::Ref;
use crate::task::task::Task;

/// Things looked at in one step of a search.
const STEP: u32 = 32;

/// The search for the account with the least number above one. There is no list of accounts: it goes through all that may refer to
/// one, a step at a time.
#[derive(Clone)]
pub struct Seek {
    /// `None` is below all.
    after: Option<u64>,
    /// The least found so far.
    least: Option<Account>,
    at: At,
}

#[derive(Clone)]
enum At {
    /// The task behind this one, or the first.
    Task(Option<Ref<Task>>),
    /// The first capability from this slot on.
    Capability(Ref<Task>, u32),
    /// The peer behind this one, or the first.
    Peer(Option<Ref<PeerObject>>),
}

impl Seek {
    /// For the first account.
    pub(super) const START: Self = Self {
        after: None,
        least: None,
        at: At::Task(None),
    };

    fn consider(&mut self, account: &Account) {
        let number = account.number().as_u64();
        let is_above = self.after.is_none_or(|after| number > after);
        let least = self.least.as_ref().map(|least| least.number().as_u64());
        if is_above && least.is_none_or(|least| number < least) {
            self.least = Some(account.clone());
        }
    }

    /// Looks at one more thing; false if there is none.
    fn look(&mut self) -> bool {
        match &self.at {
            At::Task(after) => match Task::after(after.as_ref()) {
                Some(task) => {
                    self.consider(&task.account);
                    self.at = At::Capability(task, 0);
                }
                None => self.at = At::Peer(None),
            },
            At::Capability(task, slot) => {
                let task = task.clone();
                let capabilities = task.capabilities.lock();
                match capabilities.next_used(*slot) {
                    Some((name, capability)) => {
                        if let Object::Account(account) = &capability.object {
                            self.consider(account);
                        }
                        self.at = At::Capability(task.clone(), name.slot() + 1);
                    }
                    None => self.at = At::Task(Some(task.clone())),
                }
            }
            At::Peer(after) => match PeerObject::after(after.as_ref()) {
                Some(peer) => {
                    self.consider(&peer.core.account());
                    self.at = At::Peer(Some(peer));
                }
                None => return false,
            },
        }
        true
    }
}

pub(super) fn account(out: &mut impl fmt::Write, mut seek: Seek) -> Result<Cursor, fmt::Error> {
    for _ in 0..STEP {
        if !seek.look() {
            return match seek.least {
                Some(account) => describe(out, account),
                None => Ok(Cursor::End),
            };
        }
    }
    Ok(Cursor::Account(seek))
}

fn describe(out: &mut impl fmt::Write, account: Account) -> Result<Cursor, fmt::Error> {
    let info = account.inspect();
    writeln!(
        out,
        "account {} maxima {:?} claimants {}",
        info.number.as_u64(),
        info.maxima,
        info.n_quotas
    )?;
    Ok(Cursor::Quota(account, 0))
}

pub(super) fn quota(
    out: &mut impl fmt::Write,
    account: Account,
    place: u64,
) -> Result<Cursor, fmt::Error> {
    let behind = Seek {
        after: Some(account.number().as_u64()),
        ..Seek::START
    };
    let Some((info, next)) = account.inspect_quota(place) else {
        return Ok(Cursor::Account(behind));
    };
    // What a quota keeps at hand beyond that depends on the way there (docs/model.md, accounts), so it is not the same again.
    let mut held = info.claimed;
    for (held, available) in held.iter_mut().zip(info.available) {
        *held = held.saturating_sub(available);
    }
    writeln!(
        out,
        "  claimant {} holds {held:?} actors {}",
        info.claimant.as_u64(),
        info.n_traces
    )?;
    Ok(match next {
        Some(place) => Cursor::Quota(account, place),
        None => Cursor::Account(behind),
    })
}
