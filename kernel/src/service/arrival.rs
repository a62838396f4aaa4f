//! A message came to a queue at which a thread waits in a receiving call: whoever wakes the thread takes the message for it, so that it
//! goes on in user mode at once when it is chosen.
//!
//! The thread is claimed as for a hand-over. If the message is not a short one, or not the next, the thread looks for itself.

use omnibus_abi::bus1::MESSAGE_TYPE_USER;
use omnibus_abi::short::{Descriptor, SHORT_BYTES_MAX};

use bus1_service::Glance;

use crate::shared::Ref;
use crate::task::machine::From;
use crate::task::scheduler;
use crate::task::thread::{Thread, Work};

/// Wakes `thread`, which was taken out of a peer's waiters, with what it waits for if that is there.
pub(super) fn arrive(thread: Ref<Thread>) {
    let Some(call) = thread.doing.claim_plain() else {
        return Thread::wake(&thread);
    };
    let Some(at) = thread.doing.take_place() else {
        return scheduler::give_back(thread);
    };
    let Glance::Small(received) = at.core.glance(SHORT_BYTES_MAX as usize) else {
        thread.doing.keep_place(at);
        return scheduler::give_back(thread);
    };
    let payload = received.payload();
    let descriptor = Descriptor::new(MESSAGE_TYPE_USER, payload.len() as u64, 0);
    let from = From::of(&received.metadata());
    thread.machine.set_payload(payload);
    thread.machine.end_receive(call.describe(descriptor), from);
    scheduler::put(thread, Work::User);
}
