//! One run of a guest: QEMU is started, its console handed on line by line, its report read, its end judged.
//!
//! A run is over when QEMU has ended. QEMU's own exit code proves nothing (a triple fault ends it with 0), so the verdict
//! is made from the report alone; every way to end without a good report is an [`Ending`] of its own. The run never
//! outlives its time limit, nor a signal to this tool, and its threads end with it because QEMU's end closes what they read.

use std::io::Read;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use crate::console::{self, Tail};
use crate::exit::Failure;
use crate::machine::{Machine, QEMU};
use crate::report::{self, Report};
use crate::scratch::ScratchDirectory;
use crate::signals;

/// How long a wait may keep the tool from noticing a signal.
const POLL: Duration = Duration::from_millis(100);
/// Console lines that may wait for the user's terminal before the guest is slowed down.
const N_LINES_WAITING: usize = 1024;

/// What to boot, on what, and for how long.
#[derive(Clone, Debug)]
pub(crate) struct Boot {
    /// The machine.
    pub(crate) machine: Machine,
    /// The kernel: an ELF file with a PVH entry.
    pub(crate) kernel: PathBuf,
    /// The initial archive, if any.
    pub(crate) initrd: Option<PathBuf>,
    /// The kernel's command line.
    pub(crate) words: String,
    /// When to give up. `None` waits for ever.
    pub(crate) time_limit: Option<Duration>,
    /// Whether QEMU waits for a debugger on its port 1234 before the first instruction.
    pub(crate) is_debugged: bool,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// With this status, reported by the guest.
    Status(u8),
    /// Without a status; QEMU's own exit code is given.
    NoReport(i32),
    /// Not within its time limit.
    TimeLimit(Duration),
    /// By a signal to QEMU, which before said this.
    Killed(i32, String),
    /// With something that is not a report; the sentence says what.
    BadReport(String),
    /// Before it began: QEMU refused to start and said this.
    Refused(String),
}

/// A finished run.
#[derive(Debug)]
pub(crate) struct Run {
    /// How it ended.
    pub(crate) ending: Ending,
    /// What the guest said on the second channel.
    pub(crate) report: Report,
    /// The last lines of the console.
    pub(crate) tail: Tail,
    /// How long QEMU ran, on the host's clock.
    pub(crate) elapsed: Duration,
}

impl Run {
    /// The code this run gives the tool: the guest's status, or the code of the failure.
    pub(crate) fn exit_code(&self) -> u8 {
        match self.ending {
            Ending::Status(status) => status,
            Ending::NoReport(_) => Failure::NoReport as u8,
            Ending::TimeLimit(_) => Failure::TimeLimit as u8,
            Ending::Killed(..) => Failure::Killed as u8,
            Ending::BadReport(_) => Failure::BadReport as u8,
            Ending::Refused(_) => Failure::Host as u8,
        }
    }

    /// What went wrong, the guest's own first cause before the tool's view of the end; `None` after status 0.
    pub(crate) fn failure(&self) -> Option<String> {
        let end = match &self.ending {
            Ending::Status(0) => return None,
            Ending::Status(status) if crate::exit::is_own(*status) => {
                format!(
                    "the guest reported status {status} (its own, not one of this tool's codes)"
                )
            }
            Ending::Status(status) => format!("the guest reported status {status}"),
            Ending::NoReport(code) => format!(
                "the guest ended without a report (QEMU's exit code {code}): a triple fault, a reset or a power-off"
            ),
            Ending::TimeLimit(limit) => {
                let reported = match self.report.status {
                    Some(status) => format!("after reporting status {status}, without ending"),
                    None => "without a report".to_owned(),
                };
                format!("time limit: killed after {} s {reported}", limit.as_secs())
            }
            Ending::Killed(signal, words) => format!("QEMU died of signal {signal} {words}")
                .trim_end()
                .to_owned(),
            Ending::BadReport(fault) => format!("malformed report: {fault}"),
            Ending::Refused(words) => format!("{QEMU} did not start the guest: {words}"),
        };
        Some(match &self.report.first_cause {
            Some(cause) => format!("{cause}; {end}"),
            None => end,
        })
    }
}

