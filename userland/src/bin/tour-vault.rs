//! Keeps a secret in its memory, for chapter (a) of the tour.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec;
use core::hint::black_box;
use omnibus_userland::actor::Actor;
use omnibus_userland::program;

program!(main);

const SECRET: u64 = 0x5EC2_E75E_C2E7_5EC2;

/// Words of the vault's heap.
const HEAP_WORDS: usize = 1 << 14;

fn main() {
    let vault = Actor::enter();
    // At the far end of a large heap: there the thief, whose own heap is small, has nothing mapped.
    let heap = vec![black_box(SECRET); HEAP_WORDS];
    let secret = &heap[HEAP_WORDS - 1];
    let address = core::ptr::from_ref(secret) as u64;
    vault.say(format_args!("my secret lies at {address:#x}"));
    vault.tell(&address.to_le_bytes(), &[]);
    let _question = vault.hear();
    let is_intact = *black_box(secret) == SECRET;
    vault.say(format_args!("my secret is as I left it: {is_intact}"));
    vault.tell(if is_intact { b"yes" } else { b"no" }, &[]);
}
