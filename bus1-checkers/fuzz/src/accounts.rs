//! Charges and accounts that belong to nobody's peer: an embedder charges for what is its own (quota.md).

use bus1_service::{Account, Actor, Charge, Error};

use crate::allocator::refusing;
use crate::evidence::stage::Host;
use crate::input::Input;
use crate::machine::Machine;

/// The model tells actors apart by number; peers have the small ones.
const FIRST_ACTOR: usize = 1_000;
/// Actors, and charges, that there may be.
const MAX: usize = 8;

/// What was charged, and by whom.
#[derive(Default)]
pub(crate) struct Ledger {
    /// The account that an actor acts for, and the actor.
    actors: Vec<(usize, Actor<Host>)>,
    charges: Vec<Entry>,
    /// Names of actors that were made.
    n_actors: usize,
}

/// One charge.
struct Entry {
    target: usize,
    claimant: usize,
    /// The actor's name in the model.
    actor: usize,
    amounts: [u64; 2],
    kept: Kept,
}

/// What gives the charge back when it is dropped.
enum Kept {
    Charge(Charge<Host>),
    /// A child's maxima are a charge on its parent (ACC-7).
    Child(Account<Host>),
}

impl Machine {
    /// One step with accounts.
    pub(crate) fn account(&mut self, input: &mut Input<'_>) {
        let kind = input.choose(8);
        let n_refused = input.choose(8);
        let target = input.choose(3);
        let amounts = [input.amount(), input.amount()];
        match kind {
            0 => self.new_actor(target),
            1 | 2 => self.charge(target, amounts, n_refused, input),
            3 => self.child(target, amounts, n_refused),
            4 => self.grow(amounts, n_refused, input),
            5 => self.shrink(amounts, input),
            6 => {
                self.root(amounts, n_refused);
                self.resize(amounts, n_refused);
            }
            _ => {
                if !self.ledger.charges.is_empty() {
                    let place = input.choose(self.ledger.charges.len());
                    self.give_back(place);
                }
            }
        }
        self.unchanged(&format_args!("accounts, {kind} {amounts:?} of {target}"));
    }

    fn new_actor(&mut self, claimant: usize) {
        if self.ledger.actors.len() < MAX {
            let actor = self.beside.stage.accounts[claimant].actor();
            self.ledger.actors.push((claimant, actor));
        }
    }

    fn charge(
        &mut self,
        target: usize,
        amounts: [u64; 2],
        n_refused: usize,
        input: &mut Input<'_>,
    ) {
        if self.ledger.actors.is_empty() || self.ledger.charges.len() == MAX {
            return;
        }
        let place = input.choose(self.ledger.actors.len());
        let (claimant, actor) = &self.ledger.actors[place];
        let (claimant, account) = (*claimant, self.beside.stage.accounts[target].clone());
        let (was_refused, made) = refusing(n_refused, || account.charge(actor, amounts));
        let entry = [target, claimant, FIRST_ACTOR + place];
        self.charged(
            "Account::charge",
            entry,
            amounts,
            was_refused,
            made.map(Kept::Charge),
        );
    }

    fn child(&mut self, target: usize, maxima: [u64; 2], n_refused: usize) {
        if self.ledger.charges.len() == MAX {
            return;
        }
        let account = self.beside.stage.accounts[target].clone();
        let actor = account.actor();
        let (was_refused, made) = refusing(n_refused, || account.child(&actor, maxima));
        if let Ok(child) = &made {
            assert_eq!(child.inspect().available, maxima, "a new account");
        }
        self.ledger.n_actors += 1;
        let entry = [target, target, FIRST_ACTOR + MAX + self.ledger.n_actors];
        self.charged(
            "Account::child",
            entry,
            maxima,
            was_refused,
            made.map(Kept::Child),
        );
    }

    /// The model charges what the core did, or was refused.
    fn charged(
        &mut self,
        function: &str,
        [target, claimant, actor]: [usize; 3],
        amounts: [u64; 2],
        was_refused: bool,
        made: Result<Kept, Error>,
    ) {
        if let Err(error) = &made {
            self.reached.borrow_mut().note(function, error);
        }
        if was_refused {
            assert_eq!(made.err(), Some(Error::OutOfMemory), "{function}");
            return;
        }
        let is_charged = self.model_charge([target, claimant, actor], amounts);
        assert_eq!(made.is_ok(), is_charged, "{function} of {amounts:?}");
        if let Ok(kept) = made {
            self.ledger.charges.push(Entry {
                target,
                claimant,
                actor,
                amounts,
                kept,
            });
        }
    }

