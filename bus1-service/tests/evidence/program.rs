//! Random programs: steps that name objects by what the peer knows, so that most of them make sense, and all of them stay
//! valid when a step before them is taken away.

use bus1_model::{Call, Source};
use proptest::collection::vec;
use proptest::prelude::*;

use super::knowledge::{BAD, Knowledge, Pick};

/// One step: a peer does something.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) peer: u8,
    pub(crate) action: Action,
}

/// What it does.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// `None` makes a node.
    Transfer {
        to: u8,
        sources: Vec<Option<Pick>>,
    },
    Release {
        ids: Vec<Pick>,
    },
    Send {
        destinations: Vec<Pick>,
        transfers: Vec<Pick>,
        n_data: u8,
    },
    Recv,
    Discard,
    Close,
}

/// The call that `step` stands for, given what the peers know.
pub(crate) fn resolve(step: &Step, knowledge: &[Knowledge]) -> Call {
    let peer = usize::from(step.peer) % knowledge.len();
    let known = &knowledge[peer];
    let handles = |picks: &[Pick]| picks.iter().map(|&pick| known.handle(pick)).collect();
    match &step.action {
        Action::Transfer { to, sources } => Call::Transfer {
            from: peer,
            to: usize::from(*to) % knowledge.len(),
            sources: sources
                .iter()
                .map(|pick| pick.map_or(Source::Create, |pick| Source::Copy(known.handle(pick))))
                .collect(),
        },
        Action::Release { ids } => Call::Release {
            peer,
            ids: ids.iter().map(|&pick| known.any(pick)).collect(),
        },
        Action::Send {
            destinations,
            transfers,
            n_data,
        } => Call::Send {
            peer,
            destinations: handles(destinations),
            transfers: handles(transfers),
            payload: (0..*n_data).collect(),
        },
        Action::Recv => Call::Recv { peer },
        Action::Discard => Call::Discard { peer },
        Action::Close => Call::Close { peer },
    }
}

fn pick() -> impl Strategy<Value = Pick> {
    prop_oneof![30 => 0..BAD, 1 => BAD..=u8::MAX].prop_map(Pick)
}

fn action() -> impl Strategy<Value = Action> {
    let source = prop_oneof![2 => Just(None), 3 => pick().prop_map(Some)];
    prop_oneof![
        6 => (any::<u8>(), vec(source, 0..4))
            .prop_map(|(to, sources)| Action::Transfer { to, sources }),
        4 => vec(pick(), 0..4).prop_map(|ids| Action::Release { ids }),
        10 => (vec(pick(), 0..4), vec(pick(), 0..3), 0..20_u8).prop_map(
            |(destinations, transfers, n_data)| Action::Send {
                destinations,
                transfers,
                n_data,
            }
        ),
        9 => Just(Action::Recv),
        1 => Just(Action::Discard),
    ]
}

/// Steps of several peers; few of them close.
pub(crate) fn steps(n_steps: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Step>> {
    let action = prop_oneof![60 => action(), 1 => Just(Action::Close)];
    vec(
        (any::<u8>(), action).prop_map(|(peer, action)| Step { peer, action }),
        n_steps,
    )
}
