//! Drawings as SVG files.

use std::ops::Range;
use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

const PIXELS: (u32, u32) = (960, 500);

/// Width of the names beside a chart.
const LEGEND: i32 = 190;

/// Height of a line of a list.
const LINE: i32 = 24;

/// A curve with its name.
pub(crate) type Curve<'a> = (&'a str, RGBColor, Vec<(u64, u64)>);

/// Draws curves in `unit` over `axis`, both scales logarithmic; 0 is drawn at 1. Their names stand beside them, where they hide nothing.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn chart(file: &Path, [title, axis, unit]: [&str; 3], curves: &[Curve]) -> Result<()> {
    if curves
        .first()
        .is_none_or(|(_, _, points)| points.is_empty())
    {
        return Ok(());
    }
    let failed = |error: &dyn std::fmt::Display| anyhow!("cannot draw {}: {error}", file.display());
    let points = || curves.iter().flat_map(|(_, _, points)| points);
    let root = SVGBackend::new(file, PIXELS).into_drawing_area();
    root.fill(&WHITE).map_err(|error| failed(&error))?;
    let (left, right) = root.split_horizontally(PIXELS.0 as i32 - LEGEND);
    let mut chart = ChartBuilder::on(&left)
        .caption(title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(72)
        .build_cartesian_2d(
            range(points().map(|point| point.0)).log_scale(),
            decades(points().map(|point| point.1)).log_scale(),
        )
        .map_err(|error| failed(&error))?;
    chart
        .configure_mesh()
        .x_desc(axis)
        .y_desc(unit)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .draw()
        .map_err(|error| failed(&error))?;
    for (row, (name, colour, points)) in (2..).zip(curves) {
        let points = || {
            points
                .iter()
                .map(|&(x, y)| (x.max(1) as f64, y.max(1) as f64))
        };
        let style = colour.stroke_width(2);
        chart
            .draw_series(LineSeries::new(points(), style).point_size(3))
            .map_err(|error| failed(&error))?;
        let y = LINE * row;
        right
            .draw(&PathElement::new([(0, y + 6), (16, y + 6)], style))
            .and_then(|()| right.draw(&Text::new(*name, (24, y), ("sans-serif", 14))))
            .map_err(|error| failed(&error))?;
    }
    root.present().map_err(|error| failed(&error))
}

/// A bar with its name.
pub(crate) type Bar = (String, RGBColor, u64);

/// Draws bars in `unit` under each other, from 0, each with its value.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn bars(file: &Path, [title, unit]: [&str; 2], bars: &[Bar]) -> Result<()> {
    const NAMES: i32 = 240;
    const VALUES: i32 = 100;
    let failed = |error: &dyn std::fmt::Display| anyhow!("cannot draw {}: {error}", file.display());
    let (width, top) = (PIXELS.0 as i32, 2 * LINE);
    let height = top + LINE * bars.len() as i32 + LINE / 2;
    let root = SVGBackend::new(file, (PIXELS.0, height as u32)).into_drawing_area();
    root.fill(&WHITE).map_err(|error| failed(&error))?;
    let text = |text: &str, x: i32, y: i32, size: i32| {
        let element = Text::new(text.to_owned(), (x, y), ("sans-serif", size));
        root.draw(&element).map_err(|error| failed(&error))
    };
    text(&format!("{title}, {unit}"), LINE / 2, LINE / 2, 20)?;
    let greatest = bars.iter().map(|bar| bar.2).max().unwrap_or(1).max(1);
    for (row, (name, colour, value)) in (0..).zip(bars) {
        let y = top + LINE * row;
        let room = f64::from(width - NAMES - VALUES);
        let end = NAMES + (*value as f64 / greatest as f64 * room) as i32;
        let bar = Rectangle::new([(NAMES, y), (end, y + LINE - 8)], colour.filled());
        root.draw(&bar).map_err(|error| failed(&error))?;
        text(name, LINE / 2, y + 4, 14)?;
        text(&value.to_string(), end + 6, y + 4, 14)?;
    }
    root.present().map_err(|error| failed(&error))
}

/// From the power of ten below the least to that above the greatest, so that the scale has numbers.
fn decades(values: impl Iterator<Item = u64> + Clone) -> Range<f64> {
    let Range { start, end } = range(values);
    10_f64.powf(start.log10().floor())..10_f64.powf(end.log10().ceil())
}

/// From below the least to above the greatest.
fn range(values: impl Iterator<Item = u64> + Clone) -> Range<f64> {
    let least = values.clone().min().unwrap_or(1).max(1) as f64;
    let greatest = values.max().unwrap_or(1).max(1) as f64;
    least / 1.5..greatest * 1.5
}
