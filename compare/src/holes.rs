//! What of Linux takes part, and why where it does not.

use crate as plan;

/// The means of Linux that the comparison is about.
pub const LINUX_MEANS: [&str; 6] = ["pipe", "seqpacket", "mqueue", "eventfd", "futex", "binder"];

/// Other names under which a means is measured, where an experiment uses something special of it.
const ALIASES: [(&str, &str); 4] = [
    ("binder-call", "binder"),
    ("scm-rights", "seqpacket"),
    ("pidfd", "seqpacket"),
    ("abstract-name", "seqpacket"),
];

/// Why a means takes no part in an experiment.
#[derive(Clone, Copy, Debug)]
pub struct Hole {
    /// The experiment.
    pub experiment: &'static str,
    /// The means.
    pub means: &'static str,
    /// Why.
    pub reason: &'static str,
}

/// Which experiments, which means, why.
type Row = (
    &'static [&'static str],
    &'static [&'static str],
    &'static str,
);

const ORDERS: &[&str] = &[plan::CAUSAL_ORDER, plan::VISIBILITY, plan::AGREEMENT];
#[rustfmt::skip]
const ROWS: &[Row] = &[
    (&[plan::TRANSFER], &["pipe", "mqueue", "eventfd", "futex"], "cannot: carries bytes only"),
    (&[plan::THROUGHPUT, plan::FOOTPRINT_MESSAGE], &["eventfd"], "cannot: keeps a sum, not messages"),
    (&[plan::THROUGHPUT], &["futex"], "cannot: wakes; a queue in the shared memory would be the program's own"),
    (&[plan::FAN_OUT], &["eventfd"], "cannot: carries 8 bytes"),
    (&[plan::DEATH], &["pipe"], "left out: is told as a socket is, by the end of file"),
    (&[plan::DEATH], &["mqueue", "eventfd", "futex"], "cannot: outlives who uses it, and tells nobody"),
    (&[plan::CREATION, plan::FOOTPRINT], &["futex"], "cannot: nothing is made; any word of shared memory is one"),
    (&[plan::FOOTPRINT_MESSAGE], &["futex"], "cannot: the message is the shared memory itself"),
    (&[plan::FOOTPRINT_MESSAGE], &["binder"], "left out: a queue lies in its receiver's buffer, and each needs a process, which takes more than what is to be measured"),
    (ORDERS, &["eventfd"], "cannot: adds messages up, so none is before another"),
    (ORDERS, &["futex"], "cannot: carries no message"),
    (&[plan::LAST_MESSAGE, plan::CYCLE, plan::DEATH_ORDER, plan::REVOCATION], &["eventfd", "futex"], "cannot: nothing travels in it, and it has no receiver"),
    (&[plan::CYCLE], &["pipe", "mqueue"], "cannot: nothing travels in it but bytes"),
    (&[plan::DEATH_ORDER], &["pipe"], "left out: is as with a socket, the end of file behind the bytes"),
    (&[plan::DEATH_ORDER], &["mqueue"], "cannot: outlives who uses it, and tells nobody"),
    (&[plan::REVOCATION], &["mqueue"], "cannot: who has it open keeps it, as with a pipe's descriptor"),
    (&[plan::REVOCATION], &["binder"], "cannot: an owner can end all its objects by closing the device, which is as in last-message, and none of them alone"),
    (&[plan::GUESSING], &["pipe", "eventfd", "futex"], "cannot: has no name, only numbers of descriptors or addresses"),
    (&[plan::EXHAUSTION], &["seqpacket"], "left out: a user may have as many as open files, see eventfd; what lies unread in one, or in flight, is bounded, see unread"),
    (&[plan::EXHAUSTION], &["futex"], "cannot: nothing is made; any word of the user's own memory is one"),
    (&[plan::EXHAUSTION], &["binder"], "left out: an open device is an open file, see eventfd; a receiver's buffer is what users share, see unread"),
    (&[plan::UNREAD], &["futex"], "cannot: refuses nobody; who writes overwrites"),
];

/// Every hole of an experiment.
pub fn of_experiment(experiment: &str) -> impl Iterator<Item = Hole> + '_ {
    ROWS.iter().flat_map(move |(experiments, means, reason)| {
        let known = experiments.iter().find(move |known| **known == experiment);
        known.into_iter().flat_map(move |experiment| {
            means.iter().map(move |means| Hole {
                experiment,
                means,
                reason,
            })
        })
    })
}

/// The means that is measured under this name.
#[must_use]
pub fn means_of(name: &str) -> &str {
    let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
    alias.map_or(name, |(_, means)| means)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EXPERIMENTS;

    /// Every reason is for an experiment and a means that there are, and is given once.
    #[test]
    fn reasons_are_given_once() {
        for (experiments, means, _) in ROWS {
            for experiment in *experiments {
                assert!(plan::experiment(experiment).is_some(), "{experiment}");
            }
            assert!(means.iter().all(|means| LINUX_MEANS.contains(means)));
        }
        for experiment in EXPERIMENTS {
            for means in LINUX_MEANS {
                let holes = of_experiment(experiment.name);
                let n_holes = holes.filter(|hole| hole.means == means).count();
                assert!(
                    n_holes <= 1,
                    "{}, {means}: {n_holes} reasons",
                    experiment.name
                );
            }
        }
    }
}
