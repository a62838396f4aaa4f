//! Rows of timers, ports and interrupt lines.

use super::{ANY, and_good, and_refused, refused};
use crate::invocation::{Invocation, Role};
use crate::world::{LINES, PORTS, World};
use omnibus_userland::abi::capability::{account, lines, peer};
use omnibus_userland::abi::{Call, CapabilityNumber, DEADLINE_NEVER, Errno, Kind};
use omnibus_userland::calls;
use omnibus_userland::raw::Registers;

/// Capabilities that are no `kind` with `right`.
fn bad(world: &World, kind: Kind, right: u64, stage: u8) -> Role {
    let bad = world.bad_capabilities(kind, right).into_iter();
    and_refused(
        refused([], Errno::EBADF, stage),
        bad.map(|(number, errno)| (number, errno, stage)),
    )
}

/// Fills in account, peer and handle of a source of events, from argument `first` on and looked at from `stage` on.
fn source(call: &mut Invocation, world: &World, first: usize, stage: u8) {
    let payer = bad(world, Kind::Account, account::CHARGE, stage);
    call.value(
        first,
        and_refused(payer, [(world.poor, Errno::EDQUOT, stage + 3)]),
    );
    // Another peer knows nothing of the handle.
    let by = bad(world, Kind::Peer, peer::USE, stage + 1);
    call.value(
        first + 1,
        and_refused(by, [(world.silent, Errno::EBADRQC, stage + 2)]),
    );
    let unknown = world.unknown.iter().copied().chain([world.node, u64::MAX]);
    let unknown = refused(unknown, Errno::EBADRQC, stage + 2);
    let poor = [(world.handle_to_poor, Errno::EDQUOT, stage + 3)];
    call.value(first + 2, and_refused(unknown, poor));
}

pub(crate) fn timer_new(world: &World) -> Result<Invocation, Errno> {
    let registers = [world.full(Kind::Account), world.peer, world.handle, 0, 0, 0];
    let mut call = Invocation::new(Call::TimerNew, registers, &[0, 1, 2]);
    source(&mut call, world, 0, 0);
    Ok(call)
}

pub(crate) fn timer_set(world: &World) -> Result<Invocation, Errno> {
    let registers = [world.full(Kind::Timer), DEADLINE_NEVER - 1, 0, 0, 0, 0];
    let mut call = Invocation::new(Call::TimerSet, registers, &[0, 1, 1]);
    call.value(1, ANY);
    call.value(2, ANY);
    Ok(call)
}

/// Disarms the timer and takes what it told.
pub(crate) fn undo_timer_set(world: &World, _: &Invocation, _: Registers) {
    let timer = CapabilityNumber(world.full(Kind::Timer));
    calls::timer_set(timer, DEADLINE_NEVER, 0).expect("it is there");
    world.drain().expect("queues can be emptied");
}

pub(crate) fn range_split(world: &World) -> Result<Invocation, Errno> {
    let registers = [world.full(Kind::Ports), PORTS.0, PORTS.1, 0, 0, 0];
    let mut call = Invocation::new(Call::RangeSplit, registers, &[0, 1, 1]);
    let bad = world.bad_capabilities_of(&[(Kind::Ports, 0), (Kind::Lines, 0)]);
    // The range of lines has not the members that are asked for.
    let bad = bad.into_iter().map(|(number, errno)| (number, errno, 0));
    let lines = [(world.full(Kind::Lines), Errno::EINVAL, 1)];
    call.value(
        0,
        and_refused(refused([], Errno::EBADF, 0), bad.chain(lines)),
    );
    let first = [
        PORTS.0 - 1,
        PORTS.0 + 1,
        0,
        1 << 16,
        1 << 32 | PORTS.0,
        u64::MAX,
    ];
    call.value(1, refused(first, Errno::EINVAL, 1));
    let n = refused([0, PORTS.1 + 1, 1 << 32 | 1, u64::MAX], Errno::EINVAL, 1);
    call.value(2, and_good(n, [1]));
    Ok(call)
}

/// Places that are not all in the range, and sizes that are none.
fn place(call: &mut Invocation) {
    let outside = [
        PORTS.0 - 1,
        PORTS.0 + PORTS.1,
        0,
        1 << 16 | PORTS.0,
        u64::MAX,
    ];
    call.value(
        1,
        and_good(refused(outside, Errno::EINVAL, 1), [PORTS.0 + 2]),
    );
    let sizes = refused([0, 3, 5, 8, 1 << 32 | 1, u64::MAX], Errno::EINVAL, 1);
    call.value(2, and_good(sizes, [2, 4]));
}

pub(crate) fn port_in(world: &World) -> Result<Invocation, Errno> {
    let registers = [world.full(Kind::Ports), PORTS.0, 1, 0, 0, 0];
    let mut call = Invocation::new(Call::PortIn, registers, &[0, 1, 1]);
    place(&mut call);
    Ok(call)
}

pub(crate) fn port_out(world: &World) -> Result<Invocation, Errno> {
    let registers = [world.full(Kind::Ports), PORTS.0, 1, 0, 0, 0];
    let mut call = Invocation::new(Call::PortOut, registers, &[0, 1, 1, 2]);
    place(&mut call);
    let long = refused([1 << 32, 1 << 40, u64::MAX], Errno::EINVAL, 2);
    call.value(3, and_good(long, [0xff]));
    Ok(call)
}

pub(crate) fn interrupt_bind(world: &World) -> Result<Invocation, Errno> {
    let own = world.full(Kind::Account);
    let registers = [
        world.full(Kind::Lines),
        LINES.0 + 1,
        own,
        world.peer,
        world.handle,
        0,
    ];
    let mut call = Invocation::new(Call::InterruptBind, registers, &[0, 1, 3, 4, 5]);
    call.value(0, bad(world, Kind::Lines, lines::BIND, 0));
    let outside = [LINES.0 - 1, LINES.0 + LINES.1, 0, 256 + LINES.0, u64::MAX];
    let bound = [(LINES.0, Errno::EBUSY, 2)];
    call.value(1, and_refused(refused(outside, Errno::EINVAL, 1), bound));
    source(&mut call, world, 2, 3);
    Ok(call)
}

pub(crate) fn interrupt_acknowledge(world: &World) -> Result<Invocation, Errno> {
    let registers = [world.full(Kind::Interrupt), 0, 0, 0, 0, 0];
    Ok(Invocation::new(Call::InterruptAcknowledge, registers, &[0]))
}
