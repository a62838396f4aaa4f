//! For every call: a good one, what each of its values means and when it is looked at, and how to undo it.
//!
//! Stages follow the order of checks in the specification (`docs/model.md`) and `docs/syscalls.md`; values of one stage have no
//! order among each other.

mod accounts;
mod bus;
mod capabilities;
mod devices;
mod faults;
mod memory;
mod memory_objects;
mod messages;
mod task_building;
mod tasks;
mod threads;

use crate::invocation::{Invocation, Role};
use crate::world::World;
use omnibus_userland::abi::{Call, Errno};
use omnibus_userland::raw::Registers;

/// How a call is tested.
pub(crate) enum Row {
    /// It returns.
    Returns(Returning),
    /// It ends the task.
    EndsTask,
    /// It ends the thread.
    EndsThread,
    /// It has a message in registers.
    InRegisters,
    /// It has a message in memory that registers tell of.
    InMemory,
}

/// A call that returns.
pub(crate) struct Returning {
    /// A good call, made for this world as it is.
    pub(crate) build: fn(&World) -> Result<Invocation, Errno>,
    /// Makes good what the call did, if it did anything, and what `build` did.
    pub(crate) undo: fn(&World, &Invocation, Registers),
}

/// The row of a call.
pub(crate) fn row(call: Call) -> Row {
    let plain = |build| {
        Row::Returns(Returning {
            build,
            undo: nothing,
        })
    };
    let undone = |build, undo| Row::Returns(Returning { build, undo });
    match call {
        Call::Null => plain(|_| Ok(Invocation::new(Call::Null, [0; 6], &[]))),
        Call::Exit => Row::EndsTask,
        Call::Yield => plain(|_| Ok(Invocation::new(Call::Yield, [0; 6], &[]))),
        Call::Clock => plain(|_| Ok(Invocation::new(Call::Clock, [0; 6], &[]))),
        Call::DebugPrint => plain(capabilities::debug_print),
        Call::Wait => plain(bus::wait),
        Call::PeerNew => undone(bus::peer_new, capabilities::drop_new),
        Call::Transfer => undone(bus::transfer, bus::undo_transfer),
        Call::Release => undone(bus::release, bus::undo_release),
        Call::ReleaseOne => undone(bus::release_one, bus::undo_release_one),
        Call::Send => undone(messages::send, messages::undo_send),
        Call::Recv => undone(messages::recv, messages::undo_recv),
        Call::CapabilityCopy => undone(capabilities::copy, capabilities::drop_new),
        Call::CapabilityDrop => undone(capabilities::drop_slot, capabilities::undo_drop),
        Call::CapabilityInfo => plain(capabilities::info),
        Call::ThreadNew => undone(threads::new, threads::undo_new),
        Call::ThreadExit => Row::EndsThread,
        Call::ThreadJoin => plain(threads::join),
        Call::ThreadTls => undone(threads::tls, threads::undo_tls),
        Call::VmMap => undone(memory::map, memory::undo_map),
        Call::VmUnmap => undone(memory::unmap, memory::undo_unmap),
        Call::VmProtect => undone(memory::protect, memory::undo_unmap),
        Call::TaskKill => plain(tasks::kill),
        Call::TaskStatus => plain(tasks::status),
        Call::AccountNew => undone(accounts::new, capabilities::drop_new),
        Call::AccountRead => plain(accounts::read),
        Call::AccountClaims => plain(accounts::claims),
        Call::Inspect => plain(accounts::inspect),
        Call::MemoryNew => undone(memory_objects::new, capabilities::drop_new),
        Call::MemoryMap => undone(memory_objects::map, memory_objects::undo_map),
        Call::MemoryUnmap => undone(memory_objects::unmap, memory_objects::undo_unmap),
        Call::MemoryRevoke => undone(memory_objects::revoke, capabilities::drop_first),
        Call::TaskNew => undone(task_building::new, task_building::undo_new),
        Call::TaskGrant => undone(task_building::grant, task_building::undo),
        Call::TaskStart => undone(task_building::start, task_building::undo),
        Call::TaskWatch => undone(task_building::watch, task_building::undo_watch),
        Call::TaskPriority => undone(task_building::priority, task_building::undo),
        Call::TaskFaults => undone(faults::name_pager, task_building::undo),
        Call::FaultRead => undone(faults::read, task_building::undo_watch),
        Call::FaultAnswer => undone(faults::answer, task_building::undo_watch),
        Call::AccountLimits => undone(accounts::limits, capabilities::drop_first),
        Call::AccountShare => undone(accounts::share, capabilities::drop_first),
        Call::MemoryWatch => undone(memory_objects::watch, capabilities::drop_first),
        Call::CapabilityCompare => plain(capabilities::compare),
        Call::MemoryInfo => plain(memory_objects::info),
        Call::TimerNew => undone(devices::timer_new, capabilities::drop_new),
        Call::TimerSet => undone(devices::timer_set, devices::undo_timer_set),
        Call::RangeSplit => undone(devices::range_split, capabilities::drop_new),
        Call::PortIn => plain(devices::port_in),
        Call::PortOut => plain(devices::port_out),
        Call::InterruptBind => undone(devices::interrupt_bind, capabilities::drop_new),
        Call::InterruptAcknowledge => plain(devices::interrupt_acknowledge),
        Call::SendShort | Call::ReceiveShort | Call::CallShort => Row::InRegisters,
        Call::ReceiveLong | Call::CallLong => Row::InMemory,
    }
}

fn nothing(_: &World, _: &Invocation, _: Registers) {}

/// A value of which any is good.
const ANY: Role = Role::Ignored;

/// No flags are known.
const NO_FLAGS: Role = Role::Flags(0);

/// Addresses outside the user half.
const OUTSIDE: [u64; 8] = [
    omnibus_userland::abi::layout::USER_END + 1,
    1 << 47,
    (1 << 47) - 1,
    1 << 63,
    0xffff_7fff_ffff_ffff,
    0xffff_8000_0000_0000,
    0xffff_ffff_8020_0000,
    u64::MAX,
];

/// A value with bad ones of one error and stage.
fn refused(bad: impl IntoIterator<Item = u64>, errno: Errno, stage: u8) -> Role {
    Role::Value {
        bad: bad.into_iter().map(|value| (value, errno, stage)).collect(),
        good: alloc::vec::Vec::new(),
    }
}

/// The same with further rows of bad values.
fn and_refused(role: Role, more: impl IntoIterator<Item = (u64, Errno, u8)>) -> Role {
    match role {
        Role::Value { mut bad, good } => {
            bad.extend(more);
            Role::Value { bad, good }
        }
        other => other,
    }
}

/// The same with further good values.
fn and_good(role: Role, more: impl IntoIterator<Item = u64>) -> Role {
    match role {
        Role::Value { bad, mut good } => {
            good.extend(more);
            Role::Value { bad, good }
        }
        other => other,
    }
}
