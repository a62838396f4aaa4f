//! mq_overview(7): POSIX message queues.

use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::errno::Errno;
use nix::mqueue::{MQ_OFlag, MqAttr, MqdT, mq_open, mq_receive, mq_send, mq_unlink};
use nix::sys::stat::Mode;

use super::{Channel, Ways};
use crate::sys::Result;

/// A queue without a name: it was unlinked at once, and goes with its descriptors.
#[derive(Debug)]
pub(crate) struct Queue(pub(crate) MqdT);

impl Queue {
    /// A queue for so many messages of at most so many bytes.
    pub(crate) fn new(n_messages: i64, n_bytes: usize, flags: MQ_OFlag) -> Result<Self> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let name = format!("/compare-{}", COUNTER.fetch_add(1, Ordering::Relaxed));
        let attributes = MqAttr::new(0, n_messages, n_bytes as i64, 0);
        let queue = mq_open(
            name.as_str(),
            MQ_OFlag::O_CREAT | MQ_OFlag::O_EXCL | MQ_OFlag::O_RDWR | flags,
            Mode::S_IRUSR | Mode::S_IWUSR,
            Some(&attributes),
        )?;
        mq_unlink(name.as_str())?;
        Ok(Self(queue))
    }

    /// A queue of one message for each way.
    pub(crate) fn ways(n_bytes: usize) -> Result<Ways> {
        let new = || Self::new(1, n_bytes, MQ_OFlag::empty());
        Ok((Box::new(new()?), Box::new(new()?)))
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // The descriptor is ours, so there is nothing to fail.
        let _ = nix::unistd::close(self.0.as_raw_fd());
    }
}

impl Channel for Queue {
    fn send(&self, bytes: &[u8]) -> Result<()> {
        mq_send(&self.0, bytes, 0)
    }

    fn recv(&self, bytes: &mut [u8]) -> Result<()> {
        if mq_receive(&self.0, bytes, &mut 0)? == bytes.len() {
            Ok(())
        } else {
            Err(Errno::EMSGSIZE)
        }
    }
}
