//! Processes and the driver: what one has opened is of no use to another.

use super::Binder;
use crate::channel::{Channel, Pipe};
use crate::sys::{Process, Result};

/// A process that is the context manager of the first device, and does `then`. It is the manager when this returns.
pub(crate) fn manager(then: impl FnOnce(Binder) -> Result<()>) -> Result<Process> {
    let mut ready = Pipe::new()?;
    let process = Process::start("manager", || {
        let binder = Binder::open_manager()?;
        ready.send(&[1])?;
        then(binder)
    })?;
    ready.close_writer();
    ready.recv(&mut [0])?;
    Ok(process)
}

/// A device that is opened by the process that uses it first.
#[derive(Debug, Default)]
pub(crate) struct Late(Option<Binder>);

impl Late {
    /// The device.
    pub(crate) fn device(&mut self) -> Result<&mut Binder> {
        match &mut self.0 {
            Some(device) => Ok(device),
            none => Ok(none.insert(Binder::open()?)),
        }
    }
}
