//! Answers a message with its bytes in reverse, for chapter (b) of the tour.
#![no_std]
#![no_main]

use omnibus_userland::actor::Actor;
use omnibus_userland::program;

program!(main);

fn main() {
    let writer = Actor::enter();
    let mut data = writer.hear().data;
    data.reverse();
    writer.say(format_args!(
        "I got {} bytes and send them back reversed, through handle {:#x}",
        data.len(),
        writer.director.id()
    ));
    writer.tell(&data, &[]);
}
