//! The read-out of a peer: everything that can be observed of it, in pieces. Memory is the caller's; a piece is one lock-held section of
//! bounded length, so a read-out of a peer in use is not of one instant.

use crate::handle::Whereabouts;
use crate::message::Message;
use crate::queue::Member;
use crate::table::Object;
use crate::{Id, Kind, System};

use super::Peer;

/// Slots of the id table that one piece looks at.
const SLOTS: u32 = 64;
/// Entries of the queue that one piece looks at.
const ENTRIES: usize = 64;

/// A peer as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerInfo {
    /// The stamp of the last transaction that was ordered at its queue.
    pub clock: u64,
    /// The stamp of the last transaction that it decided under its own lock.
    pub decided: u64,
    /// Whether a transaction is staged at its queue and undecided.
    pub has_pending: bool,
    /// Whether a RECV copies the first entry out.
    pub is_receiving: bool,
    /// Whether it is closing or closed.
    pub is_closing: bool,
}

/// What an id of a peer names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectInfo {
    /// A node.
    Node {
        /// Its id.
        id: Id,
        /// Whether handles count for it, held or travelling.
        has_handles: bool,
        /// Whether messages for it are queued or staged.
        has_messages: bool,
        /// Whether an open release names it.
        is_marked: bool,
    },
    /// A handle.
    Handle {
        /// Its id.
        id: Id,
        /// Whether NODE_RELEASE for it is queued or staged.
        has_note: bool,
        /// Whether an open release names it.
        is_marked: bool,
    },
}

/// An entry of the ordered queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryInfo {
    /// What it is.
    pub kind: Kind,
    /// The node or handle that RECV would name.
    pub id: Id,
    /// Bytes of its payload.
    pub n_data: u64,
    /// Handles that it carries.
    pub n_transfers: u64,
}

impl<S: System> Peer<S> {
    /// The peer as a whole.
    #[must_use]
    pub fn inspect(&self) -> PeerInfo {
        let mut guard = self.core().lock_settled();
        let (state, _) = guard.parts();
        PeerInfo {
            clock: state.queue.clock(),
            decided: state.decided,
            has_pending: state.queue.has_pending(),
            is_receiving: state.is_receiving,
            is_closing: state.release.is_closing(),
        }
    }

    /// The next node or handle at or behind `slot` of the id table (0 at first), and the slot to go on with. `None` at the end.
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
    /// use bus1_service::ObjectInfo;
    /// let (object, next) = client.inspect_object(0).expect("one handle");
    /// assert_eq!(object, ObjectInfo::Handle { id: handle, has_note: false, is_marked: false });
    /// assert!(client.inspect_object(next).is_none());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn inspect_object(&self, slot: u32) -> Option<(ObjectInfo, u32)> {
        let mut slot = slot;
        loop {
            let mut guard = self.core().lock_settled();
            let (state, key) = guard.parts();
            for _ in 0..SLOTS {
                let object = state.table.at(slot)?;
                slot = slot.saturating_add(1);
                let info = match object.map(|object| object.get()).as_deref() {
                    Some(Object::Node(node)) => {
                        let at_node = node.state(key);
                        ObjectInfo::Node {
                            id: node.id(),
                            has_handles: !at_node.has_no_handles(),
                            has_messages: !at_node.messages.is_empty(),
                            is_marked: state.is_named(node.id(), node.is_marked()),
                        }
                    }
                    Some(Object::Handle(handle))
                        if handle.at_holder(key).whereabouts == Whereabouts::Held =>
                    {
                        let at_holder = handle.at_holder(key);
                        ObjectInfo::Handle {
                            id: at_holder.id,
                            has_note: at_holder.note.link.is_linked(),
                            is_marked: state.is_named(at_holder.id, at_holder.is_marked),
                        }
                    }
                    _ => continue,
                };
                return Some((info, slot));
            }
        }
    }

    /// The ordered entry `index` of the queue, counted from the first; only the first 64 can be read out.
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
    /// client.send(&[handle], &[], b"hello")?.finish_silently();
    /// let entry = server.inspect_entry(0).expect("one message");
    /// assert_eq!((entry.id, entry.n_data), (node, 5));
    /// assert!(server.inspect_entry(1).is_none());
    /// assert_eq!(server.inspect().clock, 1, "one transaction was ordered here");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn inspect_entry(&self, index: usize) -> Option<EntryInfo> {
        if index >= ENTRIES {
            return None;
        }
        let mut found = None;
        {
            let mut guard = self.core().lock_settled();
            let (state, key) = guard.parts();
            let mut at = 0;
            state.queue.walk(key, |member| {
                if at == index {
                    found = Some(member.clone());
                }
                at = at.saturating_add(1);
                found.is_none()
            });
        }
        let (kind, id, n_data, n_transfers) = match found? {
            Member::Message(message) => (
                Kind::User,
                message.node().id(),
                Message::n_data(&message),
                message.n_handles(),
            ),
            Member::Note(handle) | Member::Leave(handle) => {
                let mut guard = self.core().lock.lock();
                (
                    Kind::NodeRelease,
                    handle.at_holder(guard.parts().1).id,
                    0,
                    0,
                )
            }
            Member::Last(node) => (Kind::HandleRelease, node.id(), 0, 0),
            Member::Event(event) => (Kind::User, event.node().id(), event.n_data() as u64, 0),
            Member::Grant(_) => return None,
        };
        Some(EntryInfo {
            kind,
            id,
            n_data,
            n_transfers,
        })
    }
}
