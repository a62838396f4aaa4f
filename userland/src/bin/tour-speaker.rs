//! Sends numbered messages, each to three tasks in one transaction, for chapter (d) of the tour.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use omnibus_userland::actor::Actor;
use omnibus_userland::{program, thread};

program!(main);

fn main() {
    let speaker = Actor::enter();
    let n_messages: u8 = speaker.arguments[0].parse().expect("a number");
    let parity = u8::from(speaker.name == "odd");
    let introduction = speaker.hear();
    let targets: Vec<_> = introduction.handles.iter().collect();
    speaker.say(format_args!(
        "I send {n_messages} messages with {} numbers, each to {} tasks at once",
        speaker.name,
        targets.len()
    ));
    for k in 0..n_messages {
        speaker
            .peer
            .send(&targets, &[2 * k + parity], &[])
            .expect("the receivers have room");
        // The two pause at different places, so that their messages mix in no simple pattern.
        if k % (3 - parity) == 0 {
            thread::yield_now();
        }
    }
    speaker.tell(b"all sent", &[]);
}
