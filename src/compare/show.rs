//! Shows what was measured and seen: on the terminal, as CSV, as drawings, and in the report.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use omnibus_compare::Experiment;
use plotters::style::{Color, Palette, Palette99, RGBColor};

use super::figures::{self, SYSTEMS, Table};
use super::linux_kernel::LinuxKernel;
use super::outcomes::{self, Outcome};
use super::report::Report;
use super::sides::Told;
use super::table;
use crate::cli::Options;
use crate::plot::{Curve, chart};

/// What is shown so far.
#[derive(Debug)]
pub(super) struct Show<'a> {
    folder: &'a Path,
    text: String,
    costs: String,
    answers: String,
    report: Report,
    n_broken: usize,
}

impl<'a> Show<'a> {
    /// Nothing yet; files go to `folder`.
    pub(super) fn new(folder: &'a Path, kernel: &LinuxKernel, options: &Options) -> Self {
        let introduction = format!(
            "Omnibus {} and Linux {} on the same emulated machine, {} MiB, counting instructions: user and kernel together.",
            env!("CARGO_PKG_VERSION"),
            kernel.version,
            options.memory
        );
        Self {
            folder,
            text: String::new(),
            costs: format!("{}\n", figures::CSV_HEADER),
            answers: format!("{}\n", outcomes::CSV_HEADER),
            report: Report::new("Omnibus and Linux, side by side", &[introduction]),
            n_broken: 0,
        }
    }

    /// Adds an experiment that measures.
    pub(super) fn figures(&mut self, experiment: &Experiment, told: [&Told; 2]) -> Result<()> {
        let rows = told.map(|told| told.costs.as_slice());
        let figures = figures::of_experiment(experiment.name, rows)?;
        let table = Table { figures: &figures };
        self.costs
            .push_str(&figures::csv(experiment.name, &figures));
        self.print(&table::lines(experiment, &table));
        self.report.heading(experiment.name);
        self.report.paragraph(experiment.sentence);
        self.report.table(2, &table::rows(experiment, &table));
        if !experiment.parameter.is_empty() {
            let svg = draw(experiment, &table, self.folder)?;
            self.report.drawing(&svg);
        }
        Ok(())
    }

    /// Adds an experiment that observes.
    pub(super) fn outcomes(&mut self, experiment: &Experiment, told: [&Told; 2]) -> Result<()> {
        let outcomes = outcomes::of_experiment(experiment.name, told)?;
        let rows = outcomes::rows(&outcomes);
        self.n_broken += outcomes
            .iter()
            .filter(|&outcome| Outcome::is_broken(outcome))
            .count();
        self.answers.push_str(&outcomes::csv(&outcomes));
        let heading = format!("{}: {}", experiment.name, experiment.sentence);
        self.print(&[vec![heading], table::left_aligned(&rows)].concat());
        self.report.heading(experiment.name);
        self.report.paragraph(experiment.sentence);
        self.report.table(1, &rows);
        Ok(())
    }

    fn print(&mut self, lines: &[String]) {
        self.text.push_str(&lines.join("\n"));
        self.text.push_str("\n\n");
    }

    /// Prints and writes all of it. The exit code is 1 if Omnibus did not do what its rules promise.
    ///
    /// # Errors
    /// If a file or standard output cannot be written.
    pub(super) fn finish(mut self) -> Result<u8> {
        let report = self.folder.join("report.html");
        write_file(&self.folder.join("costs.csv"), &self.costs)?;
        write_file(&self.folder.join("outcomes.csv"), &self.answers)?;
        write_file(&report, &self.report.finish())?;
        self.text
            .push_str(&format!("The report: {}\n", report.display()));
        if self.n_broken > 0 {
            let n_broken = self.n_broken;
            self.text.push_str(&format!(
                "{n_broken} answers of Omnibus are not what the rules promise\n"
            ));
        }
        std::io::stdout()
            .write_all(self.text.as_bytes())
            .context("cannot write to standard output")?;
        Ok(u8::from(self.n_broken > 0))
    }
}

/// Writes a file.
///
/// # Errors
/// If it cannot be written.
pub(super) fn write_file(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

/// Draws an experiment that has a parameter, a curve for each means.
fn draw(experiment: &Experiment, table: &Table<'_>, folder: &Path) -> Result<String> {
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
    fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))
}

/// A colour that the other curves do not have.
fn colour(index: usize) -> RGBColor {
    let (red, green, blue) = Palette99::pick(index).to_rgba().rgb();
    RGBColor(red, green, blue)
}
