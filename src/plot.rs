//! Drawings as SVG files.

use std::ops::Range;
use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

const PIXELS: (u32, u32) = (800, 500);

/// A curve with its name.
pub(crate) type Curve<'a> = (&'a str, RGBColor, Vec<(u64, u64)>);

/// Draws curves in `unit` over `axis`, both scales logarithmic; 0 is drawn at 1.
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
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(64)
        .build_cartesian_2d(
            range(points().map(|point| point.0)).log_scale(),
            range(points().map(|point| point.1)).log_scale(),
        )
        .map_err(|error| failed(&error))?;
    chart
        .configure_mesh()
        .x_desc(axis)
        .y_desc(unit)
        .draw()
        .map_err(|error| failed(&error))?;
    for (name, colour, points) in curves {
        let points = || points.iter().map(|&(x, y)| (x.max(1) as f64, y as f64));
        let style = colour.stroke_width(2);
        let colour = *colour;
        chart
            .draw_series(LineSeries::new(points(), style).point_size(3))
            .map_err(|error| failed(&error))?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour));
    }
    chart
        .configure_series_labels()
        .border_style(BLACK)
        .background_style(WHITE)
        .draw()
        .map_err(|error| failed(&error))?;
    root.present().map_err(|error| failed(&error))
}

/// From below the least to above the greatest.
fn range(values: impl Iterator<Item = u64> + Clone) -> Range<f64> {
    let least = values.clone().min().unwrap_or(1).max(1) as f64;
    let greatest = values.max().unwrap_or(1).max(1) as f64;
    least / 1.5..greatest * 1.5
}
