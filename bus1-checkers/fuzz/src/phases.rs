//! SEND and TRANSFER in phases, as a kernel makes them: in pieces, and with what was prepared given back if it fails.

use std::ops::ControlFlow::{self, Break, Continue};

use bus1_service::{
    Effects, Error, Id, Peer, PreparedSend, PreparedTransfer, PreparingSend, PreparingTransfer,
    Progress, Source,
};

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

/// What is told of a command before it is prepared, and the steps that prepare it.
trait Preparing: Sized {
    /// The name of [`Preparing::step`].
    const STEP: &'static str;
    fn step(&mut self, budget: u32) -> Result<Progress, Error>;
    fn abort(self) -> Effects<Host>;

    /// Tells `items` in pieces with `tell`, a function of this name.
    fn told<T>(
        mut self,
        function: &'static str,
        items: &[T],
        n_at_once: usize,
        tell: impl Fn(&mut Self, &[T]) -> Result<(), Error>,
    ) -> ControlFlow<Ended, Self> {
        for piece in items.chunks(n_at_once) {
            if let Err(error) = tell(&mut self, piece) {
                return Break(Ended::Failed(function, error, Some(self.abort())));
            }
        }
        Continue(self)
    }

    /// Prepares it step by step, unless it is given up before.
    fn done(mut self, manner: Manner, between: Between<'_>) -> ControlFlow<Ended, Self> {
        between(0);
        if manner.given_up_at == Some(0) {
            return Break(Ended::GivenUp(self.abort()));
        }
        loop {
            match self.step(1) {
                Ok(Progress::Done) => return Continue(self),
                Ok(_) => {}
                Err(error) => return Break(Ended::Failed(Self::STEP, error, Some(self.abort()))),
            }
        }
    }
}

impl Preparing for PreparingSend<Host> {
    const STEP: &'static str = "PreparingSend::step";

    fn step(&mut self, budget: u32) -> Result<Progress, Error> {
        PreparingSend::step(self, budget)
    }

    fn abort(self) -> Effects<Host> {
        PreparingSend::abort(self)
    }
}

impl Preparing for PreparingTransfer<Host> {
    const STEP: &'static str = "PreparingTransfer::step";

    fn step(&mut self, budget: u32) -> Result<Progress, Error> {
        PreparingTransfer::step(self, budget)
    }

    fn abort(self) -> Effects<Host> {
        PreparingTransfer::abort(self)
    }
}

/// SEND.
pub(crate) fn send(
    peer: &Peer<Host>,
    ids: [&[Id]; 2],
    payload: &[u8],
    manner: Manner,
    between: Between<'_>,
) -> Ended {
    let prepared = prepare_send(peer, ids, payload.len(), manner, between);
    let mut prepared = match prepared {
        Continue(prepared) => prepared,
        Break(ended) => return ended,
    };
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
        Err(error) => Ended::Failed("StagedSend::commit", error, Some(staged.abort())),
    }
}

fn prepare_send(
    peer: &Peer<Host>,
    [destinations, transfers]: [&[Id]; 2],
    n_data: usize,
    manner: Manner,
    between: Between<'_>,
) -> ControlFlow<Ended, PreparedSend<Host>> {
    let preparing = peer.begin_send(n_data).expect("a send begins");
    let (n_at_once, carries, goes_to) = (
        manner.piece,
        "PreparingSend::transfers",
        "PreparingSend::destinations",
    );
    let preparing = preparing
        .told(carries, transfers, n_at_once, PreparingSend::transfers)?
        .told(
            goes_to,
            destinations,
            n_at_once,
            PreparingSend::destinations,
        )?
        .done(manner, between)?;
    Continue(preparing.prepared().expect("all is prepared"))
}

/// TRANSFER, with arrays for the ids of nodes and handles.
pub(crate) fn transfer(
    peers: [&Peer<Host>; 2],
    sources: &[Source],
    (nodes, handles): (&mut [Option<Id>], &mut [Id]),
    manner: Manner,
    between: Between<'_>,
) -> Ended {
    let mut prepared = match prepare_transfer(peers, sources, manner, between) {
        Continue(prepared) => prepared,
        Break(ended) => return ended,
    };
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
        Err(error) => Ended::Failed("PreparedTransfer::commit", error, Some(prepared.abort())),
    }
}

fn prepare_transfer(
    [from, to]: [&Peer<Host>; 2],
    sources: &[Source],
    manner: Manner,
    between: Between<'_>,
) -> ControlFlow<Ended, PreparedTransfer<Host>> {
    let mut preparing = from.begin_transfer(to).expect("a transfer begins");
    if manner.piece.is_multiple_of(2)
        && let Err(error) = preparing.reserve(sources.len())
    {
        let effects = preparing.abort();
        return Break(Ended::Failed(
            "PreparingTransfer::reserve",
            error,
            Some(effects),
        ));
    }
    let function = "PreparingTransfer::sources";
    let preparing = preparing
        .told(function, sources, manner.piece, PreparingTransfer::sources)?
        .done(manner, between)?;
    Continue(preparing.prepared().expect("all is prepared"))
}
