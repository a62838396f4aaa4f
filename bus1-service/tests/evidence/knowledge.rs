//! What peers know: ids that calls gave them, from which programs choose.

use bus1_model::{Call, Outcome};

/// A choice among the ids that a peer knows, or of one that it should not use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pick(pub(crate) u8);

/// From here on picks are bad ids.
pub(crate) const BAD: u8 = 240;

/// What a peer has learned from the outcomes of calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Knowledge {
    handles: Vec<u64>,
    nodes: Vec<u64>,
    gone: Vec<u64>,
}

impl Knowledge {
    /// A handle; with a bad pick a node, an id that is gone, or none at all (OBJ-5).
    pub(crate) fn handle(&self, Pick(pick): Pick) -> u64 {
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
    pub(crate) fn any(&self, Pick(pick): Pick) -> u64 {
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
