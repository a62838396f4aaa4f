//! What a message carries beside its bytes: handles, and objects of the embedder's. Most messages carry nothing, and have none of this.

use alloc::vec::Vec;

use crate::handle::{Handle, Target};
use crate::mem::{Key, LockedBy, Ref};
use crate::message::SharedPayload;
use crate::node::Node;
use crate::{Error, Id, System};

/// What one message carries.
pub(crate) struct Carried<S: System> {
    /// The ids that the handles have at the receiver, valid once the message is received.
    pub(crate) ids: Vec<Id>,
    /// How many objects there are.
    pub(crate) n_objects: u64,
    /// The payload, if the message shares it with others.
    pub(crate) payload: Option<Ref<SharedPayload>>,
    state: LockedBy<Target<S>, CarriedState<S>>,
}

/// What is under the lock of the node's owner.
pub(crate) struct CarriedState<S: System> {
    /// The handles that it still carries.
    pub(crate) handles: Vec<Ref<Handle<S>>>,
    /// The objects.
    pub(crate) objects: Option<Ref<Vec<S::Object>>>,
}

impl<S: System> Carried<S> {
    /// Nothing yet, for a message to `node`.
    pub(crate) fn new(node: Ref<Node<S>>) -> Carried<S> {
        let state = CarriedState {
            handles: Vec::new(),
            objects: None,
        };
        Carried {
            ids: Vec::new(),
            n_objects: 0,
            payload: None,
            state: LockedBy::new(Target::new(node), state),
        }
    }

    /// Makes room for handles, which are still to be made.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub(crate) fn reserve(&mut self, n_handles: usize) -> Result<(), Error> {
        let handles = &mut self.state.get_mut().handles;
        handles
            .try_reserve_exact(n_handles)
            .and_then(|()| self.ids.try_reserve_exact(n_handles))
            .map_err(|_| Error::OutOfMemory)
    }

    /// Lets it be objects of the embedder's too.
    pub(crate) fn set_objects(&mut self, objects: Option<Ref<Vec<S::Object>>>) {
        self.n_objects = objects.as_ref().map_or(0, |objects| objects.len() as u64);
        self.state.get_mut().objects = objects;
    }

    #[inline]
    pub(crate) fn state<'a>(&'a self, key: &'a mut Key) -> &'a mut CarriedState<S> {
        self.state.get(key)
    }

    /// The state, for the sender, before the message is known to anybody else.
    pub(crate) fn state_mut(&mut self) -> &mut CarriedState<S> {
        self.state.get_mut()
    }
}
