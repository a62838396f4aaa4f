//! RECV in two steps, between which the kernel copies out.

use super::entry::{Entry, arrive, discharge_note, note_taken, settle_charges, take_out};
use super::{Kind, Metadata, Retry};
use crate::effects::Work;
use crate::event::Told;
use crate::mem::Ref;
use crate::mutant::{self, Mutant};
use crate::peer::PeerCore;
use crate::peer::state::First;
use crate::queue::Member;
use crate::{Effects, Error, Id, System, hook, trace};

/// The first entry of a queue, while it is copied out. It stays first until [`Receiving::commit`]; dropping this leaves it there.
#[must_use = "nothing is received before the commit"]
pub struct Receiving<S: System> {
    peer: Ref<PeerCore<S>>,
    entry: Entry<S>,
    /// The entry, if it is not a message of a user.
    note: Option<Member<S>>,
    /// It is not being copied out any more.
    is_over: bool,
}

/// The payload of an entry that is being received: that of a message lies with it, that of an event is a copy.
pub enum Payload<'a> {
    /// Of a message.
    OfMessage(&'a [u8]),
    /// Of an event.
    OfEvent(Told),
}

impl core::ops::Deref for Payload<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Payload::OfMessage(bytes) => bytes,
            Payload::OfEvent(told) => told.bytes(),
        }
    }
}

impl<S: System> Receiving<S> {
    pub(crate) fn begin(peer: &Ref<PeerCore<S>>) -> Result<Receiving<S>, Error> {
        let (entry, note) = {
            let mut guard = peer.lock.lock();
            let (state, key) = guard.parts();
            state.first_free(key)?;
            let member = state
                .queue
                .front()
                .map(|front| front.clone())
                .ok_or(Error::NothingQueued)?;
            state.is_receiving = true;
            if mutant::is(Mutant::PopBeforeCopy) {
                drop(state.queue.pop_front(key));
            }
            match member {
                Member::Message(message) => (Entry::of_message(key, message), None),
                note => {
                    if let Member::Event(event) = &note {
                        event.begin_telling(key);
                    }
                    (Entry::of_note(key, &note), Some(note))
                }
            }
        };
        Ok(Receiving {
            peer: peer.clone(),
            entry,
            note,
            is_over: false,
        })
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.entry.kind
    }

    /// Where it came in and from which account.
    #[must_use]
    pub fn metadata(&self) -> Metadata {
        self.entry.metadata
    }

    /// The payload; empty for notifications. That of an event is what is unread now, and told by the commit.
    #[must_use]
    #[inline]
    pub fn payload(&self) -> Payload<'_> {
        match &self.note {
            Some(Member::Event(event)) => {
                let mut guard = self.peer.lock.lock();
                Payload::OfEvent(event.read(guard.parts().1))
            }
            _ => Payload::OfMessage(self.entry.payload()),
        }
    }

    /// How many handles and objects it carries.
    #[must_use]
    pub fn n_transfers(&self) -> usize {
        self.transfers().len().saturating_add(self.objects().len())
    }

    /// The ids that the carried handles will have once the message is received, in the sender's order (RCV-3).
    #[must_use]
    pub fn transfers(&self) -> &[Id] {
        self.entry.transfers()
    }

    /// What the message carries of the embedder's: to be taken over before the commit.
    #[must_use]
    pub fn objects(&self) -> &[S::Object] {
        self.entry.objects()
    }

    /// Entry `index` of [`Receiving::transfers`].
    #[must_use]
    pub fn transfer(&self, index: usize) -> Option<Id> {
        self.transfers().get(index).copied()
    }

    /// Takes the entry out of the queue: the line of no return of RECV. Needs no memory and no quota (ACC-3).
    ///
    /// # Errors
    /// [`Retry`] if another call released what it names; then nothing happened.
    pub fn commit(mut self) -> Result<Effects<S>, Retry> {
        self.take(true)?;
        if let Some(message) = &mut self.entry.message {
            settle_charges(&self.peer, message);
        }
        if let Some(note) = &self.note {
            discharge_note(&self.peer, note);
        }
        trace::received(&self.peer, self.kind(), self.metadata().id);
        Ok(Effects::none())
    }

    /// Takes the entry out of the queue and releases what it carries (RCV-7).
    ///
    /// # Errors
    /// [`Retry`] if another call released what it names; then nothing happened.
    ///
    /// ```
    /// # struct Host;
    /// # impl bus1_service::System for Host {
    /// #     type Watch = ();
    /// #     type Object = std::convert::Infallible;
    /// #     type Amounts = [u64; 2];
    /// # }
    /// # fn main() -> Result<(), bus1_service::Error> {
    /// # let account = bus1_service::Account::<Host>::root([1 << 20, 1 << 30])?;
    /// # let (server, client) = (bus1_service::Peer::new(&account, ())?, bus1_service::Peer::new(&account, ())?);
    /// # let (node, handle) = server.create_node(&client)?;
    /// client.send(&[handle], &[handle], b"not wanted")?.finish_silently();
    /// let receiving = server.begin_recv()?;
    /// assert_eq!(receiving.n_transfers(), 1);
    /// receiving.discard().expect("nobody else released it").finish_silently();
    /// assert!(!server.is_readable() && server.inspect_object(1).is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn discard(mut self) -> Result<Effects<S>, Retry> {
        self.take(false)?;
        if let Some(note) = &self.note {
            discharge_note(&self.peer, note);
        }
        trace::discarded(&self.peer, self.kind(), self.metadata().id);
        let work = self.entry.message.take();
        Ok(work.map_or_else(Effects::none, |message| Effects::new(Work::Drop(message))))
    }

    fn take(&mut self, is_wanted: bool) -> Result<(), Retry> {
        hook::point("recv: copied");
        let mut guard = self.peer.lock_settled();
        let (state, key) = guard.parts();
        state.is_receiving = false;
        self.is_over = true;
        let is_first = state.first(key) == First::Entry
            && state
                .queue
                .front()
                .is_some_and(|front| match (&*front, &self.entry.message) {
                    (Member::Message(front), Some(message)) => front.ptr_eq(message),
                    (front, _) => self.note.as_ref().is_some_and(|note| front.is(note)),
                });
        if !is_first {
            return Err(Retry);
        }
        if let Some(Member::Event(event)) = &self.note {
            let over = state.event_taken(key, event);
            drop(guard);
            event.discharge(over);
            return Ok(());
        }
        drop(state.queue.pop_front(key));
        if let Some(message) = &mut self.entry.message {
            take_out(key, message);
            if is_wanted {
                arrive(state, key, message);
            }
        }
        let note = self.note.as_ref();
        let piece = note.and_then(|note| note_taken(state, key, note));
        drop(guard);
        drop(piece);
        Ok(())
    }
}

impl<S: System> Drop for Receiving<S> {
    fn drop(&mut self) {
        if !self.is_over {
            self.peer.lock.lock().parts().0.is_receiving = false;
        }
    }
}
