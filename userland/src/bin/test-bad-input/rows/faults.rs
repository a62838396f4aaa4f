//! Rows of whoever looks after the faults of a task.

use super::task_building::{START, make, target};
use super::{ANY, OUTSIDE, and_good, and_refused, refused};
use crate::invocation::{Invocation, Place, Role};
use crate::world::World;
use omnibus_userland::abi::call::Access;
use omnibus_userland::abi::capability::{peer, task};
use omnibus_userland::abi::native::{
    FAULT_CONTINUE, FAULT_END, FAULT_RETRY, Registers, ThreadStart,
};
use omnibus_userland::abi::{Call, CapabilityNumber, DEADLINE_NEVER, Errno, Kind};
use omnibus_userland::wait::WaitSet;
use omnibus_userland::{calls, environment};

pub(crate) fn name_pager(world: &World) -> Result<Invocation, Errno> {
    let registers = [make(world)?, world.peer, world.handle, 0, 0, 0];
    let mut call = Invocation::new(Call::TaskFaults, registers, &[0, 1, 2]);
    call.value(0, target(world, task::FAULTS, 0, Some(3)));
    let by = world.bad_capabilities(Kind::Peer, peer::USE).into_iter();
    let by = by.map(|(number, errno)| (number, errno, 1));
    // Another peer knows nothing of the handle.
    call.value(
        1,
        and_refused(refused([world.silent], Errno::EBADRQC, 2), by),
    );
    let unknown = world.unknown.iter().copied().chain([world.node, u64::MAX]);
    let unknown = refused(unknown, Errno::EBADRQC, 2);
    let poor = [(world.handle_to_poor, Errno::EDQUOT, 4)];
    call.value(2, and_refused(unknown, poor));
    Ok(call)
}

/// A task of which a thread stands at its first fault: nothing is where it begins.
fn make_faulting(world: &World) -> Result<u64, Errno> {
    let own = CapabilityNumber(world.full(Kind::Account));
    let task = calls::task_new(own, "faulting", environment::priority())?;
    calls::task_faults(task, CapabilityNumber(world.peer), world.handle)?;
    let start = ThreadStart {
        entry: START,
        stack: START,
        ..ThreadStart::default()
    };
    calls::task_start(task, &start)?;
    let told = CapabilityNumber(world.other);
    WaitSet::new().capability(told).wait(DEADLINE_NEVER)?;
    world.drain()?;
    Ok(task.0)
}

/// Numbers of faults that wait for no answer.
fn number(stage: u8) -> Role {
    refused([0, 2, 1 << 32, u64::MAX], Errno::ESRCH, stage)
}

pub(crate) fn read(world: &World) -> Result<Invocation, Errno> {
    let registers = [make_faulting(world)?, 1, 0, Registers::SIZE, 0, 0];
    let mut call = Invocation::new(Call::FaultRead, registers, &[0, 2, 3, 1]);
    call.value(0, target(world, task::FAULTS, 0, Some(2)));
    call.value(1, number(2));
    call.structure(
        Place::Register(2),
        Access::Out,
        "omnibus_registers",
        &[0; 19],
        &[],
    );
    Ok(call)
}

pub(crate) fn answer(world: &World) -> Result<Invocation, Errno> {
    let task = make_faulting(world)?;
    let registers = [task, 1, FAULT_CONTINUE, 0, Registers::SIZE, 0];
    let mut call = Invocation::new(Call::FaultAnswer, registers, &[0, 5, 1, 3, 2]);
    call.value(0, target(world, task::FAULTS, 0, Some(5)));
    call.value(1, number(5));
    let none = refused([3, 1 << 32, u64::MAX], Errno::EINVAL, 1);
    call.value(2, and_good(none, [FAULT_RETRY, FAULT_END]));
    let outside = || refused(OUTSIDE, Errno::EINVAL, 4);
    let instruction = and_refused(outside(), [(0, Errno::EINVAL, 4)]);
    let any = |name| (name, ANY, 4);
    let mut fields = alloc::vec![];
    fields.extend(["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp"].map(any));
    fields.extend(["r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"].map(any));
    fields.push(("rip", instruction, 4));
    fields.push(any("rflags"));
    fields.push(("fs_base", outside(), 4));
    let mut words = [0; 19];
    words[16] = START;
    call.structure(
        Place::Register(3),
        Access::In,
        "omnibus_registers",
        &words,
        &fields,
    );
    Ok(call)
}
