//! Events of the kernel as messages: the one way in which the end of a task, an interrupt or a timer reaches a program.
//!
//! Whoever binds a source names a handle of a peer. The message is made then, once for all times the source fires, and is charged to its
//! receiver; so nothing has to be found, allocated or paid for when something happens. Unread events are counted in one message
//! (rules EVT of the model; [`bus1_service::Event`]).

use bus1_service::Id;
use omnibus_abi::{Errno, Structure};

use super::peer::Hold;
use super::{Omnibus, errno, wake};

/// A source of events, bound to a handle.
pub struct Event(bus1_service::Event<Omnibus>);

impl Event {
    /// Binds a source to `handle` of the peer `by`; its messages are structures `T`, of at most 8 words.
    ///
    /// # Errors
    /// `EBADRQC` if the peer has no such handle, `EDQUOT`, `ENOMEM`.
    pub fn bind<T: Structure>(by: &Hold, handle: u64) -> Result<Self, Errno> {
        let n_words = T::Words::default().as_ref().len();
        let event = by.core.new_event(Id::from_u64(handle), n_words);
        event.map(Self).map_err(|error| errno(&error))
    }

    /// Tells of it. Needs no memory and no quota. The first word is a count, not 0, and is added to what is unread; the others take the
    /// place of those before.
    pub fn fire(&self, words: &[u64]) {
        self.0.fire(words, &mut wake);
    }
}
