//! The Omnibus side of the comparison with Linux, as tests: what its events answer is what the rules promise.

use anyhow::Result;
use omnibus_compare::{EXPERIMENTS, Kind};

use super::tally::Tally;
use crate::cli::Options;
use crate::compare;

/// What stands before the names of the experiments.
const PREFIX: &str = "compare.";

/// The tests, as `id` and sentence.
pub(crate) fn list() -> impl Iterator<Item = (String, &'static str)> {
    let observed = EXPERIMENTS.iter();
    let observed = observed.filter(|experiment| experiment.kind == Kind::Semantics);
    observed.map(|experiment| (format!("{PREFIX}{}", experiment.name), experiment.sentence))
}

/// Boots the Omnibus side with the experiments that are selected, and counts them.
///
/// # Errors
/// If the host cannot do its part.
pub(crate) fn test(options: &Options, tally: &mut Tally) -> Result<()> {
    let selected: Vec<_> = list().filter(|(id, _)| tally.is_selected(id)).collect();
    let names: Vec<_> = selected
        .iter()
        .filter_map(|(id, _)| Some(id.strip_prefix(PREFIX)?.to_owned()))
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    let told = compare::observe(&names, options);
    for ((id, sentence), name) in selected.into_iter().zip(names) {
        tally.judge(&id, sentence, || match &told {
            Ok(told) => compare::broken(&name, told),
            Err(error) => Ok(Some(format!("{error:#}"))),
        })?;
    }
    Ok(())
}
