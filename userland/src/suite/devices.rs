//! What tests of devices have of the machine, all its ports and all its lines, and what its interrupts tell.

use crate::bus::{Peer, Received};
use crate::calls::{self, Result};
use crate::check::{Failure, Outcome};
use crate::device::{self, Lines, Ports};
use crate::environment;
use omnibus_abi::native::InterruptEvent;
use omnibus_abi::{CapabilityNumber, Errno, Kind};

/// Every port, as the first task has them.
///
/// # Errors
/// `ENOENT`: this task was given none. `EDQUOT`, `ENOMEM`.
pub fn all_ports() -> Result<Ports> {
    copy(Kind::Ports).map(Ports::from_capability)
}

/// Every line, as the first task has them.
///
/// # Errors
/// As for [`all_ports`].
pub fn all_lines() -> Result<Lines> {
    copy(Kind::Lines).map(Lines::from_capability)
}

/// The next interrupt that is told to `peer`; `None` if there is none before `deadline_ns`.
///
/// # Errors
/// If something else is received.
pub fn told_until(peer: &Peer, deadline_ns: u64) -> Outcome<Option<InterruptEvent>> {
    match peer.recv_until(deadline_ns) {
        Err(Errno::ETIMEDOUT) => Ok(None),
        Ok(Received::Message(message)) => match device::event(&message.data) {
            Some(event) => Ok(Some(event)),
            None => Err(Failure::new(format_args!("no event: {message:?}"))),
        },
        other => Err(Failure::new(format_args!("{other:?}"))),
    }
}

fn copy(kind: Kind) -> Result<CapabilityNumber> {
    let number = environment::find(kind).ok_or(Errno::ENOENT)?;
    calls::capability_copy(number, kind.all_rights())
}
