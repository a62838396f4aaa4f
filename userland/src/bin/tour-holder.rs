//! Holds a handle and tells when its node ends, for chapters (e) and (f) of the tour.
#![no_std]
#![no_main]

use omnibus_userland::abi::Errno;
use omnibus_userland::actor::Actor;
use omnibus_userland::bus::{Handle, Received};
use omnibus_userland::program;

program!(main);

fn main() {
    let holder = Actor::enter();
    let mut held: Option<Handle> = None;
    loop {
        match holder.recv() {
            Received::Message(mut message) => match message.handles.pop() {
                Some(handle) => {
                    held = Some(handle);
                    holder.tell(b"I hold it", &[]);
                }
                None => {
                    holder.say(format_args!("I let go of my handle"));
                    held = None;
                    holder.tell(b"gone", &[]);
                }
            },
            Received::NodeRelease { handle } => {
                let held = held.take().filter(|held| held.id() == handle);
                let held = held.expect("the notice names the handle that is held");
                let is_dead = held.send(b"anyone?") == Err(Errno::EBADRQC);
                holder.say(format_args!(
                    "the node behind my handle is gone; sending to it fails: {is_dead}"
                ));
                let news: &[u8] = if is_dead {
                    b"node released"
                } else {
                    b"not quite"
                };
                holder.tell(news, &[]);
            }
            Received::HandleRelease { .. } => {}
        }
    }
}
