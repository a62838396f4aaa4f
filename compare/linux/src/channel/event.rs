//! eventfd(2): a counter of 64 bits. It carries 8 bytes, as long as they are neither 0 nor all ones.

use nix::errno::Errno;
use nix::sys::eventfd::EventFd;

use super::{Channel, Ways};
use crate::sys::Result;

/// A counter that is zero unless a message is on its way.
#[derive(Debug)]
pub(crate) struct Event(EventFd);

impl Event {
    /// One counter for each way.
    pub(crate) fn ways() -> Result<Ways> {
        Ok((
            Box::new(Self(EventFd::new()?)),
            Box::new(Self(EventFd::new()?)),
        ))
    }
}

impl Channel for Event {
    fn send(&self, bytes: &[u8]) -> Result<()> {
        let bytes = bytes.try_into().map_err(|_| Errno::EMSGSIZE)?;
        self.0.write(u64::from_le_bytes(bytes)).map(drop)
    }

    fn recv(&self, bytes: &mut [u8]) -> Result<()> {
        bytes.copy_from_slice(&self.0.read()?.to_le_bytes());
        Ok(())
    }
}
