//! Rows of tasks.

use super::{NO_FLAGS, and_refused, refused};
use crate::invocation::{Change, Invocation, Place, Role};
use crate::world::World;
use alloc::vec;
use omnibus_userland::abi::call::Access;
use omnibus_userland::abi::capability::account;
use omnibus_userland::abi::limits::{ARGUMENT_BYTES_MAX, GRANTS_MAX, NAME_BYTES_MAX, PRIORITY_MAX};
use omnibus_userland::abi::native::{Grant, TaskSpawn, TaskStatus};
use omnibus_userland::abi::{Call, CapabilityNumber, DEADLINE_NEVER, Errno, Kind};
use omnibus_userland::calls;
use omnibus_userland::raw::Registers;
use omnibus_userland::wait::WaitSet;

/// The program that is started, and what it is told: it ends at once.
const NAME: [u8; 14] = *b"test-bad-input";
const ARGUMENTS: [u8; 8] = *b"--child\0";

pub(crate) fn spawn(world: &World) -> Result<Invocation, Errno> {
    let registers = [0, TaskSpawn::SIZE, Grant::SIZE, 0, 0, 0];
    let mut call = Invocation::new(Call::TaskSpawn, registers, &[1, 0, 0]);
    let payer = world.bad_capabilities(Kind::Account, account::CHARGE);
    let payer = payer.into_iter().map(|(number, errno)| (number, errno, 4));
    let payer = and_refused(refused([world.poor], Errno::EDQUOT, 9), payer);
    let count = |object, bound| Role::Count(object, bound, Errno::EMSGSIZE);
    let n_name = NAME.len() as u64;
    let n_arguments = ARGUMENTS.len() as u64;
    call.structure(
        Place::Register(0),
        Access::In,
        "omnibus_task_spawn",
        &[
            0,
            world.full(Kind::Account),
            0,
            n_name,
            0,
            n_arguments,
            0,
            1,
            0,
            0,
        ],
        &[
            ("flags", NO_FLAGS, 2),
            ("account", payer, 4),
            ("ptr_name", Role::Pointer(1), 5),
            ("n_name", count(1, NAME_BYTES_MAX), 3),
            ("ptr_arguments", Role::Pointer(2), 5),
            ("n_arguments", count(2, ARGUMENT_BYTES_MAX), 3),
            ("ptr_grants", Role::Pointer(3), 5),
            ("n_grants", count(3, GRANTS_MAX), 3),
            (
                "priority",
                refused([PRIORITY_MAX + 1, 1 << 32, u64::MAX], Errno::EINVAL, 2),
                2,
            ),
            ("reserved", NO_FLAGS, 2),
        ],
    );
    let name = call.bytes(Place::Word(0, 2), Access::In, n_name, &words(&NAME));
    call.values(
        name,
        "name",
        &refused([0, 1, u64::MAX], Errno::ENOENT, 7),
        7,
    );
    call.bytes(
        Place::Word(0, 4),
        Access::In,
        n_arguments,
        &words(&ARGUMENTS)[..1],
    );
    let grant = world.no_capabilities().into_iter();
    let grant = refused(grant, Errno::EBADF, 6);
    let rights = (0..64)
        .map(|bit| 1 << bit)
        .filter(|right| Kind::Peer.all_rights() & right == 0);
    call.structure(
        Place::Word(0, 6),
        Access::In,
        "omnibus_grant",
        &[0, world.peer, 0],
        &[
            ("flags", NO_FLAGS, 6),
            ("capability", grant, 6),
            ("rights", refused(rights, Errno::EPERM, 6), 6),
        ],
    );
    call.value(2, Role::Size(vec![3]));
    call.empties = vec![(Place::Word(0, 5), 2), (Place::Word(0, 7), 3)];
    let no_name = vec![Change::Set(Place::Word(0, 3), 0)];
    call.others = vec![(no_name, Errno::EINVAL, 2)];
    Ok(call)
}

/// Two words of text.
fn words(text: &[u8]) -> [u64; 2] {
    let mut bytes = [0; 16];
    bytes[..text.len()].copy_from_slice(text);
    let (words, _) = bytes.as_chunks::<8>();
    [u64::from_le_bytes(words[0]), u64::from_le_bytes(words[1])]
}

pub(crate) fn undo_spawn(_: &World, _: &Invocation, registers: Registers) {
    if registers.status == 0 {
        let task = CapabilityNumber(registers.value);
        let ended = WaitSet::new()
            .capability(task)
            .wait(DEADLINE_NEVER)
            .map(drop);
        ended.expect("a child ends");
        calls::capability_drop(task).expect("it was just made");
    }
}

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