/// Boots a guest and hands each line of its console to `on_line` until QEMU has ended.
///
/// # Errors
/// If the host cannot do its part: no QEMU, no socket, or `on_line` failed. What the guest does is never an error here.
pub(crate) fn run(boot: &Boot, on_line: &mut dyn FnMut(&str) -> Result<()>) -> Result<Run> {
    let directory = ScratchDirectory::new()?;
    let socket = directory.path().join("report");
    let listener = UnixListener::bind(&socket)
        .with_context(|| format!("cannot listen on {}", socket.display()))?;
    let report_reader = thread::spawn(move || read_report(&listener));

    let started = Instant::now();
    let spawned = spawn(boot, &socket);
    let watched = spawned.and_then(|child| watch(child, boot.time_limit, on_line));
    // Should QEMU never have connected, this wakes the reader; otherwise it is the connection that nobody accepts.
    drop(UnixStream::connect(&socket));
    let bytes = report_reader
        .join()
        .map_err(|_| anyhow!("the reader of the report panicked"))?;
    let Watched {
        status,
        is_out_of_time,
        stderr,
        tail,
    } = watched?;

    let (report, fault) = Report::parse(&bytes);
    let ending = judge(
        status,
        is_out_of_time.then_some(boot.time_limit).flatten(),
        &report,
        fault,
        &stderr,
    );
    Ok(Run {
        ending,
        report,
        tail,
        elapsed: started.elapsed(),
    })
}

/// The verdict. What stopped the run from outside comes first, then the report, then its absence.
fn judge(
    status: ExitStatus,
    time_limit: Option<Duration>,
    report: &Report,
    fault: Result<(), String>,
    stderr: &str,
) -> Ending {
    if let Some(limit) = time_limit {
        return Ending::TimeLimit(limit);
    }
    if let Some(signal) = status.signal() {
        return Ending::Killed(signal, stderr.trim().to_owned());
    }
    if let Err(fault) = fault {
        return Ending::BadReport(fault);
    }
    match (report.status, status.code().unwrap_or(-1)) {
        (Some(status), _) => Ending::Status(status),
        // QEMU ends with 1 and a message when it does not like its arguments, the kernel file or the host.
        (None, 1) if !stderr.trim().is_empty() => Ending::Refused(stderr.trim().to_owned()),
        (None, code) => Ending::NoReport(code),
    }
}

fn spawn(boot: &Boot, socket: &Path) -> Result<Child> {
    for file in [Some(&boot.kernel), boot.initrd.as_ref()]
        .into_iter()
        .flatten()
    {
        std::fs::metadata(file).with_context(|| format!("cannot read {}", file.display()))?;
    }
    let mut command =
        boot.machine
            .command(&boot.kernel, boot.initrd.as_deref(), &boot.words, socket);
    if boot.is_debugged {
        command.args(["-s", "-S"]);
    }
    signals::catch()?;
    command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            anyhow!("{QEMU} is not installed; ./run-qemu.sh installs it (Debian: apt-get install qemu-system-x86)")
        }
        _ => anyhow!(error).context(format!("cannot start {QEMU}")),
    })
}

/// What was seen of QEMU until its end.
struct Watched {
    status: ExitStatus,
    is_out_of_time: bool,
    stderr: String,
    tail: Tail,
}

