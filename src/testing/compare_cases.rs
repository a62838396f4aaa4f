//! The Omnibus side of the comparison with Linux, quickly: no figure of it means anything, but nothing of it may stop working.

use anyhow::Result;
use omnibus_compare::measure::QUICK;
use omnibus_compare::{EXPERIMENTS, Kind};

use super::tally::Tally;
use crate::cli::Options;
use crate::compare::MEMORY_MIB_LEAST;
use crate::compare::sides::{self, Told};

/// The test, as id and sentence.
pub(crate) const LIST: [(&str, &str); 1] = [(
    "compare.omnibus",
    "The Omnibus side of the comparison with Linux runs every experiment and tells what it saw.",
)];

/// Runs it, if it was selected.
///
/// # Errors
/// If the host cannot do its part.
pub(crate) fn run(options: &Options, tally: &mut Tally) -> Result<()> {
    let [(id, sentence)] = LIST;
    let options = Options {
        memory: options.memory.max(MEMORY_MIB_LEAST),
        ..options.clone()
    };
    tally.judge(id, sentence, || {
        Ok(match sides::omnibus(&[QUICK.to_owned()], &options) {
            Ok(told) => missing(&told),
            Err(error) => Some(format!("{error:#}")),
        })
    })
}

/// An experiment of which nothing was told.
fn missing(told: &Told) -> Option<String> {
    EXPERIMENTS.iter().find_map(|experiment| {
        let rows = match experiment.kind {
            Kind::Semantics => &told.events,
            Kind::Instructions | Kind::Bytes => &told.costs,
        };
        let is_own = |row: &String| row.split(',').next() == Some(experiment.name);
        (!rows.iter().any(is_own)).then(|| format!("nothing was told of {}", experiment.name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A side that leaves an experiment out is noticed, by the experiment's name.
    #[test]
    fn a_missing_experiment_is_named() {
        let first = missing(&Told::default());
        assert_eq!(first.as_deref(), Some("nothing was told of round-trip"));
        let all = |kinds: &[Kind]| {
            let own = EXPERIMENTS
                .iter()
                .filter(|known| kinds.contains(&known.kind));
            own.map(|known| format!("{},m", known.name)).collect()
        };
        let told = Told::of(
            all(&[Kind::Instructions, Kind::Bytes]),
            all(&[Kind::Semantics]),
        );
        assert_eq!(missing(&told), None);
    }
}
