//! A command of the host, run to its end line by line, within a time limit.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::{console, signals};

/// How long a wait may keep the tool from noticing a signal.
const POLL: Duration = Duration::from_millis(100);
/// Lines that may wait to be taken.
const N_LINES_WAITING: usize = 1024;

/// Runs `command` and hands over each line that it, or a child of it, writes to standard output or error, in the order
/// written. Returns why it failed, if it did.
///
/// # Errors
/// If the command cannot be started or `on_line` failed.
pub(crate) fn run(
    mut command: Command,
    time_limit: Duration,
    mut on_line: impl FnMut(&str) -> Result<()>,
) -> Result<Option<String>> {
    let name = format!("{:?}", command.get_program());
    let (reader, writer) = std::io::pipe().context("cannot make a pipe")?;
    // A group of its own, so that what the command started can be ended with it.
    command
        .stdin(Stdio::null())
        .stdout(writer.try_clone().context("cannot copy a pipe's end")?)
        .stderr(writer)
        .process_group(0);
    signals::catch()?;
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start {name}"))?;
    // The command holds the pipe's writing ends for its child; the reader sees the end only when they are closed.
    drop(command);
    let group = Pid::from_raw(i32::try_from(child.id()).context("a process id is an i32")?);

    let (sender, lines) = mpsc::sync_channel(N_LINES_WAITING);
    thread::spawn(move || console::read_lines(reader, |line| sender.send(line).is_ok()));
    let deadline = Instant::now() + time_limit;
    let mut outcome = Ok(());
    loop {
        let is_late = Instant::now() >= deadline;
        if is_late || outcome.is_err() || signals::received().is_some() {
            killpg(group, Signal::SIGKILL).with_context(|| format!("cannot kill {name}"))?;
            child
                .wait()
                .with_context(|| format!("cannot wait for {name}"))?;
            if let Some(stopped) = signals::received() {
                return Err(stopped.into());
            }
            outcome?;
            return Ok(Some(format!(
                "killed at its time limit of {} s",
                time_limit.as_secs()
            )));
        }
        match lines.recv_timeout(POLL) {
            Ok(line) => outcome = on_line(&line),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let status = child
        .wait()
        .with_context(|| format!("cannot wait for {name}"))?;
    if !status.success() && status.code().is_none() {
        bail!("{name} died: {status}");
    }
    Ok((!status.success()).then(|| format!("ended with {status}")))
}
