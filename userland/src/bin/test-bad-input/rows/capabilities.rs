//! Rows of the calls on capabilities, and of printing.

use super::and_good;
use super::refused;
use crate::invocation::{Invocation, Place};
use crate::world::World;
use omnibus_userland::abi::call::Access;
use omnibus_userland::abi::native::CapabilityInfo;
use omnibus_userland::abi::{Call, CapabilityNumber, Errno, Kind};
use omnibus_userland::calls;
use omnibus_userland::raw::Registers;

pub(crate) fn debug_print(world: &World) -> Result<Invocation, Errno> {
    let console = world.full(Kind::Console);
    let mut print = Invocation::new(Call::DebugPrint, [console, 0, 8, 0, 0, 0], &[0, 2, 1]);
    let line = u64::from_le_bytes(*b"printed\n");
    print.bytes(Place::Register(1), Access::In, 8, &[line]);
    Ok(print)
}

pub(crate) fn copy(world: &World) -> Result<Invocation, Errno> {
    let all = Kind::Peer.all_rights();
    let mut copy = Invocation::new(Call::CapabilityCopy, [world.peer, all, 0, 0, 0, 0], &[0, 1]);
    let unheld = (0..64).map(|bit| 1 << bit).filter(|right| all & right == 0);
    let more = unheld.clone().map(|right| all | right).chain([u64::MAX]);
    let rights = refused(unheld.chain(more), Errno::EPERM, 1);
    copy.value(1, and_good(rights, 0..all));
    Ok(copy)
}

/// Drops the capability that a call returned.
pub(crate) fn drop_new(_: &World, _: &Invocation, registers: Registers) {
    if registers.status == 0 {
        calls::capability_drop(CapabilityNumber(registers.value)).expect("it was just made");
    }
}

pub(crate) fn drop_slot(world: &World) -> Result<Invocation, Errno> {
    let copy = calls::capability_copy(CapabilityNumber(world.peer), 0)?;
    Ok(Invocation::new(
        Call::CapabilityDrop,
        [copy.0, 0, 0, 0, 0, 0],
        &[0],
    ))
}

pub(crate) fn undo_drop(_: &World, drop: &Invocation, _: Registers) {
    // In most cases it is gone.
    let _ = calls::capability_drop(CapabilityNumber(drop.registers[0]));
}

pub(crate) fn compare(world: &World) -> Result<Invocation, Errno> {
    let registers = [world.peer, world.full(Kind::Console), 0, 0, 0, 0];
    Ok(Invocation::new(Call::CapabilityCompare, registers, &[0, 1]))
}

pub(crate) fn info(world: &World) -> Result<Invocation, Errno> {
    let registers = [world.peer, 0, CapabilityInfo::SIZE, 0, 0, 0];
    let mut info = Invocation::new(Call::CapabilityInfo, registers, &[0, 2, 1]);
    info.structure(
        Place::Register(1),
        Access::Out,
        "omnibus_capability_info",
        &[0; 4],
        &[],
    );
    Ok(info)
}

/// Drops what was made for the call, which its first argument names.
pub(crate) fn drop_first(_: &World, call: &Invocation, _: Registers) {
    calls::capability_drop(CapabilityNumber(call.registers[0])).expect("it was made for this case");
}
