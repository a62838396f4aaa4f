//! Bad values for the calls with a message in registers, alone and two at a time.

use crate::world::World;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use omnibus_userland::abi::bus1::INVALID;
use omnibus_userland::abi::capability::peer;
use omnibus_userland::abi::short::{CARRY, Descriptor, N_BYTES_SHIFT, N_WORDS, TAKE};
use omnibus_userland::abi::{Call, DEADLINE_NOW, Errno, Kind, status};
use omnibus_userland::raw;

/// A pattern for the registers of the message.
const WORDS: [u64; N_WORDS] = [0x5a5a_0000_1234_0001; N_WORDS];

/// A call that must fail.
pub(crate) trait Trial {
    /// What must come of it.
    fn errno(&self) -> Errno;

    /// Two values are bad, and the first of them decides.
    fn is_pair(&self) -> bool;

    /// Makes the call; in words what was wrong with its answer.
    fn try_out(&self, call: Call) -> Result<(), String>;
}

/// A call with a message in registers that must fail.
pub(crate) struct Case {
    peer: u64,
    handle: u64,
    n_bytes: u64,
    errno: Errno,
    is_pair: bool,
}

/// Every case of `call`. Deadlines have passed, so that nothing waits.
pub(crate) fn cases(world: &World, call: Call) -> Vec<Case> {
    let (has_handle, right) = match call {
        Call::SendShort => (true, peer::USE),
        Call::ReceiveShort => (false, peer::RECEIVE),
        _ => (true, peer::USE | peer::RECEIVE),
    };
    let mut peers = vec![(world.silent, None)];
    for right in [peer::USE, peer::RECEIVE]
        .into_iter()
        .filter(|bit| right & bit != 0)
    {
        let bad = world.bad_capabilities(Kind::Peer, right).into_iter();
        peers.extend(bad.map(|(number, errno)| (number, Some(errno))));
    }
    let mut lengths = vec![(0, None), (64, None)];
    let mut handles = vec![(world.handle, None)];
    if has_handle {
        peers[0].0 = world.peer;
        let [carry, take] = [CARRY, TAKE].map(|bit| bit >> N_BYTES_SHIFT);
        let too_long = [65, 66, 128, 1 << 16, 1 << 29, u64::from(u32::MAX)];
        let too_long = too_long.into_iter().chain([carry | 57, carry | 64]);
        lengths.extend(too_long.map(|n_bytes| (n_bytes, Some(Errno::EMSGSIZE))));
        // What the last register holds names no handle.
        lengths.push((carry | 8, Some(Errno::EBADRQC)));
        let has_room = call == Call::CallShort;
        lengths.push((take, (!has_room).then_some(Errno::EMSGSIZE)));
        let unknown = world.unknown.iter().copied().chain([world.node, INVALID]);
        handles.extend(unknown.map(|id| (id, Some(Errno::EBADRQC))));
        handles.push((world.handle_to_poor, Some(Errno::EDQUOT)));
    }
    let mut cases = Vec::new();
    for &(peer, bad_peer) in &peers {
        for &(n_bytes, bad_length) in &lengths {
            for &(handle, bad_handle) in &handles {
                let faults = [bad_peer, bad_length, bad_handle];
                let n_faults = faults.iter().flatten().count();
                let waits_in_vain = (!has_handle).then_some(Errno::ETIMEDOUT);
                let first = faults.into_iter().flatten().next().or(waits_in_vain);
                if let Some(errno) = first.filter(|_| n_faults < 3) {
                    cases.push(Case {
                        peer,
                        handle,
                        n_bytes,
                        errno,
                        is_pair: n_faults == 2,
                    });
                }
            }
        }
    }
    cases
}

impl Trial for Case {
    fn errno(&self) -> Errno {
        self.errno
    }

    fn is_pair(&self) -> bool {
        self.is_pair
    }

    fn try_out(&self, call: Call) -> Result<(), String> {
        let number = self.n_bytes << N_BYTES_SHIFT | call as u64;
        let given = [number, self.peer, self.handle, DEADLINE_NOW];
        let registers = raw::call_short(given, WORDS);
        let result = status::decode(registers.status, 0).map(drop);
        let described = if call == Call::SendShort {
            DEADLINE_NOW
        } else {
            Descriptor::default().0
        };
        let mut kept = WORDS;
        kept[0] = 0;
        let is_kept = (registers.id, registers.account, registers.words)
            == (self.peer, self.handle, kept)
            && registers.descriptor == described;
        if result == Err(self.errno) && is_kept {
            return Ok(());
        }
        let Self {
            peer,
            handle,
            n_bytes,
            errno,
            ..
        } = self;
        Err(format!(
            "peer {peer:#x}, handle {handle:#x}, {n_bytes} bytes: {registers:x?} instead of {errno:?}"
        ))
    }
}
