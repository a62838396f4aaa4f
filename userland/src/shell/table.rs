//! Columns of text: numbers to the right, words to the left.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

/// Where the text of a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Rows under a heading. The width of a column is that of its longest text.
#[derive(Clone, Debug)]
pub struct Table {
    sides: Vec<Side>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns.
    #[must_use]
    pub fn new(columns: &[(&str, Side)]) -> Self {
        Self {
            sides: columns.iter().map(|(_, side)| *side).collect(),
            rows: alloc::vec![columns.iter().map(|(name, _)| (*name).into()).collect()],
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The lines, none with blanks at its end.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.sides.len()).map(width).collect();
        let line = |row: &Vec<String>| {
            let mut line = String::new();
            for ((cell, side), &width) in row.iter().zip(&self.sides).zip(&widths) {
                if !line.is_empty() {
                    line.push_str("  ");
                }
                // Writing to a string cannot fail.
                let _ = match side {
                    Side::Left => write!(line, "{cell:<width$}"),
                    Side::Right => write!(line, "{cell:>width$}"),
                };
            }
            line.truncate(line.trim_end().len());
            line
        };
        self.rows.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Columns stand below each other, and no line ends in blanks.
    #[test]
    fn sh_columns_are_aligned() {
        let mut table = Table::new(&[
            ("TASK", Side::Right),
            ("NAME", Side::Left),
            ("END", Side::Left),
        ]);
        table.row(["7".into(), "hello".into(), String::new()]);
        table.row(["12345".into(), "x".into(), "killed".into()]);
        let expected = [" TASK  NAME   END", "    7  hello", "12345  x      killed"];
        assert_eq!(table.lines(), expected);
    }
}
