//! The other end of what is measured through binder: one process, the context manager, for all experiments.

use std::cell::RefCell;
use std::rc::Rc;

pub(super) use crate::binder::MANAGER;
use crate::binder::{Arrived, Binder, manager};
use crate::guest::has_binder;
use crate::sys::{Process, Result};

/// Returns the bytes of a request.
pub(super) const ECHO: u32 = 0;
/// Keeps the handle in a request, beyond it.
pub(super) const KEEP: u32 = 1;
/// Drops the handle in a request with it.
pub(super) const DROP: u32 = 2;
/// Calls back through the handle in a request, and drops it.
pub(super) const USE: u32 = 3;

/// A client with the server behind it. The server ends with the last client.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) binder: Rc<RefCell<Binder>>,
    _server: Rc<Process>,
}

impl Client {
    /// Starts the server; `None` without the driver.
    pub(super) fn start() -> Result<Option<Self>> {
        if !has_binder() {
            return Ok(None);
        }
        let server = manager(serve)?;
        Ok(Some(Self {
            binder: Rc::new(RefCell::new(Binder::open()?)),
            _server: Rc::new(server),
        }))
    }
}

fn serve(mut binder: Binder) -> Result<()> {
    let mut bytes = vec![0; 1 << 16];
    loop {
        let Arrived::Request(request) = binder.next()? else {
            continue;
        };
        let mut n_reply = 0;
        match request.code {
            ECHO => n_reply = binder.take(request, &mut bytes)?,
            KEEP => {
                let handle = binder.handle_in(request)?;
                binder.keep(handle);
                binder.free(request);
            }
            USE => {
                let handle = binder.handle_in(request)?;
                binder.call(handle, 0, &[], &mut [])?;
                binder.free(request);
            }
            _ => binder.free(request),
        }
        if request.is_call() {
            binder.reply(&bytes[..n_reply]);
        }
    }
}
