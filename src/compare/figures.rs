//! Figures: the median of each means' repetitions, from the rows that the sides told.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use omnibus_compare::line::{self, Line};

/// The systems, as they are called in tables.
pub(super) const SYSTEMS: [&str; 2] = ["Omnibus", "Linux"];

/// What one means took with one parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Figure {
    /// The system, an index of [`SYSTEMS`].
    pub(super) system: usize,
    /// The means.
    pub(super) means: String,
    /// The parameter.
    pub(super) parameter: u64,
    /// Of the repetitions: the least, the median, the greatest.
    pub(super) least: u64,
    /// The median.
    pub(super) median: u64,
    /// The greatest.
    pub(super) greatest: u64,
}

/// The figures of one experiment, Omnibus first, each side's in the order told.
///
/// # Errors
/// If a row is not one of a measurement.
pub(super) fn of_experiment(experiment: &str, rows: [&[String]; 2]) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (system, rows) in rows.into_iter().enumerate() {
        let mut order = Vec::new();
        let mut amounts = BTreeMap::<_, Vec<u64>>::new();
        for row in rows {
            let text = format!("cost,{row}");
            let Ok(Some(Line::Cost(cost))) = line::parse(&text) else {
                return Err(anyhow!("\"{row}\" is not a row of a measurement"));
            };
            if cost.experiment != experiment {
                continue;
            }
            let key = (cost.means.to_owned(), cost.parameter);
            if !order.contains(&key) {
                order.push(key.clone());
            }
            amounts.entry(key).or_default().push(cost.amount);
        }
        for key in order {
            let mut amounts = amounts.remove(&key).unwrap_or_default();
            amounts.sort_unstable();
            let (means, parameter) = key;
            figures.push(Figure {
                system,
                means,
                parameter,
                least: amounts[0],
                median: amounts[amounts.len() / 2],
                greatest: amounts[amounts.len() - 1],
            });
        }
    }
    Ok(figures)
}

/// Figures as a table: a line for each parameter, a column for each means.
#[derive(Debug)]
pub(super) struct Table<'a> {
    /// The figures.
    pub(super) figures: &'a [Figure],
}

impl Table<'_> {
    /// The columns: system and means, Omnibus first, in the order told.
    pub(super) fn columns(&self) -> Vec<(usize, &str)> {
        let mut columns = Vec::new();
        for figure in self.figures {
            let column = (figure.system, figure.means.as_str());
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        columns
    }

    /// The parameters, from the least.
    pub(super) fn parameters(&self) -> Vec<u64> {
        let mut parameters: Vec<_> = self.figures.iter().map(|figure| figure.parameter).collect();
        parameters.sort_unstable();
        parameters.dedup();
        parameters
    }

    /// The median of a means with a parameter, if it was measured.
    pub(super) fn median(&self, (system, means): (usize, &str), parameter: u64) -> Option<u64> {
        let wanted = |figure: &&Figure| {
            figure.system == system && figure.means == means && figure.parameter == parameter
        };
        self.figures.iter().find(wanted).map(|figure| figure.median)
    }

    /// The least median of Omnibus over the least of Linux, if there are both.
    pub(super) fn ratio(&self, parameter: u64) -> Option<f64> {
        let best = |system| {
            let own = |figure: &&Figure| figure.system == system && figure.parameter == parameter;
            self.figures
                .iter()
                .filter(own)
                .map(|figure| figure.median)
                .min()
        };
        Some(best(0)? as f64 / best(1)?.max(1) as f64)
    }
}

/// The least of a row's repetitions, its median and its greatest, as CSV with a header.
pub(super) fn csv(experiment: &str, figures: &[Figure]) -> String {
    let row = |figure: &Figure| {
        format!(
            "{experiment},{},{},{},{},{},{}\n",
            SYSTEMS[figure.system],
            figure.means,
            figure.parameter,
            figure.least,
            figure.median,
            figure.greatest
        )
    };
    figures.iter().map(row).collect()
}

/// The columns of [`csv`].
pub(super) const CSV_HEADER: &str = "experiment,system,means,parameter,least,median,greatest";

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &[&str]) -> Vec<String> {
        text.iter().map(ToString::to_string).collect()
    }

    /// The median counts, not the mean; rows of other experiments do not.
    #[test]
    fn the_median_counts() {
        let own = rows(&[
            "x,call,8,0,10",
            "x,call,8,1,11",
            "x,call,8,2,900",
            "y,call,8,0,1",
        ]);
        let other = rows(&["x,pipe,8,0,50", "x,pipe,8,1,30", "x,pipe,8,2,40"]);
        let figures = of_experiment("x", [&own, &other]).unwrap();
        let table = Table { figures: &figures };
        assert_eq!(table.columns(), [(0, "call"), (1, "pipe")]);
        assert_eq!(table.parameters(), [8]);
        assert_eq!(table.median((0, "call"), 8), Some(11));
        assert_eq!(table.median((1, "pipe"), 8), Some(40));
        assert_eq!(table.median((1, "call"), 8), None);
        assert_eq!(table.ratio(8), Some(11.0 / 40.0));
        assert_eq!(
            csv("x", &figures).lines().next(),
            Some("x,Omnibus,call,8,10,11,900")
        );
    }

    /// The best of each side is compared, and nothing where a side is missing.
    #[test]
    fn the_best_are_compared() {
        let own = rows(&["x,a,1,0,10", "x,b,1,0,20", "x,a,2,0,1"]);
        let other = rows(&["x,c,1,0,40", "x,d,1,0,5"]);
        let figures = of_experiment("x", [&own, &other]).unwrap();
        let table = Table { figures: &figures };
        assert_eq!(table.ratio(1), Some(2.0));
        assert_eq!(table.ratio(2), None);
    }
}
