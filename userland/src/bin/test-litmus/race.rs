//! Threads that run one litmus program at once, in a rhythm of the round.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};
use omnibus_userland::abi::Errno;
use omnibus_userland::bus::Peer;
use omnibus_userland::check::{Failure, Outcome};
use omnibus_userland::suite::Bench;
use omnibus_userland::suite::wire::{Got, create, drain, recv, take};
use omnibus_userland::{check, thread};

/// What one thread does.
pub(crate) type Program = Box<dyn FnOnce() -> Result<(), Errno> + Send>;

/// Rounds of each test.
pub(crate) fn rounds(bench: &Bench) -> core::ops::Range<usize> {
    0..if bench.is_long { 1000 } else { 32 }
}

/// Runs the programs at once. The bits of `round` say how long each of them lets the others run
/// first.
pub(crate) fn race(round: usize, programs: impl IntoIterator<Item = Program>) -> Outcome {
    let mut threads = Vec::new();
    for (index, program) in programs.into_iter().enumerate() {
        threads.push(thread::spawn(move || {
            for _ in 0..(round >> (2 * index)) & 3 {
                thread::yield_now();
            }
            program()
        })?);
    }
    for (index, thread) in threads.into_iter().enumerate() {
        let result = thread.join()?;
        result.map_err(|error| Failure::new(format_args!("thread {index}: {error}")))?;
    }
    Ok(())
}

/// A program from a closure.
pub(crate) fn program(f: impl FnOnce() -> Result<(), Errno> + Send + 'static) -> Program {
    Box::new(f)
}

/// A flag in shared memory.
#[derive(Clone, Default)]
pub(crate) struct Flag(Arc<AtomicBool>);

impl Flag {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn wait(&self) {
        while !self.0.load(Ordering::Acquire) {
            thread::yield_now();
        }
    }
}

/// New peers, made in another order each round.
pub(crate) fn peers<const N: usize>(bench: &Bench, round: usize) -> Result<[Peer; N], Errno> {
    let mut made: Vec<_> = (0..N)
        .map(|_| Peer::new(&bench.account))
        .collect::<Result<_, _>>()?;
    made.rotate_left(round % N);
    made.try_into().map_err(|_| Errno::EINVAL)
}

/// A handle of `holder` to a new node of `owner`.
pub(crate) fn link(holder: &Peer, owner: &Peer) -> Result<u64, Errno> {
    create(owner, holder).map(|(_, handle)| handle)
}

/// The messages at a receiver in order, without notices: a thread that ends gives up its peer, and
/// with it the handles it sent through.
pub(crate) fn messages(peer: &Peer) -> Result<Vec<u8>, Errno> {
    let mut seen = drain(peer)?;
    seen.retain(|byte| !b"NH".contains(byte));
    Ok(seen)
}

/// Waits for the next message, past any notices.
pub(crate) fn hear(peer: &Peer) -> Result<Got, Errno> {
    loop {
        let got = take(peer)?;
        if matches!(got, Got::Message(..)) {
            return Ok(got);
        }
    }
}

/// Takes what there is until `message` comes; `EAGAIN` if it does not.
pub(crate) fn find(peer: &Peer, message: &[u8]) -> Result<(), Errno> {
    while recv(peer)?.data() != message {}
    Ok(())
}

/// Position of a message in what a receiver saw; every message must be there once.
pub(crate) fn position(seen: &[u8], message: u8) -> Outcome<usize> {
    let mut found = seen
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == message);
    match (found.next(), found.next()) {
        (Some((position, _)), None) => Ok(position),
        _ => Err(Failure::new(format_args!(
            "{} should be once in {:?}",
            char::from(message),
            core::str::from_utf8(seen)
        ))),
    }
}

/// Fails if `later` came before `earlier` at a receiver.
pub(crate) fn in_order(seen: &[u8], earlier: u8, later: u8) -> Outcome {
    let is_in_order = position(seen, earlier)? < position(seen, later)?;
    check!(
        is_in_order,
        "the order was {:?}",
        core::str::from_utf8(seen)
    );
    Ok(())
}

/// Fails unless all receivers saw the same; returns it.
pub(crate) fn agree<'a>(receivers: impl IntoIterator<Item = &'a Peer>) -> Outcome<Vec<u8>> {
    let mut first: Option<Vec<u8>> = None;
    for receiver in receivers {
        let seen = messages(receiver)?;
        let first = first.get_or_insert_with(|| seen.clone());
        check!(*first == seen, "one saw {first:?}, another {seen:?}");
    }
    Ok(first.unwrap_or_default())
}
