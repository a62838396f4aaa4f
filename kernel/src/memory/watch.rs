//! Who is told that a memory object was taken back: an event that fires once ([`bus1_service::Event`]).
//!
//! A watch is of the epoch in which it began. It does not keep the object, and goes with it.

use omnibus_abi::native::MemoryRevoked;

use crate::service::{Charge, event::Event};
use crate::shared::{Link, Linked};

/// Purpose of the link of a watch in its object's list.
#[derive(Debug)]
pub enum OfMemory {}

/// See the module's documentation.
pub struct Watch {
    event: Event,
    /// The epoch that it watches the end of.
    pub epoch: u32,
    /// Itself, as an object of whoever watches.
    _charge: Charge,
    of_memory: Link,
}

impl Watch {
    /// A watch of `epoch` that will fire `event`, which has the words of a [`MemoryRevoked`]; `charge` is one object.
    #[must_use]
    pub fn new(event: Event, epoch: u32, charge: Charge) -> Self {
        Self {
            event,
            epoch,
            _charge: charge,
            of_memory: Link::new(),
        }
    }

    /// Tells that the object of this number was taken back.
    pub fn tell(&self, number: u64) {
        let message = MemoryRevoked { count: 1, number };
        self.event.fire(&message.to_words());
    }
}

impl Linked<OfMemory> for Watch {
    fn link(&self) -> &Link {
        &self.of_memory
    }
}
