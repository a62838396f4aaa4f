//! The checker: from the raw events of either system to what they mean. It does not know which system it judges.
//!
//! Every experiment asks questions of each run; answers are counted. Nothing here is told by a guest: a guest tells what was sent and
//! received, in which order, and what a call said.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use omnibus_compare as plan;
use omnibus_compare::asked;
use omnibus_compare::line::{self, Event};
use omnibus_compare::scene::{Schedule, Seen};

/// One run of an experiment with one means: its events in their order.
type Run<'a> = [Event<'a>];

/// Finds the answer in a run; `None` if it was not asked there.
enum Judge {
    /// The order in which this actor received A and B, under this schedule.
    Order(&'static str, Option<Schedule>),
    /// Whether both receivers had the same order, under this schedule.
    Agreement(Schedule),
    /// Whether another did or saw something between two parts of one message to many.
    Apart,
    /// The detail of all events with this name.
    Answers(&'static str),
}

struct Question {
    experiment: &'static str,
    text: &'static str,
    judge: Judge,
}

const fn question(experiment: &'static str, text: &'static str, judge: Judge) -> Question {
    Question {
        experiment,
        text,
        judge,
    }
}

#[rustfmt::skip]
static QUESTIONS: &[Question] = &[
    question(plan::CAUSAL_ORDER, "P received", Judge::Order("P", None)),
    question(plan::VISIBILITY, "P received", Judge::Order("P", Some(Schedule::Plain))),
    question(plan::VISIBILITY, "… a sender that yields between", Judge::Order("P", Some(Schedule::Yielding))),
    question(plan::VISIBILITY, "… receivers that are urgent", Judge::Order("P", Some(Schedule::Urgent))),
    question(plan::VISIBILITY, "something happened while A was under way", Judge::Apart),
    question(plan::AGREEMENT, "P and Q received", Judge::Agreement(Schedule::Plain)),
    question(plan::AGREEMENT, "… senders that yield between", Judge::Agreement(Schedule::Yielding)),
    question(plan::AGREEMENT, "… receivers that are urgent", Judge::Agreement(Schedule::Urgent)),
    question(plan::AGREEMENT, "something happened while A or B was under way", Judge::Apart),
    question(plan::LAST_MESSAGE, "the right in the unread message was", Judge::Answers(asked::CARRIED)),
    question(plan::LAST_MESSAGE, "the next message was", Judge::Answers(asked::NEXT_SEND)),
    question(plan::LAST_MESSAGE, "the sender is told", Judge::Answers(asked::TOLD)),
    question(plan::LAST_MESSAGE, "a message after that is", Judge::Answers(asked::LATER_SEND)),
    question(plan::CYCLE, "the right to reach the third was", Judge::Answers(asked::CARRIED)),
    question(plan::CYCLE, "… when another socket was closed", Judge::Answers(asked::CARRIED_LATER)),
    question(plan::UNREAD, "messages taken", Judge::Answers(asked::N_TAKEN)),
    question(plan::UNREAD, "the next was refused with", Judge::Answers(asked::REFUSED)),
    question(plan::UNREAD, "the other user's message was", Judge::Answers(asked::OTHER_USER)),
    question(plan::EXHAUSTION, "taken by the first user", Judge::Answers(asked::N_TAKEN)),
    question(plan::EXHAUSTION, "the next was refused with", Judge::Answers(asked::REFUSED)),
    question(plan::EXHAUSTION, "taken by the other user meanwhile", Judge::Answers(asked::N_TAKEN_BY_OTHER)),
    question(plan::EXHAUSTION, "the next was refused to that user with", Judge::Answers(asked::REFUSED_TO_OTHER)),
    question(plan::DEATH_ORDER, "learned, in this order", Judge::Answers(asked::LEARNED)),
    question(plan::REVOCATION, "what is sent then is", Judge::Answers(asked::NEXT_SEND)),
    question(plan::REVOCATION, "and arrives", Judge::Answers(asked::ARRIVES)),
    question(plan::REVOCATION, "sent after it was told", Judge::Answers(asked::LATER_SEND)),
    question(plan::GUESSING, "guesses that reached somebody", Judge::Answers(asked::N_REACHED)),
];

impl Judge {
    fn answer(&self, run: &Run<'_>) -> Option<String> {
        let of_schedule = |schedule: Schedule| {
            let number = run.first()?.run;
            (Schedule::of_run(number) == schedule).then_some(())
        };
        match *self {
            Self::Order(actor, schedule) => {
                schedule.map_or(Some(()), of_schedule)?;
                Some(received(run, actor))
            }
            Self::Agreement(schedule) => {
                of_schedule(schedule)?;
                let is_same = received(run, "P") == received(run, "Q");
                let words = if is_same {
                    "the same order"
                } else {
                    "different orders"
                };
                Some(words.to_owned())
            }
            Self::Apart => Some(if is_apart(run) { "yes" } else { "no" }.to_owned()),
            Self::Answers(name) => {
                let answers: Vec<_> = run
                    .iter()
                    .filter(|event| event.event == name)
                    .map(|event| event.detail)
                    .collect();
                (!answers.is_empty()).then(|| answers.join(" then "))
            }
        }
    }
}

/// The messages that an actor received, in its order.
fn received(run: &Run<'_>, actor: &str) -> String {
    let own = |event: &&Event<'_>| event.actor == actor && event.event == Seen::Received.name();
    let labels: Vec<_> = run.iter().filter(own).map(|event| event.detail).collect();
    labels.join(" then ")
}

/// Whether there are two parts of one message with an event of another actor between them.
fn is_apart(run: &Run<'_>) -> bool {
    run.iter().enumerate().any(|(index, first)| {
        let same = |event: &Event<'_>| {
            event.event == Seen::Sent.name()
                && (event.actor, event.detail) == (first.actor, first.detail)
        };
        let rest = &run[index + 1..];
        let others = rest.iter().take_while(|event| event.actor != first.actor);
        let n_others = others.count();
        first.event == Seen::Sent.name() && n_others > 0 && rest.get(n_others).is_some_and(same)
    })
}

/// The columns: a system, by its number, and a means, in the order told.
type Runs<'a> = Vec<((usize, &'a str), BTreeMap<u64, Vec<Event<'a>>>)>;

