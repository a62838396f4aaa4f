//! Two commands, one of which is made between two phases of the other: one order of the two must explain both (ORD-1).

use std::cell::RefCell;

use bus1_model::{Call, Failure, Outcome};
use bus1_service::Error;

use crate::calls::{Made, Manner};
use crate::evidence::beside::{adopt, difference};
use crate::evidence::knowledge::learn;
use crate::input::Input;
use crate::machine::Machine;

impl Machine {
    /// Begins a command that has phases, makes another behind one of them, and ends it.
    pub(crate) fn overlapped(&mut self, input: &mut Input<'_>) {
        let phase = input.choose(3);
        let manner = Manner {
            piece: 1 + input.choose(2),
            ..Manner::default()
        };
        let kind = [0, 3, 4, 5, 6][input.choose(5)];
        let outer = self.command(kind, input);
        // What charges nothing: a charge that is given back may be met by a concurrent call (ERR-4), which the model has no word for.
        let kind = [2, 2, 5, 6, 7][input.choose(5)];
        let inner = self.command(kind, input);
        let is_possible = self.beside.can_be_made(&outer) && self.beside.can_be_made(&inner);
        // A running call keeps its peers open (CLO-5).
        let is_closing = matches!(inner, Call::Close { peer } if outer.peers().contains(&peer));
        if !is_possible || is_closing {
            return;
        }
        let receiving: &[usize] = match &outer {
            Call::Recv { peer } | Call::Discard { peer } => &[*peer],
            _ => &[],
        };
        let inner_made = RefCell::new(None);
        let made = self.make(&outer, manner, &mut |n_over| {
            if n_over == phase && inner_made.borrow().is_none() {
                *inner_made.borrow_mut() = self.between(receiving, &inner);
            }
        });
        let Made::Outcome(outcome) = made else {
            panic!("{outer:?} was neither refused nor given up");
        };
        match inner_made.into_inner() {
            Some(inner_outcome) => {
                // A call that found an account full, and gave everything back, may have found that between two states of the other call
                // (ERR-4): it has no place in the order.
                let is_refused = matches!(
                    outcome,
                    Outcome::Failed(Failure::Quota | Failure::QuotaOfDestination(_))
                );
                let orders: [&[usize]; 3] = [&[1, 0], &[0, 1], &[1]];
                let n_orders = if is_refused { 3 } else { 2 };
                let made = [(outer, outcome), (inner, inner_outcome)];
                self.explain(&made, &orders[..n_orders]);
            }
            None => self.agree(&outer, &outcome),
        }
    }

    /// A command while these peers are in the middle of receiving something: there another RECV would wait.
    pub(crate) fn between(&self, receiving: &[usize], inner: &Call) -> Option<Outcome> {
        if let Call::Recv { peer } | Call::Discard { peer } = inner
            && receiving.contains(peer)
        {
            let second = self.beside.stage.peers[*peer].begin_recv().err();
            assert_eq!(second, Some(Error::Busy), "RECVs are serial (OBJ-8)");
            self.reached
                .borrow_mut()
                .note("Peer::begin_recv", &Error::Busy);
            return None;
        }
        match self.make(inner, Manner::default(), &mut |_| {}) {
            Made::Outcome(outcome) => Some(outcome),
            Made::Refused | Made::GivenUp => panic!("{inner:?} was neither refused nor given up"),
        }
    }

    /// Finds the order of calls, one of `orders`, in which the model does what the core did.
    pub(crate) fn explain(&mut self, made: &[(Call, Outcome)], orders: &[&[usize]]) {
        let before = self.beside.world.clone();
        let mut differences = Vec::new();
        for order in orders {
            let mut world = before.clone();
            let wrong = order.iter().find_map(|&place| {
                let (call, outcome) = &made[place];
                let expected = world.call(call, outcome);
                world.clear_all();
                (expected != *outcome).then(|| format!("{call:?} gives {expected:?}"))
            });
            if wrong.is_none() {
                adopt(&self.beside.stage, &mut world);
            }
            let Some(wrong) = wrong.or_else(|| difference(&self.beside.stage, &world)) else {
                self.beside.world = world;
                for &place in *order {
                    let (call, outcome) = &made[place];
                    learn(&mut self.beside.knowledge, call, outcome);
                }
                return self.unchanged(&format_args!("{made:?}"));
            };
            differences.push(wrong);
        }
        panic!("no order explains {made:?}: {differences:?}");
    }
}
