//! Commands whose structures the test writes word by word, so that they can be wrong.

use omnibus_userland::abi::bus1::{INVALID, Message, Metadata, Transfer};
use omnibus_userland::abi::{Call, Errno};
use omnibus_userland::bus::Peer;
use omnibus_userland::raw;

/// An address where nothing is mapped.
pub(crate) const UNMAPPED: u64 = 0x1000;

/// Size of `bus1_metadata`, `bus1_message` and `bus1_transfer`, in the order of RECV's arguments.
pub(crate) const SIZES: [u64; 3] = [Metadata::SIZE, Message::SIZE, Transfer::SIZE];

/// Makes a call of bus1 with the structure in `words`, said to have `size` bytes; `sizes` are
/// the arguments after that.
pub(crate) fn command<const N: usize>(
    call: Call,
    peer: &Peer,
    words: &[u64],
    size: u64,
    sizes: [u64; N],
) -> Result<u64, Errno> {
    let mut arguments = [0; 6];
    arguments[0] = peer.number().0;
    arguments[1] = words.as_ptr() as u64;
    arguments[2] = size;
    arguments[3..3 + N].copy_from_slice(&sizes);
    // SAFETY: every address that the tests of this program put into a structure is of a buffer
    // that lives through the call, or of nothing mapped.
    unsafe { raw::call(call, arguments) }
}

/// SEND with a command and a message as they are.
pub(crate) fn send(peer: &Peer, destinations: &[u64], message: &Message) -> Result<u64, Errno> {
    let words = [
        0,
        destinations.len() as u64,
        destinations.as_ptr() as u64,
        0,
        core::ptr::from_ref(message) as u64,
    ];
    command(
        Call::Send,
        peer,
        &words,
        40,
        [Message::SIZE, Transfer::SIZE],
    )
}

/// RECV into a message as it is.
pub(crate) fn recv(
    peer: &Peer,
    flags: u64,
    metadata: &mut Metadata,
    message: &mut Message,
) -> Result<u64, Errno> {
    let words = [
        flags,
        core::ptr::from_mut(metadata) as u64,
        core::ptr::from_mut(message) as u64,
    ];
    command(Call::Recv, peer, &words, 24, SIZES)
}

/// A message to receive with, without room.
pub(crate) const NO_ROOM: Message = Message {
    flags: 0,
    kind: INVALID,
    n_transfers: 0,
    ptr_transfers: 0,
    n_data: 0,
    n_data_vecs: 0,
    ptr_data_vecs: 0,
};
