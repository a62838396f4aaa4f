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

/// Changes the share of CPU time of an account that has one (right LIMIT).
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`: the capability. `EINVAL`: no share, or an account without one.
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
