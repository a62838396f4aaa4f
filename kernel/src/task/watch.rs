//! Who is told of a task's end by a message.
//!
//! A message is prepared when the watch begins: looked up, charged to its receiver, allocated. So the end of a task needs no memory and no quota
//! to be told, whatever has become of whoever wanted to know. If the handle was released meanwhile, or the peer has closed, nobody is told.

use bus1_service::{PreparedSend, Progress};
use omnibus_abi::Structure;
use omnibus_abi::native::TaskStatus;

use crate::lock::{Lock, Rank};
use crate::service::{self, Charge, Omnibus};
use crate::shared::{Link, Linked};

/// Purpose of the link of a watch in its task's list.
#[derive(Debug)]
pub enum OfTask {}

/// See the module's documentation.
pub struct Watch {
    message: Lock<Option<PreparedSend<Omnibus>>>,
    /// Itself, as an object of whoever watches.
    _charge: Charge,
    of_task: Link,
}

impl Watch {
    /// A watch that will send `message`, whose payload has [`TaskStatus::SIZE`] bytes; `charge` is one object.
    #[must_use]
    pub fn new(message: PreparedSend<Omnibus>, charge: Charge) -> Self {
        Self {
            message: Lock::new(Rank::Waiter, Some(message)),
            _charge: charge,
            of_task: Link::new(),
        }
    }

    /// Sends how the task ended.
    pub fn tell(&self, status: TaskStatus) {
        let message = self.message.lock().take();
        let Some(mut message) = message else {
            return;
        };
        for word in Structure::to_words(status) {
            message.payload_extend(&word.to_le_bytes());
        }
        let mut staged = message.stage();
        while staged.step(u32::MAX) != Progress::Done {}
        let effects = match staged.commit() {
            Ok(effects) => effects,
            // The handle was released meanwhile.
            Err(_) => staged.abort(),
        };
        effects.finish(&mut service::wake);
    }
}

impl Linked<OfTask> for Watch {
    fn link(&self) -> &Link {
        &self.of_task
    }
}
