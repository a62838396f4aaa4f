//! The exit codes of this tool.
//!
//! A guest's status passes through unchanged, 0 to 255. The tool's own failures have codes of their own, high enough that
//! programs rarely use them; when a guest does report one of these numbers, the message on standard error says that it
//! was the guest.

use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::process::ExitCode;

/// First code of the tool's own failures.
const FIRST_OWN: u8 = Failure::Usage as u8;
/// Last code set aside for the tool's own failures.
const LAST_OWN: u8 = 249;

/// What went wrong on the host's side, or with a guest that did not say how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Failure {
    /// A wrong word, option or value; nothing was started.
    Usage = 240,
    /// The host could not do its part: a file, a directory, a process, QEMU's own start.
    Host = 241,
    /// The guest ended without a report: a triple fault, a reset, a power-off.
    NoReport = 242,
    /// The guest ran into its time limit and was killed.
    TimeLimit = 243,
    /// QEMU died of a signal.
    Killed = 244,
    /// The second channel carried something that is not a report, or two of them.
    BadReport = 245,
}

/// Whether a status that a guest reported looks like one of the tool's own codes.
pub(crate) fn is_own(status: u8) -> bool {
    (FIRST_OWN..=LAST_OWN).contains(&status)
}

impl From<Failure> for ExitCode {
    fn from(failure: Failure) -> Self {
        Self::from(failure as u8)
    }
}

/// An error of the user's: a wrong word or value, found only after the command line was read. The sentence says what is
/// allowed.
#[derive(Debug)]
pub(crate) struct WrongValue(pub(crate) String);

impl Display for WrongValue {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for WrongValue {}

/// The code for an error that carries no better one.
pub(crate) fn code_of(error: &anyhow::Error) -> Failure {
    if error.is::<WrongValue>() {
        Failure::Usage
    } else {
        Failure::Host
    }
}

/// The table of codes for `help`.
pub(crate) const HELP: &str = "\
Exit code: the status that the guest reports (0 to 255), which alone decides; `test` ends with 0 or 1.
Failures of the tool itself, or of a guest that did not report:
  240  a wrong word, option or value        243  the time limit ran out; the guest was killed
  241  the host failed (file, build, QEMU)  244  QEMU died of a signal
  242  the guest ended without a report     245  the guest's report was malformed";

#[cfg(test)]
mod tests {
    use super::*;

    /// Every code of the tool is in the range set aside for it and is named in the help text.
    #[test]
    fn every_own_code_is_documented() {
        for failure in [
            Failure::Usage,
            Failure::Host,
            Failure::NoReport,
            Failure::TimeLimit,
            Failure::Killed,
            Failure::BadReport,
        ] {
            assert!(is_own(failure as u8));
            assert!(
                HELP.contains(&format!("  {}  ", failure as u8)),
                "{failure:?}"
            );
        }
        assert!(!is_own(0) && !is_own(239) && !is_own(250) && !is_own(255));
    }
}
