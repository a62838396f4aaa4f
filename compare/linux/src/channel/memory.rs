//! Shared memory, with a futex that says whose turn it is.

use std::cell::Cell;
use std::sync::atomic::Ordering;

use super::{Channel, Ways};
use crate::sys::{Result, Shared, futex_wait, futex_wake};

/// Where the payload lies, behind the word; a cache line of its own.
const PAYLOAD: usize = 64;

/// One direction: the word counts the messages sent, the payload of the last lies behind it. A message must have been received
/// before the next is sent, as in a call and its reply.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    shared: Shared,
    /// Messages that this process has received.
    n_received: Cell<u32>,
}

impl Memory {
    /// Memory for messages of so many bytes.
    pub(crate) fn new(n_bytes: usize) -> Result<Self> {
        Ok(Self {
            shared: Shared::new(PAYLOAD + n_bytes)?,
            n_received: Cell::new(0),
        })
    }

    /// A piece of memory for each way.
    pub(crate) fn ways(n_bytes: usize) -> Result<Ways> {
        Ok((Box::new(Self::new(n_bytes)?), Box::new(Self::new(n_bytes)?)))
    }
}

impl Channel for Memory {
    fn send(&self, bytes: &[u8]) -> Result<()> {
        self.shared.write(PAYLOAD, bytes);
        let word = self.shared.word(0);
        word.fetch_add(1, Ordering::Release);
        futex_wake(word);
        Ok(())
    }

    fn recv(&self, bytes: &mut [u8]) -> Result<()> {
        let word = self.shared.word(0);
        while word.load(Ordering::Acquire) == self.n_received.get() {
            futex_wait(word, self.n_received.get());
        }
        self.n_received.set(self.n_received.get().wrapping_add(1));
        self.shared.read(PAYLOAD, bytes);
        Ok(())
    }
}
