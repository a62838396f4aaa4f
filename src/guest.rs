//! One run of a guest: QEMU is started, its console handed on line by line ([`run`]) or to the user's terminal ([`converse`]), its report
//! read, its end judged.
//!
//! A run is over when QEMU has ended; [`crate::verdict`] then says what to make of it. The run never outlives its time
//! limit, nor a signal to this tool, and its threads end with it because QEMU's end closes what they read.

use std::io::Read;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use crate::console::{self, Tail};
use crate::conversation;
use crate::machine::{Machine, QEMU};
use crate::report::{self, Report};
use crate::scratch::ScratchDirectory;
use crate::signals;
use crate::verdict::{CutShort, Run, judge};

/// How long a wait may keep the tool from noticing a signal.
pub(crate) const POLL: Duration = Duration::from_millis(100);
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

/// Boots a guest and hands each line of its console to `on_line` until QEMU has ended.
///
/// # Errors
/// If the host cannot do its part: no QEMU, no socket, or `on_line` failed. What the guest does is never an error here.
pub(crate) fn run(boot: &Boot, on_line: &mut dyn FnMut(&str) -> Result<()>) -> Result<Run> {
    run_by(boot, Stdio::null(), |child| {
        watch(child, boot.time_limit, on_line)
    })
}

/// Boots a guest and has its console on this tool's standard input and output until QEMU has ended, or the user leaves it.
///
/// # Errors
/// If the host cannot do its part: no QEMU, no socket, or a terminal that does not do as it is told.
pub(crate) fn converse(boot: &Boot) -> Result<Run> {
    run_by(boot, Stdio::piped(), |child| {
        conversation::hold(child, boot.time_limit)
    })
}

/// Starts QEMU, has `attend` stay with it until its end, and judges that.
fn run_by(boot: &Boot, input: Stdio, attend: impl FnOnce(Child) -> Result<Watched>) -> Result<Run> {
    let directory = ScratchDirectory::new()?;
    let socket = directory.path().join("report");
    let listener = UnixListener::bind(&socket)
        .with_context(|| format!("cannot listen on {}", socket.display()))?;
    let report_reader = thread::spawn(move || read_report(&listener));

    let started = Instant::now();
    let spawned = spawn(boot, input, &socket);
    let watched = spawned.and_then(attend);
    // Should QEMU never have connected, this wakes the reader; otherwise it is the connection that nobody accepts.
    drop(UnixStream::connect(&socket));
    let bytes = report_reader
        .join()
        .map_err(|_| anyhow!("the reader of the report panicked"))?;
    let Watched {
        status,
        cut_short,
        stderr,
        tail,
    } = watched?;

    let (report, fault) = Report::parse(&bytes);
    let ending = judge(status, cut_short, &report, fault, &stderr);
    Ok(Run {
        ending,
        report,
        tail,
        elapsed: started.elapsed(),
    })
}

fn spawn(boot: &Boot, input: Stdio, socket: &Path) -> Result<Child> {
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
    command.stdin(input);
    command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            anyhow!("{QEMU} is not installed; ./run-qemu.sh installs it (Debian: apt-get install qemu-system-x86)")
        }
        _ => anyhow!(error).context(format!("cannot start {QEMU}")),
    })
}

/// What was seen of QEMU until its end.
pub(crate) struct Watched {
    pub(crate) status: ExitStatus,
    pub(crate) cut_short: Option<CutShort>,
    pub(crate) stderr: String,
    pub(crate) tail: Tail,
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
        cut_short: time_limit
            .filter(|_| is_out_of_time)
            .map(CutShort::TimeLimit),
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
pub(crate) fn read_bounded(mut source: impl Read) -> Vec<u8> {
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
