//! `compare`: the same experiments on Omnibus and on a Linux kernel, in the same emulator.
//!
//! Flow: [`linux_kernel`] finds the kernel, [`modules`] what it needs, [`sides`] boots both guests and hears them; [`figures`] makes
//! medians of the costs, [`checker`] answers of the events; [`table`], [`drawing`] and [`report`] show all of it, below `target/compare`.

mod checker;
mod drawing;
mod figures;
mod linux_kernel;
mod modules;
#[path = "../../build/nested.rs"]
#[expect(dead_code, reason = "only build.rs reads the sources of programs")]
mod nested;
mod report;
pub(crate) mod sides;
mod table;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use omnibus_compare::holes::{self, LINUX_MEANS};
use omnibus_compare::line::{Cost, Event};
use omnibus_compare::{EXPERIMENTS, Experiment, Kind};

use crate::cli::{CompareOptions, Options};
use crate::exit::WrongValue;
use crate::testing::root;
use figures::{SYSTEMS, Table};
use report::Report;
use sides::Told;

/// What the experiments need on either side: 256 receivers at once, thousands of endpoints, and more message queues and files than Linux lets
/// one user have.
pub(crate) const MEMORY_MIB_LEAST: u32 = 512;

/// Runs both sides and shows them beside each other.
///
/// # Errors
/// If there is no Linux kernel, the host cannot do its part, or a guest fails.
pub(crate) fn run(compare: &CompareOptions, options: &Options) -> Result<u8> {
    check_memory(options.memory)?;
    let experiments = wanted(&compare.only, options.cpus)?;
    let folder = root().join("target").join("compare");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let kernel = linux_kernel::find(compare.linux_kernel.as_deref(), &folder.join("cache"))?;
    let names: Vec<_> = experiments
        .iter()
        .map(|known| known.name.to_owned())
        .collect();
    let omnibus = sides::omnibus(&names, options)?;
    let linux = sides::linux(&kernel, &names, &folder, options)?;
    let told = [&omnibus, &linux];
    write_rows(&folder, told)?;
    check_holes(&experiments, &linux, kernel.modules.is_some())?;

    let mut report = Report::new(
        "Omnibus and Linux, side by side",
        &[format!(
            "Omnibus {} and Linux {} on the same emulated machine, {} MiB, {}.",
            env!("CARGO_PKG_VERSION"),
            kernel.version,
            options.memory,
            if options.cpus == 1 {
                "one CPU, counting instructions: user and kernel together".to_owned()
            } else {
                format!("{} CPUs, of which Omnibus runs one", options.cpus)
            }
        )],
    );
    let mut stdout = std::io::stdout().lock();
    let mut summary = format!("{}\n", figures::CSV_HEADER);
    for experiment in experiments {
        report.heading(experiment.name);
        report.paragraph(experiment.sentence);
        let lines = if experiment.kind == Kind::Semantics {
            let events = told.map(|told| told.events.as_slice());
            let rows = checker::table(experiment.name, SYSTEMS, events)?;
            report.table(2, &rows);
            table::lines_of_answers(experiment, &rows)
        } else {
            let figures =
                figures::of_experiment(experiment.name, told.map(|told| told.costs.as_slice()))?;
            summary.push_str(&figures::csv(experiment.name, &figures));
            let table = Table { figures: &figures };
            report.table(2, &table::rows(experiment, &table));
            report.drawing(&drawing::draw(experiment, &table, &folder)?);
            table::lines(experiment, &table)
        };
        writeln!(stdout, "{}", lines.join("\n")).context("cannot write to standard output")?;
        for hole in holes::of_experiment(experiment.name) {
            let line = format!("{} {}", hole.means, hole.reason);
            writeln!(stdout, "{line}").context("cannot write to standard output")?;
            report.paragraph(&line);
        }
        writeln!(stdout).context("cannot write to standard output")?;
    }
    write_file(&folder.join("costs.csv"), &summary)?;
    let file = folder.join("report.html");
    write_file(&file, &report.finish())?;
    writeln!(stdout, "The report: {}", file.display())
        .context("cannot write to standard output")?;
    Ok(0)
}

