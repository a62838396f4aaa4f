//! The supervisor's client: asks for a service to be started again.

use super::session::Session;
use crate::account::Account;
use crate::bus::Handle;
use crate::calls::Result;

/// Ends the service, which is then started again.
pub const RESTART: u32 = 1;

/// The client's end.
#[derive(Debug)]
pub struct Client(Session);

impl Client {
    /// Opens a session at the door of the server.
    ///
    /// # Errors
    /// Those of [`Session::open`].
    pub fn open(account: &Account, door: &Handle) -> Result<Self> {
        Session::open(account, door).map(Self)
    }

    /// Ends the service, which is then started again.
    ///
    /// # Errors
    /// `ESRCH`: it is not there.
    pub fn restart(&self) -> Result<()> {
        self.0.call(RESTART, |frame| frame, &[]).map(drop)
    }
}
