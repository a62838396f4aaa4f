//! The figures that the repository keeps, and the comparison with them.
//!
//! The file has a comment line for each reason for which it was changed, then `id,instructions` and a row for each experiment. A figure
//! that is more than [`TOLERANCE_PERCENT`] away, in either direction, is not the one that is kept: one that became better and is not
//! accepted would hide that it becomes worse again.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

/// How far a figure may be from the one that is kept.
const TOLERANCE_PERCENT: u64 = 3;

const HEADER: &str = "id,instructions";

/// The file in the repository.
fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("bench")
        .join("figures.csv")
}

/// The figures as rows under a header.
pub(super) fn csv(figures: &[(String, u64)]) -> String {
    let rows = figures
        .iter()
        .map(|(id, figure)| format!("{id},{figure}\n"));
    format!("{HEADER}\n{}", rows.collect::<String>())
}

/// Makes `figures` the ones that are kept, because of `reason`.
///
/// # Errors
/// An empty reason, or one of several lines; a file that cannot be read or written.
pub(super) fn accept(figures: &[(String, u64)], reason: &str) -> Result<()> {
    let reason = reason.trim();
    if reason.is_empty() || reason.contains('\n') {
        bail!("a reason is one line of text, and not empty");
    }
    let file = file();
    let before = if file.exists() {
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?
    } else {
        String::new()
    };
    let reasons = before.lines().filter(|line| line.starts_with('#'));
    let mut text = reasons.map(|line| format!("{line}\n")).collect::<String>();
    text.push_str(&format!("# {reason}\n{}", csv(figures)));
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
}

/// Compares with what is kept and says what differs. The exit code: 0, or 1 if something does.
///
/// # Errors
/// A file that cannot be read.
pub(super) fn compare(out: &mut dyn Write, figures: &[(String, u64)]) -> Result<u8> {
    let file = file();
    let text = fs::read_to_string(&file)
        .with_context(|| format!("cannot read {} (--accept makes it)", file.display()))?;
    let kept = parse(&text).with_context(|| format!("{} is malformed", file.display()))?;
    let complaints = differences(&kept, figures);
    for complaint in &complaints {
        writeln!(out, "not as kept: {complaint}").context("cannot write to standard output")?;
    }
    let verdict = if complaints.is_empty() {
        format!(
            "all {} figures are within {TOLERANCE_PERCENT} % of those kept",
            kept.len()
        )
    } else {
        "if this is meant to be: bench --accept \"REASON\"".to_owned()
    };
    writeln!(out, "{verdict}").context("cannot write to standard output")?;
    Ok(u8::from(!complaints.is_empty()))
}

fn parse(text: &str) -> Result<Vec<(String, u64)>> {
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    if lines.next() != Some(HEADER) {
        bail!("its first line is not \"{HEADER}\"");
    }
    let row = |line: &str| {
        let (id, figure) = line.split_once(',').context("a row without a comma")?;
        let figure = figure
            .parse()
            .with_context(|| format!("\"{figure}\" is not a figure"))?;
        Ok((id.to_owned(), figure))
    };
    lines.map(row).collect()
}

fn differences(kept: &[(String, u64)], figures: &[(String, u64)]) -> Vec<String> {
    let figure_of = |figures: &[(String, u64)], id: &str| {
        let row = figures.iter().find(|(other, _)| other == id);
        row.map(|&(_, figure)| figure)
    };
    let mut complaints = Vec::new();
    for (id, kept) in kept {
        match figure_of(figures, id) {
            None => complaints.push(format!("{id} was not measured")),
            Some(figure) if figure.abs_diff(*kept) * 100 > kept * TOLERANCE_PERCENT => {
                complaints.push(format!("{id} is {figure}, kept is {kept}"));
            }
            Some(_) => {}
        }
    }
    for (id, figure) in figures {
        if figure_of(kept, id).is_none() {
            complaints.push(format!("{id} is {figure}, and none is kept"));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[(&str, u64)]) -> Vec<(String, u64)> {
        rows.iter()
            .map(|&(id, figure)| (id.to_owned(), figure))
            .collect()
    }

    /// Within three parts of a hundred a figure is the one that is kept, in both directions; beyond it is not.
    #[test]
    fn the_tolerance_is_three_percent() {
        let kept = rows(&[("a", 1000)]);
        for (figure, n_complaints) in [(1000, 0), (1030, 0), (970, 0), (1031, 1), (969, 1)] {
            let complaints = differences(&kept, &rows(&[("a", figure)]));
            assert_eq!(complaints.len(), n_complaints, "{figure}: {complaints:?}");
        }
    }

    /// A figure that disappeared and one that nobody keeps are differences.
    #[test]
    fn missing_and_new_figures_are_differences() {
        let complaints = differences(&rows(&[("a", 1)]), &rows(&[("b", 2)]));
        assert_eq!(complaints.len(), 2, "{complaints:?}");
    }

    /// What is written is read back; reasons are comments; anything else is malformed.
    #[test]
    fn figures_round_trip() {
        let figures = rows(&[("a", 1), ("b", 2)]);
        let text = format!("# because\n{}", csv(&figures));
        assert_eq!(parse(&text).unwrap(), figures);
        for bad in ["", "id\n", "id,instructions\na\n", "id,instructions\na,x\n"] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
