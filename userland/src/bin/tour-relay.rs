//! Passes a handle on, or uses it if it is the last, for chapter (c) of the tour.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;
use omnibus_userland::actor::Actor;
use omnibus_userland::program;

program!(main);

fn main() {
    let relay = Actor::enter();
    let introduction = relay.hear();
    let mut gift = relay.hear();
    let handle = gift.handles.pop().expect("the gift is a handle");
    match introduction.handles.first() {
        Some(next) => {
            let name = core::str::from_utf8(&introduction.data).expect("a name is text");
            relay.say(format_args!("I got a handle, pass it to {name}, and end"));
            next.send_with(b"pass this on", &[&handle])
                .expect("the next one is there");
        }
        None => {
            relay.say(format_args!("I got a handle and wait"));
            let _word = relay.hear();
            relay.say(format_args!(
                "I speak through the handle that went through three tasks"
            ));
            let words = format!("It is me, {}.", relay.name);
            handle.send(words.as_bytes()).expect("the node is there");
        }
    }
}
