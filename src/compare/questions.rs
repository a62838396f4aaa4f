//! What is asked of the events, and what the rules promise of Omnibus.
//!
//! A question knows actors and events, and no system: the same is asked of both.

/// A question to the runs of an experiment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    /// The experiment.
    pub(super) experiment: &'static str,
    /// The question.
    pub(super) text: &'static str,
    /// What of the events answers it.
    pub(super) ask: Ask,
    /// What Omnibus must answer in every run, and by which rule; nothing where it is only observed.
    pub(super) promise: Option<(&'static str, &'static str)>,
}

/// An event: what, and of what.
pub(super) type Seen = (&'static str, &'static str);

/// How events answer a question.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ask {
    /// Whether `actor` saw `first` before `then`: `kept` or `broken`.
    Order {
        /// Who saw both.
        actor: &'static str,
        /// What must come first.
        first: Seen,
        /// What must come later.
        then: Seen,
    },
    /// Whether two actors received the same in the same order: `agree` or `differ`.
    Agreement([&'static str; 2]),
    /// What an actor's event says.
    Detail {
        /// Whose.
        actor: &'static str,
        /// Which.
        event: &'static str,
    },
    /// By how much the numbers of an actor's event grew, from the first to the last.
    Growth {
        /// Whose.
        actor: &'static str,
        /// Which.
        event: &'static str,
    },
}

const fn order(actor: &'static str, first: Seen, then: Seen) -> Ask {
    Ask::Order { actor, first, then }
}

const fn detail(actor: &'static str, event: &'static str) -> Ask {
    Ask::Detail { actor, event }
}

const fn question(
    experiment: &'static str,
    text: &'static str,
    ask: Ask,
    promise: Option<(&'static str, &'static str)>,
) -> Question {
    Question {
        experiment,
        text,
        ask,
        promise,
    }
}

const A: Seen = ("received", "A");
const B: Seen = ("received", "B");
const M: Seen = ("received", "M");
const T: Seen = ("received", "T");
const DEATH: Seen = ("learned", "death");

/// All questions.
#[rustfmt::skip]
pub(super) static QUESTIONS: &[Question] = &[
    question("causal-order", "P gets A before B", order("P", A, B), Some(("kept", "ORD-3"))),
    question("fan-out-order", "Q gets A before B", order("Q", A, B), Some(("kept", "ORD-1"))),
    question("agreement", "P and Q get A and B in one order", Ask::Agreement(["P", "Q"]), Some(("agree", "ORD-4"))),
    question("lost-message", "the endpoint in the lost message is released", detail("T", "released"), Some(("yes", "CLO-1"))),
    question("lost-message", "S is told of the death", detail("S", "told"), Some(("yes", "NOT-1"))),
    question("lost-message", "S sends again", detail("S", "sent-again"), Some(("EBADRQC", "SND-4"))),
    question("lost-message", "somebody else can read the message", detail("X", "read"), None),
    question("cycles", "objects left over", Ask::Growth { actor: "X", event: "objects" }, Some(("0", "CLO-3"))),
    question("full-queue", "messages accepted", detail("S", "accepted"), None),
    question("full-queue", "then S is told", detail("S", "refused"), Some(("EDQUOT", "ACC-4"))),
    question("full-queue", "S, willing to wait", detail("S", "willing-to-wait"), Some(("EDQUOT", "ACC-4"))),
    question("death-order", "Q gets M before it learns of the death", order("Q", M, DEATH), Some(("kept", "ORD-2"))),
    question("death-order", "Q learns of the death before R's word of it", order("Q", DEATH, T), Some(("kept", "NOT-3"))),
    question("revocation", "A, afterwards", detail("A", "used"), None),
    question("revocation", "D, who has a copy of A's", detail("D", "used"), None),
    question("revocation", "B, who has its own", detail("B", "used"), Some(("ok", "REL-2"))),
    question("guessing", "guesses", detail("G", "tried"), None),
    question("guessing", "of these worked", detail("G", "worked"), Some(("0", "OBJ-7"))),
    question("exhaustion", "messages of F accepted", detail("F", "accepted"), None),
    question("exhaustion", "then F is told", detail("F", "refused"), Some(("EDQUOT", "ACC-4"))),
    question("exhaustion", "then G sends", detail("G", "sent"), Some(("ok", "ACC-4"))),
];

#[cfg(test)]
mod tests {
    use super::*;
    use omnibus_compare::{EXPERIMENTS, Kind};

    /// Every experiment that observes has a question, and every question an experiment that observes.
    #[test]
    fn questions_and_experiments_belong_together() {
        let is_observed = |name: &str| {
            let experiment = omnibus_compare::experiment(name);
            experiment.is_some_and(|experiment| experiment.kind == Kind::Semantics)
        };
        for question in QUESTIONS {
            assert!(is_observed(question.experiment), "{}", question.experiment);
        }
        for experiment in EXPERIMENTS
            .iter()
            .filter(|experiment| is_observed(experiment.name))
        {
            assert!(
                QUESTIONS
                    .iter()
                    .any(|question| question.experiment == experiment.name),
                "nothing is asked of {}",
                experiment.name
            );
        }
    }
}
