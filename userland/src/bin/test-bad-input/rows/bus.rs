//! Rows of peers, nodes and handles, and of waiting.

use super::{ANY, NO_FLAGS, and_refused, refused};
use crate::invocation::{Invocation, Place, Role};
use crate::world::World;
use alloc::vec;
use omnibus_userland::abi::bus1::{
    CmdRelease, CmdTransfer, INVALID, TRANSFER_FLAG_CREATE, Transfer,
};
use omnibus_userland::abi::call::Access;
use omnibus_userland::abi::capability::{peer, task};
use omnibus_userland::abi::limits::{IDS_MAX, TRANSFERS_MAX};
use omnibus_userland::abi::native::WaitItem;
use omnibus_userland::abi::{Call, Errno, Kind};
use omnibus_userland::raw::Registers;

pub(crate) fn wait(world: &World) -> Result<Invocation, Errno> {
    let registers = [0, 1, WaitItem::SIZE, 0, 0, 0];
    let mut wait = Invocation::new(Call::Wait, registers, &[2, 0, 1, 4]);
    let wanted = [(Kind::Peer, peer::RECEIVE), (Kind::Task, task::WATCH)];
    let bad = world.bad_capabilities_of(&wanted);
    let capability = Role::Value {
        bad: bad
            .into_iter()
            .map(|(number, errno)| (number, errno, 3))
            .collect(),
        good: vec![],
    };
    wait.structure(
        Place::Register(0),
        Access::InOut,
        "omnibus_wait_item",
        &[0, world.ended, 0],
        &[
            ("flags", NO_FLAGS, 3),
            ("capability", capability, 3),
            ("events", ANY, 3),
        ],
    );
    Ok(wait)
}

pub(crate) fn peer_new(world: &World) -> Result<Invocation, Errno> {
    let account = world.full(Kind::Account);
    let mut call = Invocation::new(Call::PeerNew, [account, 0, 0, 0, 0, 0], &[0]);
    let used_up = refused([world.poor], Errno::EDQUOT, 1);
    let bad = world.bad_capabilities(
        Kind::Account,
        omnibus_userland::abi::capability::account::CHARGE,
    );
    let bad = bad.into_iter().map(|(number, errno)| (number, errno, 0));
    call.value(0, and_refused(used_up, bad));
    Ok(call)
}

pub(crate) fn transfer(world: &World) -> Result<Invocation, Errno> {
    let registers = [world.peer, 0, CmdTransfer::SIZE, Transfer::SIZE, 0, 0];
    let mut call = Invocation::new(Call::Transfer, registers, &[0, 2, 1, 1]);
    let to = world.bad_capabilities(Kind::Peer, peer::GIVE);
    let to = to.into_iter().map(|(number, errno)| (number, errno, 5));
    let to = and_refused(refused([world.poor_peer], Errno::EDQUOT, 9), to);
    let command = call.structure(
        Place::Register(1),
        Access::In,
        "bus1_cmd_transfer",
        &[0, world.other, 2, 0, 0],
        &[
            ("flags", NO_FLAGS, 3),
            ("to", to, 5),
            (
                "n_transfers",
                Role::Count(1, TRANSFERS_MAX, Errno::EMSGSIZE),
                4,
            ),
            ("ptr_src", Role::Pointer(1), 6),
            ("ptr_dst", Role::Pointer(2), 6),
        ],
    );
    let unknown_flags = || {
        (1..64)
            .map(|bit| 1 << bit)
            .chain([TRANSFER_FLAG_CREATE | 2])
    };
    let with_create = refused(unknown_flags(), Errno::EINVAL, 7);
    // CREATE goes with no id, and an id goes without CREATE.
    let without = refused(
        unknown_flags().chain([TRANSFER_FLAG_CREATE]),
        Errno::EINVAL,
        7,
    );
    let an_id = refused([0, 1, world.handle, world.node], Errno::EINVAL, 7);
    let unknown = world.unknown.iter().copied().chain([world.node]);
    call.structure(
        Place::Word(command, 3),
        Access::InOut,
        "bus1_transfer",
        &[TRANSFER_FLAG_CREATE, INVALID, 0, world.handle],
        &[
            ("flags", with_create, 7),
            ("id", an_id, 7),
            ("flags", without, 7),
            ("id", refused(unknown, Errno::EBADRQC, 8), 8),
        ],
    );
    call.structure(
        Place::Word(command, 4),
        Access::Out,
        "bus1_transfer",
        &[0; 4],
        &[],
    );
    call.value(3, Role::Size(vec![1, 2]));
    call.empties = vec![(Place::Word(command, 2), 1), (Place::Word(command, 2), 2)];
    Ok(call)
}

pub(crate) fn undo_transfer(world: &World, call: &Invocation, registers: Registers) {
    if registers.status == 0 && call.objects[0].words[2] != 0 {
        // Where they went is where `to` says, and without it to the source.
        let ids = [call.read_back(2, 1), call.read_back(2, 3)];
        world.release_any(world.other, &ids);
        world.release_any(world.peer, &[call.read_back(1, 1)]);
        world.drain().expect("queues can be emptied");
    }
}

pub(crate) fn release(world: &World) -> Result<Invocation, Errno> {
    let registers = [world.peer, 0, CmdRelease::SIZE, 0, 0, 0];
    let mut call = Invocation::new(Call::Release, registers, &[0, 2, 1]);
    let command = call.structure(
        Place::Register(1),
        Access::In,
        "bus1_cmd_release",
        &[0, 2, 0],
        &[
            ("flags", NO_FLAGS, 3),
            ("n_ids", Role::Count(1, IDS_MAX, Errno::EMSGSIZE), 4),
            ("ptr_ids", Role::Pointer(1), 5),
        ],
    );
    let (first, second) = (world.copy_handle()?, world.copy_handle()?);
    let ids = call.object(Place::Word(command, 2), Access::In, 8, 2, &[first, second]);
    // An id of another peer may be the number of one of these two.
    let unknown = world.unknown.iter().copied().chain([INVALID]);
    let unknown = unknown.filter(|&id| id != first && id != second);
    let id = refused(unknown, Errno::EBADRQC, 6);
    call.values(ids, "id", &id, 6);
    // Either id in place of the other is named twice.
    for (word, other) in [(0, second), (1, first)] {
        let twice = refused([other], Errno::ENOTUNIQ, 7);
        call.slots.push(crate::invocation::Slot {
            name: "id twice",
            place: Place::Word(ids, word),
            role: twice,
            stage: 7,
        });
    }
    call.empties = vec![(Place::Word(command, 1), 1)];
    Ok(call)
}

pub(crate) fn undo_release(world: &World, call: &Invocation, _: Registers) {
    world.release_any(world.peer, &call.objects[1].words);
}

pub(crate) fn release_one(world: &World) -> Result<Invocation, Errno> {
    let id = world.copy_handle()?;
    let registers = [world.peer, id, 0, 0, 0, 0];
    let mut call = Invocation::new(Call::ReleaseOne, registers, &[0, 1]);
    // An id of another peer may be the number of this one.
    let unknown = world.unknown.iter().copied().chain([INVALID]);
    let unknown = unknown.filter(|&unknown| unknown != id);
    call.value(1, refused(unknown, Errno::EBADRQC, 1));
    Ok(call)
}

pub(crate) fn undo_release_one(world: &World, call: &Invocation, _: Registers) {
    world.release_any(world.peer, &call.registers[1..2]);
}
