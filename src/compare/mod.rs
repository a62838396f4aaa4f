//! `compare`: the same experiments on Omnibus and on a Linux kernel, in the same emulator.
//!
//! Flow: [`linux_kernel`] finds the kernel, [`modules`] what it needs, [`sides`] boots both guests and hears them; [`figures`] makes
//! medians of the costs; [`table`], [`report`] and [`crate::plot`] show all of it, below `target/compare`.

mod figures;
mod linux_kernel;
mod modules;
#[path = "../../build/nested.rs"]
#[expect(dead_code, reason = "only build.rs reads the sources of programs")]
mod nested;
mod report;
mod sides;
mod table;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use omnibus_compare::line::{Cost, Event};
use omnibus_compare::{EXPERIMENTS, Experiment, Kind};
use plotters::style::{Color, Palette, Palette99, RGBColor};

use crate::cli::{CompareOptions, Options};
use crate::exit::WrongValue;
use crate::plot::{Curve, chart};
use crate::testing::root;
use figures::{SYSTEMS, Table};
use report::Report;
use sides::Told;

/// Runs both sides and shows them beside each other.
///
/// # Errors
/// If there is no Linux kernel, the host cannot do its part, or a guest fails.
pub(crate) fn run(compare: &CompareOptions, options: &Options) -> Result<u8> {
    check_names(&compare.only)?;
    let folder = root().join("target").join("compare");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let kernel = linux_kernel::find(compare.linux_kernel.as_deref(), &folder.join("cache"))?;
    let omnibus = sides::omnibus(&compare.only, options)?;
    let linux = sides::linux(&kernel, &compare.only, &folder, options)?;
    let told = [&omnibus, &linux];
    write_rows(&folder, told)?;

    let mut report = Report::new(
        "Omnibus and Linux, side by side",
        &[format!(
            "Omnibus {} and Linux {} on the same emulated machine, {} MiB, counting instructions: user and kernel together.",
            env!("CARGO_PKG_VERSION"),
            kernel.version,
            options.memory
        )],
    );
    let mut stdout = std::io::stdout().lock();
    let mut summary = format!("{}\n", figures::CSV_HEADER);
    let wanted = |experiment: &&Experiment| {
        compare.only.is_empty() || compare.only.iter().any(|name| name == experiment.name)
    };
    for experiment in EXPERIMENTS.iter().filter(wanted) {
        let figures =
            figures::of_experiment(experiment.name, told.map(|told| told.costs.as_slice()))?;
        summary.push_str(&figures::csv(experiment.name, &figures));
        let table = Table { figures: &figures };
        let lines = table::lines(experiment, &table);
        writeln!(stdout, "{}\n", lines.join("\n")).context("cannot write to standard output")?;
        report.heading(experiment.name);
        report.paragraph(experiment.sentence);
        report.table(2, &table::rows(experiment, &table));
        if let Some(svg) = draw(experiment, &table, &folder)? {
            report.drawing(&svg);
        }
    }
    write_file(&folder.join("costs.csv"), &summary)?;
    let file = folder.join("report.html");
    write_file(&file, &report.finish())?;
    writeln!(stdout, "The report: {}", file.display())
        .context("cannot write to standard output")?;
    Ok(0)
}

/// Refuses a name that no experiment has.
fn check_names(only: &[String]) -> Result<()> {
    for name in only {
        if omnibus_compare::experiment(name).is_none() {
            let names: Vec<_> = EXPERIMENTS.iter().map(|known| known.name).collect();
            return Err(WrongValue(format!(
                "there is no experiment \"{name}\"; there are: {}",
                names.join(", ")
            ))
            .into());
        }
    }
    Ok(())
}

/// Writes what each side told.
fn write_rows(folder: &Path, told: [&Told; 2]) -> Result<()> {
    for (system, told) in SYSTEMS.into_iter().zip(told) {
        for (kind, header, rows) in [
            ("costs", Cost::HEADER, &told.costs),
            ("events", Event::HEADER, &told.events),
        ] {
            let file = folder.join(format!("{}-{kind}.csv", system.to_lowercase()));
            write_file(&file, &format!("{header}\n{}\n", rows.join("\n")))?;
        }
    }
    Ok(())
}

fn write_file(file: &PathBuf, text: &str) -> Result<()> {
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

/// Draws an experiment that has a parameter, a curve for each means.
fn draw(experiment: &Experiment, table: &Table<'_>, folder: &Path) -> Result<Option<String>> {
    if experiment.parameter.is_empty() || experiment.kind == Kind::Semantics {
        return Ok(None);
    }
    let columns = table.columns();
    let names: Vec<_> = columns
        .iter()
        .map(|(system, means)| format!("{} {means}", SYSTEMS[*system]))
        .collect();
    let curves: Vec<Curve<'_>> = columns
        .iter()
        .zip(&names)
        .enumerate()
        .map(|(index, (column, name))| {
            let points = table.parameters().into_iter();
            let points = points.filter_map(|x| Some((x, table.median(*column, x)?)));
            (name.as_str(), colour(index), points.collect())
        })
        .collect();
    let file = folder.join(format!("{}.svg", experiment.name));
    let labels = [
        experiment.name,
        experiment.parameter,
        table::unit(experiment.kind),
    ];
    chart(&file, labels, &curves)?;
    fs::read_to_string(&file)
        .with_context(|| format!("cannot read {}", file.display()))
        .map(Some)
}

/// A colour that the other curves do not have.
fn colour(index: usize) -> RGBColor {
    let (red, green, blue) = Palette99::pick(index).to_rgba().rgb();
    RGBColor(red, green, blue)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name that no experiment has is refused with those that there are.
    #[test]
    fn unknown_experiments_are_refused() {
        let complaint = check_names(&["frob".to_owned()]).unwrap_err().to_string();
        assert!(
            complaint.contains("frob") && complaint.contains("round-trip"),
            "{complaint}"
        );
        assert!(check_names(&["round-trip".to_owned()]).is_ok());
    }
}
