//! (f) The pilot owns a node and crashes. Tower and radar hold handles to the node and have no
//! other tie to the pilot: both must learn of the end through their handles.

use crate::chapter_e::hand_out;
use crate::{Chapter, say};
use alloc::vec::Vec;
use omnibus_userland::actor::{self, Director, Player};
use omnibus_userland::check::{Failure, Outcome};
use omnibus_userland::task::Ending;
use omnibus_userland::{check, check_eq, time};

pub(crate) const CHAPTER: Chapter = (
    "A task crashes, and the others learn of it through their handles.",
    prove,
);

fn prove(director: &Director) -> Outcome {
    let pilot = director.cast("pilot", "tour-pilot", &[])?;
    let watchers = ["tower", "radar"]
        .iter()
        .map(|name| director.cast(name, "tour-holder", &[]))
        .collect::<Result<Vec<Player>, _>>()?;
    let handle = director.hear(&pilot)?.handles.pop();
    let handle = handle.ok_or_else(|| Failure::new("the pilot gave no handle"))?;
    hand_out(director, handle, &watchers)?;

    pilot.handle.send(b"crash")?;
    let ending = pilot.task.wait_until(time::deadline_in(actor::PATIENCE))?;
    check!(
        matches!(ending, Ending::Faulted { .. }),
        "the pilot should have faulted, but {ending:?}"
    );
    for watcher in &watchers {
        let news = director.hear(watcher)?.data;
        check_eq!(&news[..], b"node released", "what {} learned", watcher.name);
    }
    say(format_args!(
        "the pilot faulted; tower and radar know, and run on"
    ));
    Ok(())
}
