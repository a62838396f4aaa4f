//! Rows of accounts, and of reading out the kernel's state.

use super::{NO_FLAGS, refused};
use crate::invocation::{Invocation, Place};
use crate::world::World;
use omnibus_userland::abi::call::Access;
use omnibus_userland::abi::native::{AccountClaim, AccountLimits, AccountState};
use omnibus_userland::abi::{Call, Errno, Kind};

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
        &[0, 1, 1, 1],
        &[
            ("flags", NO_FLAGS, 3),
            ("objects", too_much(), 4),
            ("bytes", too_much(), 4),
            ("frames", too_much(), 4),
        ],
    );
    Ok(call)
}

pub(crate) fn read(world: &World) -> Result<Invocation, Errno> {
    let registers = [world.full(Kind::Account), 0, AccountState::SIZE, 0, 0, 0];
    let mut call = Invocation::new(Call::AccountRead, registers, &[0, 2, 1]);
    call.structure(
        Place::Register(1),
        Access::Out,
        "omnibus_account_state",
        &[0; 9],
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
