//! SEND of which everything is prepared that concerns nobody but its sender and the accounts: what is left is the staging and what follows.

use bus1_service::{Id, Wake};

use super::cast::{Cast, carried_by};
use crate::evidence::stage::Woken;

impl Cast {
    /// `A~>P,Q`.
    pub(super) fn prepare(&self, peer: char, message: &str, nodes: &str) {
        let id = |name| Id::from_u64(self.id(peer, name, false));
        let sender = &self.stage.peers[self.number(peer)];
        let mut preparing = sender.begin_send(message.len()).expect("a send begins");
        let carried: Vec<_> = carried_by(message).map(id).into_iter().collect();
        preparing.transfers(&carried).expect("its own handle");
        let destinations: Vec<_> = nodes.split(',').map(id).collect();
        preparing
            .destinations(&destinations)
            .expect("its own handles");
        let mut prepared = preparing.prepared().expect("room for it");
        prepared.payload_extend(message.as_bytes());
        self.record().prepared.push((message.into(), prepared));
    }

    /// `A>>`.
    pub(super) fn send_prepared(&self, message: &str) {
        let prepared = {
            let mut record = self.record();
            let place = record.prepared.iter().position(|(name, _)| name == message);
            record
                .prepared
                .swap_remove(place.expect("it is prepared"))
                .1
        };
        let mut woken = Woken::new();
        match prepared.stage().commit() {
            Ok(effects) => effects.finish(&mut |peer: &usize, _: Wake| {
                woken.insert(*peer);
            }),
            Err(error) => self.fail(format!("{message} gave {error:?}")),
        }
        self.told(woken);
    }
}
