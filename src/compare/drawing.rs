//! Drawings of what was measured.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use omnibus_compare::Experiment;
use plotters::style::{Color, Palette, Palette99, RGBColor};

use super::figures::{SYSTEMS, Table};
use super::table;
use crate::plot::{Bar, Curve, bars, chart};

/// Values of a parameter from which on a curve shows more than bars.
const N_CURVE_POINTS_LEAST: usize = 3;

/// Draws an experiment that measures: a curve for each means over the parameter, or bars where that has too few values for curves. Returns the
/// drawing, which is also written into `folder`.
///
/// # Errors
/// If the file cannot be written.
pub(super) fn draw(experiment: &Experiment, table: &Table<'_>, folder: &Path) -> Result<String> {
    let columns = table.columns();
    let names: Vec<_> = columns
        .iter()
        .map(|(system, means)| format!("{} {means}", SYSTEMS[*system]))
        .collect();
    let points = |column: &(usize, &str)| -> Vec<_> {
        let parameters = table.parameters().into_iter();
        parameters
            .filter_map(|x| Some((x, table.median(*column, x)?)))
            .collect()
    };
    let curves: Vec<Curve<'_>> = columns
        .iter()
        .zip(&names)
        .enumerate()
        .map(|(index, (column, name))| (name.as_str(), colour(index), points(column)))
        .collect();
    let file = folder.join(format!("{}.svg", experiment.name));
    let unit = table::unit(experiment.kind);
    if table.parameters().len() < N_CURVE_POINTS_LEAST {
        bars(
            &file,
            [experiment.name, unit],
            &as_bars(experiment, &curves),
        )?;
    } else {
        chart(
            &file,
            [experiment.name, experiment.parameter, unit],
            &curves,
        )?;
    }
    fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))
}

/// A bar for every point, by the parameter: those that are compared stand beside each other.
fn as_bars(experiment: &Experiment, curves: &[Curve<'_>]) -> Vec<Bar> {
    let mut made: Vec<_> = curves
        .iter()
        .flat_map(|(name, colour, points)| points.iter().map(move |point| (*name, *colour, *point)))
        .collect();
    made.sort_by_key(|(_, _, (parameter, _))| *parameter);
    let bar = |(name, colour, (parameter, value)): (&str, RGBColor, (u64, u64))| {
        let name = match experiment.parameter {
            "" => name.to_owned(),
            counted => format!("{name}, {parameter} {counted}"),
        };
        (name, colour, value)
    };
    made.into_iter().map(bar).collect()
}

/// A colour that the other curves do not have.
fn colour(index: usize) -> RGBColor {
    let (red, green, blue) = Palette99::pick(index).to_rgba().rgb();
    RGBColor(red, green, blue)
}

#[cfg(test)]
mod tests {
    use super::*;
    use omnibus_compare::{CREATION, TRANSFER, experiment};

    /// Bars of one parameter stand together and name it; where there is none, the name is the means alone.
    #[test]
    fn bars_of_one_parameter_stand_together() {
        let curves = [
            ("X a", colour(0), vec![(0, 10), (1, 11)]),
            ("Y b", colour(1), vec![(0, 20), (1, 21)]),
        ];
        let names = |name: &str, curves: &[Curve<'_>]| -> Vec<_> {
            let made = as_bars(experiment(name).unwrap(), curves).into_iter();
            made.map(|(name, _, value)| (name, value)).collect()
        };
        let bar = |name: &str, value| (name.to_owned(), value);
        assert_eq!(
            names(TRANSFER, &curves),
            [
                bar("X a, 0 dropped", 10),
                bar("Y b, 0 dropped", 20),
                bar("X a, 1 dropped", 11),
                bar("Y b, 1 dropped", 21),
            ]
        );
        let curves = [("X a", colour(0), vec![(0, 10)])];
        assert_eq!(names(CREATION, &curves), [bar("X a", 10)]);
    }
}
