//! Rows of tasks that programs make.

use super::{ANY, NO_FLAGS, OUTSIDE, and_good, and_refused, refused};
use crate::invocation::{Invocation, Place, Role};
use crate::world::World;
use omnibus_userland::abi::call::Access;
use omnibus_userland::abi::capability::{account, peer, task};
use omnibus_userland::abi::limits::{NAME_BYTES_MAX, PRIORITY_MAX};
use omnibus_userland::abi::native::{TaskNew, ThreadStart};
use omnibus_userland::abi::{Call, CapabilityNumber, DEADLINE_NEVER, Errno, Kind};
use omnibus_userland::calls;
use omnibus_userland::raw::Registers;
use omnibus_userland::wait::WaitSet;

/// Somewhere in the user half.
pub(super) const START: u64 = 0x40_0000;

/// A task that a case may do anything to; it never runs, since this one is more urgent.
pub(super) fn make(world: &World) -> Result<u64, Errno> {
    let own = CapabilityNumber(world.full(Kind::Account));
    calls::task_new(own, "made", 0).map(|number| number.0)
}

/// Ends a task that was made, and waits until it has given everything back.
fn end(number: u64) {
    let task = CapabilityNumber(number);
    calls::task_kill(task).expect("it was made for this case");
    let ended = WaitSet::new()
        .capability(task)
        .wait(DEADLINE_NEVER)
        .map(drop);
    ended.expect("it was killed");
    calls::capability_drop(task).expect("it was made for this case");
}

/// Ends the task that was made for the call, which its first argument names.
pub(crate) fn undo(_: &World, call: &Invocation, _: Registers) {
    end(call.registers[0]);
}

/// Ends the task that the call made.
pub(crate) fn undo_new(_: &World, _: &Invocation, registers: Registers) {
    if registers.status == 0 {
        end(registers.value);
    }
}

/// Ends the task, and takes the message that tells of it.
pub(crate) fn undo_watch(world: &World, call: &Invocation, registers: Registers) {
    undo(world, call, registers);
    world.drain().expect("queues can be emptied");
}

pub(crate) fn new(world: &World) -> Result<Invocation, Errno> {
    let registers = [0, TaskNew::SIZE, 0, 0, 0, 0];
    let mut call = Invocation::new(Call::TaskNew, registers, &[1, 0]);
    let payer = world.bad_capabilities(Kind::Account, account::CHARGE);
    let payer = payer.into_iter().map(|(number, errno)| (number, errno, 4));
    let payer = and_refused(refused([world.poor], Errno::EDQUOT, 6), payer);
    let priority = refused([PRIORITY_MAX + 1, 1 << 32, u64::MAX], Errno::EINVAL, 2);
    let n_name = Role::Count(1, NAME_BYTES_MAX, Errno::EMSGSIZE);
    call.structure(
        Place::Register(0),
        Access::In,
        "omnibus_task_new",
        &[0, world.full(Kind::Account), 0, 8, 0],
        &[
            ("flags", NO_FLAGS, 2),
            ("account", payer, 4),
            ("ptr_name", Role::Pointer(1), 5),
            ("n_name", n_name, 3),
            ("priority", and_good(priority, [1, PRIORITY_MAX]), 2),
        ],
    );
    let name = [u64::from_le_bytes(*b"no name.")];
    let name = call.bytes(Place::Word(0, 2), Access::In, 8, &name);
    // A name is for reports only: any bytes will do.
    call.values(name, "name", &ANY, 5);
    let no_name = alloc::vec![crate::invocation::Change::Set(Place::Word(0, 3), 0)];
    call.others = alloc::vec![(no_name, Errno::EINVAL, 2)];
    Ok(call)
}

/// Capabilities that are no task with `right`, and one that has ended.
pub(super) fn target(world: &World, right: u64, stage: u8, ended: Option<u8>) -> Role {
    let bad = world.bad_capabilities(Kind::Task, right).into_iter();
    let bad = bad.map(|(number, errno)| (number, errno, stage));
    let ended = ended.map(|stage| (world.ended, Errno::ESRCH, stage));
    and_refused(refused([], Errno::EBADF, stage), bad.chain(ended))
}

pub(crate) fn grant(world: &World) -> Result<Invocation, Errno> {
    let all = Kind::Peer.all_rights();
    let registers = [make(world)?, world.peer, all, 0, 0, 0];
    let mut call = Invocation::new(Call::TaskGrant, registers, &[0, 1, 2]);
    call.value(0, target(world, task::GRANT, 0, Some(3)));
    let unheld = (0..64).map(|bit| 1 << bit).filter(|right| all & right == 0);
    call.value(2, and_good(refused(unheld, Errno::EPERM, 2), 0..all));
    Ok(call)
}

pub(crate) fn start(world: &World) -> Result<Invocation, Errno> {
    let registers = [make(world)?, 0, ThreadStart::SIZE, 0, 0, 0];
    let mut call = Invocation::new(Call::TaskStart, registers, &[0, 2, 1]);
    let target = target(world, task::START, 0, Some(5));
    let own = (world.own_task, Errno::EBUSY, 5);
    call.value(0, and_refused(target, [own]));
    let outside = |stage| refused(OUTSIDE, Errno::EINVAL, stage);
    call.structure(
        Place::Register(1),
        Access::In,
        "omnibus_thread_start",
        &[0, START, START, 0, 0],
        &[
            ("flags", NO_FLAGS, 3),
            ("entry", outside(6), 6),
            ("stack", outside(3), 3),
            ("argument", ANY, 3),
            ("tls_base", outside(6), 6),
        ],
    );
    Ok(call)
}

pub(crate) fn priority(world: &World) -> Result<Invocation, Errno> {
    let highest = PRIORITY_MAX;
    let registers = [make(world)?, 0, highest, 0, 0, 0];
    let mut call = Invocation::new(Call::TaskPriority, registers, &[0, 1, 1]);
    call.value(0, target(world, task::PRIORITY, 0, Some(2)));
    let none = || refused([highest + 1, 1 << 32, u64::MAX], Errno::EINVAL, 1);
    call.value(1, and_good(none(), 1..=highest));
    call.value(2, and_good(none(), 0..highest));
    let above = alloc::vec![
        crate::invocation::Change::Set(Place::Register(1), 4),
        crate::invocation::Change::Set(Place::Register(2), 3),
    ];
    call.others = alloc::vec![(above, Errno::EINVAL, 1)];
    Ok(call)
}

pub(crate) fn watch(world: &World) -> Result<Invocation, Errno> {
    let registers = [make(world)?, world.peer, world.handle, 0, 0, 0];
    let mut call = Invocation::new(Call::TaskWatch, registers, &[0, 1, 2]);
    call.value(0, target(world, task::WATCH, 0, None));
    let by = world.bad_capabilities(Kind::Peer, peer::USE).into_iter();
    let by = by.map(|(number, errno)| (number, errno, 1));
    // Another peer knows nothing of the handle.
    let by = and_refused(refused([world.silent], Errno::EBADRQC, 2), by);
    call.value(1, by);
    let unknown = world.unknown.iter().copied().chain([world.node, u64::MAX]);
    let unknown = refused(unknown, Errno::EBADRQC, 2);
    let poor = [(world.handle_to_poor, Errno::EDQUOT, 3)];
    call.value(2, and_refused(unknown, poor));
    Ok(call)
}