fn runs_of<'a>(experiment: &str, told: [&'a [String]; 2]) -> Result<Runs<'a>> {
    let mut runs: Runs<'_> = Vec::new();
    for (system, rows) in told.into_iter().enumerate() {
        for row in rows {
            let event = line::event_of_row(row)
                .map_err(|_| anyhow!("\"{row}\" is not a row of an observation"))?;
            if event.experiment != experiment {
                continue;
            }
            let column = (system, event.means);
            let index = runs.iter().position(|(known, _)| *known == column);
            let index = index.unwrap_or_else(|| {
                runs.push((column, BTreeMap::new()));
                runs.len() - 1
            });
            runs[index].1.entry(event.run).or_default().push(event);
        }
    }
    for run in runs.iter_mut().flat_map(|(_, runs)| runs.values_mut()) {
        run.sort_by_key(|event| event.step);
    }
    Ok(runs)
}

/// An experiment as a table: columns are the means of each system; a row for each question, with the answers and how often.
///
/// # Errors
/// If a row is not one of an observation.
pub(super) fn table(
    experiment: &str,
    systems: [&str; 2],
    told: [&[String]; 2],
) -> Result<Vec<Vec<String>>> {
    let runs = runs_of(experiment, told)?;
    let head = |first: &str, name: &dyn Fn(&(usize, &str)) -> String| {
        let names = runs.iter().map(|(column, _)| name(column));
        std::iter::once(first.to_owned()).chain(names).collect()
    };
    let mut rows = vec![
        head("", &|(system, _)| systems[*system].to_owned()),
        head("", &|(_, means)| (*means).to_owned()),
    ];
    for question in QUESTIONS {
        if question.experiment == experiment {
            let cells = runs.iter().map(|(_, runs)| cell(&question.judge, runs));
            rows.push(
                std::iter::once(question.text.to_owned())
                    .chain(cells)
                    .collect(),
            );
        }
    }
    Ok(rows)
}

