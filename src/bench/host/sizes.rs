//! Bytes of the core's objects, as the test that bounds them tells them.

use anyhow::{Context, Result};

use super::{Row, cargo, lines_of};

/// What the test calls an object, and what it may take.
const SIZES: [(&str, f64); 4] = [
    ("peer", 512.0),
    ("node", 128.0),
    ("handle", 160.0),
    ("queued empty message", 192.0),
];

pub(super) fn measure() -> Result<Vec<Row>> {
    let mut command = cargo();
    command
        .args(["test", "--locked", "-p", "bus1-service"])
        .args(["--test", "allocations", "acc_2_objects_are_small"])
        .args(["--", "--nocapture"]);
    let mut told = None;
    lines_of(command, |line| {
        if let Some((_, sizes)) = line.split_once("bytes per ") {
            told = Some(sizes.to_owned());
        }
    })?;
    let told = told.context("the test acc_2_objects_are_small told no sizes")?;
    SIZES
        .iter()
        .map(|&(name, must)| {
            let n_bytes = size_of(&told, name)
                .with_context(|| format!("no size of a {name} in \"{told}\""))?;
            Ok(Row::at_most(format!("bytes of a {name}"), n_bytes, must))
        })
        .collect()
}

/// The number behind `name` in a list like `peer 1, node 2`.
fn size_of(list: &str, name: &str) -> Option<f64> {
    list.split(", ")
        .find_map(|entry| entry.strip_prefix(name)?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each size stands behind its name.
    #[test]
    fn sizes_are_heard() {
        let list = "peer 344, node 121, handle 152, queued empty message 176";
        assert_eq!(size_of(list, "node"), Some(121.0));
        assert_eq!(size_of(list, "queued empty message"), Some(176.0));
        assert_eq!(size_of(list, "word"), None);
    }
}
