//! Messages that are handed over together, with another command made at one of the steps: the model sends, and each receives, before that
//! command or behind it.

use std::cell::{Cell, RefCell};

use bus1_model::{Call, Outcome};
use bus1_service::{Handed, Receivers};

use crate::allocator::refusing;
use crate::documented::Together;
use crate::evidence::knowledge::Knowledge;
use crate::evidence::stage::{Host, entry_of_handed, to_ids};
use crate::input::Input;
use crate::machine::{Machine, picks};

/// Those who wait, and what happens meanwhile.
struct Waiting<'a> {
    n_data: u64,
    /// How many are there, of those who are looked for.
    n_there: usize,
    /// Their peers, in the order in which they were taken. Room for all is set aside: the core may be refused memory meanwhile.
    taken: Vec<usize>,
    /// Who was given it, likewise.
    received: Vec<(usize, Handed)>,
    /// Called at every step, with those for whom the message is decided and who were not given it yet.
    between: &'a dyn Fn(&[usize]),
}

impl Waiting<'_> {
    /// What was received, in the words of the model.
    fn received(self) -> Vec<(Call, Outcome)> {
        let received = self.received.into_iter();
        received
            .map(|(peer, handed)| {
                let entry = entry_of_handed(handed, vec![0; self.n_data as usize], None);
                (Call::Recv { peer }, Outcome::Received(entry))
            })
            .collect()
    }
}

impl Receivers<Host> for Waiting<'_> {
    fn take(&mut self, &peer: &usize) -> bool {
        (self.between)(&[]);
        let is_there = self.taken.len() < self.n_there;
        self.taken.extend(is_there.then_some(peer));
        is_there
    }

    fn give(&mut self, index: usize, handed: Handed) {
        self.received.push((self.taken[index], handed));
        (self.between)(&self.taken[index + 1..]);
    }

    fn let_go(&mut self, _: usize) {}
}

impl Machine {
    /// A message to several who wait for it, if it can be, with another command made at one of the steps, or an allocation refused.
    pub(crate) fn hand_over_together(&mut self, input: &mut Input<'_>) {
        let from = input.choose(self.beside.knowledge.len());
        let destinations = picks(input, &self.beside.knowledge[from], Knowledge::handle);
        let n_data = u64::from(input.byte() % 80);
        let (n_there, n_refused, step) = (input.choose(8), input.choose(6), input.choose(12));
        let kind = [0, 2, 2, 3, 5, 6, 7][input.choose(7)];
        let inner = self.command(kind, input);
        let call = Call::Send {
            peer: from,
            destinations: destinations.clone(),
            transfers: Vec::new(),
            payload: vec![0; n_data as usize],
        };
        if !self.beside.can_be_made(&call) {
            return;
        }
        // A running call keeps its peers open (CLO-5).
        let is_closing = matches!(inner, Call::Close { peer } if peer == from);
        let has_inner =
            step < 2 * destinations.len() && !is_closing && self.beside.can_be_made(&inner);
        let inner_made = RefCell::new(None);
        let n_steps = Cell::new(0);
        let between = |awaiting: &[usize]| {
            if has_inner && n_steps.replace(n_steps.get() + 1) == step {
                *inner_made.borrow_mut() = self.between(awaiting, &inner);
            }
        };
        let mut waiting = Waiting {
            n_data,
            n_there,
            taken: Vec::with_capacity(destinations.len()),
            received: Vec::with_capacity(destinations.len()),
            between: &between,
        };
        let sender = self.beside.stage.peers[from].clone();
        let to = to_ids(&destinations);
        let is_handed = if has_inner {
            sender.hand_over_together(&to, n_data, &mut waiting)
        } else {
            refusing(n_refused, || {
                sender.hand_over_together(&to, n_data, &mut waiting)
            })
            .1
        };
        let (n_taken, received) = (waiting.taken.len(), waiting.received());
        let inner = inner_made.into_inner().map(|outcome| (inner, outcome));
        let mut reached = self.reached.borrow_mut();
        if is_handed && received.len() < n_taken {
            reached.note_together(Together::Dropped);
        } else if is_handed && n_taken > 0 {
            reached.note_together(Together::Given);
        } else if n_taken == destinations.len() && inner.is_some() {
            reached.note_together(Together::NotDecided);
        }
        drop(reached);
        if !is_handed {
            assert!(received.is_empty(), "given what was not handed over");
            return match inner {
                Some((inner, outcome)) => self.agree(&inner, &outcome),
                None => self.unchanged(&format_args!("{call:?} was not handed over together")),
            };
        }
        let mut made = vec![(call, Outcome::Done)];
        made.extend(received);
        let Some(inner) = inner else {
            return self.agree_in_order(&made);
        };
        let n_of_it = made.len();
        made.push(inner);
        let behind: Vec<_> = (0..=n_of_it).collect();
        let before: Vec<_> = [n_of_it].into_iter().chain(0..n_of_it).collect();
        self.explain(&made, &[&behind, &before]);
    }
}
