//! What becomes of messages and calls through binder, and who learns of a death.
//!
//! The receiver is the context manager, which everybody reaches as handle 0: so no protocol is needed to get there. A refusal has no error number; it is
//! told by the name that the driver's protocol has for it.

use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollTimeout, poll};
use omnibus_compare::asked::{
    CARRIED, DEATH, KEPT, LATER_SEND, LEARNED, MESSAGE, NEXT_SEND, NOTHING, RELEASED, TAKEN, TOLD,
};
use omnibus_compare::observe::Answers;

use crate::binder::{Arrived, Binder, MANAGER, manager};
use crate::channel::{Channel, Pipe};
use crate::sys::{Process, Result};

/// Milliseconds of silence after which nothing more is waited for.
const PATIENCE_MS: u16 = 100;

/// A node of the sender's own.
const TOKEN: u64 = 1;

/// How the driver's protocol calls what [`crate::binder`] tells by an error number.
pub(super) fn name(error: Errno) -> String {
    match error {
        Errno::EPIPE => "BR_DEAD_REPLY".to_owned(),
        Errno::ENOBUFS => "BR_FAILED_REPLY".to_owned(),
        other => super::name(other),
    }
}

fn outcome(sent: Result<()>) -> String {
    sent.map_or_else(name, |()| TAKEN.to_owned())
}

/// Keeps the device open and never reads.
pub(super) fn unread(_device: Binder) -> Result<()> {
    poll(&mut [], PollTimeout::NONE).map(drop)
}

/// A sender that asks to be told of the manager's death.
fn sender() -> Result<Binder> {
    let mut sender = Binder::open()?;
    sender.keep(MANAGER);
    sender.watch(MANAGER);
    Ok(sender)
}

/// What a sender hears until nothing more comes: what became of the node that it had sent, and whether it is told of the death.
fn hear(sender: &mut Binder) -> Result<(&'static str, &'static str)> {
    let (mut carried, mut told) = (KEPT, NOTHING);
    while let Some(arrived) = sender.next_within(PATIENCE_MS)? {
        match arrived {
            Arrived::Released => carried = RELEASED,
            Arrived::Dead => told = "BR_DEAD_BINDER",
            _ => {}
        }
    }
    Ok((carried, told))
}

/// The receiver is killed with a one-way message unread.
pub(super) fn last_message() -> Result<Answers> {
    let receiver = manager(unread)?;
    let mut sender = sender()?;
    sender.send_with_node(MANAGER, TOKEN)?;
    drop(receiver);
    let next = outcome(sender.send(MANAGER, 0, b"B"));
    let (carried, told) = hear(&mut sender)?;
    Ok(vec![
        (CARRIED, carried.to_owned()),
        (NEXT_SEND, next),
        (TOLD, told.to_owned()),
        (LATER_SEND, outcome(sender.send(MANAGER, 0, b"C"))),
    ])
}

/// The receiver is killed when it has a call and has not replied; the caller waits meanwhile.
pub(super) fn last_call() -> Result<Answers> {
    let receiver = manager(|mut binder| {
        binder.next()?;
        unread(binder)
    })?;
    let mut caller = Binder::open()?;
    let killer = Process::start("killer", || {
        std::thread::sleep(Duration::from_millis(PATIENCE_MS.into()));
        receiver.kill()
    })?;
    let called = caller.call_with_node(MANAGER, 0, TOKEN, &mut []).map(drop);
    killer.finish()?;
    let (carried, _) = hear(&mut caller)?;
    Ok(vec![
        (CARRIED, carried.to_owned()),
        (TOLD, outcome(called)),
        (LATER_SEND, outcome(caller.send(MANAGER, 0, b"B"))),
    ])
}

/// Two processes die; each has an unread message that carries a node of the other's, and one of them another with the last handle of a node of ours.
pub(super) fn cycle() -> Result<Answers> {
    let [done, go, ready] = [Pipe::new()?, Pipe::new()?, Pipe::new()?];
    let one = manager(|mut binder| {
        let to_other = binder.adopt()?;
        ready.send(&[1])?;
        let token = binder.adopt()?;
        binder.send_with_node(to_other, 1)?;
        binder.send_with_handle(to_other, token)?;
        binder.forget(token);
        binder.flush()?;
        done.send(&[1])?;
        unread(binder)
    })?;
    let other = Process::start("other", || {
        let mut binder = Binder::open()?;
        binder.call_with_node(MANAGER, 0, 1, &mut [])?;
        go.recv(&mut [0])?;
        binder.send_with_node(MANAGER, 2)?;
        done.send(&[1])?;
        unread(binder)
    })?;
    ready.recv(&mut [0])?;
    let mut third = Binder::open()?;
    third.call_with_node(MANAGER, 0, TOKEN, &mut [])?;
    done.recv(&mut [0])?;
    go.send(&[1])?;
    done.recv(&mut [0])?;
    // The message alone holds it now.
    let (carried, _) = hear(&mut third)?;
    if carried != KEPT {
        return Err(Errno::EBADMSG);
    }
    drop((one, other));
    let (carried, _) = hear(&mut third)?;
    Ok(vec![(CARRIED, carried.to_owned())])
}

/// A process sends a one-way message and dies; who watches a node of it looks when both have happened.
pub(super) fn death_order() -> Result<Answers> {
    let mut watcher = Binder::open_manager()?;
    let sender = Process::start("sender", || {
        let mut binder = Binder::open()?;
        binder.call_with_node(MANAGER, 0, TOKEN, &mut [])?;
        binder.send(MANAGER, 0, b"A")
    })?;
    watcher.adopt()?;
    sender.finish()?;
    let mut learned = Vec::new();
    while let Some(arrived) = watcher.next_within(PATIENCE_MS)? {
        match arrived {
            Arrived::Request(message) => {
                watcher.free(message);
                learned.push((LEARNED, MESSAGE.to_owned()));
            }
            Arrived::Dead => learned.push((LEARNED, DEATH.to_owned())),
            _ => {}
        }
    }
    Ok(learned)
}
