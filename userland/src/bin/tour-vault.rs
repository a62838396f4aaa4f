//! Keeps a secret in its memory, for chapter (a) of the tour.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::boxed::Box;
use core::hint::black_box;
use omnibus_userland::actor::Actor;
use omnibus_userland::program;

program!(main);

const SECRET: u64 = 0x5EC2_E75E_C2E7_5EC2;

fn main() {
    let vault = Actor::enter();
    let secret = Box::new(black_box(SECRET));
    let address = core::ptr::from_ref(&*secret) as u64;
    vault.say(format_args!("my secret lies at {address:#x}"));
    vault.tell(&address.to_le_bytes(), &[]);
    let _question = vault.hear();
    let is_intact = *black_box(&*secret) == SECRET;
    vault.say(format_args!("my secret is as I left it: {is_intact}"));
    vault.tell(if is_intact { b"yes" } else { b"no" }, &[]);
}
