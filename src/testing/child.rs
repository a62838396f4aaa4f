//! A command of the host, run to its end line by line, within a time limit.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
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
    Ok((!status.success()).then(|| format!("ended with {status}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a script for at most `limit` and returns its lines and why it failed.
    fn shell(script: &str, limit: Duration) -> (Vec<String>, Option<String>) {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let mut lines = Vec::new();
        let failure = run(command, limit, |line| {
            lines.push(line.to_owned());
            Ok(())
        });
        (lines, failure.unwrap())
    }

    /// Both outputs come as one row of lines in the order in which they were written.
    #[test]
    fn outputs_keep_their_order() {
        let (lines, failure) = shell("echo a; echo b >&2; echo c", Duration::from_secs(60));
        assert_eq!(
            (lines, failure),
            (vec!["a".into(), "b".into(), "c".into()], None)
        );
    }

    /// A command that fails, or dies of a signal, says so.
    #[test]
    fn an_end_in_failure_is_named() {
        let (_, failed) = shell("exit 3", Duration::from_secs(60));
        assert!(failed.is_some_and(|words| words.contains('3')));
        let (_, died) = shell("kill -9 $$", Duration::from_secs(60));
        assert!(died.is_some_and(|words| words.contains("signal")));
    }

    /// A command that hangs is killed at its limit together with what it started, and what it said before is kept.
    #[test]
    fn a_hang_is_killed_with_its_children() {
        let (lines, failure) = shell("sleep 1000 & echo $!; wait", Duration::from_secs(2));
        assert!(failure.is_some_and(|words| words.contains("time limit")));
        let child = lines
            .first()
            .expect("the number of the process that was started");
        let is_alive = || {
            let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
            // The state follows the name in parentheses; Z is a process that only waits to be forgotten (proc(5)).
            stat.rsplit_once(") ")
                .is_some_and(|(_, rest)| !rest.starts_with('Z'))
        };
        let deadline = Instant::now() + Duration::from_secs(30);
        while is_alive() {
            assert!(
                Instant::now() < deadline,
                "process {child} outlived its group"
            );
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// If a line cannot be taken, the command is killed and the reason comes back.
    #[test]
    fn a_line_that_cannot_be_taken_ends_the_command() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo a; sleep 1000"]);
        let error = run(command, Duration::from_secs(60), |_| {
            anyhow::bail!("no more")
        })
        .unwrap_err();
        assert_eq!(error.to_string(), "no more");
    }
}