/// The experiments to run, in their order: those that are named, or all. With several CPUs all are those that observe.
///
/// # Errors
/// A name that no experiment has; with several CPUs an experiment that measures: QEMU counts the instructions of one CPU (Linux does not come up with two
/// while it counts), and without counting its figures would mean nothing.
fn wanted(only: &[String], n_cpus: u32) -> Result<Vec<&'static Experiment>> {
    let has_figures = |experiment: &Experiment| experiment.kind != Kind::Semantics;
    for name in only {
        let Some(experiment) = omnibus_compare::experiment(name) else {
            let names: Vec<_> = EXPERIMENTS.iter().map(|known| known.name).collect();
            return Err(WrongValue(format!(
                "there is no experiment \"{name}\"; there are: {}",
                names.join(", ")
            ))
            .into());
        };
        if n_cpus > 1 && has_figures(experiment) {
            return Err(WrongValue(format!(
                "\"{name}\" counts instructions, which takes --cpus 1; with more, only what observes can run"
            ))
            .into());
        }
    }
    let is_wanted = |experiment: &&Experiment| {
        if only.is_empty() {
            n_cpus == 1 || !has_figures(experiment)
        } else {
            only.iter().any(|name| name == experiment.name)
        }
    };
    Ok(EXPERIMENTS.iter().filter(is_wanted).collect())
}

/// Refuses a machine on which an experiment would run out of memory half way.
fn check_memory(memory_mib: u32) -> Result<()> {
    if memory_mib < MEMORY_MIB_LEAST {
        return Err(WrongValue(format!(
            "`compare` needs --memory {MEMORY_MIB_LEAST} or more, for 256 receivers at once and thousands of endpoints; {memory_mib} MiB are too few"
        ))
        .into());
    }
    Ok(())
}

/// Every means of Linux takes part in every experiment, or there is a reason why not; and not both.
fn check_holes(experiments: &[&Experiment], linux: &Told, has_binder: bool) -> Result<()> {
    let rows = || linux.costs.iter().chain(&linux.events);
    let of_row = |row: &str| {
        let mut fields = row.split(',').map(str::to_owned);
        (fields.next(), fields.next())
    };
    let told: BTreeSet<_> = rows()
        .filter_map(|row| match of_row(row) {
            (Some(experiment), Some(means)) => {
                Some((experiment, holes::means_of(&means).to_owned()))
            }
            _ => None,
        })
        .collect();
    for experiment in experiments {
        for means in LINUX_MEANS {
            let is_told = told.contains(&(experiment.name.to_owned(), means.to_owned()));
            let is_hole = holes::of_experiment(experiment.name).any(|hole| hole.means == means);
            if is_told == is_hole && (has_binder || means != "binder") {
                bail!(
                    "{}, {means}: {}",
                    experiment.name,
                    if is_told {
                        "was measured, though there is a reason why it cannot be"
                    } else {
                        "was not measured, and there is no reason why not"
                    }
                );
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A name that no experiment has is refused with those that there are.
    #[test]
    fn unknown_experiments_are_refused() {
        let complaint = wanted(&["frob".to_owned()], 1).unwrap_err().to_string();
        assert!(
            complaint.contains("frob") && complaint.contains("round-trip"),
            "{complaint}"
        );
        let found = wanted(&["round-trip".to_owned()], 1).unwrap();
        assert_eq!(found[0].name, "round-trip");
        assert_eq!(wanted(&[], 1).unwrap().len(), EXPERIMENTS.len());
    }

    /// With several CPUs what observes runs, and what counts instructions is refused by name.
    #[test]
    fn several_cpus_observe_only() {
        let all = wanted(&[], 2).unwrap();
        assert!(!all.is_empty() && all.iter().all(|known| known.kind == Kind::Semantics));
        let complaint = wanted(&["creation".to_owned()], 2).unwrap_err().to_string();
        assert!(
            complaint.contains("creation") && complaint.contains("--cpus"),
            "{complaint}"
        );
    }

    /// A machine that is too small is refused before anything is started, with what is needed.
    #[test]
    fn a_small_machine_is_refused() {
        let complaint = check_memory(MEMORY_MIB_LEAST - 1).unwrap_err().to_string();
        assert!(
            complaint.contains("--memory 512") && complaint.contains("511"),
            "{complaint}"
        );
        assert!(check_memory(MEMORY_MIB_LEAST).is_ok());
    }
}
