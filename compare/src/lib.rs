//! The plan of a comparison: what the Linux side, the Omnibus side and the host tool must agree about.
//!
//! Both sides run the same experiments ([`EXPERIMENTS`]) with the same parameters, repetitions and rounds, and tell what they
//! saw in the same lines ([`line`]). Neither side judges: the host tool computes every figure and every outcome from the lines.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod holes;
pub mod line;
pub mod measure;
pub mod observe;
pub mod scene;

/// What an experiment is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Guest instructions of one round.
    Instructions,
    /// Bytes of the machine's memory.
    Bytes,
    /// What happens: events.
    Semantics,
}

/// One experiment.
#[derive(Clone, Copy, Debug)]
pub struct Experiment {
    /// Its name, for `--only`.
    pub name: &'static str,
    /// What it measures or observes.
    pub kind: Kind,
    /// What is done, in a sentence.
    pub sentence: &'static str,
    /// What its parameter counts; empty if it has none.
    pub parameter: &'static str,
}

const fn experiment_of(
    name: &'static str,
    kind: Kind,
    parameter: &'static str,
    sentence: &'static str,
) -> Experiment {
    Experiment {
        name,
        kind,
        sentence,
        parameter,
    }
}

/// The experiments, in the order in which they run.
#[rustfmt::skip]
pub static EXPERIMENTS: &[Experiment] = &[
    experiment_of(ROUND_TRIP, Kind::Instructions, "bytes",
        "A request and its reply with the same bytes, between two processes."),
    experiment_of(TRANSFER, Kind::Instructions, "dropped",
        "A request that carries a handle or a descriptor, which the receiver keeps (0) or drops (1) before it replies."),
    experiment_of(FAN_OUT, Kind::Instructions, "receivers",
        "64 bytes to every receiver, and one acknowledgement from the last; per receiver."),
    experiment_of(THROUGHPUT, Kind::Instructions, "bytes",
        "32 messages one way, through a queue, and one acknowledgement; per message."),
    experiment_of(DEATH, Kind::Instructions, "",
        "From the killing of a process until another, which waits for it, knows."),
    experiment_of(CREATION, Kind::Instructions, "",
        "Making an endpoint and giving it up."),
    experiment_of(FOOTPRINT, Kind::Bytes, "",
        "What an idle endpoint takes of the machine's memory."),
    experiment_of(FOOTPRINT_MESSAGE, Kind::Bytes, "bytes",
        "What a queued message takes of the machine's memory, payload included."),
    experiment_of(CAUSAL_ORDER, Kind::Semantics, "",
        "S sends A to P and tells R by memory; R then sends B to P; P receives when both are there."),
    experiment_of(VISIBILITY, Kind::Semantics, "",
        "S sends A to Q and P; Q, when it has A, sends B to P."),
    experiment_of(AGREEMENT, Kind::Semantics, "",
        "S sends A to P and Q while R sends B to Q and P."),
    experiment_of(LAST_MESSAGE, Kind::Semantics, "",
        "A receiver goes with a message unread, which carries the last right to reach its sender."),
    experiment_of(CYCLE, Kind::Semantics, "",
        "Two receivers go, each the only one who could have received the right to reach the other, and a third one."),
    experiment_of(UNREAD, Kind::Semantics, "",
        "A user sends to a receiver that does not read, until refused; then another user sends there."),
    experiment_of(EXHAUSTION, Kind::Semantics, "",
        "A user takes of one thing until refused, and keeps it; then another user takes of the same."),
    experiment_of(DEATH_ORDER, Kind::Semantics, "",
        "One sends a message and dies; another looks when both have happened."),
    experiment_of(REVOCATION, Kind::Semantics, "",
        "An owner takes back, as far as it can, what it has given; who has it uses it."),
    experiment_of(GUESSING, Kind::Semantics, "",
        "Who was given nothing tries to reach a receiver by its name, or number."),
];

/// Name of an experiment.
pub const ROUND_TRIP: &str = "round-trip";
/// Name of an experiment.
pub const TRANSFER: &str = "transfer";
/// Name of an experiment.
pub const FAN_OUT: &str = "fan-out";
/// Name of an experiment.
pub const THROUGHPUT: &str = "throughput";
/// Name of an experiment.
pub const DEATH: &str = "death";
/// Name of an experiment.
pub const CREATION: &str = "creation";
/// Name of an experiment.
pub const FOOTPRINT: &str = "footprint";
/// Name of an experiment.
pub const FOOTPRINT_MESSAGE: &str = "footprint-message";

/// Name of an experiment.
pub const CAUSAL_ORDER: &str = "causal-order";
/// Name of an experiment.
pub const VISIBILITY: &str = "visibility";
/// Name of an experiment.
pub const AGREEMENT: &str = "agreement";
/// Name of an experiment.
pub const LAST_MESSAGE: &str = "last-message";
/// Name of an experiment.
pub const CYCLE: &str = "cycle";
/// Name of an experiment.
pub const UNREAD: &str = "unread";
/// Name of an experiment.
pub const EXHAUSTION: &str = "exhaustion";
/// Name of an experiment.
pub const DEATH_ORDER: &str = "death-order";
/// Name of an experiment.
pub const REVOCATION: &str = "revocation";
/// Name of an experiment.
pub const GUESSING: &str = "guessing";

