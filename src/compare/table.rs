//! Tables for the terminal.

use omnibus_compare::{Experiment, Kind, N_REPETITIONS};

use super::figures::{SYSTEMS, Table};

/// What the figures of an experiment count.
pub(super) fn unit(kind: Kind) -> &'static str {
    match kind {
        Kind::Instructions => "guest instructions",
        Kind::Bytes => "bytes of memory",
        Kind::Semantics => "runs",
    }
}

/// An experiment's figures as lines.
pub(super) fn lines(experiment: &Experiment, table: &Table<'_>) -> Vec<String> {
    let unit = unit(experiment.kind);
    let mut lines = vec![
        format!("{}: {}", experiment.name, experiment.sentence),
        format!(
            "In {unit}, median of {N_REPETITIONS}; the last column compares the best of each side."
        ),
    ];
    lines.extend(aligned(&rows(experiment, table)));
    lines
}

/// An experiment's answers as lines: a block for each question, a line for each means.
pub(super) fn lines_of_answers(experiment: &Experiment, rows: &[Vec<String>]) -> Vec<String> {
    let mut lines = vec![
        format!("{}: {}", experiment.name, experiment.sentence),
        "In brackets, in how many runs.".to_owned(),
    ];
    let [systems, means, questions @ ..] = rows else {
        return lines;
    };
    for question in questions {
        lines.push(format!("{}:", question[0]));
        let columns = systems.iter().zip(means).zip(question).skip(1);
        let answered = columns.filter(|(_, answer)| *answer != "-");
        lines.extend(
            answered
                .map(|((system, means), answer)| format!("    {system:<8} {means:<18} {answer}")),
        );
    }
    lines
}

/// An experiment's figures as cells: two rows of names, then a row for each parameter.
pub(super) fn rows(experiment: &Experiment, table: &Table<'_>) -> Vec<Vec<String>> {
    let columns = table.columns();
    let row = |first: String, middle: Vec<String>, last: String| {
        let mut row = vec![first];
        row.extend(middle);
        row.push(last);
        row
    };
    let mut rows = vec![
        row(
            String::new(),
            names(&columns, |(system, _)| SYSTEMS[system]),
            "Omnibus".to_owned(),
        ),
        row(
            experiment.parameter.to_owned(),
            names(&columns, |(_, means)| means),
            "to Linux".to_owned(),
        ),
    ];
    for parameter in table.parameters() {
        let has_parameter = !experiment.parameter.is_empty();
        let none = || "-".to_owned();
        let median =
            |column: &(usize, &str)| table.median(*column, parameter).map_or_else(none, grouped);
        let ratio = table.ratio(parameter).map(|ratio| format!("{ratio:.2}"));
        rows.push(row(
            if has_parameter {
                parameter.to_string()
            } else {
                String::new()
            },
            columns.iter().map(median).collect(),
            ratio.unwrap_or_else(none),
        ));
    }
    rows
}

fn names<'a>(
    columns: &[(usize, &'a str)],
    name: impl Fn((usize, &'a str)) -> &'a str,
) -> Vec<String> {
    columns
        .iter()
        .map(|column| name(*column).to_owned())
        .collect()
}

/// Cells under each other, to the right.
pub(super) fn aligned(rows: &[Vec<String>]) -> Vec<String> {
    let n_columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell: &String| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<_> = (0..n_columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths);
        let cells = cells.map(|(cell, width)| format!("{cell:>width$}"));
        cells.collect::<Vec<_>>().join("  ")
    };
    rows.iter().map(line).collect()
}

/// A number with a comma between thousands.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Thousands are kept apart.
    #[test]
    fn thousands_are_grouped() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1000), "1,000");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }

    /// Columns end under each other, whatever their length.
    #[test]
    fn columns_are_aligned() {
        let rows = [
            vec!["a".to_owned(), "long".to_owned()],
            vec!["bb".to_owned(), "c".to_owned()],
        ];
        assert_eq!(aligned(&rows), [" a  long", "bb     c"]);
    }
}
