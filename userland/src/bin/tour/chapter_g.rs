//! (g) The guesser is told ids that are valid on the tour's own peer and tries them on its own,
//! with everything near the ids it has; then capability numbers of every low slot and generation.
//! No attempt may work.

use crate::{Chapter, say};
use omnibus_userland::actor::Director;
use omnibus_userland::bus::Received;
use omnibus_userland::check::{Failure, Outcome};
use omnibus_userland::{check, check_eq};

pub(crate) const CHAPTER: Chapter = (
    "Ids and slots that were never given do not work: nothing can be guessed.",
    prove,
);

fn prove(director: &Director) -> Outcome {
    // Something worth guessing: a node with a handle, both of the tour's peer.
    let (node, handle) = director.peer().node()?;
    let guesser = director.cast("guesser", "tour-guesser", &[&node.id(), &handle.id()])?;
    let report = director.hear(&guesser)?.data;
    let words = report.as_chunks::<8>().0;
    let [n_guesses, n_hits] = words else {
        return Err(Failure::new("the guesser did not report two numbers"));
    };
    let [n_guesses, n_hits] = [*n_guesses, *n_hits].map(u64::from_le_bytes);
    check!(n_guesses >= 1000, "only {n_guesses} guesses were made");
    check_eq!(n_hits, 0, "guesses that worked, of {n_guesses}");

    // Had a guess reached the node or the handle without the guesser's knowing, it would show here.
    while let Some(received) = director.peer().try_recv()? {
        let is_stray = match &received {
            Received::Message(_) => true,
            Received::NodeRelease { handle: id } => *id == handle.id(),
            Received::HandleRelease { node: id } => *id == node.id(),
        };
        check!(!is_stray, "a guess reached someone: {received:?}");
    }
    say(format_args!("{n_guesses} guesses, none worked"));
    Ok(())
}
