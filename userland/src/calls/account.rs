//! The calls on accounts, and the read-out of the whole system.

use super::Result;
use super::gate::{Register, call};
use omnibus_abi::native::{AccountClaim, AccountLimits, AccountState};
use omnibus_abi::{Call, CapabilityNumber};

/// Carves an account out of `parent` (right CARVE).
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`: the capability. `EDQUOT`: the parent has not that much left. `EINVAL`, `ENOMEM`.
pub fn account_new(parent: CapabilityNumber, limits: &AccountLimits) -> Result<CapabilityNumber> {
    let arguments = [
        Register::number(parent.0),
        Register::input(limits),
        Register::number(AccountLimits::SIZE),
    ];
    call(Call::AccountNew, arguments).map(CapabilityNumber)
}

/// Gives an account other limits (right LIMIT), out of `parent`, which it was carved out of (right CARVE). The share of `limits` is 0.
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`: a capability. `EINVAL`: no objects, a share, or not its parent. `EDQUOT`: the parent has not that much
/// left. `EBUSY`: more is claimed of the account. `ENOMEM`.
pub fn account_limits(
    account: CapabilityNumber,
    parent: CapabilityNumber,
    limits: &AccountLimits,
) -> Result<()> {
    let arguments = [
        Register::number(account.0),
        Register::number(parent.0),
        Register::input(limits),
        Register::number(AccountLimits::SIZE),
    ];
    call(Call::AccountLimits, arguments).map(drop)
}

/// Gives an account a share of CPU time, another one, or, if both are 0, none (right LIMIT).
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`: the capability. `EINVAL`: no share. `ENOMEM`.
pub fn account_share(account: CapabilityNumber, budget_ns: u64, period_ns: u64) -> Result<()> {
    let arguments = [account.0, budget_ns, period_ns].map(Register::number);
    call(Call::AccountShare, arguments).map(drop)
}

/// Reads limits and use of an account (right INSPECT).
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`: the capability.
pub fn account_read(account: CapabilityNumber) -> Result<AccountState> {
    let mut state = AccountState::default();
    let arguments = [
        Register::number(account.0),
        Register::output(&mut state),
        Register::number(AccountState::SIZE),
    ];
    call(Call::AccountRead, arguments).map(|_| state)
}

/// Reads who claims how much of an account, claimants above `after` in ascending order, and
/// returns how many entries of `claims` it filled (right INSPECT).
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`: the capability. `EINVAL`: too many entries.
pub fn account_claims(
    account: CapabilityNumber,
    claims: &mut [AccountClaim],
    after: u64,
) -> Result<u64> {
    let n_claims = claims.len() as u64;
    let arguments = [
        Register::number(account.0),
        Register::output(claims),
        Register::number(n_claims),
        Register::number(AccountClaim::SIZE),
        Register::number(after),
    ];
    call(Call::AccountClaims, arguments)
}

/// Writes the state of every kernel object as text and returns the bytes of the whole text, of
/// which only those that fit were written (right INSPECT).
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`: the capability. `EMSGSIZE`: more than the call allows.
pub fn inspect(system: CapabilityNumber, text: &mut [u8]) -> Result<u64> {
    let n_bytes = text.len() as u64;
    let arguments = [
        Register::number(system.0),
        Register::output(text),
        Register::number(n_bytes),
    ];
    call(Call::Inspect, arguments)
}
