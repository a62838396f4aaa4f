//! A short message to several who all wait for it: from the sender's memory to the registers of each ([`Receivers`]).

use core::mem::ManuallyDrop;

use bus1_service::{Handed, Id, Receivers};

use crate::service::Omnibus;
use crate::service::peer::PeerObject;
use crate::shared::Ref;
use crate::task::scheduler;
use crate::task::thread::{Thread, Work};
use crate::task::waiters::Waiters;

use super::delivery::{Claimed, Outgoing};
use super::give_back;

/// Hands a message over to all of `ids`, or to none: false.
#[inline(always)]
pub(super) fn hand_over(message: Outgoing<'_>, at: &PeerObject, ids: &[Id]) -> bool {
    if ids.len() <= 8 {
        hand_over_up_to::<8>(message, at, ids)
    } else {
        hand_over_up_to::<64>(message, at, ids)
    }
}

#[inline(never)]
fn hand_over_up_to<const N_MAX: usize>(message: Outgoing<'_>, at: &PeerObject, ids: &[Id]) -> bool {
    let mut claims = Claims::<N_MAX> {
        message,
        claimed: [const { None }; N_MAX],
        n_claimed: 0,
    };
    at.core
        .hand_over_together(ids, message.n_bytes, &mut claims)
}

/// The threads that wait.
struct Claims<'a, const N_MAX: usize> {
    message: Outgoing<'a>,
    claimed: [Option<Claimed>; N_MAX],
    n_claimed: usize,
}

impl<const N_MAX: usize> Claims<'_, N_MAX> {
    #[inline(always)]
    fn take_out(&mut self, index: usize) -> Option<Claimed> {
        self.claimed.get_mut(index)?.take()
    }
}

impl<const N_MAX: usize> Receivers<Omnibus> for Claims<'_, N_MAX> {
    #[inline(always)]
    fn take(&mut self, waiters: &Ref<Waiters>) -> bool {
        let Some(place) = self.claimed.get_mut(self.n_claimed) else {
            return false;
        };
        let Some(thread) = waiters.take_sole() else {
            return false;
        };
        let Some(call) = thread.doing.claim_plain() else {
            Thread::wake(&thread);
            return false;
        };
        let thread = ManuallyDrop::new(thread);
        *place = Some(Claimed { thread, call });
        self.n_claimed += 1;
        true
    }

    #[inline(always)]
    fn give(&mut self, index: usize, handed: Handed) {
        if let Some(receiver) = self.take_out(index) {
            self.message.put(&receiver, None);
            let thread = receiver.end(self.message.n_bytes, 0, handed);
            scheduler::put(ManuallyDrop::into_inner(thread), Work::User);
        }
    }

    #[cold]
    fn let_go(&mut self, index: usize) {
        if let Some(receiver) = self.take_out(index) {
            let _ = give_back(receiver);
        }
    }
}
