//! (c) A handle to the tour's node goes to Anna, who passes it to Ben, who passes it to Cleo.
//! Anna and Ben end. Then Cleo uses it: the message must come in on that very node, from Cleo's
//! account, with nobody left who could have forwarded it.

use crate::{Chapter, say};
use alloc::vec::Vec;
use omnibus_userland::actor::{self, Director, Player};
use omnibus_userland::bus::Received;
use omnibus_userland::check::Outcome;
use omnibus_userland::task::Ending;
use omnibus_userland::{check_eq, time};

pub(crate) const CHAPTER: Chapter = (
    "A handle goes from task to task to task; the last one speaks to the node, without a broker.",
    prove,
);

fn prove(director: &Director) -> Outcome {
    let names = ["Anna", "Ben", "Cleo"];
    let players = names
        .iter()
        .map(|name| director.cast(name, "tour-relay", &[]))
        .collect::<Result<Vec<Player>, _>>()?;
    let [anna, ben, cleo] = players.as_slice() else {
        unreachable!("three names make three players");
    };
    let (node, handle) = director.peer().node()?;

    // Each gets a handle to the next one, the last one none.
    anna.handle.send_with(b"Ben", &[&ben.handle])?;
    ben.handle.send_with(b"Cleo", &[&cleo.handle])?;
    cleo.handle.send(b"")?;
    anna.handle.send_with(b"pass this on", &[&handle])?;
    drop(handle);

    for broker in [anna, ben] {
        let ending = broker.task.wait_until(time::deadline_in(actor::PATIENCE))?;
        check_eq!(ending, Ending::Exited(0), "the end of {}", broker.name);
    }
    say(format_args!("Anna and Ben have ended; now Cleo may speak"));
    cleo.handle.send(b"speak")?;
    let message = director.recv("Cleo's message on the node", |received| match received {
        Received::Message(message) if message.node == node.id() => Ok(message),
        other => Err(other),
    })?;
    let account = cleo.account.state()?.number;
    check_eq!(message.account, account, "the account that speaks");
    check_eq!(&message.data[..], b"It is me, Cleo.", "what it says");
    say(format_args!(
        "\"{}\" came in on the node, from Cleo's account {account}",
        core::str::from_utf8(&message.data).unwrap_or("?")
    ));
    Ok(())
}
