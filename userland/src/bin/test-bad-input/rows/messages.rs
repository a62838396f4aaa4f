//! Rows of SEND and RECV.

use super::{NO_FLAGS, and_good, and_refused, refused};
use crate::invocation::{Invocation, Place, Role};
use crate::world::{PAYLOAD, World};
use alloc::vec;
use omnibus_userland::abi::bus1::{
    CmdRecv, CmdSend, INVALID, Message, Metadata, RECV_FLAG_DISCARD, TRANSFER_FLAG_CAPABILITY,
    TRANSFER_WITHHELD_SHIFT, Transfer,
};
use omnibus_userland::abi::call::Access;
use omnibus_userland::abi::capability::peer;
use omnibus_userland::abi::limits::{
    DATA_BYTES_MAX, DATA_VECTORS_MAX, DESTINATIONS_MAX, TRANSFERS_MAX,
};
use omnibus_userland::abi::{Call, CapabilityNumber, Errno, Kind};
use omnibus_userland::calls;
use omnibus_userland::raw::Registers;

/// Lengths that with another 8 do not fit in 64 bits.
const WRAPPING: [u64; 2] = [u64::MAX, u64::MAX - 7];

/// Flags of a transfer in a message: a single one is none that goes alone, or takes the id for something else.
fn no_other_flags() -> Role {
    let single = (0..64).map(|bit| 1 << bit);
    let single = single.filter(|flag| *flag != TRANSFER_FLAG_CAPABILITY);
    let several = [1, 4, 1 << 31].map(|flag| flag | TRANSFER_FLAG_CAPABILITY);
    refused(single.chain(several), Errno::EINVAL, 13)
}

pub(crate) fn send(world: &World) -> Result<Invocation, Errno> {
    let sizes = [CmdSend::SIZE, Message::SIZE, Transfer::SIZE];
    let registers = [world.peer, 0, sizes[0], sizes[1], sizes[2], 0];
    let mut call = Invocation::new(Call::Send, registers, &[0, 2, 1, 1, 1]);
    let command = call.structure(
        Place::Register(1),
        Access::In,
        "bus1_cmd_send",
        &[0, 2, 0, 0, 0],
        &[
            ("flags", NO_FLAGS, 3),
            (
                "n_destinations",
                Role::Count(1, DESTINATIONS_MAX, Errno::EMSGSIZE),
                4,
            ),
            ("ptr_destinations", Role::Pointer(1), 16),
            ("ptr_errors", Role::Pointer(2), 16),
            ("ptr_message", Role::Pointer(3), 5),
        ],
    );
    let ids = [world.handle, world.handle];
    let destinations = call.object(Place::Word(command, 2), Access::In, 8, 2, &ids);
    let unknown = world.unknown.iter().copied().chain([world.node, INVALID]);
    let unknown = refused(unknown, Errno::EBADRQC, 17);
    let id = and_refused(unknown, [(world.handle_to_poor, Errno::EDQUOT, 18)]);
    call.values(destinations, "destination", &id, 17);
    let errors = call.object(Place::Word(command, 3), Access::Out, 4, 2, &[]);
    call.objects[errors].is_optional = true;
    message(&mut call, world, Place::Word(command, 4));
    call.value(3, Role::Size(vec![3]));
    call.value(4, Role::Size(vec![4]));
    call.empties = vec![
        (Place::Word(command, 1), 1),
        (Place::Word(command, 1), 2),
        (Place::Word(3, 2), 4),
    ];
    Ok(call)
}

/// The message of a send: one handle, one capability, and the payload in two halves.
fn message(call: &mut Invocation, world: &World, holder: Place) {
    let n_data = PAYLOAD.len() as u64;
    let too_long = refused([n_data + 1, DATA_BYTES_MAX], Errno::EMSGSIZE, 11);
    let beyond = [DATA_BYTES_MAX + 1, 1 << 32, 1 << 63, u64::MAX];
    let beyond = beyond.map(|n_bytes| (n_bytes, Errno::EMSGSIZE, 7));
    let n_data_role = and_good(and_refused(too_long, beyond), [0, 1, 8, 15]);
    let message = call.structure(
        holder,
        Access::In,
        "bus1_message",
        &[0, 0, 2, 0, n_data, 2, 0],
        &[
            ("flags", NO_FLAGS, 6),
            (
                "kind",
                refused([1, 2, 3, 1 << 32, INVALID], Errno::EINVAL, 6),
                6,
            ),
            (
                "n_transfers",
                Role::Count(4, TRANSFERS_MAX, Errno::EMSGSIZE),
                7,
            ),
            ("ptr_transfers", Role::Pointer(4), 12),
            ("n_data", n_data_role, 7),
            (
                "n_data_vecs",
                Role::Count(5, DATA_VECTORS_MAX, Errno::EINVAL),
                8,
            ),
            ("ptr_data_vecs", Role::Pointer(5), 9),
        ],
    );
    let unknown = world.unknown.iter().copied().chain([world.node]);
    // Those of a peer do not travel.
    let peers = [world.peer, world.other].map(|number| (number, Errno::EOPNOTSUPP, 15));
    let capability = and_refused(refused(world.no_capabilities(), Errno::EBADF, 15), peers);
    let withheld = [1, 1 << 31, u64::from(u32::MAX)]
        .map(|rights| rights << TRANSFER_WITHHELD_SHIFT | TRANSFER_FLAG_CAPABILITY);
    call.structure(
        Place::Word(message, 3),
        Access::In,
        "bus1_transfer",
        &[
            0,
            world.handle,
            TRANSFER_FLAG_CAPABILITY,
            world.full(Kind::Console),
        ],
        &[
            // A message carries handles that exist: CREATE is for TRANSFER.
            ("flags", no_other_flags(), 13),
            ("id", refused(unknown, Errno::EBADRQC, 14), 14),
            ("flags", and_good(no_other_flags(), withheld), 13),
            ("id", capability, 15),
        ],
    );
    let wrapping = refused(WRAPPING, Errno::EINVAL, 10);
    let first = and_refused(
        wrapping.clone(),
        [0, 1, 7].map(|n| (n, Errno::EMSGSIZE, 11)),
    );
    // SND-1: memory behind the payload is not touched.
    let second = and_good(first.clone(), [9, 1 << 40, u64::MAX - 8]);
    call.structure(
        Place::Word(message, 6),
        Access::In,
        "iovec",
        &[0, 8, 0, 8],
        &[
            ("base", Role::Pointer(6), 19),
            ("length", first, 10),
            ("base", Role::Pointer(7), 19),
            ("length", second, 10),
        ],
    );
    let (halves, _) = PAYLOAD.as_chunks::<8>();
    for (half, word) in halves.iter().zip([0, 2]) {
        let half = [u64::from_le_bytes(*half)];
        call.object(Place::Word(5, word), Access::In, 8, 1, &half);
    }
}

