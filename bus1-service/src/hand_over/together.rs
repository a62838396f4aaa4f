//! Messages of one transaction, each handed over to somebody who waits for it: SEND to several, received in the instant in which it is decided.
//!
//! ```text
//!   per receiver: expected ──┬── (all are) decided ──> per receiver: given
//!                            └── called off, refused ──> as before, and the message goes by the queues
//! ```
//!
//! Every receiver must be at one in the order with every other that gets the message (ORD-4), and no two locks are held at a time (ORD-6). So
//! a word decides, as for what is queued, but no queue has a member of it: each receiver's state only says that this word is expected.
//! 1. It is expected only where the queue is idle. Whoever comes to the queue after that and before the decision calls the word off, by one
//!    exchange, and finds everything as if there had been no message: what is undecided delays nobody. Then the message begins again, by the queues.
//! 2. So if the word is decided, nobody came to any of the receivers since the message was expected there: the decision is the instant in
//!    which all of them receive it, as the next after all they received before.
//! 3. The stamp is above the clocks of all queues at which the word is expected. Whoever comes to one of them after the decision comes behind
//!    it: he raises the clock to the stamp first. A RECV among them waits until the message is given (OBJ-8).
//! 4. A node that was released between the decision and the giving has its message dropped (REL-2).
//! 5. Each account must grant its message, and that without a trace in its books, since it is not certain yet that there will be one: so no two
//!    destinations have one account, and the sender's account holds nothing in any of them, hence is none of them.

use crate::handle::Handle;
use crate::mem::{Ref, put};
use crate::peer::state::PeerState;
use crate::peer::{Peer, PeerCore};
use crate::transaction::Transaction;
use crate::{Id, Kind, System, account, hook, trace};

use super::{Handed, destination};

/// Most destinations.
const TOGETHER_MAX: usize = 64;

/// Those who wait for the messages, as the embedder knows them. Nothing of the core is locked when they are asked.
pub trait Receivers<S: System> {
    /// Takes somebody who would receive at once from the peer to which this is attached, and keeps him from receiving anything else until he is
    /// given the message or let go. False if there is nobody.
    fn take(&mut self, watch: &S::Watch) -> bool;

    /// The message is sent, and is that of who was taken as the `index`th.
    fn give(&mut self, index: usize, handed: Handed);

    /// The message is not sent, or was dropped (REL-2): who was taken as the `index`th looks for himself.
    fn let_go(&mut self, index: usize);
}

/// Destinations, looked up.
struct Together<S: System, const N_MAX: usize> {
    handles: [Option<Ref<Handle<S>>>; N_MAX],
    /// How many, from the front, expect the message.
    n_expected: usize,
    word: Ref<Transaction>,
    /// The sender's epoch at the look-up.
    epoch: u64,
}

impl<S: System> Peer<S> {
    /// Hands a message of `n_data` bytes, which are the embedder's to move, over to threads that wait where `destinations` lead, two to 64, all
    /// of them or none. `false`: nothing has happened; SEND says why, or sets aside what the next time needs.
    ///
    /// ```
    /// # use bus1_service::{Handed, Receivers};
    /// # struct Host;
    /// # impl bus1_service::System for Host {
    /// #     type Watch = ();
    /// #     type Object = std::convert::Infallible;
    /// #     type Amounts = [u64; 2];
    /// # }
    /// # fn main() -> Result<(), bus1_service::Error> {
    /// # let root = bus1_service::Account::<Host>::root([1 << 20, 1 << 30])?;
    /// # let peer = || bus1_service::Peer::new(&root.child(&root.actor(), [1 << 10, 1 << 20])?, ());
    /// # let (client, servers) = (peer()?, [peer()?, peer()?]);
    /// struct Told(Vec<Handed>);
    /// impl Receivers<Host> for Told {
    ///     fn take(&mut self, (): &()) -> bool {
    ///         true
    ///     }
    ///     fn give(&mut self, _: usize, handed: Handed) {
    ///         self.0.push(handed);
    ///     }
    ///     fn let_go(&mut self, _: usize) {}
    /// }
    /// let [one, two] = [servers[0].create_node(&client)?, servers[1].create_node(&client)?];
    /// let handles = [one.1, two.1];
    /// client.send(&handles, &[], b"the first goes through the queues")?.finish_silently();
    /// for server in &servers {
    ///     server.recv()?;
    /// }
    /// let mut told = Told(Vec::new());
    /// assert!(client.hand_over_together(&handles, 8, &mut told), "both are idle");
    /// assert_eq!([told.0[0].node, told.0[1].node], [one.0, two.0]);
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn hand_over_together(
        &self,
        destinations: &[Id],
        n_data: u64,
        receivers: &mut impl Receivers<S>,
    ) -> bool {
        match destinations.len() {
            2..=8 => hand_over::<S, 8>(self.core(), destinations, n_data, receivers),
            9..=TOGETHER_MAX => {
                hand_over::<S, TOGETHER_MAX>(self.core(), destinations, n_data, receivers)
            }
            _ => false,
        }
    }
}

