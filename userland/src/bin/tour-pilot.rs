//! Owns a node and crashes, for chapter (f) of the tour.
#![no_std]
#![no_main]

use omnibus_userland::actor::Actor;
use omnibus_userland::program;

program!(main);

fn main() {
    let pilot = Actor::enter();
    let (_node, handle) = pilot.peer.node().expect("the account has room");
    pilot.tell(b"my node", &[&handle]);
    drop(handle);
    let _order = pilot.hear();
    pilot.say(format_args!("I write to a page that is not there"));
    // SAFETY: page 0 is never mapped, so the write faults and the task ends.
    unsafe { core::ptr::without_provenance_mut::<u8>(8).write_volatile(1) };
    pilot.say(format_args!("I survived it"));
}
