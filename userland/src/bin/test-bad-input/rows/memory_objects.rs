//! Rows of memory objects.

use super::{NO_FLAGS, OUTSIDE, and_good, and_refused, refused};
use crate::invocation::{Invocation, Place, Role};
use crate::memory::{self, HOLE};
use crate::world::{MEMORY_BYTES, World};
use alloc::vec::Vec;
use omnibus_userland::abi::call::Access;
use omnibus_userland::abi::capability::memory::{READ, REVOKE, WRITE};
use omnibus_userland::abi::capability::{account, peer, task};
use omnibus_userland::abi::layout::{PAGE_BYTES, USER_END};
use omnibus_userland::abi::limits::MEMORY_BYTES_MAX;
use omnibus_userland::abi::native::{MemoryInfo, MemoryMap, VM_EXECUTE, VM_READ, VM_WRITE};
use omnibus_userland::abi::{Call, CapabilityNumber, Errno, Kind};
use omnibus_userland::calls;
use omnibus_userland::raw::{self, Registers};

/// The calling task, where a task is named.
const OWN: u64 = 0;

pub(crate) fn new(world: &World) -> Result<Invocation, Errno> {
    let registers = [world.full(Kind::Account), MEMORY_BYTES, 0, 0, 0, 0];
    let mut call = Invocation::new(Call::MemoryNew, registers, &[0, 1]);
    let payer = world.bad_capabilities(Kind::Account, account::CHARGE);
    let payer = payer.into_iter().map(|(number, errno)| (number, errno, 0));
    call.value(
        0,
        and_refused(refused([world.poor], Errno::EDQUOT, 3), payer),
    );
    let odd = [0, 1, 4095, 4097, (1 << 63) + 1, u64::MAX, u64::MAX - 4096];
    let long = [
        MEMORY_BYTES_MAX + PAGE_BYTES,
        1 << 32,
        1 << 47,
        1 << 63,
        u64::MAX - 4095,
    ];
    let long = long.map(|n_bytes| (n_bytes, Errno::EMSGSIZE, 2));
    let n_bytes = and_refused(refused(odd, Errno::EINVAL, 1), long);
    call.value(1, and_good(n_bytes, [PAGE_BYTES, 100 * PAGE_BYTES]));
    Ok(call)
}

/// A task where 0 is the calling one, looked at at `stage`.
fn target(world: &World, stage: u8) -> Role {
    let bad = world.bad_capabilities(Kind::Task, task::MAP).into_iter();
    let bad = bad.filter(|&(number, _)| number != OWN);
    and_refused(
        refused([], Errno::EBADF, stage),
        bad.map(|(number, errno)| (number, errno, stage)),
    )
}

pub(crate) fn map(world: &World) -> Result<Invocation, Errno> {
    let registers = [0, MemoryMap::SIZE, 0, 0, 0, 0];
    let mut call = Invocation::new(Call::MemoryMap, registers, &[1, 0]);
    let object = world.bad_capabilities(Kind::Memory, READ | WRITE);
    let object = object.into_iter().map(|(number, errno)| (number, errno, 3));
    let object = and_refused(refused([world.revoked], Errno::ESTALE, 3), object);
    let task = and_refused(target(world, 4), [(world.ended, Errno::ESRCH, 6)]);
    let unaligned = [1, 8, 0xfff, HOLE + 1, HOLE + 0x800, HOLE - 8];
    let outside = OUTSIDE.map(|address| address & !0xfff).into_iter();
    let outside = outside.chain([USER_END, USER_END - PAGE_BYTES]);
    let address = refused(outside.chain(unaligned), Errno::EINVAL, 2);
    let taken = [memory::region(0), memory::region(0) - PAGE_BYTES, 0x40_0000];
    let address = and_refused(address, taken.map(|address| (address, Errno::EEXIST, 7)));
    let behind = [PAGE_BYTES, MEMORY_BYTES, 1 << 40, 1 << 63, u64::MAX - 4095];
    let offset = refused([1, 8, 4095, u64::MAX], Errno::EINVAL, 2);
    let offset = and_refused(offset, behind.map(|offset| (offset, Errno::EINVAL, 5)));
    let n_bytes = [
        0,
        1,
        4095,
        4097,
        1 << 63,
        1 << 47,
        u64::MAX,
        u64::MAX - 4095,
    ];
    let n_bytes = refused(n_bytes, Errno::EINVAL, 2);
    let long = [MEMORY_BYTES + PAGE_BYTES, 1 << 30].map(|n_bytes| (n_bytes, Errno::EINVAL, 5));
    let n_bytes = and_good(and_refused(n_bytes, long), [PAGE_BYTES]);
    let unknown = (3..64).map(|bit| VM_READ | 1 << bit);
    let wrong = [0, VM_WRITE, VM_EXECUTE, VM_WRITE | VM_EXECUTE, 7];
    let rights = refused(unknown.chain(wrong), Errno::EINVAL, 2);
    let rights = and_good(rights, [VM_READ, VM_READ | VM_EXECUTE]);
    call.structure(
        Place::Register(0),
        Access::In,
        "omnibus_memory_map",
        &[
            0,
            world.full(Kind::Memory),
            OWN,
            HOLE,
            0,
            MEMORY_BYTES,
            VM_READ | VM_WRITE,
        ],
        &[
            ("flags", NO_FLAGS, 2),
            ("memory", object, 3),
            ("task", task, 4),
            ("address", address, 2),
            ("offset", offset, 2),
            ("n_bytes", n_bytes, 2),
            ("rights", rights, 2),
        ],
    );
    Ok(call)
}

