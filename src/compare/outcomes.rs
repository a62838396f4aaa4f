//! Outcomes: the checker's answers for both systems, and Omnibus's against what the rules promise.

use anyhow::Result;

use super::checker::{self, Answers};
use super::figures::SYSTEMS;
use super::questions::{QUESTIONS, Question};
use super::sides::Told;

/// The answers to one question through one means.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    question: &'static Question,
    /// The system, an index of [`SYSTEMS`].
    system: usize,
    answers: Answers,
}

impl Outcome {
    /// Whether Omnibus did not answer as promised, in some run.
    pub(crate) fn is_broken(&self) -> bool {
        let is_as_promised = |(answer, _)| self.answers.are_all(answer);
        self.system == 0 && !self.question.promise.is_none_or(is_as_promised)
    }

    /// The question, the means and the answers, in a sentence.
    pub(crate) fn sentence(&self) -> String {
        let promised = self
            .question
            .promise
            .map_or_else(String::new, |(answer, rule)| {
                format!("; {rule} promises \"{answer}\"")
            });
        format!(
            "{} ({}): {}{promised}",
            self.question.text,
            self.answers.means,
            self.answers.text()
        )
    }
}

/// The outcomes of an experiment, question by question, Omnibus first.
///
/// # Errors
/// If a row is not one of an observation.
pub(super) fn of_experiment(experiment: &str, told: [&Told; 2]) -> Result<Vec<Outcome>> {
    of_systems(experiment, &told)
}

/// What Omnibus's events answer, to every question that they are asked.
///
/// # Errors
/// If a row is not one of an observation.
pub(crate) fn of_omnibus(experiment: &str, told: &Told) -> Result<Vec<Outcome>> {
    of_systems(experiment, &[told])
}

fn of_systems(experiment: &str, told: &[&Told]) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for question in QUESTIONS {
        if question.experiment != experiment {
            continue;
        }
        for (system, told) in told.iter().enumerate() {
            for answers in checker::answer(question, &told.events)? {
                outcomes.push(Outcome {
                    question,
                    system,
                    answers,
                });
            }
        }
    }
    Ok(outcomes)
}

/// Outcomes as cells, under a row of names.
pub(super) fn rows(outcomes: &[Outcome]) -> Vec<Vec<String>> {
    let mut rows = vec![
        ["question", "system", "means", "answers", "promised"]
            .map(str::to_owned)
            .to_vec(),
    ];
    let mut last = "";
    for outcome in outcomes {
        let question = outcome.question;
        let text = if question.text == last {
            ""
        } else {
            question.text
        };
        last = question.text;
        let promised = match question.promise {
            Some((answer, rule)) if outcome.system == 0 => {
                let verdict = if outcome.is_broken() { " BROKEN" } else { "" };
                format!("{answer}, {rule}{verdict}")
            }
            _ => String::new(),
        };
        rows.push(vec![
            text.to_owned(),
            SYSTEMS[outcome.system].to_owned(),
            outcome.answers.means.clone(),
            outcome.answers.text(),
            promised,
        ]);
    }
    rows
}

/// The columns of [`csv`].
pub(super) const CSV_HEADER: &str = "experiment,question,system,means,answer,runs";

/// Outcomes as CSV: a row for each answer.
pub(super) fn csv(outcomes: &[Outcome]) -> String {
    let mut text = String::new();
    for outcome in outcomes {
        for (answer, n_runs) in &outcome.answers.counts {
            let question = outcome.question;
            // Questions are sentences, and may have commas.
            text.push_str(&format!(
                "{},\"{}\",{},{},{answer},{n_runs}\n",
                question.experiment, question.text, SYSTEMS[outcome.system], outcome.answers.means
            ));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(rows: &[&str]) -> Told {
        let mut told = Told::default();
        told.events.extend(rows.iter().map(ToString::to_string));
        told
    }

    /// Omnibus is held to the promise; for another system the same events are an observation.
    #[test]
    fn only_omnibus_is_held_to_a_promise() {
        let broken = told(&[
            "causal-order,m,0,0,P,received,B",
            "causal-order,m,0,1,P,received,A",
        ]);
        let outcomes = of_experiment("causal-order", [&broken, &broken]).unwrap();
        assert_eq!(
            outcomes.iter().map(Outcome::is_broken).collect::<Vec<_>>(),
            [true, false]
        );
        assert!(rows(&outcomes)[1][4].contains("BROKEN"));
        assert!(outcomes[0].sentence().contains("ORD-3"));
    }

    /// A run without the events that a question asks for breaks the promise too.
    #[test]
    fn silence_breaks_a_promise() {
        let silent = told(&["causal-order,m,0,0,S,sent,A"]);
        let outcomes = of_omnibus("causal-order", &silent).unwrap();
        assert!(outcomes[0].is_broken());
    }
}
