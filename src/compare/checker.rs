//! The checker: answers questions from the rows of events, of either system.
//!
//! It knows neither which system told the events nor what is promised. A run in which what a question asks for did not happen is
//! answered by [`NOTHING`], never left out.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use omnibus_compare::line::{self, Event, Line};

use super::questions::{Ask, Question, Seen};

/// The answer where the events that a question asks for are not there.
pub(super) const NOTHING: &str = "nothing";

/// Answers of all runs through one means, each with how often it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answers {
    /// The means.
    pub(super) means: String,
    /// How often each answer was given.
    pub(super) counts: BTreeMap<String, u64>,
}

impl Answers {
    /// Whether every run gave this answer, and there was one.
    pub(super) fn are_all(&self, answer: &str) -> bool {
        self.counts.len() == 1 && self.counts.contains_key(answer)
    }

    /// The answers in words: the one that all runs gave, or each with its count.
    pub(super) fn text(&self) -> String {
        let n_runs: u64 = self.counts.values().sum();
        let mut answers: Vec<_> = self.counts.iter().collect();
        answers.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        match answers.as_slice() {
            [(answer, _)] => format!("{answer} ({n_runs} of {n_runs})"),
            _ => {
                let each = answers
                    .iter()
                    .map(|(answer, count)| format!("{answer} {count}"));
                format!("{} (of {n_runs})", each.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// Answers a question for every means in the rows, in the order told.
///
/// # Errors
/// If a row is not one of an observation.
pub(super) fn answer(question: &Question, rows: &[String]) -> Result<Vec<Answers>> {
    let mut order: Vec<&str> = Vec::new();
    let mut runs = BTreeMap::<(&str, u64), Vec<Event<'_>>>::new();
    let lines: Vec<_> = rows.iter().map(|row| format!("event,{row}")).collect();
    for text in &lines {
        let Ok(Some(Line::Event(event))) = line::parse(text) else {
            bail!("\"{text}\" is not an event");
        };
        if event.experiment != question.experiment {
            continue;
        }
        if !order.contains(&event.means) {
            order.push(event.means);
        }
        runs.entry((event.means, event.run))
            .or_default()
            .push(event);
    }
    let mut answers: Vec<_> = order
        .iter()
        .map(|means| Answers {
            means: (*means).to_owned(),
            counts: BTreeMap::new(),
        })
        .collect();
    for ((means, _), mut events) in runs {
        events.sort_by_key(|event| event.step);
        let of_means = answers.iter_mut().find(|answers| answers.means == means);
        if let Some(of_means) = of_means {
            *of_means
                .counts
                .entry(of_run(question.ask, &events))
                .or_default() += 1;
        }
    }
    Ok(answers)
}

/// The answer of one run, whose events are in order.
fn of_run(ask: Ask, events: &[Event<'_>]) -> String {
    let answer = match ask {
        Ask::Order { actor, first, then } => {
            let place = |(what, detail): Seen| {
                events.iter().position(|event| {
                    event.actor == actor && event.event == what && event.detail == detail
                })
            };
            let places = place(first).zip(place(then));
            places.map(|(first, then)| if first < then { "kept" } else { "broken" }.to_owned())
        }
        Ask::Agreement([one, other]) => {
            let received = |actor: &str| {
                let own = events.iter();
                let own = own.filter(|event| event.actor == actor && event.event == "received");
                own.map(|event| event.detail).collect::<Vec<_>>()
            };
            let (one, other) = (received(one), received(other));
            (!one.is_empty() && one.len() == other.len())
                .then(|| if one == other { "agree" } else { "differ" }.to_owned())
        }
        Ask::Detail { actor, event } => {
            let mut found = events.iter();
            let found = found.find(|seen| seen.actor == actor && seen.event == event);
            found.map(|seen| seen.detail.to_owned())
        }
        Ask::Growth { actor, event } => {
            let own = events.iter();
            let own = own.filter(|seen| seen.actor == actor && seen.event == event);
            let numbers: Vec<i64> = own.filter_map(|seen| seen.detail.parse().ok()).collect();
            match numbers.as_slice() {
                [first, .., last] => Some((last - first).to_string()),
                _ => None,
            }
        }
    };
    answer.unwrap_or_else(|| NOTHING.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(ask: Ask, rows: &[&str]) -> Vec<Answers> {
        let question = Question {
            experiment: "x",
            text: "",
            ask,
            promise: None,
        };
        let rows: Vec<_> = rows.iter().map(ToString::to_string).collect();
        answer(&question, &rows).unwrap()
    }

    const ORDER: Ask = Ask::Order {
        actor: "P",
        first: ("received", "A"),
        then: ("received", "B"),
    };

    /// An order is judged by the steps, not by the rows, at the actor asked for, and each run counts once.
    #[test]
    fn orders_are_counted() {
        let answers = ask(
            ORDER,
            &[
                "x,one,0,2,P,received,B",
                "x,one,0,1,P,received,A",
                "x,one,0,0,Q,received,B",
                "x,one,1,0,P,received,B",
                "x,one,1,1,P,received,A",
                "x,one,2,0,P,received,A",
                "y,one,3,0,P,received,A",
            ],
        );
        let [answers] = answers.as_slice() else {
            panic!("{answers:?}");
        };
        let counts: Vec<_> = answers
            .counts
            .iter()
            .map(|(answer, n)| (answer.as_str(), *n))
            .collect();
        assert_eq!(counts, [("broken", 1), ("kept", 1), (NOTHING, 1)]);
        assert!(!answers.are_all("kept"));
    }

    /// Means are told apart and stay in the order told.
    #[test]
    fn means_are_told_apart() {
        let answers = ask(
            ORDER,
            &[
                "x,z,0,0,P,received,A",
                "x,z,0,1,P,received,B",
                "x,a,0,0,P,received,B",
                "x,a,0,1,P,received,A",
            ],
        );
        assert_eq!(answers[0].text(), "kept (1 of 1)");
        assert!(answers[0].are_all("kept"));
        assert_eq!(
            (answers[1].means.as_str(), answers[1].text().as_str()),
            ("a", "broken (1 of 1)")
        );
    }

    /// Two agree if they received the same in the same order; one that lacks a message gives no answer.
    #[test]
    fn agreement_is_about_what_both_received() {
        let both = Ask::Agreement(["P", "Q"]);
        let rows = [
            "x,m,0,0,P,received,A",
            "x,m,0,1,Q,received,A",
            "x,m,0,2,P,received,B",
        ];
        assert!(ask(both, &rows)[0].are_all(NOTHING));
        let with = |last| ask(both, &[&rows[..], &[last]].concat());
        assert!(with("x,m,0,3,Q,received,B")[0].are_all("agree"));
        let rows = ["x,m,0,0,P,received,A", "x,m,0,1,Q,received,B"];
        assert!(ask(both, &rows)[0].are_all("differ"));
    }

    /// Details and growth are read from the actor's own events.
    #[test]
    fn details_and_growth_are_read() {
        let detail = Ask::Detail {
            actor: "S",
            event: "refused",
        };
        assert!(ask(detail, &["x,m,0,0,S,refused,EAGAIN"])[0].are_all("EAGAIN"));
        assert!(ask(detail, &["x,m,0,0,T,refused,EAGAIN"])[0].are_all(NOTHING));
        let growth = Ask::Growth {
            actor: "X",
            event: "objects",
        };
        let rows = [
            "x,m,0,0,X,objects,7",
            "x,m,0,1,X,objects,90",
            "x,m,0,2,X,objects,6",
        ];
        assert!(ask(growth, &rows)[0].are_all("-1"));
        assert!(ask(growth, &rows[..1])[0].are_all(NOTHING));
    }
}
