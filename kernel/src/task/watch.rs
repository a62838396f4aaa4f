//! Who is told of a task's end: an event that fires once ([`bus1_service::Event`]).

use omnibus_abi::Structure;
use omnibus_abi::native::TaskStatus;

use crate::service::{Charge, event::Event};
use crate::shared::{Link, Linked};

/// Purpose of the link of a watch in its task's list.
#[derive(Debug)]
pub enum OfTask {}

/// See the module's documentation.
pub struct Watch {
    event: Event,
    /// Itself, as an object of whoever watches.
    _charge: Charge,
    of_task: Link,
}

impl Watch {
    /// A watch that will fire `event`, which has the words of a [`TaskStatus`]; `charge` is one object.
    #[must_use]
    pub fn new(event: Event, charge: Charge) -> Self {
        Self {
            event,
            _charge: charge,
            of_task: Link::new(),
        }
    }

    /// Tells how the task ended. The state, its first word, is not 0 then.
    pub fn tell(&self, status: TaskStatus) {
        self.event.fire(&Structure::to_words(status));
    }
}

impl Linked<OfTask> for Watch {
    fn link(&self) -> &Link {
        &self.of_task
    }
}
