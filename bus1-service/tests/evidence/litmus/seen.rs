//! What every peer saw, in order.

use std::collections::BTreeMap;

/// The record of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// What each peer received: messages by name, `-N`, `~N`, and `|`.
    pub(crate) queues: BTreeMap<char, Vec<String>>,
    /// How many flags were set when that was recorded.
    pub(crate) n_flags: BTreeMap<char, Vec<usize>>,
    /// Flags that are set.
    pub(crate) flags: Vec<char>,
    /// What was seen to be wrong at once.
    pub(crate) errors: Vec<String>,
}

impl Seen {
    /// What `peer` received.
    pub(crate) fn queue(&self, peer: char) -> &[String] {
        self.queues.get(&peer).map_or(&[], Vec::as_slice)
    }

    /// The queue of `peer` as one text.
    pub(crate) fn text(&self, peer: char) -> String {
        self.queue(peer).concat()
    }

    /// Whether `peer` received `what` before any flag was set.
    pub(crate) fn is_early(&self, peer: char, what: &str) -> bool {
        self.place(peer, what)
            .is_some_and(|place| self.n_flags[&peer][place] == 0)
    }

    fn place(&self, peer: char, what: &str) -> Option<usize> {
        self.queue(peer).iter().position(|seen| seen == what)
    }

    /// Whether `P: AB` is what P received.
    pub(crate) fn has(&self, queue: &str) -> bool {
        let (peer, text) = queue.split_once(": ").expect("P: AB");
        peer.chars().all(|peer| self.text(peer) == text)
    }

    /// How often `peer` received `what`.
    pub(crate) fn count(&self, peer: char, what: &str) -> usize {
        self.queue(peer).iter().filter(|seen| *seen == what).count()
    }

    /// Whether `peer` received both, `first` first.
    pub(crate) fn is_in_order(&self, peer: char, first: &str, second: &str) -> bool {
        matches!(
            (self.place(peer, first), self.place(peer, second)),
            (Some(first), Some(second)) if first < second
        )
    }

    /// `peer` received `second`, and not `first` before it.
    pub(crate) fn forbid(&self, peer: char, second: &str, first: &str) -> Option<String> {
        let is_forbidden = self.is_in_order(peer, second, first);
        is_forbidden.then(|| format!("{peer}: {second} before {first}"))
    }

    /// The peers received both in different orders.
    pub(crate) fn disagree(&self, peers: &str, a: &str, b: &str) -> Option<String> {
        let is_ab = peers.chars().any(|peer| self.is_in_order(peer, a, b));
        let is_ba = peers.chars().any(|peer| self.is_in_order(peer, b, a));
        (is_ab && is_ba).then(|| format!("{peers} disagree on {a} and {b}"))
    }
}
