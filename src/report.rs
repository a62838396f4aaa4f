//! The second channel: what the guest says to the tool and not to the user.
//!
//! The guest writes lines to port 0xe9. The console is for people and any task may write anything there; this channel
//! belongs to the kernel, and the exit code comes from nothing else. Its lines, each ended by `\n`:
//!
//! | line | meaning | how often |
//! |---|---|---|
//! | `status N` | the run is over, with N from 0 to 255 | exactly once |
//! | `first-cause TEXT` | what went wrong first, in one sentence | the first one counts |
//! | `booted N` | nanoseconds from power-on to the first user instruction | at most once |
//!
//! Anything else makes the report malformed: a channel that may carry noise proves nothing.

/// The longest report taken from a guest, in bytes. A guest that writes more is cut off there and its report refused.
pub(crate) const MAX_BYTES: usize = 64 * 1024;

/// What the guest said on the second channel.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// The status, if one was reported.
    pub(crate) status: Option<u8>,
    /// The first `first-cause` line.
    pub(crate) first_cause: Option<String>,
    /// Nanoseconds from power-on to the first user instruction.
    pub(crate) booted_ns: Option<u64>,
}

impl Report {
    /// Parses everything that the guest wrote.
    ///
    /// # Errors
    /// A sentence that names the first line which is not part of a report, together with what was understood.
    pub(crate) fn parse(bytes: &[u8]) -> (Self, Result<(), String>) {
        let mut report = Self::default();
        let fault = report.take_all(bytes);
        (report, fault)
    }

    fn take_all(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut first_fault = Ok(());
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            let taken = match line.strip_suffix(b"\n") {
                Some(line) => self.take_line(line),
                None => Err(format!("the last line is not ended: {}", quoted(line))),
            };
            first_fault = first_fault.and(taken);
        }
        if bytes.len() > MAX_BYTES {
            first_fault =
                first_fault.and(Err(format!("the report is longer than {MAX_BYTES} bytes")));
        }
        first_fault
    }

    fn take_line(&mut self, line: &[u8]) -> Result<(), String> {
        let unknown = || format!("not a line of a report: {}", quoted(line));
        let text = std::str::from_utf8(line).map_err(|_| unknown())?;
        let (word, value) = text.split_once(' ').ok_or_else(unknown)?;
        match word {
            "status" => {
                let status = decimal(value)
                    .and_then(|status| u8::try_from(status).ok())
                    .ok_or_else(|| {
                        format!("a status is a number from 0 to 255: {}", quoted(line))
                    })?;
                match self.status.replace(status) {
                    None => Ok(()),
                    Some(earlier) => {
                        self.status = Some(earlier);
                        Err(format!("a second status, {status} after {earlier}"))
                    }
                }
            }
            "first-cause" => {
                self.first_cause.get_or_insert_with(|| value.to_owned());
                Ok(())
            }
            "booted" => {
                let booted_ns = decimal(value)
                    .ok_or_else(|| format!("not a number of nanoseconds: {}", quoted(line)))?;
                match self.booted_ns.replace(booted_ns) {
                    None => Ok(()),
                    Some(_) => Err("a second `booted` line".to_owned()),
                }
            }
            _ => Err(unknown()),
        }
    }
}

/// A decimal number without sign or leading blanks, which `str::parse` alone would let through as `+7`.
fn decimal(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

/// The start of a line, printable, for a message.
fn quoted(line: &[u8]) -> String {
    const N_SHOWN: usize = 80;
    format!("\"{}\"", line[..line.len().min(N_SHOWN)].escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(bytes: &[u8]) -> String {
        Report::parse(bytes).1.unwrap_err()
    }

    /// A full report is understood line by line.
    #[test]
    fn reads_every_line() {
        let (report, fault) =
            Report::parse(b"booted 1234\nfirst-cause panic: a b\nfirst-cause later\nstatus 7\n");
        assert_eq!(fault, Ok(()));
        assert_eq!(
            report,
            Report {
                status: Some(7),
                first_cause: Some("panic: a b".into()),
                booted_ns: Some(1234)
            }
        );
    }

    /// No report at all is not malformed; it is simply none.
    #[test]
    fn nothing_is_no_status() {
        assert_eq!(Report::parse(b""), (Report::default(), Ok(())));
    }

    /// Both ends of the range of a status pass, the next number does not.
    #[test]
    fn status_is_a_byte() {
        assert_eq!(Report::parse(b"status 0\n").0.status, Some(0));
        assert_eq!(Report::parse(b"status 255\n").0.status, Some(255));
        assert!(fault(b"status 256\n").contains("0 to 255"));
        for bad in [
            "status -1\n",
            "status +1\n",
            "status \n",
            "status  1\n",
            "status 1 \n",
            "status 0x1\n",
        ] {
            assert!(fault(bad.as_bytes()).contains("0 to 255"), "{bad:?}");
        }
    }

    /// Two statuses are a malformed report, even when they agree, and the first is the one remembered.
    #[test]
    fn status_comes_once() {
        let (report, fault) = Report::parse(b"status 0\nstatus 1\n");
        assert_eq!(report.status, Some(0));
        assert_eq!(fault, Err("a second status, 1 after 0".to_owned()));
        assert!(Report::parse(b"status 0\nstatus 0\n").1.is_err());
    }

    /// A status whose line was not ended may have lost digits, so it does not count.
    #[test]
    fn an_unended_line_is_refused() {
        let (report, fault) = Report::parse(b"status 1");
        assert_eq!(report.status, None);
        assert!(fault.unwrap_err().contains("not ended"));
    }

    /// Noise is refused, and the first fault is the one named.
    #[test]
    fn noise_is_refused() {
        assert!(fault(b"hello world\nstatus 300\n").contains("hello world"));
        assert!(fault(b"\xff\xfe \n").contains("\\xff"));
        assert!(fault(b"\n").contains("not a line"));
    }

    /// A report beyond the limit is refused even when each of its lines is good.
    #[test]
    fn an_endless_report_is_refused() {
        let mut bytes = b"status 0\n".to_vec();
        while bytes.len() <= MAX_BYTES {
            bytes.extend_from_slice(b"first-cause again\n");
        }
        assert!(fault(&bytes).contains("longer than"));
    }
}