/// Waits for QEMU's end while handing on its console; kills it at the time limit, on a signal, or when `on_line` fails.
fn watch(
    mut child: Child,
    time_limit: Option<Duration>,
    on_line: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<Watched> {
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        bail!("QEMU was started without pipes");
    };
    let (sender, lines) = mpsc::sync_channel(N_LINES_WAITING);
    let console_reader =
        thread::spawn(move || console::read_lines(stdout, |line| sender.send(line).is_ok()));
    let stderr_reader = thread::spawn(move || read_bounded(stderr));

    let deadline = time_limit.map(|limit| Instant::now() + limit);
    let mut tail = Tail::default();
    let mut is_out_of_time = false;
    let mut outcome = Ok(());
    loop {
        if outcome.is_err() || is_out_of_time || signals::received().is_some() {
            child.kill().context("cannot kill QEMU")?;
            break;
        }
        let left = deadline.map_or(POLL, |deadline| {
            deadline.saturating_duration_since(Instant::now())
        });
        match lines.recv_timeout(left.min(POLL)) {
            Ok(line) => {
                outcome = on_line(&line);
                tail.push(line);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        is_out_of_time = deadline.is_some_and(|deadline| Instant::now() >= deadline);
    }
    // After a kill: what the guest had said by then still belongs to the user.
    while let Ok(line) = lines.recv_timeout(POLL) {
        outcome = outcome.and_then(|()| on_line(&line));
        tail.push(line);
    }
    drop(lines);
    let status = child.wait().context("cannot wait for QEMU")?;
    if let Some(stopped) = signals::received() {
        return Err(stopped.into());
    }
    outcome?;
    console_reader
        .join()
        .map_err(|_| anyhow!("the reader of the console panicked"))?;
    let stderr = stderr_reader
        .join()
        .map_err(|_| anyhow!("the reader of QEMU's messages panicked"))?;
    Ok(Watched {
        status,
        is_out_of_time,
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
        tail,
    })
}

/// Takes the first connection, which is QEMU's, and reads it to its end.
fn read_report(listener: &UnixListener) -> Vec<u8> {
    match listener.accept() {
        Ok((connection, _)) => read_bounded(connection),
        Err(_) => Vec::new(),
    }
}

/// Reads to the end, and keeps one byte more than a report may have, so that its parser can tell.
fn read_bounded(mut source: impl Read) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return kept,
            Ok(n_bytes) => {
                let n_bytes_free = (report::MAX_BYTES + 1).saturating_sub(kept.len());
                kept.extend_from_slice(&buffer[..n_bytes.min(n_bytes_free)]);
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return kept,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exited(code: i32) -> ExitStatus {
        ExitStatus::from_raw(code << 8)
    }

    fn judged(status: ExitStatus, report: &[u8], stderr: &str) -> Ending {
        let (report, fault) = Report::parse(report);
        judge(status, None, &report, fault, stderr)
    }

    /// The status decides, whatever QEMU's own exit code is.
    #[test]
    fn the_report_alone_decides() {
        assert!(matches!(
            judged(exited(0), b"status 7\n", ""),
            Ending::Status(7)
        ));
        assert!(matches!(
            judged(exited(1), b"status 0\n", "warning: TCG lacks x"),
            Ending::Status(0)
        ));
    }

    /// QEMU's exit code 0 without a report is a failure.
    #[test]
    fn silence_is_a_failure() {
        assert!(matches!(
            judged(exited(0), b"", "warning: TCG lacks x"),
            Ending::NoReport(0)
        ));
        assert!(matches!(
            judged(exited(1), b"", "qemu: no such machine\n"),
            Ending::Refused(_)
        ));
        assert!(matches!(judged(exited(1), b"", ""), Ending::NoReport(1)));
    }

    /// A status reported before QEMU was killed, or before the limit ran out, does not count.
    #[test]
    fn a_killed_run_failed() {
        assert!(matches!(
            judged(ExitStatus::from_raw(9), b"status 0\n", ""),
            Ending::Killed(9, _)
        ));
        let (report, fault) = Report::parse(b"status 0\n");
        let limit = Duration::from_secs(1);
        assert!(matches!(
            judge(exited(0), Some(limit), &report, fault, ""),
            Ending::TimeLimit(_)
        ));
    }

    /// A malformed report is named, even when it holds a status.
    #[test]
    fn a_malformed_report_is_a_failure() {
        assert!(matches!(
            judged(exited(1), b"status 0\nstatus 0\n", ""),
            Ending::BadReport(_)
        ));
    }

    /// The guest's own first cause comes before the tool's view of the end, and a status like ours is told apart.
    #[test]
    fn the_first_cause_comes_first() {
        let run = |ending, report: &[u8]| Run {
            ending,
            report: Report::parse(report).0,
            tail: Tail::default(),
            elapsed: Duration::ZERO,
        };
        let failed = run(Ending::Status(1), b"first-cause panic: x\nstatus 1\n").failure();
        assert_eq!(
            failed.as_deref(),
            Some("panic: x; the guest reported status 1")
        );
        assert!(
            run(Ending::Status(243), b"")
                .failure()
                .is_some_and(|words| words.contains("not one of this tool's"))
        );
        assert_eq!(run(Ending::Status(0), b"").failure(), None);
        assert_eq!(run(Ending::Status(243), b"").exit_code(), 243);
        assert_eq!(run(Ending::NoReport(0), b"").exit_code(), 242);
    }
}
