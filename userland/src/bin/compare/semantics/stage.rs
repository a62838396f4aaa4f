//! What observations are made with: a log that all threads write, and threads that begin in a rhythm of the run.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::Display;
use core::sync::atomic::{AtomicBool, Ordering};
use omnibus_compare::n_yields;
use omnibus_userland::abi::Errno;
use omnibus_userland::bus::Peer;
use omnibus_userland::calls::Result;
use omnibus_userland::check::{Failure, Outcome};
use omnibus_userland::lock::Mutex;
use omnibus_userland::suite::wire::{Got, create, take};
use omnibus_userland::thread;

/// An actor, what it did or saw, and of what.
pub(crate) type Entry = (&'static str, &'static str, String);

/// What happened in a run, in the order of all actors.
#[derive(Clone)]
pub(crate) struct Log(Arc<Mutex<Vec<Entry>>>);

impl Log {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Vec::new())))
    }

    /// Adds an event.
    pub(crate) fn tell(&self, actor: &'static str, event: &'static str, detail: impl Display) {
        self.0.lock().push((actor, event, detail.to_string()));
    }

    /// How a call ended: `ok`, or the name of the error.
    pub(crate) fn tell_result<T>(
        &self,
        actor: &'static str,
        event: &'static str,
        result: Result<T>,
    ) {
        match result {
            Ok(_) => self.tell(actor, event, "ok"),
            Err(error) => self.tell(actor, event, name(error)),
        }
    }

    /// Takes all of it.
    pub(crate) fn into_entries(self) -> Vec<Entry> {
        core::mem::take(&mut self.0.lock())
    }
}

/// The name of an error, without what it means.
pub(crate) fn name(error: Errno) -> String {
    let text = error.to_string();
    text.split(' ').next().unwrap_or_default().to_string()
}

/// What one thread does.
pub(crate) type Part = Box<dyn FnOnce() -> Result<()> + Send>;

/// A part from a closure.
pub(crate) fn part(f: impl FnOnce() -> Result<()> + Send + 'static) -> Part {
    Box::new(f)
}

/// Runs the parts at once.
pub(crate) fn play(run: u64, parts: impl IntoIterator<Item = Part>) -> Outcome {
    let mut threads = Vec::new();
    for (index, part) in (0..).zip(parts) {
        threads.push(thread::spawn(move || {
            for _ in 0..n_yields(run, index) {
                thread::yield_now();
            }
            part()
        })?);
    }
    for thread in threads {
        thread.join()?.map_err(Failure::from)?;
    }
    Ok(())
}

/// A flag in memory: the side channel.
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

/// A handle of `holder` to a new node of `owner`.
pub(crate) fn link(holder: &Peer, owner: &Peer) -> Result<u64> {
    create(owner, holder).map(|(_, handle)| handle)
}

/// Waits for a message, past notices, and logs its first byte, which is its name.
pub(crate) fn hear(log: &Log, actor: &'static str, peer: &Peer) -> Result<()> {
    loop {
        if let Got::Message(_, _, data, _) = take(peer)? {
            let name = data.first().copied().unwrap_or(b'-');
            log.tell(actor, "received", char::from(name));
            return Ok(());
        }
    }
}
