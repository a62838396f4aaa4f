//! Bad values for the calls with a message in memory that registers tell of, alone and two at a time.
//!
//! What is bad of the receiving part is tried with a message that stays first in the queue, of the sending part with one that is not sent.

#![allow(unsafe_code)]

use crate::memory;
use crate::short::Trial;
use crate::world::{PAYLOAD, World};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use omnibus_userland::abi::bus1::{INVALID, TRANSFER_FLAG_CREATE, Transfer};
use omnibus_userland::abi::capability::peer;
use omnibus_userland::abi::limits::{DATA_BYTES_MAX, STRUCTURE_BYTES_MAX, TRANSFERS_MAX};
use omnibus_userland::abi::long::{Memory, Range, TRANSFER_SIZE_SHIFT};
use omnibus_userland::abi::short::Descriptor;
use omnibus_userland::abi::{Call, DEADLINE_NOW, Errno, Kind, status};
use omnibus_userland::raw;

/// The transfers that the message in the queue carries.
const N_CARRIED: u64 = 2;

/// Everything that a call is given.
#[derive(Clone, Copy, Debug)]
struct Given {
    peer: u64,
    transfer_size: u64,
    handle: u64,
    memory: Memory,
}

/// A bad value: what it changes, and the error, if that is the first.
type Bad = (fn(&mut Given, u64), u64, Errno);

/// A call that must fail.
pub(crate) struct Case {
    given: Given,
    /// What must come of it.
    errno: Errno,
    /// Two values are bad, and the first of them decides.
    is_pair: bool,
}

/// Every case of `call`. Deadlines have passed, so that nothing waits.
pub(crate) fn cases(world: &World, call: Call) -> Vec<Case> {
    memory::initialise_once().expect("memory for the structures");
    let good = good(world);
    let stages = match call {
        Call::CallLong => sending(world),
        _ => {
            world.fill_queue().expect("a message in the queue");
            receiving(world)
        }
    };
    let mut cases = Vec::new();
    for (index, stage) in stages.iter().enumerate() {
        for &(set, value, errno) in stage {
            let mut given = good;
            set(&mut given, value);
            cases.push(Case {
                given,
                errno,
                is_pair: false,
            });
            let later = stages[index + 1..].iter();
            for &(set_later, bad, _) in later.filter_map(|stage| stage.first()) {
                let mut given = good;
                set_later(&mut given, bad);
                // Behind the other, which may be a bad value of the same thing.
                set(&mut given, value);
                cases.push(Case {
                    given,
                    errno,
                    is_pair: true,
                });
            }
        }
    }
    cases
}

fn good(world: &World) -> Given {
    let address = |index| memory::region(index) + 64;
    let words = [
        0,
        world.handle,
        TRANSFER_FLAG_CREATE,
        world.handle,
        0,
        world.unknown[0],
    ];
    for (place, word) in (0..).zip(words) {
        memory::put(1, address(1) + place * 8, &word.to_le_bytes());
    }
    Given {
        peer: world.peer,
        transfer_size: Transfer::SIZE,
        handle: world.handle,
        memory: Memory {
            data: Range {
                address: address(0),
                n: 8,
            },
            transfers: Range {
                address: address(1),
                n: 1,
            },
            into: Range {
                address: address(2),
                n: PAYLOAD.len() as u64,
            },
            into_transfers: Range {
                address: address(3),
                n: N_CARRIED,
            },
        },
    }
}

fn capabilities(world: &World, rights: &[u64]) -> Vec<Bad> {
    let mut bad: Vec<Bad> = Vec::new();
    for &right in rights {
        let refused = world.bad_capabilities(Kind::Peer, right).into_iter();
        bad.extend(
            refused.map(|(number, errno)| -> Bad {
                (|given, value| given.peer = value, number, errno)
            }),
        );
    }
    bad
}

fn sizes() -> Vec<Bad> {
    let size = |value, errno| -> Bad { (|given, value| given.transfer_size = value, value, errno) };
    let small = [0, 1, 8, 15].map(|value| size(value, Errno::EINVAL));
    let large = [STRUCTURE_BYTES_MAX + 1, 1 << 16, u64::from(u32::MAX)];
    let large = large.map(|value| size(value, Errno::E2BIG));
    small.into_iter().chain(large).collect()
}

