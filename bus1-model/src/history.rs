//! The history checker: is there one order of all calls that the model accepts and that the rules allow?
//!
//! A history is what several threads saw: calls, their outcomes, and when each was called and returned. The checker searches
//! for a sequence in which the model gives every observed outcome. What a sequence must respect:
//!
//! * *strict*: a call that returned before another was called comes first. Any such sequence is good enough, and nearly every
//!   history has one.
//! * *allowed*: ORD-1 asks for that only of transactions with a common receiver, and of what one peer does (OBJ-8); two sends
//!   without a common receiver may be seen in either order by a third transaction (L15). Only if there is no strict sequence,
//!   one that respects this much is searched for.
//!
//! What drops leave behind is released in later transactions, before the call returns (NOT-2): each piece is a step of its own.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::{Call, Failure, Kind, Outcome, World};

/// One call, as its thread saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What was called.
    pub call: Call,
    /// What came of it.
    pub outcome: Outcome,
    /// A moment before the call, on a clock that all threads share.
    pub called_at: u64,
    /// A moment after it returned.
    pub returned_at: u64,
}

/// How the search ended, if it found nothing. Either holds the history, and how far the best sequences came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unexplained {
    /// Every sequence was tried: there is no such order.
    NoOrder(String),
    /// The search was given up before that; there may be one.
    GivenUp(String),
}

/// Steps of one search, after which it is given up: first few, and if that decides nothing, many. Of 10,000 histories of three threads
/// with eight calls each, all but a few need less than 500 steps.
const STEPS_MAX: [usize; 2] = [50_000, 1_000_000];

/// Most events of a history.
pub const EVENTS_MAX: usize = 128;

/// Searches for the one order of `events`, at most [`EVENTS_MAX`], beginning with `world`; gives back the world after it.
///
/// # Errors
/// There is none, or none was found.
pub fn explain(world: &World, events: &[Event]) -> Result<World, Unexplained> {
    let [few, many] = STEPS_MAX;
    match explain_within(world, events, few) {
        Err(Unexplained::GivenUp(_)) => explain_within(world, events, many),
        outcome => outcome,
    }
}

fn explain_within(
    world: &World,
    events: &[Event],
    n_steps_max: usize,
) -> Result<World, Unexplained> {
    let mut best = String::new();
    // Every strict sequence is allowed.
    let mut is_exhaustive = false;
    for is_strict in [true, false] {
        let mut search = Search {
            events,
            is_strict,
            before: observed_order(events),
            receipts: receipts(events),
            seen: HashSet::new(),
            n_steps: 0,
            n_steps_max,
            best: Vec::new(),
        };
        let start = Node {
            world: world.clone(),
            applied: 0,
            sequence: Vec::new(),
            debris: Vec::new(),
        };
        if let Some(world) = search.extend(&start) {
            return Ok(world);
        }
        is_exhaustive = search.n_steps < n_steps_max;
        let kind = if is_strict { "strict" } else { "allowed" };
        let _ = writeln!(
            best,
            "the longest {kind} sequence, of {} steps tried: {:?}",
            search.n_steps, search.best
        );
    }
    let mut text = String::new();
    for (number, event) in events.iter().enumerate() {
        let Event {
            call,
            outcome,
            called_at,
            returned_at,
        } = event;
        let _ = writeln!(
            text,
            "{number}: [{called_at}, {returned_at}] {call:?} gave {outcome:?}"
        );
    }
    text += &best;
    Err(if is_exhaustive {
        Unexplained::NoOrder(text)
    } else {
        Unexplained::GivenUp(text)
    })
}

/// What was applied, and whom it reached.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Applied {
    event: usize,
    is_debris: bool,
    receivers: BTreeSet<usize>,
}

#[derive(Clone)]
struct Node {
    world: World,
    applied: u128,
    sequence: Vec<Applied>,
    /// Handles that drops have left, with the event that dropped them.
    debris: Vec<(usize, usize)>,
}

struct Search<'a> {
    events: &'a [Event],
    is_strict: bool,
    /// For each event, those that were seen before it by a receiver of both.
    before: Vec<u128>,
    /// What each peer received, in order; peers of which several threads received at once are left out.
    receipts: BTreeMap<usize, Vec<usize>>,
    seen: HashSet<u64>,
    n_steps: usize,
    n_steps_max: usize,
    best: Vec<usize>,
}

