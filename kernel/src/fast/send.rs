//! Sending a short message without waiting for another: by hand to who waits for it, and else by the queue at once. The sender goes on, unless
//! who has the message now is more urgent. An error is told by the general path, which meets it, too.

use core::mem::ManuallyDrop;

use bus1_service::Id;
use omnibus_abi::capability::peer;
use omnibus_abi::short::SHORT_BYTES_MAX;

use crate::cpu::Cpu;
use crate::service::peer::PeerObject;
use crate::syscall::caller::Scratch;
use crate::syscall::send::brief::Brief;
use crate::syscall::short::{self, There};
use crate::task::scheduler;
use crate::task::thread::Work;

use super::delivery::{Outgoing, Source};
use super::{Done, go_on, hand_over_to, look_up, together};

/// `send_short`.
#[inline(never)]
pub(super) fn short(cpu: &mut Cpu) -> Option<Done> {
    let (sender, _) = cpu.current.as_ref()?;
    let call = sender.machine.short_call();
    if call.n_bytes > SHORT_BYTES_MAX {
        return None;
    }
    let mut capabilities = sender.task.capabilities.lock();
    let at = look_up(&mut capabilities, call.peer, peer::USE)?;
    let message = Outgoing::plain(sender, call.n_bytes);
    if !hand(message, at, call.handle) {
        short::send_message(&sender.machine, at, &call).ok()?;
    }
    drop(capabilities);
    Some(go_on(sender))
}

/// `call_short` that waits for nothing: sends by the queue, and takes what stands first in the sender's own. If somebody may wait for the message,
/// the general path sends it.
#[inline(never)]
pub(super) fn and_take(cpu: &mut Cpu) -> Option<Done> {
    let (sender, work) = cpu.current.as_mut()?;
    let call = sender.machine.short_call();
    if call.n_bytes > SHORT_BYTES_MAX {
        return None;
    }
    let mut capabilities = sender.task.capabilities.lock();
    let at = look_up(&mut capabilities, call.peer, peer::USE | peer::RECEIVE)?;
    let bytes = sender.machine.message_bytes();
    let payload = bytes.get(..call.n_bytes as usize)?;
    if !at.core.send_unawaited(Id::from_u64(call.handle), payload) {
        return None;
    }
    if let There::Taken(value) = short::look(&sender.machine, at) {
        return Some(Done::Value(value));
    }
    // The message is sent: the call goes on behind that.
    *work = Work::Receive(at.clone());
    Some(Done::Leave)
}

/// `send`, if it is brief.
#[inline(never)]
pub(super) fn brief(cpu: &mut Cpu) -> Option<Done> {
    let (sender, _) = cpu.current.as_ref()?;
    let brief = Brief::read(&sender.machine)?;
    let Scratch { words, ids, .. } = &mut cpu.scratch;
    let ids = brief.destinations(words, ids)?;
    let mut capabilities = sender.task.capabilities.lock();
    let at = look_up(&mut capabilities, brief.peer, peer::USE)?;
    let message = Outgoing {
        sender,
        n_bytes: brief.n_bytes as u64,
        source: Source::Kernel(&brief.bytes),
    };
    let is_handed = match ids {
        [id] => hand(message, at, id.as_u64()),
        _ => together::hand_over(message, at, ids),
    };
    if !is_handed {
        brief.queue(at, ids)?;
    }
    drop(capabilities);
    Some(go_on(sender))
}

/// Hands a message over; its receiver is ready, and runs behind the sender if it is not more urgent.
#[inline(always)]
fn hand(message: Outgoing<'_>, at: &PeerObject, handle: u64) -> bool {
    let Some(aim) = at.core.aim(Id::from_u64(handle), false) else {
        return false;
    };
    let Some(thread) = aim.watch().take_sole() else {
        return false;
    };
    let thread = ManuallyDrop::new(thread);
    let Some(receiver) = hand_over_to(thread, message, &at.core, aim, None) else {
        return false;
    };
    scheduler::put(ManuallyDrop::into_inner(receiver), Work::User);
    true
}
