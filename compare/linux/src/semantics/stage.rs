//! What observations are made with: a log in memory that all processes share, and processes that begin in a rhythm of the run.

use std::fmt::Display;
use std::sync::atomic::Ordering;

use nix::errno::Errno;
use nix::sched::sched_yield;
use omnibus_compare::n_yields;

use crate::sys::{Process, Result, Shared, futex_wait, futex_wake};

/// Places in the log, and bytes of each: its length, then `ACTOR,EVENT,DETAIL`.
const N_PLACES: usize = 256;
const N_PLACE_BYTES: usize = 128;

/// What happened in a run, in the order of all actors. Word 0 counts the places taken, word 1 is the side channel, word 2 the
/// start of all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Log(Shared);

impl Log {
    /// Memory for the log, used again in each run.
    pub(crate) fn new() -> Result<Self> {
        Shared::new(N_PLACE_BYTES * (N_PLACES + 1)).map(Self)
    }

    /// Empties it.
    pub(crate) fn clear(&self) {
        for word in 0..3 {
            self.0.word(word).store(0, Ordering::Release);
        }
    }

    /// Adds an event.
    pub(crate) fn tell(&self, actor: &str, event: &str, detail: impl Display) {
        let text = format!("{actor},{event},{detail}");
        let place = self.0.word(0).fetch_add(1, Ordering::AcqRel) as usize + 1;
        assert!(
            place <= N_PLACES && text.len() < N_PLACE_BYTES,
            "{text}: no room in the log"
        );
        self.0.write(place * N_PLACE_BYTES, &[text.len() as u8]);
        self.0.write(place * N_PLACE_BYTES + 1, text.as_bytes());
    }

    /// How a call ended: `ok`, or the name of the error.
    pub(crate) fn tell_result<T>(&self, actor: &str, event: &str, result: Result<T>) {
        match result {
            Ok(_) => self.tell(actor, event, "ok"),
            Err(error) => self.tell(actor, event, name(error)),
        }
    }

    /// The events, each as `ACTOR,EVENT,DETAIL`.
    pub(crate) fn entries(&self) -> Vec<String> {
        let n_entries = self.0.word(0).load(Ordering::Acquire) as usize;
        let entry = |place: usize| {
            let mut bytes = [0; N_PLACE_BYTES];
            self.0.read(place * N_PLACE_BYTES, &mut bytes);
            String::from_utf8_lossy(&bytes[1..=usize::from(bytes[0])]).into_owned()
        };
        (1..=n_entries).map(entry).collect()
    }

    /// The side channel: sets the flag in memory.
    pub(crate) fn set_flag(&self) {
        self.0.word(1).store(1, Ordering::Release);
    }

    /// Waits for the flag.
    pub(crate) fn wait_flag(&self) {
        while self.0.word(1).load(Ordering::Acquire) == 0 {
            // It has no other error than that there is no such call.
            let _ = sched_yield();
        }
    }
}

/// The name of an error.
pub(crate) fn name(error: Errno) -> String {
    format!("{error:?}")
}

/// Processes of a run. They begin when all are there.
#[derive(Debug)]
pub(crate) struct Stage<'a> {
    log: &'a Log,
    run: u64,
    processes: Vec<Process>,
}

impl<'a> Stage<'a> {
    /// An empty stage for a run that `log` is for.
    pub(crate) fn new(log: &'a Log, run: u64) -> Self {
        Self {
            log,
            run,
            processes: Vec::new(),
        }
    }

    /// Adds a process that does `part`.
    pub(crate) fn add(&mut self, part: impl FnOnce() -> Result<()>) -> Result<&Process> {
        let start = self.log.0.word(2);
        let n_yields = n_yields(self.run, self.processes.len() as u32);
        self.processes.push(Process::start("part", || {
            while start.load(Ordering::Acquire) == 0 {
                futex_wait(start, 0);
            }
            for _ in 0..n_yields {
                sched_yield()?;
            }
            part()
        })?);
        Ok(&self.processes[self.processes.len() - 1])
    }

    /// Lets them begin, and waits until all have ended.
    pub(crate) fn play(self) -> Result<()> {
        let start = self.log.0.word(2);
        start.store(1, Ordering::Release);
        for _ in &self.processes {
            futex_wake(start);
        }
        for process in self.processes {
            if !process.wait()? {
                return Err(Errno::ECHILD);
            }
        }
        Ok(())
    }
}

/// What one process does.
pub(crate) type Part<'a> = Box<dyn FnOnce() -> Result<()> + 'a>;

/// Runs the parts at once.
pub(crate) fn play<'a>(
    log: &Log,
    run: u64,
    parts: impl IntoIterator<Item = Part<'a>>,
) -> Result<()> {
    let mut stage = Stage::new(log, run);
    for part in parts {
        stage.add(part)?;
    }
    stage.play()
}
