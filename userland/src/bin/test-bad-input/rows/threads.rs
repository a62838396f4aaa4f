//! Rows of threads.

use super::{ANY, NO_FLAGS, OUTSIDE, and_good, refused};
use crate::invocation::{Invocation, Place};
use crate::threads;
use crate::world::World;
use omnibus_userland::abi::call::Access;
use omnibus_userland::abi::native::ThreadStart;
use omnibus_userland::abi::{Call, CapabilityNumber, DEADLINE_NEVER, Errno, Kind};
use omnibus_userland::calls;
use omnibus_userland::raw::Registers;

pub(crate) fn new(_: &World) -> Result<Invocation, Errno> {
    let registers = [0, ThreadStart::SIZE, 0, 0, 0, 0];
    let mut call = Invocation::new(Call::ThreadNew, registers, &[1, 0]);
    let entry = threads::end as *const () as u64;
    let outside = || refused(OUTSIDE, Errno::EINVAL, 2);
    call.structure(
        Place::Register(0),
        Access::In,
        "omnibus_thread_start",
        &[0, entry, threads::STACK, 7, 0],
        &[
            ("flags", NO_FLAGS, 2),
            ("entry", outside(), 2),
            ("stack", outside(), 2),
            ("argument", ANY, 2),
            ("tls_base", and_good(outside(), [0x1000]), 2),
        ],
    );
    Ok(call)
}

pub(crate) fn undo_new(_: &World, call: &Invocation, registers: Registers) {
    if registers.status == 0 {
        let thread = CapabilityNumber(registers.value);
        let value = calls::thread_join(thread, DEADLINE_NEVER);
        assert_eq!(value, Ok(call.objects[0].words[3]), "the thread's argument");
        calls::capability_drop(thread).expect("it was just made");
    }
}

pub(crate) fn join(world: &World) -> Result<Invocation, Errno> {
    let registers = [world.full(Kind::Thread), 0, 0, 0, 0, 0];
    Ok(Invocation::new(Call::ThreadJoin, registers, &[0, 1]))
}

pub(crate) fn tls(_: &World) -> Result<Invocation, Errno> {
    let mut call = Invocation::new(Call::ThreadTls, [0; 6], &[0]);
    call.value(0, and_good(refused(OUTSIDE, Errno::EINVAL, 0), [0x1000]));
    Ok(call)
}

pub(crate) fn undo_tls(_: &World, _: &Invocation, _: Registers) {
    let (zero, _) = crate::invocation::call_number(Call::ThreadTls as u64, [0; 6]);
    assert_eq!(zero.status, 0, "no thread-local storage is always possible");
}
