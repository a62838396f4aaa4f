//! Accounts: carve one from another, read what is used and by whom.

use core::sync::atomic::Ordering;

use omnibus_abi::capability::account;
use omnibus_abi::limits::CLAIMS_MAX;
use omnibus_abi::native::{AccountClaim, AccountLimits, AccountState};
use omnibus_abi::{Errno, Structure};

use super::Arguments;
use super::caller::Caller;
use super::operation::{Operation, Outcome};
use super::structure::{OutArray, SizeOf};
use crate::cap::Object;
use crate::sabotage::{self, Promise};
use crate::service::account::{AccountObject, check_share};
use crate::service::{self, Account, Amounts, BYTES, FRAMES, OBJECTS};
use crate::shared::Ref;
use crate::task::task::Task;
use crate::task::throttle;
use crate::time;

/// Words of a claim.
const WORDS: usize = AccountClaim::SIZE as usize / 8;

/// `account_new(parent, limits, limits_size)`: the maxima are a charge on the parent, by itself (ACC-7). There is at least one object among
/// them, so that the account's own memory is paid for.
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`; `EINVAL`, `E2BIG` size; `EFAULT`, `E2BIG` tail; `EINVAL` flags, no objects, a share that is none; `EDQUOT`, `ENOMEM`.
pub fn new(caller: &Caller<'_>, [parent, address, size, ..]: [u64; 6]) -> Result<u64, Errno> {
    let parent = caller.account(parent, account::CARVE)?;
    let limits = SizeOf::<AccountLimits>::new(size)?.read(&caller.memory, address)?;
    if limits.flags != 0 || limits.objects == 0 {
        return Err(Errno::EINVAL);
    }
    let share = check_share(limits.cpu_budget_ns, limits.cpu_period_ns)?;
    caller.task().make_room(1)?;
    let child = if sabotage::breaks(Promise::Quotas) {
        AccountObject::root([1 << 40; 3])
    } else {
        AccountObject::child(&parent, maxima(&limits), share)
    };
    caller.install(Object::Account(child?))
}

/// `account_limits(account, parent, limits, limits_size)`: the maxima move (ACC-7).
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM` account, then parent; `EINVAL`, `E2BIG` size; `EFAULT`, `E2BIG` tail; `EINVAL` flags, no objects, a share; `EINVAL` if
/// the one is not carved out of the other; `EDQUOT`, `ENOMEM`; `EBUSY` if more is claimed.
pub fn limits(
    caller: &Caller<'_>,
    [number, parent, address, size, ..]: Arguments,
) -> Result<u64, Errno> {
    let account = caller.account(number, account::LIMIT)?;
    let parent = caller.account(parent, account::CARVE)?;
    let limits = SizeOf::<AccountLimits>::new(size)?.read(&caller.memory, address)?;
    let has_share = limits.cpu_budget_ns != 0 || limits.cpu_period_ns != 0;
    let is_child = account.parent().is_some_and(|at| at.ptr_eq(&parent));
    if limits.flags != 0 || limits.objects == 0 || has_share || !is_child {
        return Err(Errno::EINVAL);
    }
    account
        .resize(maxima(&limits))
        .map_err(|error| service::errno(&error))?;
    Ok(0)
}

fn maxima(limits: &AccountLimits) -> Amounts {
    let mut maxima = [0; 3];
    maxima[OBJECTS] = limits.objects;
    maxima[BYTES] = limits.bytes;
    maxima[FRAMES] = limits.frames;
    maxima
}

/// `account_share(account, budget_ns, period_ns)`: `EBADF`, `EOPNOTSUPP`, `EPERM`; `EINVAL` for a share that is none; `ENOMEM`.
pub fn share(caller: &Caller<'_>, arguments: Arguments) -> Outcome {
    match begin_share(caller, arguments) {
        Ok(metering) => metering.step(),
        Err(errno) => errno.into(),
    }
}

fn begin_share(
    caller: &Caller<'_>,
    [number, budget_ns, period_ns, ..]: Arguments,
) -> Result<Metering, Errno> {
    let account = caller.account(number, account::LIMIT)?;
    let share = check_share(budget_ns, period_ns)?;
    let now_ns = time::now_ns();
    account.set_share(share, now_ns)?;
    throttle::look_again(&account, now_ns);
    Ok(Metering { account, at: None })
}

/// An account whose share has come, gone or changed: its tasks are told whether they are metered.
pub struct Metering {
    account: Ref<AccountObject>,
    at: Option<Ref<Task>>,
}

impl Metering {
    /// Does a batch.
    pub fn step(mut self) -> Outcome {
        let look = |task: Option<&Task>| {
            if let Some(task) = task
                && task.account.is_within(&self.account)
            {
                task.look_at_share();
            }
        };
        if Task::visit(&mut self.at, TASKS_BATCH, look) {
            Outcome::Done(Ok(0))
        } else {
            Outcome::More(Operation::Metering(self))
        }
    }
}

/// `account_read(account, state, state_size)`: `EBADF`, `EOPNOTSUPP`, `EPERM`; `EINVAL`, `E2BIG` size; `EFAULT`.
pub fn read(caller: &Caller<'_>, arguments: Arguments) -> Outcome {
    match Reading::new(caller, arguments) {
        Ok(reading) => reading.step(caller),
        Err(errno) => errno.into(),
    }
}

/// Tasks that are gone through in one batch. At most 64 accounts lie above each other, in fact
/// about 20, and going up one takes three instructions.
const TASKS_BATCH: u32 = 1024;

