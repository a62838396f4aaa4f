//! Signals that ask the tool to stop. While it waits for a child it looks for them, ends the child, and then dies of the
//! signal itself, so that whoever called the tool sees what happened.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

static RECEIVED: OnceLock<Arc<AtomicUsize>> = OnceLock::new();

/// Catches the signals from now on; called before a child is started.
///
/// # Errors
/// If the host refuses to set a handler.
pub(crate) fn catch() -> Result<()> {
    if RECEIVED.get().is_some() {
        return Ok(());
    }
    let received = RECEIVED.get_or_init(Arc::default);
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        let number = usize::try_from(signal).context("a signal's number is positive")?;
        signal_hook::flag::register_usize(signal, Arc::clone(received), number)
            .with_context(|| format!("cannot catch signal {signal}"))?;
    }
    Ok(())
}

/// What a wait fails with when a signal ended it. It travels up to `main` like any error, so that everything is tidied up.
#[derive(Debug)]
pub(crate) struct Stopped {
    signal: i32,
}

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "stopped by signal {}", self.signal)
    }
}

impl std::error::Error for Stopped {}

/// The signal that arrived, if one did.
pub(crate) fn received() -> Option<Stopped> {
    let signal = RECEIVED.get()?.load(Ordering::Relaxed);
    i32::try_from(signal)
        .ok()
        .filter(|signal| *signal != 0)
        .map(|signal| Stopped { signal })
}

impl Stopped {
    /// Dies of the signal, by its default action. Returns only if there is no such signal.
    pub(crate) fn die(&self) {
        // The one error is an unknown number, and then the caller goes on to end with a code.
        let _ = signal_hook::low_level::emulate_default_handler(self.signal);
    }
}
