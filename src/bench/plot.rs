//! The curves: what an echo costs by its size, and a fan-out by the number of its receivers.

use std::ops::Range;
use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use super::Measured;
use super::targets::TARGETS;

const PIXELS: (u32, u32) = (800, 500);

/// A curve with its name.
type Curve = (&'static str, RGBColor, Vec<(u64, u64)>);

/// Draws what was measured into `folder`; a curve without points is left out.
///
/// # Errors
/// If a file cannot be written.
pub(super) fn draw(measured: &Measured, folder: &Path) -> Result<()> {
    let of_fan_out = |figure: fn(&super::targets::Target) -> Option<u64>| {
        let points = TARGETS.iter().filter_map(|target| {
            let n_receivers = target.id.strip_prefix("fanout_")?.parse().ok()?;
            Some((n_receivers, figure(target)?))
        });
        points.collect::<Vec<_>>()
    };
    let fan_out = measured.figures.iter().filter_map(|(id, figure)| {
        let n_receivers = id.strip_prefix("fanout_")?.parse().ok()?;
        Some((n_receivers, *figure))
    });
    chart(
        &folder.join("size.svg"),
        ["Call and reply", "bytes each way"],
        &[("Omnibus", BLUE, measured.sizes.clone())],
    )?;
    chart(
        &folder.join("fanout.svg"),
        ["Fan-out of 64 bytes, per message", "receivers"],
        &[
            ("Omnibus", BLUE, fan_out.collect()),
            ("seL4", GREEN, of_fan_out(|target| target.sel4)),
            ("Linux", RED, of_fan_out(|target| target.linux)),
        ],
    )
}

/// Draws curves over `axis`, both scales logarithmic; 0 is drawn at 1.
fn chart(file: &Path, [title, axis]: [&str; 2], curves: &[Curve]) -> Result<()> {
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
        .y_desc("guest instructions")
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
