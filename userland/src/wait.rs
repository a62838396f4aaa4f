//! Waiting for several things at once.

use crate::bus::Peer;
use crate::calls::{self, Result};
use crate::task::Task;
use alloc::vec::Vec;
use omnibus_abi::CapabilityNumber;
use omnibus_abi::native::WaitItem;

/// Peers and tasks to wait for, in the order in which they were added.
#[derive(Debug, Default)]
pub struct WaitSet(Vec<WaitItem>);

impl WaitSet {
    /// Nothing to wait for: a wait then only sleeps.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a capability of a peer or a task.
    #[must_use]
    pub fn capability(mut self, number: CapabilityNumber) -> Self {
        self.0.push(WaitItem {
            flags: 0,
            capability: number.0,
            events: 0,
        });
        self
    }

    /// Adds a peer: readable, or closed.
    #[must_use]
    pub fn peer(self, peer: &Peer) -> Self {
        self.capability(peer.number())
    }

    /// Adds a task: ended.
    #[must_use]
    pub fn task(self, task: &Task) -> Self {
        self.capability(task.number())
    }

    /// Waits for an event, at most until the deadline, and returns the items
    /// with their `EVENT_*` bits.
    ///
    /// # Errors
    /// `ETIMEDOUT`; `EBADF`, `EOPNOTSUPP`, `EPERM`: an item. `EINVAL`: too many items.
    pub fn wait(&mut self, deadline_ns: u64) -> Result<&[WaitItem]> {
        calls::wait(&mut self.0, deadline_ns)?;
        Ok(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Items keep the order in which they were added, with flags and events 0.
    #[test]
    fn run_wait_set_keeps_order() {
        let numbers = [CapabilityNumber::new(1, 4), CapabilityNumber::new(9, 2)];
        let set = numbers
            .iter()
            .fold(WaitSet::new(), |set, &n| set.capability(n));
        let words: Vec<_> = set.0.iter().map(|item| item.to_words()).collect();
        assert_eq!(words, [[0, numbers[0].0, 0], [0, numbers[1].0, 0]]);
    }
}
