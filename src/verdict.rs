//! The verdict on a run.
//!
//! QEMU's own exit code proves nothing (a triple fault ends it with 0), so the verdict is made from the guest's report
//! alone; every way to end without a good report is an [`Ending`] of its own.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use crate::console::Tail;
use crate::exit::Failure;
use crate::machine::QEMU;
use crate::report::Report;

/// How a run ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// With this status, reported by the guest.
    Status(u8),
    /// Without a status; QEMU's own exit code is given.
    NoReport(i32),
    /// Not within its time limit.
    TimeLimit(Duration),
    /// By the user, who left it.
    Left,
    /// By a signal to QEMU, which before said this.
    Killed(i32, String),
    /// With something that is not a report; the sentence says what.
    BadReport(String),
    /// Before it began: QEMU refused to start and said this.
    Refused(String),
}

/// Why the tool ended a run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CutShort {
    /// It was not over within this.
    TimeLimit(Duration),
    /// The user left it.
    Left,
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
            Ending::NoReport(_) | Ending::Left => Failure::NoReport as u8,
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
            Ending::Left => {
                "left by Ctrl-], which ends the machine, before it had reported".to_owned()
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

/// The verdict. What stopped the run from outside comes first, then the report, then its absence.
pub(crate) fn judge(
    status: ExitStatus,
    cut_short: Option<CutShort>,
    report: &Report,
    fault: Result<(), String>,
    stderr: &str,
) -> Ending {
    match cut_short {
        Some(CutShort::TimeLimit(limit)) => return Ending::TimeLimit(limit),
        Some(CutShort::Left) => return Ending::Left,
        None => {}
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
            judge(
                exited(0),
                Some(CutShort::TimeLimit(limit)),
                &report,
                fault.clone(),
                ""
            ),
            Ending::TimeLimit(_)
        ));
        assert!(matches!(
            judge(exited(0), Some(CutShort::Left), &report, fault, ""),
            Ending::Left
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
