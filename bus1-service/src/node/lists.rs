//! The lists of a node, under its owner's lock: its handles, and the messages for it.

use crate::System;
use crate::handle::Handle;
use crate::mem::{Key, List, OnNode, QueuedAtNode, Ref};
use crate::message::Message;

use super::Node;

impl<S: System> Node<S> {
    /// Works on the node's list of handles, under the owner's lock. New ones are put on the list of those that are not staged; a handle
    /// is taken out of whichever list it is on.
    pub(crate) fn with_handles<R>(
        &self,
        key: &mut Key,
        work: impl FnOnce(&mut Handles<S>, &mut Key) -> R,
    ) -> R {
        let state = self.state(key);
        let mut handles = Handles {
            waiting: core::mem::take(&mut state.waiting),
            staged: core::mem::take(&mut state.staged),
        };
        let result = work(&mut handles, key);
        let state = self.state(key);
        state.waiting = handles.waiting;
        state.staged = handles.staged;
        result
    }

    /// Takes a handle off the node's lists; `None` if it is on none.
    pub(crate) fn unlink(&self, key: &mut Key, handle: &Ref<Handle<S>>) -> Option<Ref<Handle<S>>> {
        self.with_handles(key, |handles, key| handles.remove(key, handle))
    }

    /// The same, and whether nobody knows yet that the first that is not staged counts, if there is one left.
    #[inline(always)]
    pub(crate) fn unlink_and_look(
        &self,
        key: &mut Key,
        handle: &Ref<Handle<S>>,
    ) -> Option<(Ref<Handle<S>>, Option<bool>)> {
        self.with_handles(key, |handles, key| {
            let unlinked = handles.remove(key, handle)?;
            let first = handles.waiting.front();
            let is_undecided = first.map(|first| first.at_node(key).is_undecided());
            Some((unlinked, is_undecided))
        })
    }

    /// Puts a handle that counts before the others that are not staged.
    pub(crate) fn link_first(&self, key: &mut Key, handle: Ref<Handle<S>>) {
        self.with_handles(key, |handles, key| handles.waiting.push_front(key, handle));
    }

    /// The first handle that is not staged.
    pub(crate) fn first_handle(&self, key: &mut Key) -> Option<Ref<Handle<S>>> {
        self.state(key).waiting.front().map(|handle| handle.clone())
    }

    /// Puts a message, pending or ordered, behind the others for the node.
    #[inline(always)]
    pub(crate) fn push_message(&self, key: &mut Key, message: Ref<Message<S>>) {
        List::push_back_in(self, messages, key, message);
    }

    /// Takes the first out.
    pub(crate) fn pop_message(&self, key: &mut Key) -> Option<Ref<Message<S>>> {
        let message = self.first_message(key)?;
        self.remove_message(key, &message)
    }

    /// Takes this one out; `None` if it is not on the list.
    #[inline(always)]
    pub(crate) fn remove_message(
        &self,
        key: &mut Key,
        message: &Ref<Message<S>>,
    ) -> Option<Ref<Message<S>>> {
        List::remove_in(self, messages, key, message)
    }

    /// The first.
    pub(crate) fn first_message(&self, key: &mut Key) -> Option<Ref<Message<S>>> {
        self.state(key)
            .messages
            .front()
            .map(|message| message.clone())
    }
}

/// The messages of a node, under the owner's lock.
fn messages<'a, S: System>(node: &'a Node<S>, key: &'a mut Key) -> &'a mut List<QueuedAtNode<S>> {
    &mut node.state(key).messages
}

/// The handles of a node, while they are worked on.
pub(crate) struct Handles<S: System> {
    pub(crate) waiting: List<OnNode<S>>,
    pub(crate) staged: List<OnNode<S>>,
}

impl<S: System> Handles<S> {
    pub(crate) fn push_back(&mut self, key: &mut Key, handle: Ref<Handle<S>>) {
        self.waiting.push_back(key, handle);
    }

    fn remove(&mut self, key: &mut Key, handle: &Ref<Handle<S>>) -> Option<Ref<Handle<S>>> {
        self.waiting
            .remove(key, handle)
            .or_else(|| self.staged.remove(key, handle))
    }
}
