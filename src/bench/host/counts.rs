//! Instructions of the core, counted by callgrind around the rounds of `bus1-service/benches/instructions.rs`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Row, built, lines_of};

/// Sizes of the set that a look-up, send, receive or release picks from at random.
const OBJECTS: [u64; 4] = [10, 1_000, 100_000, 1_000_000];
/// Messages that are queued already.
const QUEUED: [u64; 3] = [1, 1_000, 100_000];
/// Destinations of a multicast.
const DESTINATIONS: [u64; 11] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
/// Objects released or closed at once.
const AT_ONCE: [u64; 3] = [1_000, 10_000, 100_000];

/// Rounds of what is short.
const N_ROUNDS: u64 = 1_000;

/// Much the same, whatever the number of objects or messages.
const FLAT: f64 = 1.1;
/// Much the same, whatever the number of destinations or of objects at once.
const LINEAR: f64 = 1.2;

pub(super) fn measure() -> Result<Vec<Row>> {
    let valgrind = Command::new("valgrind").arg("--version").output();
    if !valgrind.is_ok_and(|output| output.status.success()) {
        bail!("valgrind is missing, which counts the instructions; install the package valgrind");
    }
    let binary = built("instructions")?;
    let count = |operation: &str, n: u64, n_rounds: u64| counted(&binary, operation, n, n_rounds);
    let unicast = count("unicast", 1_000, N_ROUNDS)?;
    let mut rows = vec![
        Row::plain("unicast: send 64 bytes and receive, one account", unicast),
        Row::plain(
            "unicast between two accounts",
            count("apart", 1_000, N_ROUNDS)?,
        ),
        Row::plain(
            "std::sync::mpsc: send a boxed 64 bytes and receive",
            count("channel", 1, N_ROUNDS)?,
        ),
    ];
    let mut series = |name: &str, operation: &str, sizes: &[u64], bound: f64| -> Result<f64> {
        let mut costs = Vec::new();
        for &n in sizes {
            let (n_rounds, n_parts) = match operation {
                "multicast" => ((N_ROUNDS / n).max(4), n),
                "node" | "close" => (1, n),
                _ => (N_ROUNDS, 1),
            };
            let cost = count(operation, n, n_rounds)? / n_parts as f64;
            rows.push(Row::plain(format!("{name}, N = {n}"), cost));
            costs.push(cost);
        }
        let (least, most) = extremes(&costs).context("no sizes")?;
        rows.push(Row::at_most(
            format!("{name}: most to least"),
            most / least,
            bound,
        ));
        Ok(most)
    };
    series(
        "unicast through one of N handles",
        "unicast",
        &OBJECTS,
        FLAT,
    )?;
    series(
        "release one of N handles, copy another",
        "renew",
        &OBJECTS,
        FLAT,
    )?;
    series("unicast behind N queued messages", "queued", &QUEUED, FLAT)?;
    let dearest = series(
        "multicast, per destination of N",
        "multicast",
        &DESTINATIONS,
        LINEAR,
    )?;
    series(
        "release a node with N handles, per handle",
        "node",
        &AT_ONCE,
        LINEAR,
    )?;
    series(
        "close a peer with N objects, per object",
        "close",
        &AT_ONCE,
        LINEAR,
    )?;
    rows.push(Row::at_most(
        "multicast: dearest destination to a unicast",
        dearest / unicast,
        1.0,
    ));
    Ok(rows)
}

fn extremes(costs: &[f64]) -> Option<(f64, f64)> {
    let least = costs.iter().copied().reduce(f64::min)?;
    let most = costs.iter().copied().reduce(f64::max)?;
    Some((least, most))
}

/// Instructions of a round.
fn counted(binary: &Path, operation: &str, n: u64, n_rounds: u64) -> Result<f64> {
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--instr-atstart=no"])
        .arg("--callgrind-out-file=/dev/null")
        .arg(binary)
        .args([operation, &n.to_string(), &n_rounds.to_string()]);
    let mut n_instructions = None;
    lines_of(command, |line| {
        n_instructions = n_instructions.or_else(|| collected(line));
    })?;
    let n_instructions = n_instructions
        .with_context(|| format!("callgrind did not say what it counted for {operation}"))?;
    Ok(n_instructions as f64 / n_rounds as f64)
}

/// The number in callgrind's line `==PID== Collected : NUMBER`.
fn collected(line: &str) -> Option<u64> {
    let (_, number) = line.split_once("Collected : ")?;
    number.trim().parse().ok().filter(|&number| number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Callgrind's sum is taken; nothing counted is no figure.
    #[test]
    fn the_sum_is_heard() {
        assert_eq!(collected("==42== Collected : 1234567"), Some(1_234_567));
        assert_eq!(collected("==42== Collected : 0"), None);
        assert_eq!(collected("==42== Events    : Ir"), None);
    }
}
