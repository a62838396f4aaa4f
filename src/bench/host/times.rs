//! Time: of a message beside those of others, in turns (`bus1-service/benches/unicast.rs`); by criterion
//! (`bus1-service/benches/cost.rs`), the median of seven runs, in each of which everything is measured after one another; and of
//! several threads (`bus1-service/benches/threads.rs`).

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::super::target_folder;
use super::{Bound, Row, built, lines_of};

const N_RUNS: usize = 7;

/// What one run measures: short, since there are seven.
const RUN: [&str; 8] = [
    "--bench",
    "--noplot",
    "--warm-up-time",
    "0.2",
    "--measurement-time",
    "0.5",
    "--sample-size",
    "10",
];

/// Figures of criterion, by the folders that it keeps them in.
const OBJECTS: [u64; 4] = [10, 1_000, 100_000, 1_000_000];

pub(super) fn measure() -> Result<Vec<Row>> {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    eprintln!(
        "the load of this machine is {}",
        load.split(' ').next().unwrap_or("unknown")
    );
    let mut rows = by_turns()?;
    rows.extend(by_criterion()?);
    rows.extend(by_threads()?);
    Ok(rows)
}

/// What the lines of a benchmark begin with, and the numbers that follow.
fn said(bench: &str, n_words: usize) -> Result<Vec<(String, Vec<f64>)>> {
    let mut command = Command::new(built(bench)?);
    command.arg("--bench");
    let mut said = Vec::new();
    lines_of(command, |line| {
        let words: Vec<&str> = line.split(' ').collect();
        let (name, numbers) = words.split_at(n_words.min(words.len()));
        let numbers: Result<Vec<f64>, _> = numbers.iter().map(|word| word.parse()).collect();
        if let Ok(numbers) = numbers {
            said.push((name.join(" "), numbers));
        }
    })?;
    Ok(said)
}

/// Unicasts, beside a channel and a socket: `unicast NAME MEDIAN LEAST`.
fn by_turns() -> Result<Vec<Row>> {
    let said = said("unicast", 2)?;
    let mut rows = Vec::new();
    let mut figures = [[f64::NAN; 2]; 3];
    for (figures, name) in figures.iter_mut().zip(["bus1", "channel", "socket"]) {
        let told = said
            .iter()
            .find(|(told, _)| *told == format!("unicast {name}"));
        let Some([median, least]) = told.map(|(_, numbers)| &numbers[..]) else {
            anyhow::bail!("the benchmark unicast told no figures of {name}");
        };
        *figures = [*median, *least];
        rows.push(Row::plain(
            format!("unicast/{name}, ns, median of turns"),
            *median,
        ));
        rows.push(Row::plain(format!("unicast/{name}, ns, least"), *least));
    }
    let [[bus1, bus1_least], [channel, channel_least], [socket, _]] = figures;
    rows.push(Row::judged(
        "unicast: times cheaper than the socket",
        socket / bus1,
        Bound::AtLeast {
            must: 5.0,
            goal: 10.0,
        },
    ));
    rows.push(Row::judged(
        "unicast: times the channel",
        bus1 / channel,
        Bound::AtMost {
            must: 3.0,
            goal: 2.0,
        },
    ));
    rows.push(Row::plain(
        "unicast: times the channel, by the least of each",
        bus1_least / channel_least,
    ));
    Ok(rows)
}

fn by_criterion() -> Result<Vec<Row>> {
    let binary = built("cost")?;
    let home = target_folder().join("criterion");
    let mut names: Vec<String> = Vec::new();
    for part in ["send and receive", "array access"] {
        names.extend(OBJECTS.map(|n| format!("objects/{part}/{n}")));
    }
    let mut runs = vec![Vec::new(); names.len()];
    for _ in 0..N_RUNS {
        let mut command = Command::new(&binary);
        command
            .args(RUN)
            .arg("objects")
            .env("CRITERION_HOME", &home);
        lines_of(command, |_| {})?;
        for (name, figures) in names.iter().zip(&mut runs) {
            figures.push(estimate(&home, name)?);
        }
    }
    let medians = runs.into_iter().map(median);
    Ok(names
        .iter()
        .zip(medians)
        .map(|(name, ns)| Row::plain(format!("{name}, ns"), ns))
        .collect())
}

/// The median of one run of criterion, in nanoseconds.
fn estimate(home: &Path, name: &str) -> Result<f64> {
    let file = home.join(name).join("new").join("estimates.json");
    let text = fs::read_to_string(&file)
        .with_context(|| format!("criterion left no {}", file.display()))?;
    let estimates: serde_json::Value =
        serde_json::from_str(&text).with_context(|| format!("{} is not JSON", file.display()))?;
    estimates["median"]["point_estimate"]
        .as_f64()
        .with_context(|| format!("{} has no median", file.display()))
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// What several threads do: `disjoint BUS1 CONTROL N-RUNS`, how much more two threads do than one, and `senders N RATE`.
fn by_threads() -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let mut rates = Vec::new();
    for (name, numbers) in said("threads", 1)? {
        match (name.as_str(), &numbers[..]) {
            ("senders", &[n_senders, rate]) => {
                rows.push(Row::plain(
                    format!("{n_senders} senders to one peer, messages per second"),
                    rate,
                ));
                rates.push(rate);
            }
            ("disjoint", &[bus1, control, n_runs]) => {
                rows.push(Row::plain(
                    "two threads: runs in which both had a processor",
                    n_runs,
                ));
                rows.push(Row::plain("two threads on disjoint peers, times one", bus1));
                rows.push(Row::plain(
                    "two threads that only count, times one",
                    control,
                ));
                rows.push(Row::judged(
                    "two threads: scaling to that of counting",
                    bus1 / control,
                    Bound::AtLeast {
                        must: 0.9,
                        goal: 0.9,
                    },
                ));
            }
            _ => {}
        }
    }
    let (Some(&one), Some(least)) = (rates.first(), rates.iter().copied().reduce(f64::min)) else {
        anyhow::bail!("the benchmark threads told no rates");
    };
    rows.push(Row::judged(
        "many senders: worst rate to that of one",
        least / one,
        Bound::AtLeast {
            must: 0.5,
            goal: 0.5,
        },
    ));
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The middle one of seven is taken, in whatever order they came.
    #[test]
    fn the_median_is_the_middle_one() {
        assert_eq!(median(vec![9.0, 1.0, 5.0, 7.0, 3.0, 8.0, 2.0]), 5.0);
    }
}