fn hand_over<S: System, const N_MAX: usize>(
    sender: &PeerCore<S>,
    destinations: &[Id],
    n_data: u64,
    receivers: &mut impl Receivers<S>,
) -> bool {
    let Some(mut together) = Together::<S, N_MAX>::look_up(sender, destinations) else {
        return false;
    };
    let mut n_taken = 0_usize;
    let mut is_ready = together.is_each_alone();
    let mut is_last = false;
    while is_ready && !is_last {
        match together.next() {
            Some(handle) if receivers.take(&handle.node().owner().watch) => {
                n_taken = n_taken.saturating_add(1);
                is_ready = is_granted(sender, handle, n_data) && together.expect();
                hook::point("together: expected");
            }
            Some(_) => is_ready = false,
            None => is_last = true,
        }
    }
    match is_ready.then(|| together.decide(sender)).flatten() {
        Some(stamp) => {
            hook::point("together: decided");
            together.give(sender, stamp, n_data, receivers);
            true
        }
        None => {
            together.undo(sender);
            for index in 0..n_taken {
                receivers.let_go(index);
            }
            false
        }
    }
}

/// Whether a message that is received at once may be sent, and leaves no trace in the books: it is not certain yet that it will be.
#[inline(always)]
fn is_granted<S: System>(sender: &PeerCore<S>, handle: &Handle<S>, n_data: u64) -> bool {
    account::is_granted(handle, n_data) || account::pass(handle, sender, n_data, || false).is_some()
}

impl<S: System, const N_MAX: usize> Together<S, N_MAX> {
    /// `None` if an id is unknown, or there is no memory for a word.
    #[inline(always)]
    fn look_up(sender: &PeerCore<S>, ids: &[Id]) -> Option<Together<S, N_MAX>> {
        let mut handles = [const { None }; N_MAX];
        let (epoch, word) = {
            let mut guard = sender.lock_settled();
            let (state, key) = guard.parts();
            for (place, &id) in handles.iter_mut().zip(ids) {
                let handle = state.handle(key, id)?;
                put(place, Some(handle));
            }
            (state.epoch, state.word.take())
        };
        let word = Transaction::try_open(word).ok()?;
        Some(Together {
            handles,
            n_expected: 0,
            word,
            epoch,
        })
    }

    /// Whether no two destinations have one account. Accounts are told apart by marks, and only where two have one mark by comparing.
    #[inline(always)]
    fn is_each_alone(&self) -> bool {
        let mut marks = [0_u64; 8];
        let handles = self.handles.iter().map_while(Option::as_ref);
        for (index, handle) in handles.enumerate() {
            let account = &handle.node().owner().account;
            // Addresses in a row are spread at random: once is not enough, since what is multiplied is in a row still.
            let once = account.address().wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mixed = (once ^ once >> 29).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
            let Some(marks) = marks.get_mut(mixed >> 6 & 7) else {
                return false;
            };
            let mark = 1 << (mixed & 63);
            if *marks & mark != 0 && self.has_before(index, handle) {
                return false;
            }
            *marks |= mark;
        }
        true
    }

