//! Peers, their nodes and handles, and the beginning of their queues.

use core::fmt;

use bus1_service::ObjectInfo;

use super::Cursor;
use crate::service::peer::PeerObject;
use crate::shared::Ref;

pub(super) fn peer(
    out: &mut impl fmt::Write,
    after: Option<&Ref<PeerObject>>,
) -> Result<Cursor, fmt::Error> {
    let Some(peer) = PeerObject::after(after) else {
        return Ok(Cursor::Memory(None));
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
    Ok(Cursor::Object(peer, 0))
}

pub(super) fn object(
    out: &mut impl fmt::Write,
    peer: Ref<PeerObject>,
    slot: u32,
) -> Result<Cursor, fmt::Error> {
    let Some((info, next)) = peer.core.inspect_object(slot) else {
        return Ok(Cursor::Entry(peer, 0));
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
    Ok(Cursor::Object(peer, next))
}

pub(super) fn entry(
    out: &mut impl fmt::Write,
    peer: Ref<PeerObject>,
    index: usize,
) -> Result<Cursor, fmt::Error> {
    let Some(info) = peer.core.inspect_entry(index) else {
        return Ok(Cursor::Peer(Some(peer)));
    };
    writeln!(
        out,
        "  queued {:?} on {:#x} bytes {} handles {}",
        info.kind,
        info.id.as_u64(),
        info.n_data,
        info.n_transfers
    )?;
    Ok(Cursor::Entry(peer, index + 1))
}
