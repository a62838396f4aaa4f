//! Has a node that anyone may flood, and reads only when told, for chapter (h) of the tour.
#![no_std]
#![no_main]

use omnibus_userland::actor::Actor;
use omnibus_userland::bus::Peer;
use omnibus_userland::program;

program!(main);

fn main() {
    let service = Actor::enter();
    // A peer of its own for the public, so that orders do not queue behind a flood.
    let inbox = Peer::new(&service.account).expect("the account has room");
    let (_node, handle) = inbox.node_for(&service.peer).expect("the account has room");
    service.tell(b"my node", &[&handle]);
    drop(handle);
    let _order = service.hear();
    let mut n_messages = 0u64;
    while let Some(received) = inbox.try_recv().expect("the inbox can be read") {
        n_messages += u64::from(received.message().is_some());
    }
    service.say(format_args!("I found {n_messages} messages"));
    service.tell(&n_messages.to_le_bytes(), &[]);
}
