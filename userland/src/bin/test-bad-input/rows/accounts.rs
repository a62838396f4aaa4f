//! Rows of accounts, and of reading out the kernel's state.

use super::{NO_FLAGS, and_good, and_refused, refused};
use crate::invocation::{Change, Invocation, Place};
use crate::world::World;
use omnibus_userland::abi::call::Access;
use omnibus_userland::abi::capability::account;
use omnibus_userland::abi::limits::{CPU_PERIOD_NS_MAX, CPU_PERIOD_NS_MIN};
use omnibus_userland::abi::native::{AccountClaim, AccountLimits, AccountState};
use omnibus_userland::abi::{Call, CapabilityNumber, Errno, Kind};
use omnibus_userland::calls;

pub(crate) fn new(world: &World) -> Result<Invocation, Errno> {
    let registers = [world.full(Kind::Account), 0, AccountLimits::SIZE, 0, 0, 0];
    let mut call = Invocation::new(Call::AccountNew, registers, &[0, 2, 1]);
    let too_much = || {
        refused(
            [1 << 40, 1 << 62, 1 << 63, u64::MAX - 1, u64::MAX],
            Errno::EDQUOT,
            4,
        )
    };
    call.structure(
        Place::Register(1),
        Access::In,
        "omnibus_account_limits",
        &[0, 1, 1, 1, 0, 0],
        &[
            ("flags", NO_FLAGS, 3),
            ("objects", too_much(), 4),
            ("bytes", too_much(), 4),
            ("frames", too_much(), 4),
            // One without the other is no share.
            (
                "cpu_budget_ns",
                refused([1, 1 << 63, u64::MAX], Errno::EINVAL, 3),
                3,
            ),
            (
                "cpu_period_ns",
                refused([1, PERIOD_NS, u64::MAX], Errno::EINVAL, 3),
                3,
            ),
        ],
    );
    let share = |budget_ns, period_ns| {
        let (budget, period) = (Place::Word(0, 4), Place::Word(0, 5));
        alloc::vec![
            Change::Set(budget, budget_ns),
            Change::Set(period, period_ns)
        ]
    };
    call.others = BAD_SHARES
        .map(|(budget_ns, period_ns)| (share(budget_ns, period_ns), Errno::EINVAL, 3))
        .to_vec();
    Ok(call)
}

/// A period that a share may have.
const PERIOD_NS: u64 = CPU_PERIOD_NS_MIN;

/// Shares that are none: budget and period.
const BAD_SHARES: [(u64, u64); 4] = [
    (0, PERIOD_NS),
    (PERIOD_NS + 1, PERIOD_NS),
    (1, PERIOD_NS - 1),
    (1, CPU_PERIOD_NS_MAX + 1),
];

/// Of an account that is made for the call.
pub(crate) fn share(world: &World) -> Result<Invocation, Errno> {
    let made = made(world)?;
    let registers = [made.0, PERIOD_NS, PERIOD_NS, 0, 0, 0];
    let mut call = Invocation::new(Call::AccountShare, registers, &[0, 1, 1]);
    let bad = world.bad_capabilities(Kind::Account, account::LIMIT);
    let bad = bad.into_iter().map(|(number, errno)| (number, errno, 0));
    call.value(0, and_refused(refused([], Errno::EBADF, 0), bad));
    call.value(
        1,
        and_good(
            refused([0, PERIOD_NS + 1, u64::MAX], Errno::EINVAL, 1),
            [1, PERIOD_NS / 2],
        ),
    );
    let periods = [0, PERIOD_NS - 1, CPU_PERIOD_NS_MAX + 1, u64::MAX];
    let good = [PERIOD_NS + 1, CPU_PERIOD_NS_MAX];
    call.value(2, and_good(refused(periods, Errno::EINVAL, 1), good));
    Ok(call)
}

/// Of an account that is made for the call and holds nothing.
pub(crate) fn limits(world: &World) -> Result<Invocation, Errno> {
    let made = made(world)?;
    let own = world.full(Kind::Account);
    let registers = [made.0, own, 0, AccountLimits::SIZE, 0, 0];
    let mut call = Invocation::new(Call::AccountLimits, registers, &[0, 1, 3, 2]);
    for (register, right) in [(0, account::LIMIT), (1, account::CARVE)] {
        let bad = world.bad_capabilities(Kind::Account, right).into_iter();
        let stage = register as u8;
        let bad = bad.map(|(number, errno)| (number, errno, stage));
        // The world's account was carved out of no account that is named here; another was, and it is in use.
        let other = match register {
            0 => refused([own], Errno::EINVAL, 4),
            _ => refused([made.0, world.poor], Errno::EINVAL, 4),
        };
        let in_use = (register == 0).then_some((world.poor, Errno::EBUSY, 5));
        call.value(register, and_refused(and_refused(other, bad), in_use));
    }
    let too_much = || {
        let bad = [1 << 40, 1 << 62, 1 << 63, u64::MAX - 1, u64::MAX];
        and_good(refused(bad, Errno::EDQUOT, 5), [2, 3])
    };
    let no_share = || refused([1, PERIOD_NS, u64::MAX], Errno::EINVAL, 4);
    call.structure(
        Place::Register(2),
        Access::In,
        "omnibus_account_limits",
        &[0, 1, 1, 1, 0, 0],
        &[
            ("flags", NO_FLAGS, 4),
            (
                "objects",
                and_refused(too_much(), [(0, Errno::EINVAL, 4)]),
                5,
            ),
            ("bytes", too_much(), 5),
            ("frames", too_much(), 5),
            ("cpu_budget_ns", no_share(), 4),
            ("cpu_period_ns", no_share(), 4),
        ],
    );
    Ok(call)
}

fn made(world: &World) -> Result<CapabilityNumber, Errno> {
    let own = CapabilityNumber(world.full(Kind::Account));
    let limits = AccountLimits {
        objects: 1,
        cpu_budget_ns: 1,
        cpu_period_ns: PERIOD_NS,
        ..AccountLimits::default()
    };
    calls::account_new(own, &limits)
}

pub(crate) fn read(world: &World) -> Result<Invocation, Errno> {
    let registers = [world.full(Kind::Account), 0, AccountState::SIZE, 0, 0, 0];
    let mut call = Invocation::new(Call::AccountRead, registers, &[0, 2, 1]);
    call.structure(
        Place::Register(1),
        Access::Out,
        "omnibus_account_state",
        &[0; 12],
        &[],
    );
    Ok(call)
}

pub(crate) fn claims(world: &World) -> Result<Invocation, Errno> {
    let registers = [world.full(Kind::Account), 0, 1, AccountClaim::SIZE, 0, 0];
    let mut call = Invocation::new(Call::AccountClaims, registers, &[0, 2, 1, 1, 3]);
    call.structure(
        Place::Register(1),
        Access::Out,
        "omnibus_account_claim",
        &[0; 8],
        &[],
    );
    Ok(call)
}

pub(crate) fn inspect(world: &World) -> Result<Invocation, Errno> {
    let registers = [world.full(Kind::System), 0, 256, 0, 0, 0];
    let mut call = Invocation::new(Call::Inspect, registers, &[0, 2, 1]);
    call.bytes(Place::Register(1), Access::Out, 256, &[]);
    Ok(call)
}
