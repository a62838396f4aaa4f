//! Rows of tasks.

use crate::invocation::{Invocation, Place};
use crate::world::World;
use omnibus_userland::abi::call::Access;
use omnibus_userland::abi::native::TaskStatus;
use omnibus_userland::abi::{Call, Errno};

pub(crate) fn kill(world: &World) -> Result<Invocation, Errno> {
    Ok(Invocation::new(
        Call::TaskKill,
        [world.ended, 0, 0, 0, 0, 0],
        &[0],
    ))
}

pub(crate) fn status(world: &World) -> Result<Invocation, Errno> {
    let registers = [world.ended, 0, TaskStatus::SIZE, 0, 0, 0];
    let mut call = Invocation::new(Call::TaskStatus, registers, &[0, 2, 1]);
    call.structure(
        Place::Register(1),
        Access::Out,
        "omnibus_task_status",
        &[0; 8],
        &[],
    );
    Ok(call)
}