/// An account that is being read: the CPU time of its tasks is added up.
pub struct Reading {
    account: Ref<AccountObject>,
    out: OutArray<AccountState>,
    ticks: u64,
    at: Option<Ref<Task>>,
}

impl Reading {
    fn new(caller: &Caller<'_>, [number, address, size, ..]: Arguments) -> Result<Self, Errno> {
        Ok(Self {
            account: caller.account(number, account::INSPECT)?,
            out: SizeOf::<AccountState>::new(size)?.claim(address)?,
            ticks: 0,
            at: None,
        })
    }

    /// Does a batch.
    pub fn step(mut self, caller: &Caller<'_>) -> Outcome {
        let add_up = |task: Option<&Task>| match task {
            Some(task) if task.account.is_within(&self.account) => {
                self.ticks += task.cpu_ticks.load(Ordering::Relaxed);
            }
            Some(_) => {}
            // With the list locked: a task that ends is seen here or there.
            None => self.ticks += self.account.ended_ticks(),
        };
        if !Task::visit(&mut self.at, TASKS_BATCH, add_up) {
            return Outcome::More(Operation::Reading(self));
        }
        let state = state(&self.account, time::ns_of(self.ticks));
        match self.out.write(&caller.memory, 0, state) {
            Ok(()) => Outcome::Done(Ok(0)),
            Err(errno) => errno.into(),
        }
    }
}

fn state(account: &AccountObject, cpu_ns: u64) -> AccountState {
    let info = account.inspect();
    let (cpu_budget_ns, cpu_period_ns) = account.share().unwrap_or_default();
    AccountState {
        flags: 0,
        number: info.number.as_u64(),
        n_quotas: info.n_quotas,
        objects_maximum: info.maxima[OBJECTS],
        objects_available: info.available[OBJECTS],
        bytes_maximum: info.maxima[BYTES],
        bytes_available: info.available[BYTES],
        frames_maximum: info.maxima[FRAMES],
        frames_available: info.available[FRAMES],
        cpu_ns,
        cpu_budget_ns,
        cpu_period_ns,
    }
}

/// `account_claims(account, claims, n_claims, claim_size, after)`.
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`; `EINVAL` count; `EINVAL`, `E2BIG` size; `EFAULT`.
pub fn claims(
    caller: &mut Caller<'_>,
    [number, address, n_claims, size, after, _]: Arguments,
) -> Result<u64, Errno> {
    let account = caller.account(number, account::INSPECT)?;
    if n_claims > CLAIMS_MAX {
        return Err(Errno::EINVAL);
    }
    let size = SizeOf::<AccountClaim>::new(size)?;
    let out = size.claim_array(address, n_claims)?;
    out.probe(&caller.memory)?;
    let (room, _) = caller.scratch.words.as_chunks_mut::<WORDS>();
    let n_room = room.len().min(n_claims as usize);
    let n_found = collect(&account, after, room.get_mut(..n_room).unwrap_or_default());
    for (index, &words) in room.iter().take(n_found).enumerate() {
        let claim = AccountClaim::from_words(words);
        out.write(&caller.memory, index as u64, claim)?;
    }
    Ok(n_found as u64)
}

/// Collects the claims of the least claimants above `after`, in ascending order; their number.
fn collect(account: &Account, after: u64, room: &mut [[u64; WORDS]]) -> usize {
    let mut n_found = 0;
    let mut place = Some(0);
    while let Some((quota, next)) = place.and_then(|place| account.inspect_quota(place)) {
        place = next;
        let claimant = quota.claimant.as_u64();
        // The claims of all come first, 0 included, if `after` is all ones.
        if after != u64::MAX && claimant <= after {
            continue;
        }
        let claim = AccountClaim {
            flags: 0,
            claimant,
            n_traces: quota.n_traces,
            objects_claimed: quota.claimed[OBJECTS],
            objects_available: quota.available[OBJECTS],
            bytes_claimed: quota.claimed[BYTES],
            bytes_available: quota.available[BYTES],
            frames_claimed: quota.claimed[FRAMES],
        };
        insert(room, &mut n_found, claim);
    }
    n_found
}

/// Enters a claim among those before it in order; the greatest falls off the end of a full room.
fn insert(room: &mut [[u64; WORDS]], n_found: &mut usize, claim: AccountClaim) {
    let found = room.get(..*n_found).unwrap_or_default();
    let at =
        found.partition_point(|&words| AccountClaim::from_words(words).claimant < claim.claimant);
    if at >= room.len() {
        return;
    }
    let end = (*n_found + 1).min(room.len());
    if let Some(tail) = room.get_mut(at..end) {
        tail.rotate_right(1);
        if let Some(first) = tail.first_mut() {
            *first = Structure::to_words(claim);
        }
    }
    *n_found = end;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Claims come out in ascending order of the claimant, the least ones if there is not room for all.
    #[test]
    fn acc_6_claims_are_in_order() {
        let mut room = [[0; WORDS]; 4];
        let mut n_found = 0;
        for claimant in [7, 3, 9, 1, 5, 8, 2] {
            let claim = AccountClaim {
                claimant,
                ..AccountClaim::default()
            };
            insert(&mut room, &mut n_found, claim);
        }
        let claimants = room.map(|words| AccountClaim::from_words(words).claimant);
        assert_eq!((n_found, claimants), (4, [1, 2, 3, 5]));
        insert(&mut [], &mut 0, AccountClaim::default());
    }
}
