//! Peers, their nodes and handles, and the beginning of their queues.

use core::fmt;

use bus1_service::ObjectInfo;

use super::Cursor;
use crate::service::peer::PeerObject;
use crate::shared::Ref;

pub(super) fn peer(out: &mut impl fmt::Write, after: u64) -> Result<Cursor, fmt::Error> {
    let Some(peer) = PeerObject::after(after) else {
        return Ok(Cursor::Account(None));
    };
    let info = peer.core.inspect();
    writeln!(
        out,
        "peer {} account {} holds {} pending {} closing {}",
        peer.number,
        peer.core.account().number().as_u64(),
        peer.n_holds(),
        info.has_pending,
        info.is_closing,
    )?;
    Ok(Cursor::Object(peer.number, 0))
}

/// The peer of this number, if it has not closed.
fn find(number: u64) -> Option<Ref<PeerObject>> {
    PeerObject::after(number - 1).filter(|peer| peer.number == number)
}

pub(super) fn object(
    out: &mut impl fmt::Write,
    number: u64,
    slot: u32,
) -> Result<Cursor, fmt::Error> {
    let found = find(number).and_then(|peer| peer.core.inspect_object(slot));
    let Some((info, next)) = found else {
        return Ok(Cursor::Entry(number, 0));
    };
    match info {
        ObjectInfo::Node {
            id,
            has_handles,
            has_messages,
            is_marked,
        } => writeln!(
            out,
            "  node {:#x} handles {has_handles} messages {has_messages} marked {is_marked}",
            id.as_u64()
        )?,
        ObjectInfo::Handle {
            id,
            has_note,
            is_marked,
        } => writeln!(
            out,
            "  handle {:#x} released {has_note} marked {is_marked}",
            id.as_u64()
        )?,
    }
    Ok(Cursor::Object(number, next))
}

pub(super) fn entry(
    out: &mut impl fmt::Write,
    number: u64,
    index: usize,
) -> Result<Cursor, fmt::Error> {
    let found = find(number).and_then(|peer| peer.core.inspect_entry(index));
    let Some(info) = found else {
        return Ok(Cursor::Peer(number));
    };
    writeln!(
        out,
        "  queued {:?} on {:#x} bytes {} handles {}",
        info.kind,
        info.id.as_u64(),
        info.n_data,
        info.n_transfers
    )?;
    Ok(Cursor::Entry(number, index + 1))
}
