//! Tries ids and capability numbers that it was never given, for chapter (g) of the tour.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use omnibus_userland::abi::{CapabilityNumber, Errno};
use omnibus_userland::actor::Actor;
use omnibus_userland::calls::{self, Outgoing};
use omnibus_userland::environment::{self, HANDLE};
use omnibus_userland::{console, program};

program!(main);

/// How far from a known id guesses go.
const REACH: u64 = 64;

fn main() {
    let guesser = Actor::enter();
    let console = environment::number_of(HANDLE, console::NAME);
    let given = [guesser.node.id(), guesser.director.id()];
    let own: Vec<u64> = given.into_iter().chain(console).collect();
    let foreign = guesser.arguments.iter().filter_map(|id| id.parse().ok());
    let known: Vec<u64> = own
        .iter()
        .copied()
        .chain(foreign)
        .chain([0, 1 << 32])
        .collect();

    let mut n_guesses = 0u64;
    let mut n_hits = 0u64;
    let mut count = |is_hit: bool| {
        n_guesses += 1;
        n_hits += u64::from(is_hit);
    };
    for &start in &known {
        for step in 0..=2 * REACH {
            let id = start.wrapping_sub(REACH).wrapping_add(step);
            if !own.contains(&id) {
                let send = calls::send(guesser.peer.number(), &[id], Outgoing::default());
                count(send != Err(Errno::EBADRQC));
                let release = calls::release(guesser.peer.number(), &[id]);
                count(release != Err(Errno::EBADRQC));
            }
        }
    }
    for slot in 0..REACH as u32 {
        for generation in 0..8 {
            let number = CapabilityNumber::new(generation, slot);
            if !environment::capabilities().contains(&number) {
                count(calls::capability_info(number) != Err(Errno::EBADF));
            }
        }
    }
    guesser.say(format_args!(
        "I made {n_guesses} guesses, and {n_hits} worked"
    ));
    let report = [n_guesses, n_hits].map(u64::to_le_bytes);
    guesser.tell(report.as_flattened(), &[]);
}