/// Runs of an experiment that is no scene: a hundred where a death is involved, whose news has to travel, and fewer where nothing depends on time.
#[must_use]
pub fn n_runs(experiment: &str) -> u64 {
    match experiment {
        UNREAD | EXHAUSTION | GUESSING => 10,
        _ => 100,
    }
}

/// Names that are guessed.
pub const N_GUESSES: u64 = 2000;

/// What was asked when something happened, as events; the answer is the event's detail. Both sides use these words.
pub mod asked {
    /// What became of the right in a message that nobody received: [`RELEASED`] or [`KEPT`].
    pub const CARRIED: &str = "carried";
    /// The same, when another receiver, which has nothing to do with it, has gone.
    pub const CARRIED_LATER: &str = "carried-later";
    /// What a sender is told.
    pub const TOLD: &str = "told";
    /// What became of a message that was sent then: [`TAKEN`], or the error.
    pub const NEXT_SEND: &str = "next-send";
    /// The same, when the sender had been told.
    pub const LATER_SEND: &str = "later-send";
    /// How many were taken: messages by a receiver that does not read, or things by a user.
    pub const N_TAKEN: &str = "n-taken";
    /// How the next one was refused.
    pub const REFUSED: &str = "refused";
    /// How many things another user took meanwhile.
    pub const N_TAKEN_BY_OTHER: &str = "n-taken-by-other";
    /// How the next one was refused to that user.
    pub const REFUSED_TO_OTHER: &str = "refused-to-other";
    /// What became of the message of another user.
    pub const OTHER_USER: &str = "other-user";
    /// What was learned, each in its turn: [`MESSAGE`], [`DEATH`] or [`BOTH`].
    pub const LEARNED: &str = "learned";
    /// Whether what was sent arrives: [`YES`] or [`NO`].
    pub const ARRIVES: &str = "arrives";
    /// How many guesses reached somebody.
    pub const N_REACHED: &str = "n-reached";

    /// An answer.
    pub const RELEASED: &str = "released";
    /// An answer.
    pub const KEPT: &str = "kept";
    /// An answer.
    pub const TAKEN: &str = "taken";
    /// An answer.
    pub const MESSAGE: &str = "message";
    /// An answer.
    pub const DEATH: &str = "death";
    /// An answer: nothing says which was first.
    pub const BOTH: &str = "both at once";
    /// An answer.
    pub const NOTHING: &str = "nothing";
    /// An answer.
    pub const YES: &str = "yes";
    /// An answer.
    pub const NO: &str = "no";
}

/// Numbers of receivers of a fan-out.
pub const RECEIVERS: [usize; 5] = [1, 4, 16, 64, 256];

/// Bytes of each message of a fan-out.
pub const FAN_OUT_BYTES: usize = 64;

/// Sizes of messages whose throughput is measured, and which are queued for their footprint.
pub const QUEUED_SIZES: [usize; 2] = [64, 4096];

/// Messages of one burst.
pub const BURST: usize = 32;

/// Endpoints of which the footprint is the average.
pub const N_ENDPOINTS: usize = 4000;

/// Queues of whose messages the footprint is the average.
pub const N_QUEUES: usize = 250;

/// Messages in each of them: what a pipe holds, or fewer where that is plenty.
#[must_use]
pub const fn n_queued(n_bytes: usize) -> usize {
    if n_bytes > 64 { 16 } else { 64 }
}

/// Rounds of a repetition in which a process dies.
pub const N_DEATHS: u64 = 10;

/// Sizes of messages, in bytes.
pub const SIZES: [usize; 5] = [8, 64, 1024, 4096, 65536];

/// Repetitions of which the median counts. Those of all means of an experiment take turns, so that what drifts drifts for all.
pub const N_REPETITIONS: u64 = 9;

/// Rounds that are checked before any is timed: every byte is compared, every object that travels is used.
pub const N_CHECKED: u64 = 8;

/// Rounds of one repetition.
#[must_use]
pub const fn n_rounds(n_bytes: usize) -> u64 {
    if n_bytes > 4096 { 20 } else { 100 }
}

/// Fills `bytes` with what no other round has there.
pub fn fill(bytes: &mut [u8], round: u64) {
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = (round as usize * 31 + index * 7 + index / 251 + 1) as u8;
    }
}

/// The experiment of this name.
#[must_use]
pub fn experiment(name: &str) -> Option<&'static Experiment> {
    EXPERIMENTS.iter().find(|known| known.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names are unique, and each experiment is found by its own.
    #[test]
    fn experiments_have_names_of_their_own() {
        for known in EXPERIMENTS {
            let found = experiment(known.name).expect("it is in the list");
            assert!(core::ptr::eq(found, known), "{} comes twice", known.name);
        }
    }

    /// Two rounds do not have the same bytes, and no round has zeros only.
    #[test]
    fn rounds_differ_in_their_bytes() {
        let of = |round| {
            let mut bytes = [0; 8];
            fill(&mut bytes, round);
            bytes
        };
        assert_ne!(of(0), of(1));
        assert_ne!(of(0), [0; 8]);
    }
}
