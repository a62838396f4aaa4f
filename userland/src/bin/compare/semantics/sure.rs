//! Experiments in which nothing depends on time. A receiver that goes is a peer that closes, as it does when its task dies (OBJ-6).

use alloc::string::{String, ToString};
use alloc::vec;
use omnibus_compare::N_GUESSES;
use omnibus_compare::asked;
use omnibus_compare::observe::Answers;
use omnibus_userland::abi::Errno;
use omnibus_userland::actor::soon;
use omnibus_userland::bench_server::Host;
use omnibus_userland::bus::Peer;
use omnibus_userland::calls::Result;
use omnibus_userland::check::{Failure, Outcome};
use omnibus_userland::suite::wire::{self, Got, create, recv, release, send, send_with};

/// Objects, bytes and frames of a user's account.
pub(super) const USER: [u64; 3] = [1 << 12, 1 << 18, 0];

/// Messages that are more than any account takes.
const N_TRIED: u32 = 1 << 16;

/// What became of a send, in the words of both sides.
fn outcome(sent: Result<()>) -> String {
    match sent {
        Ok(()) => asked::TAKEN.to_string(),
        Err(error) => name(error),
    }
}

/// The name of an error, without what it means.
pub(super) fn name(error: Errno) -> String {
    let text = error.to_string();
    text.split_once(' ')
        .map_or(text.as_str(), |(name, _)| name)
        .to_string()
}

fn answer(words: &str) -> String {
    words.to_string()
}

/// Everything there is on a peer, in a moment: what closing gives back comes behind the call (CLO-5).
fn all_of(peer: &Peer, n_least: usize) -> Outcome<alloc::vec::Vec<Got>> {
    let mut all = vec![];
    soon(|| {
        loop {
            match recv(peer) {
                Ok(got) => all.push(got),
                Err(Errno::EAGAIN) => return Ok(all.len() >= n_least),
                Err(error) => return Err(error),
            }
        }
    })?;
    Ok(all)
}

/// A receiver closes with a message unread, which carries the last handle of a node of its sender.
pub(super) fn last_message(host: Host<'_>) -> Outcome<Answers> {
    let (sender, receiver) = (Peer::new(host.account)?, Peer::new(host.account)?);
    let (_, to) = create(&receiver, &sender)?;
    let (token, own) = create(&sender, &sender)?;
    send_with(&sender, &[to], b"A", &[own])?;
    release(&sender, &[own])?;
    drop(receiver);
    let next = outcome(send(&sender, &[to], b"B"));
    let all = all_of(&sender, 2)?;
    let is_released = all.contains(&Got::HandleRelease(token));
    let is_told = all.contains(&Got::NodeRelease(to));
    let carried = if is_released {
        asked::RELEASED
    } else {
        asked::KEPT
    };
    let told = if is_told {
        "NODE_RELEASE"
    } else {
        asked::NOTHING
    };
    Ok(vec![
        (asked::CARRIED, answer(carried)),
        (asked::NEXT_SEND, next),
        (asked::TOLD, answer(told)),
        (asked::LATER_SEND, outcome(send(&sender, &[to], b"C"))),
    ])
}

/// Two peers close, each with a handle of the other's unread, and one of them with a handle of a third's.
pub(super) fn cycle(host: Host<'_>) -> Outcome<Answers> {
    let third = Peer::new(host.account)?;
    let (one, other) = (Peer::new(host.account)?, Peer::new(host.account)?);
    let (_, to_other) = create(&other, &one)?;
    let (_, to_one) = create(&one, &other)?;
    let (token, carried) = create(&third, &one)?;
    send_with(&one, &[to_other], b"A", &[to_other, carried])?;
    send_with(&other, &[to_one], b"B", &[to_one])?;
    release(&one, &[carried])?;
    drop((one, other));
    let is_released = all_of(&third, 1)?.contains(&Got::HandleRelease(token));
    let carried = if is_released {
        asked::RELEASED
    } else {
        asked::KEPT
    };
    Ok(vec![(asked::CARRIED, answer(carried))])
}

/// Accounts are users.
pub(super) fn unread(host: Host<'_>) -> Outcome<Answers> {
    let new = || host.account.carve(USER[0], USER[1], USER[2]);
    let (service, first, second) = (new()?, new()?, new()?);
    let receiver = Peer::new(&service)?;
    let senders = [Peer::new(&first)?, Peer::new(&second)?];
    let (_, to) = create(&receiver, &senders[0])?;
    let (_, other_to) = create(&receiver, &senders[1])?;
    let message = [1; 64];
    let mut n_taken = 0;
    let refused = loop {
        match send(&senders[0], &[to], &message) {
            Ok(()) if n_taken == N_TRIED => return Err(Failure::new("nothing is refused")),
            Ok(()) => n_taken += 1,
            Err(error) => break error,
        }
    };
    let other = outcome(send(&senders[1], &[other_to], &message));
    Ok(vec![
        (asked::N_TAKEN, n_taken.to_string()),
        (asked::REFUSED, name(refused)),
        (asked::OTHER_USER, other),
    ])
}

/// A peer sends and closes; the holder of a handle to it looks then.
pub(super) fn death_order(host: Host<'_>) -> Outcome<Answers> {
    let (dying, other) = (Peer::new(host.account)?, Peer::new(host.account)?);
    let (_, to_other) = create(&other, &dying)?;
    create(&dying, &other)?;
    send(&dying, &[to_other], b"A")?;
    drop(dying);
    let mut learned = vec![];
    for got in all_of(&other, 3)? {
        match got {
            Got::Message(..) => learned.push((asked::LEARNED, answer(asked::MESSAGE))),
            Got::NodeRelease(_) => learned.push((asked::LEARNED, answer(asked::DEATH))),
            // Its handle to this peer went, too.
            Got::HandleRelease(_) => {}
        }
    }
    Ok(learned)
}

/// The owner releases the node; the holder sends before it has received the notice, and after.
pub(super) fn revocation(host: Host<'_>) -> Outcome<Answers> {
    let (owner, holder) = (Peer::new(host.account)?, Peer::new(host.account)?);
    let (node, handle) = create(&owner, &holder)?;
    release(&owner, &[node])?;
    let next = outcome(send(&holder, &[handle], b"B"));
    let arrives = if wire::drain(&owner)?.is_empty() {
        asked::NO
    } else {
        asked::YES
    };
    all_of(&holder, 1)?;
    Ok(vec![
        (asked::NEXT_SEND, next),
        (asked::ARRIVES, answer(arrives)),
        (asked::LATER_SEND, outcome(send(&holder, &[handle], b"C"))),
    ])
}

/// A stranger tries the ids that the holder of a handle has, and those around them.
pub(super) fn guessing(host: Host<'_>) -> Outcome<Answers> {
    let (owner, holder) = (Peer::new(host.account)?, Peer::new(host.account)?);
    let (node, handle) = create(&owner, &holder)?;
    let stranger = Peer::new(host.account)?;
    let mut n_reached = 0_u64;
    for number in 0..N_GUESSES / 4 {
        for guess in [
            number,
            handle ^ number,
            node ^ number,
            handle.wrapping_add(number << 32),
        ] {
            n_reached += u64::from(send(&stranger, &[guess], b"A").is_ok());
        }
    }
    if !wire::drain(&owner)?.is_empty() {
        return Err(Failure::new("a guess arrived"));
    }
    Ok(vec![(asked::N_REACHED, n_reached.to_string())])
}
