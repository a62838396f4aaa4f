//! The kernel as the system that embeds the bus1 core: what its accounts count, whom it wakes.

pub mod account;
mod arrival;
pub mod budget;
pub mod event;
pub mod peer;

pub use bus1_service::{BYTES, OBJECTS};

use bus1_service::{Kind, TraceEvent};
use omnibus_abi::bus1::{
    MESSAGE_TYPE_HANDLE_RELEASE, MESSAGE_TYPE_NODE_RELEASE, MESSAGE_TYPE_USER,
};

use crate::trace::{self, Event, trace};

/// Slot of page frames.
pub const FRAMES: usize = 2;

/// What an account counts: objects, bytes of queued payload, page frames.
pub type Amounts = [u64; 3];

/// An account of the kernel.
pub type Account = bus1_service::Account<Omnibus>;

/// Who acts for an account: each task is one, and each peer.
pub type Actor = bus1_service::Actor<Omnibus>;

/// Amounts held of an account.
pub type Charge = bus1_service::Charge<Omnibus>;

/// What remains of an operation that took effect.
pub type Effects = bus1_service::Effects<Omnibus>;

/// This kernel, as the core sees it.
#[derive(Debug)]
pub enum Omnibus {}

impl bus1_service::System for Omnibus {
    type Object = crate::cap::carried::Carried;
    type Watch = crate::shared::Ref<crate::task::waiters::Waiters>;
    type Amounts = Amounts;

    #[cfg(not(test))]
    fn between_sections() {
        crate::arch::take_interrupts();
    }

    #[inline(always)]
    fn is_traced() -> bool {
        trace::is_on()
    }

    fn trace(event: TraceEvent) {
        trace!(Event::Bus(event));
    }
}

/// Objects of an account, nothing else.
#[must_use]
pub const fn objects(n_objects: u64) -> Amounts {
    let mut amounts = [0; 3];
    amounts[OBJECTS] = n_objects;
    amounts
}

/// Frames of an account, nothing else.
#[must_use]
pub const fn frames(n_frames: u64) -> Amounts {
    let mut amounts = [0; 3];
    amounts[FRAMES] = n_frames;
    amounts
}

/// Charges `account` by itself, as whoever holds it with the right may.
///
/// # Errors
/// `EDQUOT`, `ENOMEM`.
pub fn charge(account: &Account, amounts: Amounts) -> Result<Charge, omnibus_abi::Errno> {
    account
        .charge(&account.actor(), amounts)
        .map_err(|error| errno(&error))
}

/// Applies what an operation of the core asks for: the one place where it meets the scheduler.
pub fn wake(watch: &<Omnibus as bus1_service::System>::Watch, _: bus1_service::Wake) {
    watch.wake_with(arrival::arrive);
}

/// The type of a message or notification (`enum bus1_message_type`).
#[must_use]
pub const fn kind_number(kind: Kind) -> u64 {
    match kind {
        Kind::User => MESSAGE_TYPE_USER,
        Kind::NodeRelease => MESSAGE_TYPE_NODE_RELEASE,
        Kind::HandleRelease => MESSAGE_TYPE_HANDLE_RELEASE,
    }
}

/// The error of the core as an error of the ABI.
#[must_use]
pub fn errno(error: &bus1_service::Error) -> omnibus_abi::Errno {
    trace!(Event::Refused(*error));
    omnibus_abi::Errno::new(error.errno()).unwrap_or(omnibus_abi::Errno::EINVAL)
}
