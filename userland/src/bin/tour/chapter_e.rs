//! (e) The owner has two nodes, three holders have a handle to each. The owner releases the first
//! node: all three must learn it. Then the holders let go of the second one after the other: the
//! owner must hear nothing after the first and second, and once after the third.

use crate::{Chapter, say};
use alloc::vec::Vec;
use omnibus_userland::actor::{Director, Player};
use omnibus_userland::bus::Handle;
use omnibus_userland::check::{Failure, Outcome};
use omnibus_userland::check_eq;

pub(crate) const CHAPTER: Chapter = (
    "The end of a node is seen by all who hold it, the end of the last handle by its owner.",
    prove,
);

fn prove(director: &Director) -> Outcome {
    let owner = director.cast("owner", "tour-owner", &[])?;
    let holders = ["Ada", "Bob", "Eve"]
        .iter()
        .map(|name| director.cast(name, "tour-holder", &[]))
        .collect::<Result<Vec<Player>, _>>()?;
    let handles: [Handle; 2] = director
        .hear(&owner)?
        .handles
        .try_into()
        .map_err(|_| Failure::new("the owner did not give two handles"))?;
    let [first, second] = handles;

    hand_out(director, first, &holders)?;
    owner.handle.send(b"release")?;
    for holder in &holders {
        let news = director.hear(holder)?.data;
        check_eq!(&news[..], b"node released", "what {} learned", holder.name);
    }

    hand_out(director, second, &holders)?;
    for (holder, n_expected) in holders.iter().zip([0, 0, 1]) {
        holder.handle.send(b"let go")?;
        director.hear(holder)?;
        owner.handle.send(b"how many?")?;
        let n_notices = director.hear(&owner)?.data;
        check_eq!(
            n_notices,
            [n_expected],
            "notices to the owner after {} let go",
            holder.name
        );
    }
    say(format_args!(
        "three learned of the node's end, one of the last handle's"
    ));
    Ok(())
}

/// Gives every holder a copy of the handle, and keeps none.
pub(crate) fn hand_out(director: &Director, handle: Handle, holders: &[Player]) -> Outcome {
    for holder in holders {
        holder.handle.send_with(b"hold this", &[&handle])?;
        director.hear(holder)?;
    }
    drop(handle);
    Ok(())
}