pub(crate) fn undo_map(_: &World, _: &Invocation, registers: Registers) {
    if registers.status == 0 {
        unmap_object(registers.value).expect("it was just mapped");
    }
}

/// Unmaps a mapping that a case made.
fn unmap_object(address: u64) -> Result<(), Errno> {
    assert!(address >= HOLE, "only what a case mapped is unmapped");
    // SAFETY: nothing of the program is mapped there.
    #[allow(unsafe_code)]
    let result = unsafe { raw::call(Call::MemoryUnmap, [OWN, address]) };
    result.map(drop)
}

pub(crate) fn unmap(world: &World) -> Result<Invocation, Errno> {
    calls::memory_map(&MemoryMap {
        memory: world.full(Kind::Memory),
        address: HOLE,
        n_bytes: MEMORY_BYTES,
        rights: VM_READ,
        ..MemoryMap::default()
    })?;
    let mut call = Invocation::new(Call::MemoryUnmap, [OWN, HOLE, 0, 0, 0, 0], &[0, 1]);
    let task = and_refused(target(world, 0), [(world.ended, Errno::EINVAL, 1)]);
    call.value(0, task);
    let near = [
        0,
        1,
        8,
        HOLE + 1,
        HOLE + 8,
        HOLE - PAGE_BYTES,
        HOLE + PAGE_BYTES,
    ];
    let others = [memory::region(0), 0x40_0000];
    let address: Vec<_> = OUTSIDE.into_iter().chain(near).chain(others).collect();
    call.value(1, refused(address, Errno::EINVAL, 1));
    Ok(call)
}

pub(crate) fn undo_unmap(_: &World, _: &Invocation, _: Registers) {
    // In most cases it is gone.
    let _ = unmap_object(HOLE);
}

pub(crate) fn revoke(world: &World) -> Result<Invocation, Errno> {
    // One of its own: taking back that of the world would make all copies of it useless.
    let own = CapabilityNumber(world.full(Kind::Account));
    let object = calls::memory_new(own, PAGE_BYTES)?;
    let mut call = Invocation::new(Call::MemoryRevoke, [object.0, 0, 0, 0, 0, 0], &[0]);
    let bad = world.bad_capabilities(Kind::Memory, REVOKE).into_iter();
    let bad = bad.map(|(number, errno)| (number, errno, 0));
    call.value(
        0,
        and_refused(refused([world.revoked], Errno::ESTALE, 0), bad),
    );
    Ok(call)
}

pub(crate) fn watch(world: &World) -> Result<Invocation, Errno> {
    // One of its own, which the watch goes with.
    let own = CapabilityNumber(world.full(Kind::Account));
    let object = calls::memory_new(own, PAGE_BYTES)?;
    let registers = [object.0, world.peer, world.handle, 0, 0, 0];
    let mut call = Invocation::new(Call::MemoryWatch, registers, &[0, 1, 2]);
    let bad = world.bad_capabilities(Kind::Memory, 0).into_iter();
    let bad = bad.map(|(number, errno)| (number, errno, 0));
    call.value(
        0,
        and_refused(refused([world.revoked], Errno::ESTALE, 0), bad),
    );
    let by = world.bad_capabilities(Kind::Peer, peer::USE).into_iter();
    let by = by.map(|(number, errno)| (number, errno, 1));
    call.value(
        1,
        and_refused(refused([world.silent], Errno::EBADRQC, 2), by),
    );
    let unknown = world.unknown.iter().copied().chain([world.node, u64::MAX]);
    let unknown = refused(unknown, Errno::EBADRQC, 2);
    call.value(
        2,
        and_refused(unknown, [(world.handle_to_poor, Errno::EDQUOT, 3)]),
    );
    Ok(call)
}

pub(crate) fn info(world: &World) -> Result<Invocation, Errno> {
    let registers = [world.full(Kind::Memory), 0, MemoryInfo::SIZE, 0, 0, 0];
    let mut info = Invocation::new(Call::MemoryInfo, registers, &[0, 2, 1]);
    let bad = world.bad_capabilities(Kind::Memory, 0).into_iter();
    let bad = bad.map(|(number, errno)| (number, errno, 0));
    info.value(
        0,
        and_refused(refused([world.revoked], Errno::ESTALE, 0), bad),
    );
    info.structure(
        Place::Register(1),
        Access::Out,
        "omnibus_memory_info",
        &[0; 4],
        &[],
    );
    Ok(info)
}
