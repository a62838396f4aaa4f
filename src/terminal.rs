//! The user's terminal while a guest has it: every key goes to the guest as it is, also those that otherwise end a program.
//!
//! The terminal is given back as it was, however the tool ends: by returning, by an error, by a signal that asks it to end (those
//! are caught, [`crate::signals`]), by a panic. Only SIGKILL leaves no time for it.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use nix::sys::termios::{self, SetArg, Termios};
use signal_hook::consts::SIGWINCH;

/// As the terminal was, for whoever panics.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// The terminal, given over to the guest. Given back when dropped.
#[derive(Debug)]
pub(crate) struct Terminal {
    before: Termios,
    has_changed: Arc<AtomicBool>,
}

impl Terminal {
    /// Takes the terminal if standard input and output are one.
    ///
    /// # Errors
    /// If it does not do as it is told.
    pub(crate) fn take() -> Result<Option<Self>> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Ok(None);
        }
        let before = termios::tcgetattr(io::stdin()).context("cannot ask the terminal")?;
        let has_changed = Arc::default();
        signal_hook::flag::register(SIGWINCH, Arc::clone(&has_changed))
            .context("cannot catch SIGWINCH")?;
        let mut kept = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.replace(before.clone()).is_none() {
            let usual = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                // Who panics while holding it has not changed the terminal yet, or has given it back.
                if let Ok(kept) = BEFORE.try_lock()
                    && let Some(before) = &*kept
                {
                    give_back(before);
                }
                usual(panic);
            }));
        }
        drop(kept);
        let mut raw = before.clone();
        termios::cfmakeraw(&mut raw);
        // The kernel's own lines end in a line feed alone.
        raw.output_flags = before.output_flags;
        termios::tcsetattr(io::stdin(), SetArg::TCSADRAIN, &raw)
            .context("cannot set the terminal")?;
        Ok(Some(Self {
            before,
            has_changed,
        }))
    }

    /// Rows and columns; 0 if it does not say.
    pub(crate) fn size(&self) -> (u16, u16) {
        ::console::Term::stdout().size_checked().unwrap_or((0, 0))
    }

    /// Whether its size may have changed since this was last asked.
    pub(crate) fn has_changed(&self) -> bool {
        self.has_changed.swap(false, Ordering::Relaxed)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back(&self.before);
    }
}

fn give_back(before: &Termios) {
    // A terminal that is gone needs nothing.
    let _ = termios::tcsetattr(io::stdin(), SetArg::TCSADRAIN, before);
}
