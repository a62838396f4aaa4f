//! Sends until it is refused, or has sent as many messages as it was told, for chapter (h) of the tour.
#![no_std]
#![no_main]

use omnibus_userland::actor::Actor;
use omnibus_userland::program;

program!(main);

fn main() {
    let flooder = Actor::enter();
    let n_attempts: u64 = flooder.arguments[0].parse().expect("a number");
    let order = flooder.hear();
    let mut n_sent = 0u64;
    let refusal = loop {
        if n_sent == n_attempts {
            break None;
        }
        match order.handles[0].send(&[0; 64]) {
            Ok(()) => n_sent += 1,
            Err(error) => break Some(error),
        }
    };
    match refusal {
        Some(error) => flooder.say(format_args!("after {n_sent} messages: {error}")),
        None => flooder.say(format_args!("sent {n_sent} of {n_attempts}, none refused")),
    }
    flooder.tell(&n_sent.to_le_bytes(), &[]);
}