impl Search<'_> {
    fn extend(&mut self, node: &Node) -> Option<World> {
        if node.sequence.len() > self.best.len() {
            self.best = node.sequence.iter().map(|step| step.event).collect();
        }
        let is_complete = node.applied.count_ones() as usize == self.events.len();
        if is_complete && node.debris.is_empty() {
            return Some(node.world.clone());
        }
        self.n_steps += 1;
        if self.n_steps >= self.n_steps_max || !self.is_new(node) {
            return None;
        }
        let mut seen = BTreeSet::new();
        for &(handle, event) in &node.debris {
            // Which of several handles on one node goes first makes no difference.
            if !seen.insert((event, node.world.node_of(handle))) {
                continue;
            }
            if let Some(next) = self.clear(node, handle, event)
                && let Some(world) = self.extend(&next)
            {
                return Some(world);
            }
        }
        for event in 0..self.events.len() {
            for may_pass_over in [false, true] {
                if let Some(next) = self.apply(node, event, may_pass_over)
                    && let Some(world) = self.extend(&next)
                {
                    return Some(world);
                }
            }
        }
        None
    }

    /// Whether this state was not searched before. Two states are one if the same can follow both: where steps are allowed by whom the
    /// earlier ones reached, that is part of it.
    fn is_new(&mut self, node: &Node) -> bool {
        let mut hasher = DefaultHasher::new();
        node.applied.hash(&mut hasher);
        node.debris.hash(&mut hasher);
        if !self.is_strict {
            let mut steps: Vec<_> = node.sequence.iter().collect();
            steps.sort_unstable();
            steps.hash(&mut hasher);
        }
        node.world.hash_observable(&mut hasher);
        self.seen.insert(hasher.finish())
    }

    fn apply(&self, node: &Node, event: usize, may_pass_over: bool) -> Option<Node> {
        let bit = 1_u128 << event;
        if node.applied & bit != 0 || self.before[event] & !node.applied != 0 {
            return None;
        }
        let this = &self.events[event];
        if self.is_strict && self.is_preceded(node, this.called_at) {
            return None;
        }
        let mut next = node.clone();
        next.world.passed_over.clear();
        if may_pass_over {
            next.world.passed_over = self.released_meanwhile(node, event);
            if next.world.passed_over.is_empty() {
                return None;
            }
        }
        let n_debris = next.world.debris().len();
        if !is_same(&next.world.call(&this.call, &this.outcome), &this.outcome) {
            return None;
        }
        let left = &next.world.debris()[n_debris..];
        next.debris
            .extend(left.iter().map(|&handle| (handle, event)));
        let mut receivers = next.world.take_receivers();
        if let Call::Recv { peer } | Call::Discard { peer } = this.call {
            receivers.insert(peer);
        }
        next.applied |= bit;
        if !receivers
            .iter()
            .all(|&peer| self.can_be_received(&next, peer))
        {
            return None;
        }
        self.append(next, event, false, receivers)
    }

    /// The ids whose notifications the RECV `event` may pass over: a RELEASE that overlaps it names them (REL-2).
    fn released_meanwhile(&self, node: &Node, event: usize) -> BTreeSet<u64> {
        let this = &self.events[event];
        let (Call::Recv { peer } | Call::Discard { peer }) = this.call else {
            return BTreeSet::new();
        };
        let mut released = BTreeSet::new();
        for (number, other) in self.events.iter().enumerate() {
            let overlaps = other.called_at < this.returned_at && this.called_at < other.returned_at;
            let is_to_come = node.applied & (1 << number) == 0;
            match &other.call {
                Call::Release {
                    peer: releaser,
                    ids,
                } if *releaser == peer
                    && overlaps
                    && is_to_come
                    && other.outcome == Outcome::Done =>
                {
                    released.extend(ids);
                }
                _ => {}
            }
        }
        released
    }

    fn clear(&self, node: &Node, handle: usize, event: usize) -> Option<Node> {
        let mut next = node.clone();
        next.debris.retain(|(piece, _)| *piece != handle);
        next.world.clear(handle);
        let receivers = next.world.take_receivers();
        if !receivers
            .iter()
            .all(|&peer| self.can_be_received(&next, peer))
        {
            return None;
        }
        self.append(next, event, true, receivers)
    }

    /// Whether what waits for `peer` is what it will receive, as far as that can be told: nothing that is still to come may drop
    /// any of it. Only a short cut: the sequence would fail in the end.
    fn can_be_received(&self, node: &Node, peer: usize) -> bool {
        let is_to_come = |event: &usize| node.applied & (1 << event) == 0;
        let may_drop = |event: usize| match &self.events[event].call {
            Call::Release { peer: p, .. } | Call::Discard { peer: p } | Call::Close { peer: p } => {
                *p == peer
            }
            _ => false,
        };
        let Some(receipts) = self.receipts.get(&peer) else {
            return true;
        };
        if !node.debris.is_empty() || (0..self.events.len()).filter(is_to_come).any(may_drop) {
            return true;
        }
        let mut receipts = receipts.iter().filter(|event| is_to_come(event));
        node.world.queue(peer).all(|(kind, payload)| {
            receipts
                .next()
                .is_some_and(|&event| match &self.events[event].outcome {
                    Outcome::Received(entry) => entry.kind == kind && entry.payload == payload,
                    _ => false,
                })
        })
    }

    /// Whether something that ended before `called_at` is still to be applied.
    fn is_preceded(&self, node: &Node, called_at: u64) -> bool {
        let unapplied = |event: &usize| node.applied & (1 << event) == 0;
        (0..self.events.len())
            .filter(unapplied)
            .chain(node.debris.iter().map(|(_, event)| *event))
            .any(|event| self.events[event].returned_at < called_at)
    }

    /// Adds the step, unless one that must come behind it stands before it.
    fn append(
        &self,
        mut node: Node,
        event: usize,
        is_debris: bool,
        receivers: BTreeSet<usize>,
    ) -> Option<Node> {
        let this = Applied {
            event,
            is_debris,
            receivers,
        };
        if !self.is_strict
            && node
                .sequence
                .iter()
                .any(|other| self.must_follow(other, &this))
        {
            return None;
        }
        node.sequence.push(this);
        Some(node)
    }

    /// Whether `other`, which stands earlier, must come behind `this`.
    fn must_follow(&self, other: &Applied, this: &Applied) -> bool {
        let (later, earlier) = (&self.events[other.event], &self.events[this.event]);
        if earlier.returned_at >= later.called_at {
            return false;
        }
        if !this.receivers.is_disjoint(&other.receivers) {
            return true;
        }
        let are_sends =
            matches!(earlier.call, Call::Send { .. }) && matches!(later.call, Call::Send { .. });
        let peers = earlier.call.peers();
        let is_same_peer = later.call.peers().iter().any(|peer| peers.contains(peer));
        is_same_peer && !are_sends && !this.is_debris && !other.is_debris
    }
}

