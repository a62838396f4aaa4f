//! `compare`: the same experiments on Omnibus and on a Linux kernel, in the same emulator.
//!
//! Flow: [`linux_kernel`] finds the kernel, [`modules`] what it needs, [`sides`] boots both guests and hears them; [`figures`] makes
//! medians of the costs, [`checker`] answers the [`questions`] from the events, and [`outcomes`] holds the answers against what is
//! promised; [`show`] puts it into a [`table`], a [`report`] and drawings, below `target/compare`.

mod checker;
mod figures;
mod linux_kernel;
mod modules;
#[path = "../../build/nested.rs"]
#[expect(dead_code, reason = "only build.rs reads the sources of programs")]
mod nested;
mod outcomes;
mod questions;
mod report;
mod show;
mod sides;
mod table;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use omnibus_compare::line::{Cost, Event};
use omnibus_compare::{EXPERIMENTS, Kind};

use crate::cli::{CompareOptions, Options};
use crate::exit::WrongValue;
use crate::testing::root;
use figures::SYSTEMS;
use show::{Show, write_file};
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

    let mut show = Show::new(&folder, &kernel, options);
    for experiment in EXPERIMENTS {
        let is_wanted = |name: &String| name == experiment.name;
        if compare.only.is_empty() || compare.only.iter().any(is_wanted) {
            match experiment.kind {
                Kind::Semantics => show.outcomes(experiment, told)?,
                Kind::Instructions | Kind::Bytes => show.figures(experiment, told)?,
            }
        }
    }
    show.finish()
}

/// Runs experiments of the Omnibus side alone, for tests.
///
/// # Errors
/// If the host cannot do its part, or the guest does not tell everything.
pub(crate) fn observe(names: &[String], options: &Options) -> Result<Told> {
    sides::omnibus(names, options)
}

/// What of an experiment's outcomes is not as promised; nothing told is not as promised either.
///
/// # Errors
/// If a row is not one of an observation.
pub(crate) fn broken(experiment: &str, told: &Told) -> Result<Option<String>> {
    let outcomes = outcomes::of_omnibus(experiment, told)?;
    if outcomes.is_empty() {
        return Ok(Some("nothing was told of it".to_owned()));
    }
    let mut broken = outcomes.iter().filter(|outcome| outcome.is_broken());
    Ok(broken.next().map(outcomes::Outcome::sentence))
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
