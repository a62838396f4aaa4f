//! Messages that are handed over: the model sends and receives, one after the other.

use bus1_model::{Call, Outcome};
use bus1_service::{Handed, Id};

use crate::allocator::refusing;
use crate::evidence::knowledge::Pick;
use crate::evidence::stage::{Woken, entry_of_handed};
use crate::input::Input;
use crate::machine::Machine;

/// How what is handed over gets to its receiver.
enum Way {
    /// By the embedder, once it is decided.
    Registers,
    /// It is delivered before.
    Memory,
    /// It cannot be delivered.
    Nowhere,
}

impl Machine {
    /// A message to somebody who waits for it, if it can be; with an allocation refused, or none.
    pub(crate) fn hand_over(&mut self, input: &mut Input<'_>) {
        let from = input.choose(self.beside.knowledge.len());
        let known = &self.beside.knowledge[from];
        let to = known.handle(Pick(input.byte()));
        let carried = match input.byte() {
            0..128 => None,
            pick => Some(known.handle(Pick(pick.wrapping_mul(2)))),
        };
        let n_data = u64::from(input.byte() % 80);
        let is_reply_awaited = input.choose(2) == 0;
        let way = match input.choose(5) {
            0..2 => Way::Registers,
            2..4 => Way::Memory,
            _ => Way::Nowhere,
        };
        let n_refused = input.choose(6);
        let call = Call::Send {
            peer: from,
            destinations: vec![to],
            transfers: Vec::from_iter(carried),
            payload: vec![0; n_data as usize],
        };
        if !self.beside.can_be_made(&call) {
            return;
        }
        let sender = self.beside.stage.peers[from].clone();
        let carried = carried.map(Id::from_u64);
        let Some(aim) = sender.aim(Id::from_u64(to), is_reply_awaited) else {
            return self.unchanged(&format_args!("{call:?} has no aim"));
        };
        let receiver = *aim.watch();
        let mut woken = Woken::new();
        let mut wake = |peer: &usize, _| {
            woken.insert(*peer);
        };
        let mut copy = None;
        let (_, handed): (bool, Option<Handed>) = refusing(n_refused, || match (way, carried) {
            (Way::Registers, None) => sender.hand_over(aim, n_data),
            (Way::Registers, Some(carried)) => {
                let aim = sender.aim_with(Id::from_u64(to), carried, is_reply_awaited);
                let (aim, cargo) = aim?;
                let (handed, id) = sender.hand_over_with(aim, cargo, n_data, &mut wake)?;
                copy = Some(id);
                Some(handed)
            }
            (way, carried) => {
                let mut deliver = |id| {
                    copy = id;
                    !matches!(way, Way::Nowhere)
                };
                sender.deliver(aim, carried, n_data, &mut deliver, &mut wake)
            }
        });
        *self.woken.borrow_mut() = woken;
        let Some(handed) = handed else {
            return self.unchanged(&format_args!("{call:?} was not handed over"));
        };
        let entry = entry_of_handed(handed, vec![0; n_data as usize], copy);
        let receipt = (Call::Recv { peer: receiver }, Outcome::Received(entry));
        self.agree_in_order(&[(call, Outcome::Done), receipt]);
    }

    /// The model does, one after the other, what the core did in one step.
    pub(crate) fn agree_in_order(&mut self, made: &[(Call, Outcome)]) {
        let Some(((call, outcome), before)) = made.split_last() else {
            return;
        };
        for (call, outcome) in before {
            let expected = self.beside.world.call(call, outcome);
            self.beside.world.clear_all();
            assert_eq!(outcome, &expected, "{call:?} of {made:?}");
        }
        self.agree(call, outcome);
    }
}
