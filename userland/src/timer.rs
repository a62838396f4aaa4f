//! Timers: messages at a time, once or again and again.

use crate::account::Account;
use crate::bus::Handle;
use crate::calls::{self, Result};
use crate::capability::{Owned, owns_capability};
use core::time::Duration;
use omnibus_abi::native::TimerEvent;
use omnibus_abi::{DEADLINE_NEVER, Structure};

/// A timer; disarmed and gone when this is dropped.
#[derive(Debug)]
pub struct Timer(Owned);

owns_capability!(Timer);

impl Timer {
    /// A disarmed timer that tells of its expiry through `handle`.
    ///
    /// # Errors
    /// `EDQUOT`: the account of the timer, or that of the handle's node. `ENOMEM`.
    pub fn new(account: &Account, handle: &Handle) -> Result<Self> {
        let peer = handle.peer().number();
        calls::timer_new(account.number(), peer, handle.id()).map(Self::from_capability)
    }

    /// Lets it expire once, at `deadline_ns` of the clock, or now if that has passed.
    ///
    /// # Errors
    /// `EPERM`: no right SET.
    pub fn once(&self, deadline_ns: u64) -> Result<()> {
        calls::timer_set(self.number(), deadline_ns, 0)
    }

    /// Lets it expire at `first_ns` of the clock and every `period` behind it.
    ///
    /// # Errors
    /// `EPERM`: no right SET.
    pub fn every(&self, first_ns: u64, period: Duration) -> Result<()> {
        let period_ns = u64::try_from(period.as_nanos()).unwrap_or(u64::MAX);
        calls::timer_set(self.number(), first_ns, period_ns)
    }

    /// Disarms it. What it told before stays to be received.
    ///
    /// # Errors
    /// `EPERM`: no right SET.
    pub fn cancel(&self) -> Result<()> {
        calls::timer_set(self.number(), DEADLINE_NEVER, 0)
    }
}

/// What a message of a timer says; `None` if it has not the length of one.
#[must_use]
pub fn event(payload: &[u8]) -> Option<TimerEvent> {
    structure(payload)
}

/// A structure that a message consists of.
pub(crate) fn structure<T: Structure>(payload: &[u8]) -> Option<T> {
    let mut words = T::Words::default();
    let (chunks, rest) = payload.as_chunks();
    if !rest.is_empty() || chunks.len() != words.as_ref().len() {
        return None;
    }
    for (to, from) in words.as_mut().iter_mut().zip(chunks) {
        *to = u64::from_le_bytes(*from);
    }
    Some(T::from_words(words))
}