/// The answers of all runs, the most frequent first.
fn cell(judge: &Judge, runs: &BTreeMap<u64, Vec<Event<'_>>>) -> String {
    let mut counts = BTreeMap::<_, usize>::new();
    for run in runs.values() {
        if let Some(answer) = judge.answer(run) {
            *counts.entry(answer).or_default() += 1;
        }
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, n_runs)| std::cmp::Reverse(*n_runs));
    if counts.is_empty() {
        return "-".to_owned();
    }
    let words = counts
        .iter()
        .map(|(answer, n_runs)| format!("{answer} ({n_runs})"));
    words.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &[&str]) -> Vec<String> {
        text.iter().map(ToString::to_string).collect()
    }

    fn cells(experiment: &str, told: &[String]) -> Vec<String> {
        let table = table(experiment, ["X", "Y"], [told, &[]]).unwrap();
        table[2..].iter().map(|row| row[1].clone()).collect()
    }

    /// The order of a receiver is read from its own events, whatever the order of the rows.
    #[test]
    fn orders_are_told_apart() {
        let told = rows(&[
            "causal-order,m,0,1,P,received,B",
            "causal-order,m,0,0,P,received,A",
            "causal-order,m,1,0,P,received,B",
            "causal-order,m,1,1,P,received,A",
            "causal-order,m,2,0,S,sent,A",
            "causal-order,m,2,1,P,received,A",
            "causal-order,m,2,2,P,received,B",
        ]);
        assert_eq!(
            cells(plan::CAUSAL_ORDER, &told),
            ["A then B (2); B then A (1)"]
        );
    }

    /// Two receivers that disagree are noticed, under the schedule of the run; so is an event between two parts of a message.
    #[test]
    fn disagreement_is_noticed() {
        let told = rows(&[
            "agreement,m,0,0,S,sent,A",
            "agreement,m,0,1,S,sent,A",
            "agreement,m,0,2,P,received,A",
            "agreement,m,0,3,P,received,B",
            "agreement,m,0,4,Q,received,A",
            "agreement,m,0,5,Q,received,B",
            "agreement,m,1,0,S,sent,A",
            "agreement,m,1,1,P,received,A",
            "agreement,m,1,2,S,sent,A",
            "agreement,m,1,3,P,received,B",
            "agreement,m,1,4,Q,received,B",
            "agreement,m,1,5,Q,received,A",
        ]);
        assert_eq!(
            cells(plan::AGREEMENT, &told),
            [
                "the same order (1)",
                "different orders (1)",
                "-",
                "no (1); yes (1)"
            ]
        );
    }

    /// What was asked is answered by the events, several in their order; what was not asked is left open.
    #[test]
    fn answers_are_collected() {
        let told = rows(&[
            "death-order,m,0,0,S,learned,message",
            "death-order,m,0,1,S,learned,death",
        ]);
        assert_eq!(cells(plan::DEATH_ORDER, &told), ["message then death (1)"]);
        let told = rows(&["revocation,m,0,0,S,arrives,no"]);
        assert_eq!(cells(plan::REVOCATION, &told), ["-", "no (1)", "-"]);
        assert!(table(plan::CYCLE, ["X", "Y"], [&rows(&["x"]), &[]]).is_err());
    }

    /// Every experiment that observes asks something.
    #[test]
    fn every_experiment_asks() {
        for experiment in plan::EXPERIMENTS {
            let n_asked = QUESTIONS
                .iter()
                .filter(|question| question.experiment == experiment.name)
                .count();
            let is_asking = experiment.kind == plan::Kind::Semantics;
            assert_eq!(n_asked > 0, is_asking, "{}", experiment.name);
        }
    }
}
