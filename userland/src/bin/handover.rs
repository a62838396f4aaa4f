//! Hands a payload of 1 MiB to another task in three ways and tells what each costs: copied in a message, handed over as a memory
//! object, and through one that stays mapped at both ends.
//!
//! With `./run-qemu.sh --icount run handover` a nanosecond of the clock is an instruction of the guest, user and kernel together. The
//! receiver looks at every page, and answers; a round is from before the payload is sent until the answer is there. The payload
//! is filled before, in either case.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec;
use alloc::vec::Vec;
use omnibus_userland::abi::bus1::Transfer;
use omnibus_userland::abi::layout::PAGE_BYTES;
use omnibus_userland::abi::limits::DATA_BYTES_MAX;
use omnibus_userland::abi::native::{VM_READ, VM_WRITE};
use omnibus_userland::abi::{CapabilityNumber, DEADLINE_NEVER, Kind};
use omnibus_userland::account::Account;
use omnibus_userland::actor::{Actor, Allowance, Director, Player};
use omnibus_userland::calls::{self, IoSliceMut};
use omnibus_userland::check::{Failure, Outcome};
use omnibus_userland::memory::{Mapping, Memory};
use omnibus_userland::wait::WaitSet;
use omnibus_userland::{check_eq, environment, println, program};

program!(main);

/// Rounds of each way; the least of them counts.
const N_ROUNDS: usize = 9;

/// What stands in each page, so that the receiver can tell that it saw all of them.
fn mark(round: usize, page: u64) -> u64 {
    (round as u64) << 32 | page
}

/// The sum of the marks of a round.
fn sum(round: usize) -> u64 {
    (0..DATA_BYTES_MAX / PAGE_BYTES)
        .map(|page| mark(round, page))
        .sum()
}

fn main() -> u8 {
    // Whoever directs it tells it its part; the director is told nothing.
    if environment::arguments().next().is_some() {
        receive();
        return 0;
    }
    match run() {
        Ok(()) => 0,
        Err(failure) => {
            println!("error: {failure}");
            1
        }
    }
}

/// How a payload gets to the receiver.
enum Way {
    /// As the bytes of a message.
    Copied(Vec<u8>),
    /// As a memory object of its own each time, which the receiver maps and drops.
    HandedOver,
    /// In one object that both have mapped: the message only says that it is there.
    Shared(Memory, Mapping),
}

fn run() -> Outcome {
    let own = environment::find(Kind::Account).ok_or_else(|| Failure::new("no account"))?;
    let all = Kind::Account.all_rights();
    let account = Account::from_capability(calls::capability_copy(own, all)?);
    let director = Director::new(
        Account::from_capability(own),
        environment::find(Kind::Console),
    )?;
    // Half of what the first account has with 512 MiB (decision 0024), of which one message may take no more than a share (ACC-4).
    let allowance = Allowance {
        bytes: 28 << 20,
        frames: 4096,
        ..Allowance::default()
    };
    let receiver = director.cast_with("receiver", "handover", &[], allowance)?;
    let shared = Memory::new(&account, DATA_BYTES_MAX)?;
    let mapping = shared.map(VM_READ | VM_WRITE)?;
    let ways = [
        (
            "copied in a message",
            Way::Copied(vec![0; DATA_BYTES_MAX as usize]),
        ),
        ("handed over as a memory object", Way::HandedOver),
        (
            "in a memory object mapped by both",
            Way::Shared(shared, mapping),
        ),
    ];
    for (name, mut way) in ways {
        let mut least_ns = u64::MAX;
        for round in 0..N_ROUNDS {
            let took_ns = way.round(&account, &director, &receiver, round)?;
            least_ns = least_ns.min(took_ns);
        }
        println!("1 MiB {name}: {least_ns}");
    }
    Ok(())
}

impl Way {
    /// Hands over one payload; how long that took, from the first call until the answer.
    fn round(
        &mut self,
        account: &Account,
        director: &Director,
        receiver: &Player,
        round: usize,
    ) -> Outcome<u64> {
        let began_ns = match self {
            Self::Copied(bytes) => {
                for (page, chunk) in (0..).zip(bytes.chunks_mut(PAGE_BYTES as usize)) {
                    chunk[..8].copy_from_slice(&mark(round, page).to_le_bytes());
                }
                let began_ns = calls::clock_ns();
                receiver.handle.send(bytes)?;
                began_ns
            }
            Self::HandedOver => {
                let memory = Memory::new(account, DATA_BYTES_MAX)?;
                fill(&memory.map(VM_READ | VM_WRITE)?, round);
                let began_ns = calls::clock_ns();
                receiver.handle.give(b"", memory.number())?;
                began_ns
            }
            Self::Shared(memory, mapping) => {
                fill(mapping, round);
                let began_ns = calls::clock_ns();
                // Only the first message brings the object; the receiver keeps it mapped.
                match round {
                    0 => receiver.handle.give(b"keep", memory.number())?,
                    _ => receiver.handle.send(b"kept")?,
                }
                began_ns
            }
        };
        let answer = director.hear(receiver)?.data;
        let took_ns = calls::clock_ns() - began_ns;
        check_eq!(answer, sum(round).to_le_bytes(), "the sum of round {round}");
        Ok(took_ns)
    }
}

fn fill(mapping: &Mapping, round: usize) {
    for page in 0..DATA_BYTES_MAX / PAGE_BYTES {
        mapping.write(page * PAGE_BYTES, &mark(round, page).to_le_bytes());
    }
}

/// The sum of what stands in each page of a mapping.
fn look(mapping: &Mapping) -> u64 {
    let mut word = [0; 8];
    let pages = (0..mapping.n_bytes()).step_by(PAGE_BYTES as usize);
    pages
        .map(|offset| {
            mapping.read(offset, &mut word);
            u64::from_le_bytes(word)
        })
        .sum()
}

/// The receiver: answers each payload with the sum of its marks, until its director ends it.
fn receive() {
    let actor = Actor::enter();
    let mut room = vec![0; DATA_BYTES_MAX as usize];
    let mut kept = None;
    loop {
        let mut transfers = [Transfer::default()];
        let mut data = [IoSliceMut::new(&mut room)];
        let (incoming, result) = calls::recv(actor.peer.number(), &mut data, &mut transfers);
        if result.is_err() {
            let waited = WaitSet::new()
                .peer(&actor.peer)
                .wait(DEADLINE_NEVER)
                .map(drop);
            waited.expect("the peer stays open");
            continue;
        }
        let n_bytes = incoming.message.n_data as usize;
        let brought = (incoming.message.n_transfers > 0)
            .then(|| Memory::from_capability(CapabilityNumber(transfers[0].id)));
        let total = match (brought, &room[..n_bytes]) {
            (Some(memory), b"keep") => {
                let mapping = memory.map(VM_READ).expect("it may be read");
                look(kept.insert(mapping))
            }
            (Some(memory), _) => look(&memory.map(VM_READ).expect("it may be read")),
            (None, b"kept") => kept.as_ref().map_or(0, look),
            (None, bytes) => bytes
                .chunks(PAGE_BYTES as usize)
                .filter_map(|page| page.first_chunk())
                .map(|word| u64::from_le_bytes(*word))
                .sum(),
        };
        actor.tell(&total.to_le_bytes(), &[]);
    }
}
