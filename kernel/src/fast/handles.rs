//! A handle by a register: a call that carries one, and the release of one.

use core::mem::ManuallyDrop;

use bus1_service::Id;
use omnibus_abi::DEADLINE_NEVER;
use omnibus_abi::capability::peer;

use crate::cpu::Cpu;
use crate::service;
use crate::service::peer::PeerObject;
use crate::shared::Ref;
use crate::task::machine::{Beside, ShortCall};
use crate::task::thread::{Thread, Work};

use super::delivery::{Claimed, Outgoing};
use super::{Done, block, give_back, go_on, hand_on, hand_over_to, look_up, take_next};

/// [`super::call_plain`] for a message that carries a handle.
#[inline(never)]
pub(super) fn call(current: &mut (Ref<Thread>, Work), since_ticks: &mut u64) -> Option<Done> {
    let call = current.0.machine.short_call();
    let Beside {
        n_bytes,
        carried: Some(carried),
    } = current.0.machine.beside().ok()?
    else {
        return None;
    };
    call_straight(current, since_ticks, &call, |sender, at| {
        let destination = Id::from_u64(call.handle);
        let (aim, cargo) = at.core.aim_with(destination, carried, true)?;
        let thread = take_next(aim.watch())?;
        match thread.doing.claim_plain() {
            Some(call) => {
                let receiver = Claimed { thread, call };
                if !receiver.thread.machine.takes_handle(n_bytes) {
                    return give_back(receiver);
                }
                let wake = &mut service::wake;
                match at.core.hand_over_with(aim, cargo, n_bytes, wake) {
                    Some((handed, id)) => {
                        let to = &receiver.thread.machine;
                        sender.machine.hand_message(to, n_bytes);
                        to.set_carried(id);
                        Some(receiver.end(n_bytes, 1, handed))
                    }
                    None => give_back(receiver),
                }
            }
            None => {
                let message = Outgoing::plain(sender, n_bytes);
                hand_over_to(thread, message, &at.core, aim, Some(carried))
            }
        }
    })
}

/// Waits for the next message, behind what `hand_over` moves to a thread that runs then.
#[inline(always)]
fn call_straight(
    (sender, work): &mut (Ref<Thread>, Work),
    since_ticks: &mut u64,
    call: &ShortCall,
    hand_over: impl FnOnce(&Thread, &PeerObject) -> Option<ManuallyDrop<Ref<Thread>>>,
) -> Option<Done> {
    if call.deadline_ns != DEADLINE_NEVER {
        return None;
    }
    let mut capabilities = sender.task.capabilities.lock();
    let at = look_up(&mut capabilities, call.peer, peer::USE | peer::RECEIVE)?;
    if !at.waiters.enter_sole(sender) {
        return None;
    }
    let Some(receiver) = hand_over(sender, at) else {
        at.waiters.leave_sole(sender);
        return None;
    };
    let is_blocked = block(sender, work, at);
    drop(capabilities);
    Some(hand_on(sender, since_ticks, receiver, is_blocked))
}

/// Releases a handle; what an id is that names none is told by the general path.
#[inline(never)]
pub(super) fn release_one(cpu: &mut Cpu) -> Option<Done> {
    let (thread, _) = cpu.current.as_ref()?;
    let call = thread.machine.short_call();
    if call.n_bytes > 0 {
        return None;
    }
    let mut capabilities = thread.task.capabilities.lock();
    let at = look_up(&mut capabilities, call.peer, peer::USE)?;
    let id = Id::from_u64(call.handle);
    let is_released = at.core.release_one(id, &mut service::wake);
    drop(capabilities);
    is_released.then(|| go_on(thread))
}
