//! The means of Linux that carry bytes from one process to another, each as one direction.

mod event;
mod memory;
mod pipe;
mod queue;
mod socket;

pub(crate) use event::Event;
pub(crate) use memory::Memory;
pub(crate) use pipe::Pipe;
pub(crate) use queue::Queue;
pub(crate) use socket::Socket;

use crate::sys::Result;

/// One direction. Both ends know how long a message is, so a pipe needs no framing.
pub(crate) trait Channel {
    /// Sends all of `bytes`.
    fn send(&self, bytes: &[u8]) -> Result<()>;

    /// Waits for a message and fills `bytes` with it.
    fn recv(&self, bytes: &mut [u8]) -> Result<()>;
}

/// A way there and a way back, made before the process is started that answers.
pub(crate) type Ways = (Box<dyn Channel>, Box<dyn Channel>);
