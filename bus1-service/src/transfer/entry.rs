//! One entry of a transfer, from its look-up until it is committed or everything is given back.

use crate::account::{self, Charged};
use crate::effects::Waker;
use crate::handle::Handle;
use crate::mem::Ref;
use crate::message::objects;
use crate::node::Node;
use crate::peer::state::{Linked, Origin};
use crate::peer::{PeerCore, leave_now, reserve_one};
use crate::table::Object;
use crate::transaction::Transaction;
use crate::{Error, Id, Place, System};

/// One entry of a transfer.
pub(crate) struct Entry<S: System> {
    from: Ref<PeerCore<S>>,
    to: Ref<PeerCore<S>>,
    /// The handle to be copied; none if a node is to be made.
    original: Option<(Id, Ref<Handle<S>>)>,
    /// What is charged, at both ends.
    charged_from: Option<Charged<S>>,
    charged_to: Option<Charged<S>>,
    /// The ids promised.
    node_id: Option<Id>,
    handle_id: Option<Id>,
    node: Option<Ref<Node<S>>>,
    handle: Option<Ref<Handle<S>>>,
}

impl<S: System> Entry<S> {
    pub(super) fn new(
        from: Ref<PeerCore<S>>,
        to: Ref<PeerCore<S>>,
        original: Option<(Id, Ref<Handle<S>>)>,
    ) -> Entry<S> {
        Entry {
            from,
            to,
            original,
            charged_from: None,
            charged_to: None,
            node_id: None,
            handle_id: None,
            node: None,
            handle: None,
        }
    }

    pub(super) fn original(&self) -> Option<&(Id, Ref<Handle<S>>)> {
        self.original.as_ref()
    }

    /// The id of the node made, on the source peer.
    pub(super) fn node_id(&self) -> Option<Id> {
        self.node_id
    }

    /// The id of the handle made, on the destination peer.
    pub(super) fn handle_id(&self) -> Option<Id> {
        self.handle_id
    }

    pub(super) fn handle(&self) -> Option<&Ref<Handle<S>>> {
        self.handle.as_ref()
    }

    /// Charges the node to its owner and the handle to its holder, each on its own behalf (ACC-2).
    pub(super) fn charge(&mut self, index: usize) -> Result<(), Error> {
        let in_place = |error| match error {
            Error::Quota(_, quota) => Error::Quota(Place::Transfer(index), quota),
            other => other,
        };
        if self.original.is_none() {
            self.charged_from = Some(self.from.charge_own(1).map_err(in_place)?);
        }
        self.charged_to = Some(self.to.charge_own(1).map_err(in_place)?);
        Ok(())
    }

    /// Allocates the node and the handle, and links them; no id answers to them yet.
    pub(super) fn build(
        &mut self,
        index: usize,
        transaction: &Ref<Transaction>,
    ) -> Result<(), Error> {
        let node = match &self.original {
            Some((_, original)) => original.node().clone(),
            None => {
                let id = reserve_one(&self.from)?;
                self.node_id = Some(id);
                let node = Ref::try_new(Node::new(self.from.clone(), id))?;
                self.node = Some(node.clone());
                node
            }
        };
        let id = reserve_one(&self.to)?;
        self.handle_id = Some(id);
        let mut handle = Ref::try_new(Handle::new(self.to.clone(), id, node))?;
        let origin = self.original.as_ref().map(|(_, source)| Origin {
            source,
            transaction: Some(transaction),
        });
        let linked = handle.node().owner().link(&handle, origin);
        match (linked, &self.original) {
            (Linked::NodeIsDead, _) => {
                if let Some(handle) = handle.get_mut() {
                    handle.park();
                }
            }
            (Linked::SourceIsGone, Some((id, _))) => {
                return Err(Error::UnknownId(Place::Transfer(index), *id));
            }
            (Linked::Yes | Linked::SourceIsGone, _) => {}
        }
        self.handle = Some(handle);
        Ok(())
    }

    /// Gives everything back. A few lock-held sections.
    pub(crate) fn undo(&mut self, wake: Waker<'_, S>) {
        if let Some(node) = &self.node {
            // Nobody was told of it: its handle leaves without a word.
            let guard = self.from.lock.lock();
            node.bury();
            drop(guard);
        }
        if let Some(handle) = &self.handle {
            let mut guard = self.to.lock.lock();
            let (state, key) = guard.parts();
            state.retire(key, handle);
            let piece = state.table.take_empty();
            drop(guard);
            drop(piece);
            leave_now(handle, wake);
        } else if let Some(id) = self.handle_id {
            drop(self.to.lock.lock().parts().0.table.free(id));
        }
        if let Some(id) = self.node_id {
            drop(self.from.lock.lock().parts().0.table.free(id));
        }
        for charged in [self.charged_to.take(), self.charged_from.take()]
            .into_iter()
            .flatten()
        {
            account::undo(&charged, &objects::<S>(1));
        }
    }

    /// The node becomes known, under the source peer's lock.
    pub(super) fn publish(&self, state: &mut crate::peer::state::PeerState<S>) {
        if let (Some(id), Some(node)) = (self.node_id, &self.node) {
            state.table.fill(id, Object::Node(node.clone()));
        }
    }
}
