//! Rows of memory.

use super::{NO_FLAGS, OUTSIDE, and_good, and_refused, refused};
use crate::invocation::{Invocation, Place};
use crate::memory::{self, HOLE};
use crate::world::World;
use omnibus_userland::abi::call::Access;
use omnibus_userland::abi::layout::{PAGE_BYTES, USER_END};
use omnibus_userland::abi::native::{VM_EXECUTE, VM_READ, VM_WRITE, VmMap};
use omnibus_userland::abi::{Call, Errno};
use omnibus_userland::raw::Registers;

/// More memory than any machine of the tests has.
const TOO_MUCH: u64 = 8 << 30;

pub(crate) fn map(_: &World) -> Result<Invocation, Errno> {
    let registers = [0, VmMap::SIZE, 0, 0, 0, 0];
    let mut call = Invocation::new(Call::VmMap, registers, &[1, 0]);
    let unaligned = [1, 8, 0xfff, HOLE + 1, HOLE + 0x800, HOLE - 8];
    let outside = OUTSIDE.map(|address| address & !0xfff).into_iter();
    let outside = outside.chain([USER_END, USER_END - PAGE_BYTES]);
    let address = refused(outside.chain(unaligned), Errno::EINVAL, 2);
    let taken = [memory::region(0), memory::region(0) - PAGE_BYTES, 0x40_0000];
    let address = and_refused(address, taken.map(|address| (address, Errno::EEXIST, 3)));
    let n_bytes = [
        0,
        1,
        4095,
        4097,
        1 << 63,
        1 << 47,
        u64::MAX,
        u64::MAX - 4095,
        u64::MAX - 8191,
    ];
    let n_bytes = refused(n_bytes, Errno::EINVAL, 2);
    let n_bytes = and_refused(n_bytes, [(TOO_MUCH, Errno::EDQUOT, 4)]);
    let unknown = (3..64).map(|bit| VM_READ | 1 << bit);
    let wrong = [
        0,
        VM_WRITE,
        VM_EXECUTE,
        VM_WRITE | VM_EXECUTE,
        VM_READ | VM_WRITE | VM_EXECUTE,
    ];
    let rights = refused(unknown.chain(wrong), Errno::EINVAL, 2);
    let rights = and_good(rights, [VM_READ, VM_READ | VM_EXECUTE]);
    call.structure(
        Place::Register(0),
        Access::In,
        "omnibus_vm_map",
        &[0, HOLE, 2 * PAGE_BYTES, VM_READ | VM_WRITE],
        &[
            ("flags", NO_FLAGS, 2),
            ("address", address, 2),
            ("n_bytes", n_bytes, 2),
            ("rights", rights, 2),
        ],
    );
    Ok(call)
}

pub(crate) fn undo_map(_: &World, call: &Invocation, registers: Registers) {
    if registers.status == 0 {
        memory::unmap(registers.value, call.objects[0].words[2]).expect("it was just mapped");
    }
}

pub(crate) fn unmap(_: &World) -> Result<Invocation, Errno> {
    memory::map(HOLE, 2 * PAGE_BYTES, VM_READ)?;
    let registers = [HOLE, 2 * PAGE_BYTES, 0, 0, 0, 0];
    let mut call = Invocation::new(Call::VmUnmap, registers, &[0, 0]);
    mapped_range(&mut call);
    Ok(call)
}

pub(crate) fn protect(_: &World) -> Result<Invocation, Errno> {
    memory::map(HOLE, 2 * PAGE_BYTES, VM_READ)?;
    let registers = [HOLE, 2 * PAGE_BYTES, 0, 0, 0, 0];
    let mut call = Invocation::new(Call::VmProtect, registers, &[0, 0, 0]);
    mapped_range(&mut call);
    let rights = [
        VM_WRITE,
        VM_EXECUTE,
        VM_WRITE | VM_EXECUTE,
        VM_READ | VM_WRITE | VM_EXECUTE,
        8,
        1 << 32,
        u64::MAX,
    ];
    let good = [VM_READ, VM_READ | VM_WRITE, VM_READ | VM_EXECUTE];
    call.value(2, and_good(refused(rights, Errno::EINVAL, 0), good));
    Ok(call)
}

/// The first two arguments are two pages that are mapped, with nothing on either side.
fn mapped_range(call: &mut Invocation) {
    let address = [
        0,
        1,
        0xfff,
        HOLE + 1,
        HOLE - PAGE_BYTES,
        HOLE + PAGE_BYTES,
        HOLE + 0x1_0000,
    ];
    let address = OUTSIDE
        .into_iter()
        .chain(OUTSIDE.map(|address| address & !0xfff))
        .chain(address);
    call.value(0, refused(address, Errno::EINVAL, 0));
    let n_bytes = [
        0,
        1,
        4095,
        4097,
        3 * PAGE_BYTES,
        1 << 30,
        1 << 47,
        1 << 63,
        u64::MAX,
        u64::MAX - 4095,
    ];
    call.value(
        1,
        and_good(refused(n_bytes, Errno::EINVAL, 0), [PAGE_BYTES]),
    );
}

pub(crate) fn undo_unmap(_: &World, _: &Invocation, _: Registers) {
    for page in 0..2 {
        // Which of them are still there depends on the case.
        let _ = memory::unmap(HOLE + page * PAGE_BYTES, PAGE_BYTES);
    }
}
