//! `bench --host`: what the bus1 core costs as an ordinary program, without a kernel around it.
//!
//! Instructions are counted by callgrind ([`counts`]), bytes by the allocator of a test ([`sizes`]), and time is taken beside a channel of the
//! standard library, a socket, and accesses to an array ([`times`]). A figure with a bound becomes a [`Row`]; the run fails if an
//! instruction count or a size is beyond what it must be. Times depend on the machine and on what else it does, so they are
//! judged, and decide nothing.

mod counts;
mod sizes;
mod times;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::testing::child;

/// How long one step may take: compiling, or one measurement.
const TIME_LIMIT: Duration = Duration::from_secs(600);

/// One kind of measurement.
type Measure = fn() -> Result<Vec<Row>>;

/// A figure and what it must be.
struct Row {
    what: String,
    figure: f64,
    bound: Option<Bound>,
    /// A miss fails the run.
    is_binding: bool,
}

/// What a figure must be, and what it should be.
#[derive(Clone, Copy)]
enum Bound {
    AtMost { must: f64, goal: f64 },
    AtLeast { must: f64, goal: f64 },
}

impl Row {
    /// A figure without a bound.
    fn plain(what: impl Into<String>, figure: f64) -> Row {
        Row {
            what: what.into(),
            figure,
            bound: None,
            is_binding: false,
        }
    }

    /// A count or a size that must be at most `must`.
    fn at_most(what: impl Into<String>, figure: f64, must: f64) -> Row {
        let goal = must;
        Row {
            bound: Some(Bound::AtMost { must, goal }),
            is_binding: true,
            ..Row::plain(what, figure)
        }
    }

    /// A time that is judged.
    fn judged(what: impl Into<String>, figure: f64, bound: Bound) -> Row {
        Row {
            bound: Some(bound),
            ..Row::plain(what, figure)
        }
    }

    fn verdict(&self) -> &'static str {
        let figure = self.figure;
        match self.bound {
            None => "",
            Some(Bound::AtMost { goal, .. }) if figure <= goal => "goal",
            Some(Bound::AtLeast { goal, .. }) if figure >= goal => "goal",
            Some(Bound::AtMost { must, .. }) if figure <= must => "must",
            Some(Bound::AtLeast { must, .. }) if figure >= must => "must",
            Some(_) => "MISSED",
        }
    }

    fn print(&self, out: &mut dyn Write) -> Result<()> {
        let bounds = match self.bound {
            None => String::new(),
            Some(Bound::AtMost { must, goal }) => {
                format!("≤ {:<7} {:<7}", number(must), number(goal))
            }
            Some(Bound::AtLeast { must, goal }) => {
                format!("≥ {:<7} {:<7}", number(must), number(goal))
            }
        };
        let line = format!(
            "{:<58} {:>9}  {bounds:<17} {}",
            self.what,
            number(self.figure),
            self.verdict()
        );
        writeln!(out, "{}", line.trim_end()).context("cannot write to standard output")
    }
}

/// A figure with as many places as say something.
fn number(figure: f64) -> String {
    if figure.fract() == 0.0 || figure >= 100.0 {
        format!("{figure:.0}")
    } else {
        format!("{figure:.2}")
    }
}

/// Measures and prints everything. The exit code is 1 if an instruction count or a size is beyond what it must be.
///
/// # Errors
/// If something cannot be built or run.
pub(super) fn run() -> Result<u8> {
    let mut out = std::io::stdout().lock();
    let mut n_missed = 0;
    let parts: [(&str, Measure); 3] = [
        ("instructions", counts::measure),
        ("bytes", sizes::measure),
        ("time", times::measure),
    ];
    for (title, measure) in parts {
        eprintln!("measuring {title}");
        let rows = measure()?;
        let line = format!("{title:<58} {:>9}  {:<9} {:<7}", "figure", "must", "goal");
        writeln!(out, "{}", line.trim_end()).context("cannot write to standard output")?;
        for row in &rows {
            row.print(&mut out)?;
            n_missed += u32::from(row.is_binding && row.verdict() == "MISSED");
        }
        writeln!(out).context("cannot write to standard output")?;
    }
    if n_missed > 0 {
        writeln!(
            out,
            "{n_missed} counts or sizes are beyond what they must be"
        )
        .context("cannot write to standard output")?;
        return Ok(1);
    }
    Ok(0)
}

/// Builds a benchmark of the core as one unit with link-time optimisation, and returns its path.
fn built(bench: &str) -> Result<PathBuf> {
    let mut command = cargo();
    command
        .args([
            "bench",
            "--locked",
            "-p",
            "bus1-service",
            "--no-run",
            "--bench",
        ])
        .arg(bench)
        .env("CARGO_PROFILE_BENCH_LTO", "fat")
        .env("CARGO_PROFILE_BENCH_CODEGEN_UNITS", "1");
    let mut path = None;
    lines_of(command, |line| {
        if let Some((_, rest)) = line.split_once("Executable ")
            && let Some((_, file)) = rest.split_once('(')
        {
            path = Some(root().join(file.trim_end_matches(')')));
        }
    })?;
    path.with_context(|| format!("cargo did not say where the benchmark {bench} is"))
}

fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs a command and hands over what it says. If it fails, so does this, with what it said last.
fn lines_of(command: Command, mut take: impl FnMut(&str)) -> Result<()> {
    let name = format!("{command:?}");
    let mut last = String::new();
    let failure = child::run(command, TIME_LIMIT, |line| {
        if !line.trim().is_empty() {
            last = line.to_owned();
        }
        take(line);
        Ok(())
    })?;
    if let Some(failure) = failure {
        bail!("{name} {failure}; it said last: {last}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bounds belong to what they allow, on both sides.
    #[test]
    fn host_bounds_are_inclusive() {
        let most = |figure| {
            let bound = Bound::AtMost {
                must: 3.0,
                goal: 2.0,
            };
            Row::judged("", figure, bound).verdict()
        };
        assert_eq!(
            [most(2.0), most(3.0), most(3.1)],
            ["goal", "must", "MISSED"]
        );
        let least = |figure| {
            let bound = Bound::AtLeast {
                must: 5.0,
                goal: 10.0,
            };
            Row::judged("", figure, bound).verdict()
        };
        assert_eq!(
            [least(10.0), least(5.0), least(4.9)],
            ["goal", "must", "MISSED"]
        );
    }
}
