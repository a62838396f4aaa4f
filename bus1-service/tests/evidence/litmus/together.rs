//! Messages that are handed over together: at every peer somebody waits, a thread that the program does not show.

use std::sync::atomic::Ordering;

use bus1_service::{Handed, Id, Receivers};

use super::cast::Cast;
use crate::evidence::stage::Host;
use crate::sched;

/// Those who wait for one message.
struct Waiting<'a> {
    cast: &'a Cast,
    message: &'a str,
    /// Their peers, in the order in which they were taken.
    taken: Vec<usize>,
}

impl Receivers<Host> for Waiting<'_> {
    fn take(&mut self, &peer: &usize) -> bool {
        let is_there = sched::take(&self.cast.are_taken[peer]);
        self.taken.extend(is_there.then_some(peer));
        is_there
    }

    fn give(&mut self, index: usize, handed: Handed) {
        let receiver = self.cast.peers[self.taken[index]];
        self.cast.handed(receiver, handed, self.message, None);
        if let Some(flag) = self.cast.find_flag(receiver) {
            flag.store(true, Ordering::Release);
        }
        self.let_go(index);
    }

    fn let_go(&mut self, index: usize) {
        self.cast.are_taken[self.taken[index]].store(false, Ordering::Release);
    }
}

impl Cast {
    /// Hands `message` over to the owners of `nodes`; false if that cannot be.
    pub(super) fn hand_over_together(&self, peer: char, message: &str, nodes: &str) -> bool {
        let to: Vec<_> = nodes
            .split(',')
            .map(|node| Id::from_u64(self.id(peer, node, false)))
            .collect();
        let mut waiting = Waiting {
            cast: self,
            message,
            taken: Vec::new(),
        };
        let sender = &self.stage.peers[self.number(peer)];
        sender.hand_over_together(&to, message.len() as u64, &mut waiting)
    }
}
