//! Reports the order in which messages came, for chapter (d) of the tour.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use omnibus_userland::actor::Actor;
use omnibus_userland::program;

program!(main);

fn main() {
    let listener = Actor::enter();
    let n_messages: usize = listener.arguments[0].parse().expect("a number");
    let (node, handle) = listener.peer.node().expect("the account has room");
    listener.tell(b"here I listen", &[&handle]);
    drop(handle);
    // The director says "read" when everything is sent, so it comes in behind all the numbers.
    let mut order = Vec::new();
    loop {
        let message = listener.hear();
        if message.node != node.id() {
            break;
        }
        order.extend_from_slice(&message.data);
    }
    let mut text = String::new();
    for number in order.iter().take(12) {
        let _ = write!(text, "{number} ");
    }
    listener.say(format_args!(
        "I got {} of {}, first {text}…",
        order.len(),
        2 * n_messages
    ));
    listener.tell(&order, &[]);
}
