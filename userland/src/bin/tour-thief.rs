//! Reads an address of another task's memory, for chapter (a) of the tour.
#![no_std]
#![no_main]

use omnibus_userland::actor::Actor;
use omnibus_userland::program;

program!(main);

fn main() {
    let thief = Actor::enter();
    let address: u64 = thief.arguments[0].parse().expect("an address is a number");
    thief.say(format_args!("now I read {address:#x}"));
    // SAFETY: nothing of this task lies there, so the read can only fault, and the task end. If
    // it does not, the bytes are another task's and any value is a `u64`.
    let secret = unsafe { (address as *const u64).read_volatile() };
    thief.say(format_args!("I stole the secret: {secret:#x}"));
}
