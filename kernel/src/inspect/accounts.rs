//! Accounts that a task, a peer or a capability refers to, and who claims how much of each.

use core::fmt;

use super::Cursor;
use crate::cap::Object;
use crate::service::{Account, peer::PeerObject};
use crate::task::task::Task;

/// The account with the least number above `after`.
fn next(after: Option<u64>) -> Option<Account> {
    let mut least: Option<Account> = None;
    let mut consider = |account: &Account| {
        let number = account.number().as_u64();
        let is_above = after.is_none_or(|after| number > after);
        let is_less = least
            .as_ref()
            .is_none_or(|least| number < least.number().as_u64());
        if is_above && is_less {
            least = Some(account.clone());
        }
    };
    let mut number = 0;
    while let Some(task) = Task::after(number) {
        number = task.number;
        consider(&task.account);
        let capabilities = task.capabilities.lock();
        let mut slot = 0;
        while let Some((name, capability)) = capabilities.next_used(slot) {
            slot = name.slot() + 1;
            if let Object::Account(account) = &capability.object {
                consider(account);
            }
        }
    }
    number = 0;
    while let Some(peer) = PeerObject::after(number) {
        number = peer.number;
        consider(&peer.core.account());
    }
    least
}

pub(super) fn account(out: &mut impl fmt::Write, after: Option<u64>) -> Result<Cursor, fmt::Error> {
    let Some(account) = next(after) else {
        return Ok(Cursor::End);
    };
    let info = account.inspect();
    writeln!(
        out,
        "account {} maxima {:?} claimants {}",
        info.number.as_u64(),
        info.maxima,
        info.n_quotas
    )?;
    Ok(Cursor::Quota(info.number.as_u64(), 0))
}

pub(super) fn quota(
    out: &mut impl fmt::Write,
    number: u64,
    place: u64,
) -> Result<Cursor, fmt::Error> {
    let account = next(number.checked_sub(1)).filter(|a| a.number().as_u64() == number);
    let found = account.and_then(|account| account.inspect_quota(place));
    let Some((info, next)) = found else {
        return Ok(Cursor::Account(Some(number)));
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
        Some(place) => Cursor::Quota(number, place),
        None => Cursor::Account(Some(number)),
    })
}
