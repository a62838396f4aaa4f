//! Sockets in sockets: each end of a connection lies unread in the other.

use std::os::fd::AsFd;

use omnibus_compare::asked::{CARRIED, CARRIED_LATER};
use omnibus_compare::observe::Answers;

use super::Subject;
use super::last_message::is_released;
use crate::channel::{Pipe, Socket};
use crate::sys::{Result, send_descriptor};

pub(super) const SUBJECTS: &[Subject] = &[("seqpacket", by_connection)];

fn by_connection() -> Result<Answers> {
    let Socket { from, to } = Socket::new()?;
    let mut token = Pipe::new()?;
    send_descriptor(from.as_fd(), b"A", from.as_fd(), 0)?;
    send_descriptor(to.as_fd(), b"B", to.as_fd(), 0)?;
    send_descriptor(to.as_fd(), b"C", token.writer().as_fd(), 0)?;
    token.close_writer();
    drop((from, to));
    let at_once = is_released(&token)?;
    drop(Socket::new()?);
    Ok(vec![
        (CARRIED, at_once.to_owned()),
        (CARRIED_LATER, is_released(&token)?.to_owned()),
    ])
}
