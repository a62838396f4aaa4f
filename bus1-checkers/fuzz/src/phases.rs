//! SEND and TRANSFER in phases, as a kernel makes them: in pieces, and with what was prepared given back if it fails.

use bus1_service::{Effects, Error, Id, Peer, Progress, Source};

use crate::calls::{Between, Manner};
use crate::evidence::stage::Host;

/// How a command ended.
pub(crate) enum Ended {
    /// It took effect; this remains to be done.
    Done(Effects<Host>),
    /// It took effect, and nothing remains.
    Whole,
    /// It was given up.
    GivenUp(Effects<Host>),
    /// It failed, in this function.
    Failed(&'static str, Error, Option<Effects<Host>>),
}

fn failed(function: &'static str, error: Error, effects: Effects<Host>) -> Ended {
    Ended::Failed(function, error, Some(effects))
}

/// SEND.
pub(crate) fn send(
    peer: &Peer<Host>,
    [destinations, transfers]: [&[Id]; 2],
    payload: &[u8],
    manner: Manner,
    between: Between<'_>,
) -> Ended {
    let mut preparing = peer.begin_send(payload.len()).expect("a send begins");
    for piece in transfers.chunks(manner.piece) {
        if let Err(error) = preparing.transfers(piece) {
            return failed("PreparingSend::transfers", error, preparing.abort());
        }
    }
    for piece in destinations.chunks(manner.piece) {
        if let Err(error) = preparing.destinations(piece) {
            return failed("PreparingSend::destinations", error, preparing.abort());
        }
    }
    between(0);
    if manner.given_up_at == Some(0) {
        return Ended::GivenUp(preparing.abort());
    }
    loop {
        match preparing.step(1) {
            Ok(Progress::Done) => break,
            Ok(_) => {}
            Err(error) => return failed("PreparingSend::step", error, preparing.abort()),
        }
    }
    let mut prepared = preparing.prepared().expect("all is prepared");
    between(1);
    if manner.given_up_at == Some(1) {
        return Ended::GivenUp(prepared.abort());
    }
    for begin in (0..payload.len()).step_by(manner.piece) {
        let end = payload.len().min(begin + manner.piece);
        let kept = prepared.payload_piece(end);
        // Nothing is kept for nobody.
        if let Some(kept) = kept.get_mut(begin..end) {
            kept.copy_from_slice(&payload[begin..end]);
        }
    }
    let mut staged = prepared.stage();
    while staged.step(1) != Progress::Done {}
    between(2);
    if manner.given_up_at == Some(2) {
        return Ended::GivenUp(staged.abort());
    }
    match staged.commit() {
        Ok(effects) => Ended::Done(effects),
        Err(error) => failed("StagedSend::commit", error, staged.abort()),
    }
}

/// TRANSFER, with arrays for the ids of nodes and handles.
pub(crate) fn transfer(
    [from, to]: [&Peer<Host>; 2],
    sources: &[Source],
    (nodes, handles): (&mut [Option<Id>], &mut [Id]),
    manner: Manner,
    between: Between<'_>,
) -> Ended {
    let mut preparing = from.begin_transfer(to).expect("a transfer begins");
    if manner.piece.is_multiple_of(2)
        && let Err(error) = preparing.reserve(sources.len())
    {
        return failed("PreparingTransfer::reserve", error, preparing.abort());
    }
    for piece in sources.chunks(manner.piece) {
        if let Err(error) = preparing.sources(piece) {
            return failed("PreparingTransfer::sources", error, preparing.abort());
        }
    }
    between(0);
    if manner.given_up_at == Some(0) {
        return Ended::GivenUp(preparing.abort());
    }
    loop {
        match preparing.step(1) {
            Ok(Progress::Done) => break,
            Ok(_) => {}
            Err(error) => return failed("PreparingTransfer::step", error, preparing.abort()),
        }
    }
    let mut prepared = preparing.prepared().expect("all is prepared");
    assert_eq!(prepared.n_transfers(), sources.len());
    between(1);
    if manner.given_up_at.is_some() {
        return Ended::GivenUp(prepared.abort());
    }
    for (index, (node, handle)) in nodes.iter_mut().zip(handles).enumerate() {
        *node = prepared.node(index);
        *handle = prepared.handle(index).unwrap_or(Id::INVALID);
    }
    match prepared.commit() {
        Ok(effects) => Ended::Done(effects),
        Err(error) => failed("PreparedTransfer::commit", error, prepared.abort()),
    }
}
