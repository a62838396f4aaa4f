//! (d) Two senders at once, each message one transaction to three receivers. The receivers read
//! only when all is sent, so that a queue has time to be wrong; all three must report the same
//! order, with every message of each sender in the order in which it was sent.

use crate::{Chapter, say};
use alloc::vec::Vec;
use omnibus_userland::actor::{Director, Player};
use omnibus_userland::check::Outcome;
use omnibus_userland::{check, check_eq};

pub(crate) const CHAPTER: Chapter = (
    "One message to three tasks at one instant, two senders at once: one order for all.",
    prove,
);

const N_MESSAGES: u8 = 24;

fn prove(director: &Director) -> Outcome {
    let cast = |program, names: &[&'static str]| {
        let players = names
            .iter()
            .map(|name| director.cast(name, program, &[&N_MESSAGES]));
        players.collect::<Result<Vec<Player>, _>>()
    };
    let receivers = cast("tour-listener", &["north", "east", "south"])?;
    let senders = cast("tour-speaker", &["odd", "even"])?;

    let targets = receivers
        .iter()
        .map(|receiver| director.hear(receiver))
        .collect::<Outcome<Vec<_>>>()?;
    let targets: Vec<_> = targets
        .iter()
        .flat_map(|message| &message.handles)
        .collect();
    check_eq!(targets.len(), receivers.len(), "handles to the receivers");
    for sender in &senders {
        sender.handle.send_with(b"these three", &targets)?;
    }
    for sender in &senders {
        director.hear(sender)?;
    }
    for receiver in &receivers {
        receiver.handle.send(b"read")?;
    }
    let orders = receivers
        .iter()
        .map(|receiver| director.hear(receiver).map(|message| message.data))
        .collect::<Outcome<Vec<_>>>()?;
    for (order, receiver) in orders.iter().zip(&receivers) {
        check!(
            *order == orders[0],
            "{} and {} disagree about the order",
            receivers[0].name,
            receiver.name
        );
    }
    // Message 2k of one sender and 2k + 1 of the other.
    for parity in 0..2 {
        let of_one = orders[0]
            .iter()
            .copied()
            .filter(|number| number % 2 == parity);
        let expected = (0..N_MESSAGES).map(|k| 2 * k + parity);
        check!(
            of_one.eq(expected),
            "the messages of sender {parity} are not complete and in order"
        );
    }
    let n_switches = orders[0]
        .windows(2)
        .filter(|pair| pair[0] % 2 != pair[1] % 2)
        .count();
    check!(n_switches > 1, "the senders did not run at once");
    say(format_args!(
        "{} messages, {n_switches} changes between the senders: the same order three times",
        orders[0].len()
    ));
    Ok(())
}
