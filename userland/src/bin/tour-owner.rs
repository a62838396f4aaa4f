//! Owns two nodes, releases one and counts the notices about the other, for chapter (e) of the tour.
#![no_std]
#![no_main]

use omnibus_userland::actor::Actor;
use omnibus_userland::bus::Received;
use omnibus_userland::program;

program!(main);

fn main() {
    let owner = Actor::enter();
    let (first, first_handle) = owner.peer.node().expect("the account has room");
    let (second, second_handle) = owner.peer.node().expect("the account has room");
    owner.tell(b"my nodes", &[&first_handle, &second_handle]);
    drop((first_handle, second_handle));

    let mut first = Some(first);
    let mut n_notices = 0;
    loop {
        match owner.recv() {
            Received::HandleRelease { node } if node == second.id() => {
                n_notices += 1;
                owner.say(format_args!("the last handle to my second node is gone"));
            }
            Received::Message(message) if message.data == b"release" => {
                owner.say(format_args!("I release my first node"));
                drop(first.take());
            }
            Received::Message(_) => owner.tell(&[n_notices], &[]),
            Received::HandleRelease { .. } | Received::NodeRelease { .. } => {}
        }
    }
}
