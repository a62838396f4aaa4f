//! Random programs: steps that name objects by what the peer knows, so that most of them make sense, and all of them stay
//! valid when a step before them is taken away.

use bus1_model::{Call, Outcome, Source};
use proptest::collection::vec;
use proptest::prelude::*;

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

/// A choice among the ids that a peer knows, or of one that it should not use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pick(pub(crate) u8);

/// From here on picks are bad ids.
const BAD: u8 = 240;

/// What a peer has learned from the outcomes of calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Knowledge {
    handles: Vec<u64>,
    nodes: Vec<u64>,
    gone: Vec<u64>,
}

impl Knowledge {
    /// A handle; with a bad pick a node, an id that is gone, or none at all (OBJ-5).
    fn handle(&self, Pick(pick): Pick) -> u64 {
        let pool = match pick {
            0..BAD => &self.handles,
            BAD..246 => &self.nodes,
            246..252 => &self.gone,
            252..254 => return 0x1234_5600,
            254.. => return u64::MAX,
        };
        let index = usize::from(pick).checked_rem(pool.len());
        index.map_or(u64::MAX, |index| pool[index])
    }

    /// A handle or a node.
    fn any(&self, Pick(pick): Pick) -> u64 {
        if pick < BAD && pick % 3 == 0 && !self.nodes.is_empty() {
            self.nodes[usize::from(pick / 3) % self.nodes.len()]
        } else {
            self.handle(Pick(pick))
        }
    }

    fn forget(&mut self, id: u64) {
        self.handles.retain(|known| *known != id);
        self.nodes.retain(|known| *known != id);
        self.gone.push(id);
    }
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

/// What the peers know after a call.
pub(crate) fn learn(knowledge: &mut [Knowledge], call: &Call, outcome: &Outcome) {
    match (call, outcome) {
        (Call::Transfer { from, to, .. }, Outcome::Transferred { nodes, handles }) => {
            knowledge[*from].nodes.extend(nodes.iter().flatten());
            knowledge[*to].handles.extend(handles);
        }
        (Call::Release { peer, ids }, Outcome::Done) => {
            for &id in ids {
                knowledge[*peer].forget(id);
            }
        }
        (Call::Recv { peer } | Call::Discard { peer }, Outcome::Received(entry)) => {
            knowledge[*peer].handles.extend(&entry.transfers);
            if entry.kind != bus1_model::Kind::User {
                knowledge[*peer].forget(entry.id);
            }
        }
        _ => {}
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
