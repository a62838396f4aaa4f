//! pipe(7).

use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::unistd::{pipe, read, write};

use super::{Channel, Ways};
use crate::sys::Result;

/// Both ends; each process uses one.
#[derive(Debug)]
pub(crate) struct Pipe {
    reader: OwnedFd,
    writer: OwnedFd,
}

impl Pipe {
    /// A pipe.
    pub(crate) fn new() -> Result<Self> {
        let (reader, writer) = pipe()?;
        Ok(Self { reader, writer })
    }

    /// One pipe for each way.
    pub(crate) fn ways() -> Result<Ways> {
        Ok((Box::new(Self::new()?), Box::new(Self::new()?)))
    }
}

impl Channel for Pipe {
    fn send(&self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let n_written = write(&self.writer, bytes)?;
            bytes = &bytes[n_written..];
        }
        Ok(())
    }

    fn recv(&self, mut bytes: &mut [u8]) -> Result<()> {
        while !bytes.is_empty() {
            match read(&self.reader, bytes)? {
                0 => return Err(Errno::EPIPE),
                n_read => bytes = &mut bytes[n_read..],
            }
        }
        Ok(())
    }
}