    fn grow(&mut self, more: [u64; 2], n_refused: usize, input: &mut Input<'_>) {
        let Some(place) = self.charge_at(input) else {
            return;
        };
        let entry = &mut self.ledger.charges[place];
        let Kept::Charge(charge) = &mut entry.kept else {
            return;
        };
        let (was_refused, grown) = refusing(n_refused, || charge.grow(more));
        if let Err(error) = &grown {
            self.reached.borrow_mut().note("Charge::grow", error);
        }
        if was_refused {
            assert_eq!(grown, Err(Error::OutOfMemory));
            return;
        }
        let names = [entry.target, entry.claimant, entry.actor];
        let is_charged = self.model_charge(names, more);
        assert_eq!(grown.is_ok(), is_charged, "a charge grows by {more:?}");
        if is_charged {
            let entry = &mut self.ledger.charges[place];
            entry.amounts = [0, 1].map(|slot| entry.amounts[slot] + more[slot]);
        }
    }

    fn shrink(&mut self, less: [u64; 2], input: &mut Input<'_>) {
        let Some(place) = self.charge_at(input) else {
            return;
        };
        let entry = &mut self.ledger.charges[place];
        let Kept::Charge(charge) = &mut entry.kept else {
            return;
        };
        charge.shrink(less);
        let less = [0, 1].map(|slot| less[slot].min(entry.amounts[slot]));
        entry.amounts = [0, 1].map(|slot| entry.amounts[slot] - less[slot]);
        assert_eq!(charge.amounts(), entry.amounts);
        let names = [entry.target, entry.claimant, entry.actor];
        self.model_discharge(names, less);
    }

    fn root(&mut self, maxima: [u64; 2], n_refused: usize) {
        let (was_refused, made) = refusing(n_refused, || Account::<Host>::root(maxima));
        if let Err(error) = &made {
            self.reached.borrow_mut().note("Account::root", error);
        }
        assert_eq!(was_refused, made.is_err(), "a root account");
    }

    /// Other maxima for the child that was made last, of which something is held or nothing.
    fn resize(&mut self, maxima: [u64; 2], n_refused: usize) {
        let is_child = |entry: &Entry| matches!(entry.kept, Kept::Child(_));
        let Some(place) = self.ledger.charges.iter().rposition(is_child) else {
            return;
        };
        let entry = &self.ledger.charges[place];
        let Kept::Child(child) = &entry.kept else {
            return;
        };
        let (child, old) = (child.clone(), entry.amounts);
        let names = [entry.target, entry.claimant, entry.actor];
        let held = (maxima[1] % 2 == 1).then(|| child.charge(&child.actor(), [1, 0]));
        let before = child.inspect();
        let claimed = [0, 1].map(|slot| old[slot] - before.available[slot]);
        let (was_refused, resized) = refusing(n_refused, || child.resize(maxima));
        if let Err(error) = &resized {
            self.reached.borrow_mut().note("Account::resize", error);
            assert_eq!(child.inspect(), before, "after {error:?}");
        }
        if was_refused {
            assert_eq!(resized, Err(Error::OutOfMemory));
            return;
        }
        let parent = self.beside.world.accounts()[names[0]].clone();
        let beyond = |these: [u64; 2], those: [u64; 2]| {
            [0, 1].map(|slot| these[slot].saturating_sub(those[slot]))
        };
        let is_charged = self.model_charge(names, beyond(maxima, old));
        let is_enough = beyond(claimed, maxima) == [0, 0];
        assert_eq!(resized.is_ok(), is_charged && is_enough, "{maxima:?}");
        if resized.is_ok() {
            let available = beyond(maxima, claimed);
            assert_eq!(child.inspect().available, available, "a resized account");
            if beyond(old, maxima) != [0, 0] {
                self.model_discharge(names, beyond(old, maxima));
            }
            self.ledger.charges[place].amounts = maxima;
        } else {
            *self.beside.world.account_mut(names[0]) = parent;
        }
        drop(held);
    }

    fn charge_at(&self, input: &mut Input<'_>) -> Option<usize> {
        let n_charges = self.ledger.charges.len();
        (n_charges > 0).then(|| input.choose(n_charges))
    }

    fn give_back(&mut self, place: usize) {
        let entry = self.ledger.charges.swap_remove(place);
        let names = [entry.target, entry.claimant, entry.actor];
        match entry.kept {
            Kept::Charge(charge) => drop(charge),
            Kept::Child(child) => drop(child),
        }
        self.model_discharge(names, entry.amounts);
    }

    /// Gives every charge back.
    pub(crate) fn return_charges(&mut self) {
        while !self.ledger.charges.is_empty() {
            self.give_back(0);
            self.unchanged(&"a charge given back at the end");
        }
    }

    fn model_charge(&mut self, [target, claimant, actor]: [usize; 3], amounts: [u64; 2]) -> bool {
        let number = self.beside.stage.accounts[claimant].number().as_u64();
        let account = self.beside.world.account_mut(target);
        amounts == [0, 0] || account.charge(number, actor, amounts)
    }

    fn model_discharge(&mut self, [target, claimant, actor]: [usize; 3], amounts: [u64; 2]) {
        let number = self.beside.stage.accounts[claimant].number().as_u64();
        self.beside
            .world
            .account_mut(target)
            .discharge(number, actor, amounts);
    }
}