pub(crate) fn undo_send(world: &World, _: &Invocation, registers: Registers) {
    if registers.status == 0 {
        world.drain().expect("queues can be emptied");
    }
}

pub(crate) fn recv(world: &World) -> Result<Invocation, Errno> {
    world.fill_queue()?;
    let sizes = [CmdRecv::SIZE, Metadata::SIZE, Message::SIZE, Transfer::SIZE];
    let registers = [world.peer, 0, sizes[0], sizes[1], sizes[2], sizes[3]];
    let mut call = Invocation::new(Call::Recv, registers, &[0, 2, 1, 1, 1, 1]);
    let bad = world.bad_capabilities(Kind::Peer, peer::RECEIVE);
    let bad = bad.into_iter().map(|(number, errno)| (number, errno, 0));
    call.value(
        0,
        and_refused(refused([world.silent], Errno::EAGAIN, 6), bad),
    );
    let command = call.structure(
        Place::Register(1),
        Access::In,
        "bus1_cmd_recv",
        &[0, 0, 0],
        &[
            ("flags", Role::Flags(RECV_FLAG_DISCARD), 3),
            // With EMSGSIZE metadata is written, too (RCV-2): these two have no order.
            ("ptr_metadata", Role::Pointer(1), 9),
            ("ptr_message", Role::Pointer(2), 4),
        ],
    );
    call.structure(
        Place::Word(command, 1),
        Access::Out,
        "bus1_metadata",
        &[0; 3],
        &[],
    );
    let n_data = PAYLOAD.len() as u64;
    let too_small = |n: u64| refused(0..n, Errno::EMSGSIZE, 9);
    let message = call.structure(
        Place::Word(command, 2),
        Access::InOut,
        "bus1_message",
        &[0, INVALID, 2, 0, n_data, 2, 0],
        &[
            ("flags", NO_FLAGS, 5),
            (
                "kind",
                refused([0, 1, 2, 3, 1 << 32, INVALID - 1], Errno::EINVAL, 5),
                5,
            ),
            (
                "n_transfers",
                and_good(too_small(2), [3, 4096, 1 << 60, u64::MAX]),
                9,
            ),
            ("ptr_transfers", Role::Pointer(3), 10),
            (
                "n_data",
                and_good(too_small(n_data), [n_data + 1, 1 << 40, u64::MAX]),
                9,
            ),
            (
                "n_data_vecs",
                Role::Count(4, DATA_VECTORS_MAX, Errno::EINVAL),
                7,
            ),
            ("ptr_data_vecs", Role::Pointer(4), 8),
        ],
    );
    call.structure(
        Place::Word(message, 3),
        Access::Out,
        "bus1_transfer",
        &[0; 4],
        &[],
    );
    // The sum is known only if the array can be read: a bad pointer to it has no order with this.
    let wrapping = refused(WRAPPING, Errno::EINVAL, 8);
    let length = and_refused(wrapping, [0, 1, 7].map(|n| (n, Errno::EMSGSIZE, 9)));
    call.structure(
        Place::Word(message, 6),
        Access::In,
        "iovec",
        &[0, 8, 0, 8],
        &[
            ("base", Role::Pointer(5), 10),
            ("length", length.clone(), 8),
            ("base", Role::Pointer(6), 10),
            ("length", and_good(length, [9, 1 << 40]), 8),
        ],
    );
    for word in [0, 2] {
        call.object(Place::Word(4, word), Access::Out, 8, 1, &[]);
    }
    call.value(3, Role::Size(vec![1]));
    call.value(4, Role::Size(vec![2]));
    call.value(5, Role::Size(vec![3]));
    Ok(call)
}

pub(crate) fn undo_recv(world: &World, call: &Invocation, registers: Registers) {
    if registers.status == 0 {
        // A discarded message wrote no id.
        world.release_any(world.peer, &[call.read_back(3, 1)]);
        let _ = calls::capability_drop(CapabilityNumber(call.read_back(3, 3)));
        world.fill_queue().expect("the message can be sent again");
    }
}