fn receipts(events: &[Event]) -> BTreeMap<usize, Vec<usize>> {
    let mut receipts: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (number, event) in events.iter().enumerate() {
        if let (Call::Recv { peer } | Call::Discard { peer }, Outcome::Received(_)) =
            (&event.call, &event.outcome)
        {
            receipts.entry(*peer).or_default().push(number);
        }
    }
    receipts.retain(|_, numbers| {
        numbers.sort_by_key(|&number| events[number].called_at);
        let is_in_order = |pair: &[usize]| events[pair[0]].returned_at < events[pair[1]].called_at;
        numbers.windows(2).all(is_in_order)
    });
    receipts
}

/// Whether the outcomes are the same to a caller of the system. Which of several carried handles was found gone is not told there,
/// and while another thread releases several of them, the core may find any.
fn is_same(expected: &Outcome, observed: &Outcome) -> bool {
    use Failure::UnknownTransfer;
    use Outcome::Failed;
    let are_unknown = matches!(
        (expected, observed),
        (Failed(UnknownTransfer(_)), Failed(UnknownTransfer(_)))
    );
    are_unknown || expected == observed
}

/// Sends whose messages one receiver got one after the other are in that order. The sequence would show it in the end; known
/// in advance it saves the search. It needs payloads that tell messages apart; others are left out.
fn observed_order(events: &[Event]) -> Vec<u128> {
    let mut before = vec![0; events.len()];
    let sender_of = |event: &Event| {
        let Outcome::Received(entry) = &event.outcome else {
            return None;
        };
        if entry.kind != Kind::User || entry.payload.is_empty() {
            return None;
        }
        let mut senders = events.iter().enumerate().filter(|(_, sender)| {
            matches!(&sender.call, Call::Send { payload, .. } if *payload == entry.payload)
        });
        let (first, is_only) = (senders.next()?.0, senders.next().is_none());
        is_only.then_some(first)
    };
    let receipts: Vec<_> = events
        .iter()
        .filter_map(|event| Some((event, sender_of(event)?)))
        .collect();
    for (first, sender) in &receipts {
        for (second, later_sender) in &receipts {
            let is_in_order =
                first.call.caller() == second.call.caller() && first.returned_at < second.called_at;
            if is_in_order && sender != later_sender {
                before[*later_sender] |= 1 << sender;
            }
        }
    }
    before
}
