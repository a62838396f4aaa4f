//! A message that a word decides, at the queue of its receiver: from entering it to what the decision leaves to be done there.

use crate::effects::Waker;
use crate::mem::Ref;
use crate::message::Message;
use crate::mutant::{self, Mutant};
use crate::node::Node;
use crate::queue::Member;
use crate::transaction::Entering;
use crate::{System, Wake, hook};

/// Enters a message, which is for `node`, of the transaction that is `entering`, at its queue; these are two pointers to it, for the queue and for the
/// node. `false` if the node is dead: then it is not entered, and to be taken apart in the end.
#[inline(always)]
pub(super) fn enter<S: System>(
    node: &Node<S>,
    entering: &mut Entering,
    at_queue: Ref<Message<S>>,
    at_node: Ref<Message<S>>,
) -> bool {
    let mut guard = node.owner().lock_settled();
    let (state, key) = guard.parts();
    if state.is_dead(node) {
        return false;
    }
    node.push_message(key, at_node);
    if mutant::is(Mutant::PublishEach) {
        state.queue.tick(key);
        state.queue.push(key, Member::Message(at_queue));
    } else {
        state
            .queue
            .stage_for(key, entering, Member::Message(at_queue));
    }
    true
}

/// After the decision: wakes the receiver. `false` if the node died before the message was received: then it is the caller's to take apart.
///
/// The queue is not settled here: whoever takes its lock next does that first, a RECV too, so that it sees what is decided. If the
/// node died before the decision, its release had named it before, and that was visible when the word was decided.
#[inline(always)]
pub(super) fn sweep<S: System>(message: &Ref<Message<S>>, wake: Waker<'_, S>) -> bool {
    if message.node().may_be_dead() && withdraw_dead(message) {
        return false;
    }
    hook::point("send: sweep");
    wake(&message.receiver().watch, Wake::Readable);
    true
}

/// Takes the message out of its queue if its node is dead. `false` if it is not, or the message is somebody else's.
#[cold]
fn withdraw_dead<S: System>(message: &Ref<Message<S>>) -> bool {
    if !message.is_entered() {
        return true;
    }
    let mut guard = message.receiver().lock_settled();
    let (state, key) = guard.parts();
    // One that was received is on no list of its node any more.
    state.is_dead(message.node()) && state.take_message(key, message)
}

/// Takes the message, which was entered, out of its queue, decided or not. `false` if it was received or somebody else takes it apart.
pub(super) fn withdraw<S: System>(message: &Ref<Message<S>>) -> bool {
    let mut guard = message.receiver().lock_settled();
    let (state, key) = guard.parts();
    state.take_message(key, message)
}