    #[cold]
    fn has_before(&self, index: usize, handle: &Handle<S>) -> bool {
        let account = &handle.node().owner().account;
        let before = self.handles.iter().take(index).flatten();
        let mut accounts = before.map(|handle| &handle.node().owner().account);
        accounts.any(|other| other.ptr_eq(account))
    }

    /// The first that does not expect the message yet.
    #[inline(always)]
    fn next(&self) -> Option<&Ref<Handle<S>>> {
        self.handles.get(self.n_expected)?.as_ref()
    }

    /// That one's receiver expects the message. False if it would not be the next there.
    #[inline(always)]
    fn expect(&mut self) -> bool {
        let Some(handle) = self.next() else {
            return false;
        };
        let mut guard = handle.node().owner().lock.lock();
        if destination(&mut guard, handle).is_none() {
            return false;
        }
        let (state, _) = guard.parts();
        if self.word.raise(state.queue.clock()).is_some() {
            return false;
        }
        state.is_receiving = true;
        // Nothing was expected there.
        put(&mut state.expected, Some(self.word.clone()));
        drop(guard);
        self.n_expected = self.n_expected.saturating_add(1);
        true
    }

    /// Decides, unless somebody came; the stamp.
    #[inline(always)]
    fn decide(&self, sender: &PeerCore<S>) -> Option<u64> {
        let mut guard = sender.lock_settled();
        let (state, _) = guard.parts();
        if self.epoch != state.epoch {
            return None;
        }
        let stamp = self.word.decide_unless_off(state.decided)?;
        state.decided = stamp;
        Some(stamp)
    }

    /// After the decision: gives each receiver its message.
    #[inline(always)]
    fn give(
        mut self,
        sender: &PeerCore<S>,
        stamp: u64,
        n_data: u64,
        receivers: &mut impl Receivers<S>,
    ) {
        if S::is_traced() {
            for handle in self.handles.iter().map_while(Option::as_ref) {
                trace::sent(sender, handle.node(), n_data, 0);
            }
        }
        let account = sender.account.number();
        let handles = self.handles.iter_mut().map_while(Option::take);
        for (index, handle) in handles.enumerate() {
            let node = handle.node();
            let (is_dead, word) = {
                let mut guard = node.owner().lock.lock();
                let (state, _) = guard.parts();
                state.is_receiving = false;
                state.queue.pass(stamp);
                (state.is_dead(node), state.expected.take())
            };
            if let Some(word) = word {
                word.drop_shared();
            }
            if is_dead {
                receivers.let_go(index);
            } else {
                trace::received(node.owner(), Kind::User, node.id());
                let node = node.id();
                receivers.give(index, Handed { node, account });
            }
            handle.drop_shared();
        }
        self.keep_word(sender);
    }

    /// Nobody expects it any more.
    #[cold]
    fn undo(self, sender: &PeerCore<S>) {
        for handle in self.handles.iter().flatten().take(self.n_expected) {
            let mut guard = handle.node().owner().lock.lock();
            let (state, _) = guard.parts();
            let is_ours = |word: &Ref<Transaction>| word.ptr_eq(&self.word);
            if state.expected.as_ref().is_some_and(is_ours) {
                state.expected = None;
                state.is_receiving = false;
            }
        }
        self.keep_word(sender);
    }

    /// The word is for the next message.
    #[inline(always)]
    fn keep_word(self, sender: &PeerCore<S>) {
        let unused = sender.lock.lock().parts().0.word.replace(self.word);
        drop(unused);
    }
}

impl<S: System> PeerState<S> {
    /// Comes first in every lock-held section, with the settling of the queue.
    #[inline(always)]
    pub(crate) fn overtake(&mut self) {
        if self.expected.is_some() {
            self.overtake_expected();
        }
    }

    /// A message is expected, and this section comes before it, which calls it off, or behind it if it is decided.
    #[cold]
    fn overtake_expected(&mut self) {
        let Some(word) = &self.expected else { return };
        match word.call_off() {
            Some(stamp) => self.queue.pass(stamp),
            None => {
                self.expected = None;
                self.is_receiving = false;
            }
        }
    }
}
