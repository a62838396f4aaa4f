//! (b) The tour makes a node and puts a handle to it on the writer's peer; the writer sends a
//! message through it. Every byte must be the one that was sent, and the metadata must name the
//! node it came in on and the account that sent it.

use crate::{Chapter, say};
use omnibus_userland::actor::Director;
use omnibus_userland::check::Outcome;
use omnibus_userland::check_eq;

pub(crate) const CHAPTER: Chapter = ("A node, a handle, a message.", prove);

const TEXT: &[u8] = b"One message through one handle to one node, byte by byte as it was sent.";

fn prove(director: &Director) -> Outcome {
    let writer = director.cast("writer", "tour-writer", &[])?;
    writer.handle.send(TEXT)?;
    let message = director.hear(&writer)?;
    // The writer answers with the text reversed: a message that lost its way could not.
    let mut text = message.data;
    text.reverse();
    check_eq!(
        core::str::from_utf8(&text),
        core::str::from_utf8(TEXT),
        "the message read backwards"
    );
    let account = writer.account.state()?.number;
    check_eq!(message.account, account, "the sender's account");
    say(format_args!(
        "{} bytes came in on node {:#x}, from account {account}: all as sent",
        text.len(),
        message.node
    ));
    Ok(())
}
