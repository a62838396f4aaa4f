//! Time, by criterion (`bus1-service/benches/cost.rs`): the median of seven runs, in each of which everything is measured after
//! one another; and the work of several threads (`bus1-service/benches/threads.rs`), which criterion does not measure.

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
const UNICAST: [&str; 3] = ["unicast/bus1", "unicast/channel", "unicast/socket"];
const OBJECTS: [u64; 4] = [10, 1_000, 100_000, 1_000_000];

pub(super) fn measure() -> Result<Vec<Row>> {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    eprintln!(
        "the load of this machine is {}",
        load.split(' ').next().unwrap_or("unknown")
    );
    let mut rows = by_criterion()?;
    rows.extend(by_threads()?);
    Ok(rows)
}

fn by_criterion() -> Result<Vec<Row>> {
    let binary = built("cost")?;
    let home = target_folder().join("criterion");
    let mut names: Vec<String> = UNICAST.map(str::to_owned).to_vec();
    for part in ["send and receive", "array access"] {
        names.extend(OBJECTS.map(|n| format!("objects/{part}/{n}")));
    }
    let mut runs = vec![Vec::new(); names.len()];
    for _ in 0..N_RUNS {
        let mut command = Command::new(&binary);
        command
            .args(RUN)
            .arg("unicast|objects")
            .env("CRITERION_HOME", &home);
        lines_of(command, |_| {})?;
        for (name, figures) in names.iter().zip(&mut runs) {
            figures.push(estimate(&home, name)?);
        }
    }
    let medians: Vec<f64> = runs.into_iter().map(median).collect();
    let [bus1, channel, socket, ..] = medians[..] else {
        anyhow::bail!("criterion told too few figures");
    };
    let mut rows: Vec<Row> = names
        .iter()
        .zip(&medians)
        .map(|(name, &ns)| Row::plain(format!("{name}, ns"), ns))
        .collect();
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
    Ok(rows)
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

/// What several threads do: `disjoint BUS1 CONTROL`, how much more two threads do than one, and `senders N RATE`.
fn by_threads() -> Result<Vec<Row>> {
    let mut command = Command::new(built("threads")?);
    command.arg("--bench");
    let mut said = Vec::new();
    lines_of(command, |line| {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |word: &str| word.parse::<f64>().ok();
        if let [name, first, second] = words[..]
            && let (Some(first), Some(second)) = (number(first), number(second))
        {
            said.push((name.to_owned(), first, second));
        }
    })?;
    let mut rows = Vec::new();
    let mut rates = Vec::new();
    for (name, first, second) in said {
        if name == "senders" {
            rows.push(Row::plain(
                format!("{first} senders to one peer, messages per second"),
                second,
            ));
            rates.push(second);
            continue;
        }
        rows.push(Row::plain(
            "two threads on disjoint peers, times one",
            first,
        ));
        rows.push(Row::plain("two threads that only count, times one", second));
        rows.push(Row::judged(
            "two threads: scaling to that of counting",
            first / second,
            Bound::AtLeast {
                must: 0.9,
                goal: 0.9,
            },
        ));
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