/// The stages of SEND: a bad value of one decides before those of the later ones.
fn sending(world: &World) -> Vec<Vec<Bad>> {
    let mut lengths: Vec<Bad> = Vec::new();
    for n in [DATA_BYTES_MAX + 1, 1 << 32, u64::MAX] {
        lengths.push((
            |given, value| given.memory.data.n = value,
            n,
            Errno::EMSGSIZE,
        ));
    }
    for n in [TRANSFERS_MAX + 1, 1 << 32, u64::MAX] {
        lengths.push((
            |given, value| given.memory.transfers.n = value,
            n,
            Errno::EMSGSIZE,
        ));
    }
    let unreadable = |set: fn(&mut Given, u64), n_bytes| -> Vec<Bad> {
        let bad = memory::unreadable(n_bytes).into_iter();
        bad.map(|address| (set, address, Errno::EFAULT)).collect()
    };
    let transfers = unreadable(|given, value| given.memory.transfers.address = value, 16);
    let (flags, id) = (memory::region(1) + 80, memory::region(1) + 96);
    let set: fn(&mut Given, u64) = |given, value| given.memory.transfers.address = value;
    let unknown = world.unknown.iter().copied().chain([world.node, INVALID]);
    let mut handles: Vec<Bad> = Vec::new();
    for id in unknown {
        handles.push((|given, value| given.handle = value, id, Errno::EBADRQC));
    }
    vec![
        capabilities(world, &[peer::USE, peer::RECEIVE]),
        sizes(),
        lengths,
        transfers,
        vec![(set, flags, Errno::EINVAL)],
        vec![(set, id, Errno::EBADRQC)],
        handles,
        vec![(
            |given, value| given.handle = value,
            world.handle_to_poor,
            Errno::EDQUOT,
        )],
        unreadable(|given, value| given.memory.data.address = value, 8),
    ]
}

/// The stages of RECV. An empty range may be anywhere, so that what is too small has no order with where it is.
fn receiving(world: &World) -> Vec<Vec<Bad>> {
    let mut small: Vec<Bad> = Vec::new();
    for n in 0..PAYLOAD.len() as u64 {
        small.push((
            |given, value| given.memory.into.n = value,
            n,
            Errno::EMSGSIZE,
        ));
    }
    for n in 0..N_CARRIED {
        small.push((
            |given, value| given.memory.into_transfers.n = value,
            n,
            Errno::EMSGSIZE,
        ));
    }
    let places = |set: fn(&mut Given, u64), n_bytes| -> Vec<Bad> {
        let bad = memory::unreadable(n_bytes).into_iter();
        let bad = bad.chain(memory::unwritable(n_bytes));
        bad.map(|address| (set, address, Errno::EFAULT)).collect()
    };
    let n_data = PAYLOAD.len() as u64;
    vec![
        capabilities(world, &[peer::RECEIVE]),
        sizes(),
        vec![(
            |given, value| given.peer = value,
            world.silent,
            Errno::ETIMEDOUT,
        )],
        small,
        places(|given, value| given.memory.into.address = value, n_data),
        places(
            |given, value| given.memory.into_transfers.address = value,
            32,
        ),
    ]
}

impl Trial for Case {
    fn errno(&self) -> Errno {
        self.errno
    }

    fn is_pair(&self) -> bool {
        self.is_pair
    }

    fn try_out(&self, call: Call) -> Result<(), String> {
        let Given {
            peer,
            transfer_size,
            handle,
            memory,
        } = self.given;
        let number = transfer_size << TRANSFER_SIZE_SHIFT | call as u64;
        // SAFETY: the kernel may write to the regions, in which nothing of the program lies.
        let registers = unsafe { raw::call_long([number, peer, handle, DEADLINE_NOW], memory) };
        let result = status::decode(registers.status, 0).map(drop);
        let is_told = self.errno == Errno::EMSGSIZE && call == Call::ReceiveLong;
        let described = if is_told {
            Descriptor::new(0, PAYLOAD.len() as u64, N_CARRIED)
        } else {
            Descriptor::default()
        };
        let mut kept = memory.to_words();
        kept[0] = 0;
        let is_kept = (registers.id, registers.account, registers.words) == (peer, handle, kept)
            && registers.descriptor == described.0;
        if result == Err(self.errno) && is_kept {
            return Ok(());
        }
        let (given, errno) = (&self.given, self.errno);
        Err(format!("{given:x?}: {registers:x?} instead of {errno:?}"))
    }
}
