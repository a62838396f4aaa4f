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
    writer: Option<OwnedFd>,
}

impl Pipe {
    /// A pipe.
    pub(crate) fn new() -> Result<Self> {
        let (reader, writer) = pipe()?;
        let writer = Some(writer);
        Ok(Self { reader, writer })
    }

    /// Where it is read.
    pub(crate) fn reader(&self) -> &OwnedFd {
        &self.reader
    }

    /// Where it is written, which must not have been closed.
    pub(crate) fn writer(&self) -> &OwnedFd {
        self.writer.as_ref().expect("nobody closed it")
    }

    /// Closes where it is written.
    pub(crate) fn close_writer(&mut self) {
        self.writer = None;
    }

    /// Keeps where it is written only.
    pub(crate) fn into_writer(self) -> OwnedFd {
        self.writer.expect("nobody closed it")
    }

    /// One pipe for each way.
    pub(crate) fn ways() -> Result<Ways> {
        Ok((Box::new(Self::new()?), Box::new(Self::new()?)))
    }
}

impl Channel for Pipe {
    fn send(&self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let n_written = write(self.writer(), bytes)?;
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
