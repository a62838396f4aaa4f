//! A command at a pseudo-terminal, and somebody who types and reads there. What is read goes through an emulated terminal (the crate
//! `vt100`), so that a test sees what a person would: the screen.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{Termios, tcgetattr};
use nix::unistd::Pid;

/// How long anything is waited for before something must be wrong.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long one look waits.
const LOOK: u16 = 100;
/// Rows and columns.
const SIZE: Winsize = Winsize {
    ws_row: 50,
    ws_col: 100,
    ws_xpixel: 0,
    ws_ypixel: 0,
};

/// A command at its terminal. Killed when dropped, with what it has started.
pub(crate) struct Desk {
    child: Child,
    /// Where the person sits.
    person: File,
    /// Where the command sits.
    line: OwnedFd,
    screen: vt100::Parser,
    before: Termios,
}

impl Desk {
    /// Starts a command at a new terminal.
    ///
    /// # Errors
    /// If the host cannot do its part.
    pub(crate) fn new(mut command: Command) -> Result<Self> {
        let pair = openpty(Some(&SIZE), None).context("cannot make a pseudo-terminal")?;
        let line = pair.slave;
        let before = tcgetattr(&line).context("cannot ask the terminal")?;
        let end = || line.try_clone().context("cannot copy a descriptor");
        let child = command
            .stdin(end()?)
            .stdout(end()?)
            .stderr(end()?)
            .spawn()
            .context("cannot start the command")?;
        let [Some(rows), Some(columns)] = [SIZE.ws_row, SIZE.ws_col].map(std::num::NonZero::new)
        else {
            bail!("a terminal has rows and columns");
        };
        Ok(Self {
            child,
            person: pair.master.into(),
            line,
            screen: vt100::Parser::new(rows, columns, 0),
            before,
        })
    }

    /// Types.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub(crate) fn type_in(&mut self, keys: &str) -> Result<()> {
        self.person
            .write_all(keys.as_bytes())
            .context("cannot type at the terminal")
    }

    /// The screen.
    pub(crate) fn screen(&self) -> &vt100::Screen {
        self.screen.screen()
    }

    /// What is on it.
    pub(crate) fn text(&self) -> String {
        self.screen().contents()
    }

    /// Reads until the screen is as `is_it` says.
    ///
    /// # Errors
    /// If it does not come to that; with the screen as it is.
    pub(crate) fn wait_for(
        &mut self,
        what: &str,
        mut is_it: impl FnMut(&vt100::Screen) -> bool,
    ) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !is_it(self.screen.screen()) {
            if Instant::now() > deadline || !self.read()? {
                bail!("it never showed {what}; the screen:\n{}", self.text());
            }
        }
        Ok(())
    }

    /// Reads what is there, for [`LOOK`] at most; false if nothing is there and the command has ended.
    fn read(&mut self) -> Result<bool> {
        let mut ready = [PollFd::new(self.person.as_fd(), PollFlags::POLLIN)];
        let n_ready = poll(&mut ready, PollTimeout::from(LOOK)).context("cannot poll")?;
        if n_ready == 0 {
            return Ok(self
                .child
                .try_wait()
                .context("cannot ask for the command")?
                .is_none());
        }
        let mut bytes = [0; 4096];
        match self.person.read(&mut bytes) {
            Ok(n_bytes) => self.screen.process(&bytes[..n_bytes]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error).context("cannot read from the terminal"),
        }
        Ok(true)
    }

    /// Reads until the command has ended.
    ///
    /// # Errors
    /// If it does not end.
    pub(crate) fn wait(&mut self) -> Result<ExitStatus> {
        let deadline = Instant::now() + PATIENCE;
        while self.read()? {
            if Instant::now() > deadline {
                bail!("it never ended; the screen:\n{}", self.text());
            }
        }
        self.child.wait().context("cannot wait for the command")
    }

    /// Whether the terminal is as it was before the command was started.
    ///
    /// # Errors
    /// If the terminal does not say.
    pub(crate) fn is_as_before(&self) -> Result<bool> {
        Ok(tcgetattr(&self.line).context("cannot ask the terminal")? == self.before)
    }

    /// Sends the command a signal.
    ///
    /// # Errors
    /// If the host refuses.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        kill(self.pid()?, signal).context("cannot send a signal")
    }

    /// The processes that the command has started.
    ///
    /// # Errors
    /// If the host does not tell (proc(5), `/proc/PID/task/TID/children`).
    pub(crate) fn children(&self) -> Result<Vec<Pid>> {
        let pid = self.pid()?;
        let file = format!("/proc/{pid}/task/{pid}/children");
        let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {file}"))?;
        let numbers = text.split_whitespace().map(str::parse);
        let numbers: Result<Vec<i32>, _> = numbers.collect();
        Ok(numbers?.into_iter().map(Pid::from_raw).collect())
    }

    /// Makes the terminal so many columns wide, and has the command told.
    ///
    /// # Errors
    /// If `stty` cannot.
    pub(crate) fn set_columns(&mut self, n_columns: u16) -> Result<()> {
        let line = self.line.try_clone().context("cannot copy a descriptor")?;
        let stty = Command::new("stty")
            .args(["cols", &n_columns.to_string()])
            .stdin(line)
            .status();
        if !stty.context("cannot start stty")?.success() {
            bail!("stty failed");
        }
        if let Some(columns) = std::num::NonZero::new(n_columns) {
            let rows = const { std::num::NonZero::new(SIZE.ws_row).unwrap() };
            self.screen.screen_mut().set_size(rows, columns);
        }
        // The kernel sends it to the terminal's own session only, which the command is not in.
        self.signal(Signal::SIGWINCH)
    }

    fn pid(&self) -> Result<Pid> {
        let pid = i32::try_from(self.child.id()).context("a process id is an i32")?;
        Ok(Pid::from_raw(pid))
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // They may have ended. A command that is killed cannot end what it has started.
        for child in self.children().unwrap_or_default() {
            let _ = kill(child, Signal::SIGKILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
