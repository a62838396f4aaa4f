//! The curves: what an echo costs by its size, and a fan-out by the number of its receivers.

use std::path::Path;

use anyhow::Result;
use plotters::style::{BLUE, GREEN, RED};

use super::Measured;
use super::targets::TARGETS;
use crate::plot::chart;

/// What all curves count.
const UNIT: &str = "guest instructions";

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
        ["Call and reply", "bytes each way", UNIT],
        &[("Omnibus", BLUE, measured.sizes.clone())],
    )?;
    chart(
        &folder.join("fanout.svg"),
        ["Fan-out of 64 bytes, per message", "receivers", UNIT],
        &[
            ("Omnibus", BLUE, fan_out.collect()),
            ("seL4", GREEN, of_fan_out(|target| target.sel4)),
            ("Linux", RED, of_fan_out(|target| target.linux)),
        ],
    )
}
