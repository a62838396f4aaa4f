//! A request that carries a descriptor or a handle.

use std::error::Error;
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, send};
use omnibus_compare::TRANSFER;
use omnibus_compare::measure::Round;
use std::os::fd::AsRawFd;

use super::Subject;
use super::binder_server::{Client, DROP, KEEP, MANAGER, USE};
use crate::channel::{Channel, Socket};
use crate::sys::{Process, Result, recv_descriptor, send_descriptor};
use crate::teller::Teller;

/// Order to the server: send a byte through the descriptor.
const USED: u8 = 1;

pub(super) fn run(teller: &mut Teller) -> std::result::Result<(), Box<dyn Error>> {
    let mut subjects = Vec::new();
    let client = Client::start()?;
    for is_dropped in [false, true] {
        subjects.push(by_socket(is_dropped)?);
        subjects.extend(client.clone().map(|client| by_binder(client, is_dropped)));
    }
    Ok(teller.measure(TRANSFER, subjects)?)
}

fn by_socket(is_dropped: bool) -> Result<Subject<'static>> {
    let there = Socket::new()?;
    let back = there.back();
    let answering = there.clone();
    let server = Process::start("scm-rights", move || {
        let mut kept = Vec::with_capacity(1 << 12);
        let mut order = [0];
        loop {
            let (_, descriptor) = recv_descriptor(answering.to.as_fd(), &mut order)?;
            let descriptor = descriptor.ok_or(Errno::EBADMSG)?;
            if order[0] == USED {
                send(descriptor.as_raw_fd(), &order, MsgFlags::empty())?;
            }
            if is_dropped {
                drop(descriptor);
            } else {
                kept.push(descriptor);
            }
            answering.back().send(&order)?;
        }
    })?;
    let token = Socket::new()?;
    let round = move |round| {
        let _ = &server;
        let order = [u8::from(matches!(round, Round::Checked(_)))];
        send_descriptor(there.from.as_fd(), &order, token.from.as_fd(), 0)?;
        back.recv(&mut [0])?;
        if let Round::Checked(_) = round {
            recv(token.to.as_raw_fd(), &mut [0], MsgFlags::MSG_DONTWAIT)?;
        }
        Ok(None)
    };
    Ok(Subject {
        means: "scm-rights",
        parameter: u64::from(is_dropped),
        n_rounds: 100,
        n_parts: 1,
        round: Box::new(round),
    })
}

fn by_binder(client: Client, is_dropped: bool) -> Subject<'static> {
    // A node per subject, so that what one keeps does not spare the other the work.
    let node = 1 + u64::from(is_dropped);
    let code = if is_dropped { DROP } else { KEEP };
    let round = move |round| {
        let mut binder = client.binder.borrow_mut();
        if let Round::Checked(_) = round {
            let n_calls_back = binder.call_with_node(MANAGER, USE, node, &mut [])?;
            return (n_calls_back == 1).then_some(None).ok_or(Errno::EBADMSG);
        }
        binder.call_with_node(MANAGER, code, node, &mut [])?;
        Ok(None)
    };
    Subject {
        means: "binder",
        parameter: u64::from(is_dropped),
        n_rounds: 100,
        n_parts: 1,
        round: Box::new(round),
    }
}
