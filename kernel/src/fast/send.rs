//! Sending a short message without waiting for another: by hand to who waits for it, and else by the queue at once. The sender goes on, so who
//! is more urgent is not run here. An error is told by the general path, which meets it, too.

use core::mem::ManuallyDrop;

use omnibus_abi::capability::peer;
use omnibus_abi::short::SHORT_BYTES_MAX;

use crate::cpu::Cpu;
use crate::service::peer::PeerObject;
use crate::syscall::send::brief::Brief;
use crate::syscall::short;
use crate::task::scheduler;

use super::delivery::{Outgoing, Source};
use super::{Done, go_on, hand_over, look_up};

/// `send_short`.
#[inline(never)]
pub(super) fn short(cpu: &mut Cpu) -> Option<Done> {
    let (sender, _) = cpu.current.as_ref()?;
    let call = sender.machine.short_call();
    if call.n_bytes > SHORT_BYTES_MAX {
        return None;
    }
    let capabilities = sender.task.capabilities.lock();
    let at = look_up(&capabilities, call.peer, peer::USE)?;
    let message = Outgoing::plain(sender, call.n_bytes);
    if !hand(message, at, call.handle) {
        short::send_message(&sender.machine, at, &call).ok()?;
    }
    drop(capabilities);
    Some(go_on(sender))
}

/// `send`, if it is brief.
#[inline(never)]
pub(super) fn brief(cpu: &mut Cpu) -> Option<Done> {
    let (sender, _) = cpu.current.as_ref()?;
    let brief = Brief::read(&sender.machine)?;
    let capabilities = sender.task.capabilities.lock();
    let at = look_up(&capabilities, brief.peer, peer::USE)?;
    let is_handed = match brief.ids() {
        [id] => {
            let message = Outgoing {
                sender,
                n_bytes: brief.n_bytes as u64,
                source: Source::Kernel(&brief.bytes),
            };
            hand(message, at, id.as_u64())
        }
        _ => false,
    };
    if !is_handed {
        brief.queue(at)?;
    }
    drop(capabilities);
    Some(go_on(sender))
}

/// Hands a message over; its receiver runs behind the sender.
#[inline(always)]
fn hand(message: Outgoing<'_>, at: &PeerObject, handle: u64) -> bool {
    let most = message.sender.task.priority();
    let Some(receiver) = hand_over(message, at, handle, None, most) else {
        return false;
    };
    scheduler::put_behind(ManuallyDrop::into_inner(receiver));
    true
}
