//! The lines by which a side tells what it saw: comma-separated, without quoting, so no field has a comma.
//!
//! | line | meaning |
//! |---|---|
//! | `cost,EXPERIMENT,MEANS,PARAMETER,REPETITION,AMOUNT` | one repetition took that much: instructions of a round, or bytes |
//! | `event,EXPERIMENT,MEANS,RUN,STEP,ACTOR,EVENT,DETAIL` | in a run, as its STEP-th event of all actors, ACTOR did or saw this |
//! | `compare-done N` | the side is through, and told N lines |
//!
//! Everything else that a guest prints is for people.

use core::fmt::{self, Display, Formatter};

/// A repetition of an experiment that measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost<'a> {
    /// The experiment.
    pub experiment: &'a str,
    /// The means of the system that was used.
    pub means: &'a str,
    /// The parameter: bytes, receivers; 0 if there is none.
    pub parameter: u64,
    /// Which repetition, from 0.
    pub repetition: u64,
    /// Instructions of a round, or bytes.
    pub amount: u64,
}

impl Cost<'_> {
    /// The columns of the lines as a table.
    pub const HEADER: &'static str = "experiment,means,parameter,repetition,amount";
}

impl Display for Cost<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "cost,{},{},{},{},{}",
            self.experiment, self.means, self.parameter, self.repetition, self.amount
        )
    }
}

/// Something that an actor did or saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// The experiment.
    pub experiment: &'a str,
    /// The means of the system that was used.
    pub means: &'a str,
    /// Which run, from 0.
    pub run: u64,
    /// The place among all events of the run, of all actors, from 0.
    pub step: u64,
    /// Who did or saw it.
    pub actor: &'a str,
    /// What was done or seen.
    pub event: &'a str,
    /// Of what, or how much: a message's label, the name of an error, a number; may be empty.
    pub detail: &'a str,
}

impl Event<'_> {
    /// The columns of the lines as a table.
    pub const HEADER: &'static str = "experiment,means,run,step,actor,event,detail";
}

impl Display for Event<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "event,{},{},{},{},{},{},{}",
            self.experiment, self.means, self.run, self.step, self.actor, self.event, self.detail
        )
    }
}

/// A line that was understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// Of a measurement.
    Cost(Cost<'a>),
    /// Of an observation.
    Event(Event<'a>),
    /// The end: so many lines were told.
    Done(u64),
}

/// What is wrong with a line that begins like one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Reads a line; `None` for those that are for people.
///
/// # Errors
/// If it begins like one of ours and is none.
pub fn parse(line: &str) -> Result<Option<Line<'_>>, Malformed> {
    if let Some(n_told) = line.strip_prefix("compare-done ") {
        return number(n_told).map(|n_told| Some(Line::Done(n_told)));
    }
    let Some((word, rest)) = line.split_once(',') else {
        return Ok(None);
    };
    match word {
        "cost" => {
            let [experiment, means, parameter, repetition, amount] = fields(rest)?;
            Ok(Some(Line::Cost(Cost {
                experiment,
                means,
                parameter: number(parameter)?,
                repetition: number(repetition)?,
                amount: number(amount)?,
            })))
        }
        "event" => event_of_row(rest).map(|event| Some(Line::Event(event))),
        _ => Ok(None),
    }
}

/// Reads the rest of an event's line, a row of the table of events.
///
/// # Errors
/// If it is none.
pub fn event_of_row(row: &str) -> Result<Event<'_>, Malformed> {
    let [experiment, means, run, step, actor, event, detail] = fields(row)?;
    Ok(Event {
        experiment,
        means,
        run: number(run)?,
        step: number(step)?,
        actor,
        event,
        detail,
    })
}

fn number(field: &str) -> Result<u64, Malformed> {
    field.parse().map_err(|_| Malformed)
}

/// Exactly so many fields.
fn fields<const N: usize>(text: &str) -> Result<[&str; N], Malformed> {
    let mut fields = [""; N];
    let mut found = text.split(',');
    for field in &mut fields {
        *field = found.next().ok_or(Malformed)?;
    }
    match found.next() {
        Some(_) => Err(Malformed),
        None => Ok(fields),
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::string::ToString;

    /// What is written is read back.
    #[test]
    fn lines_come_back() {
        let cost = Cost {
            experiment: "a",
            means: "b",
            parameter: 64,
            repetition: 1,
            amount: 977,
        };
        assert_eq!(parse(&cost.to_string()), Ok(Some(Line::Cost(cost))));
        let event = Event {
            experiment: "a",
            means: "b",
            run: 7,
            step: 2,
            actor: "P",
            event: "received",
            detail: "",
        };
        assert_eq!(parse(&event.to_string()), Ok(Some(Line::Event(event))));
        assert_eq!(parse("compare-done 12"), Ok(Some(Line::Done(12))));
    }

    /// Lines for people pass; a line of ours with a field too few, too many, or without its number is refused.
    #[test]
    fn other_lines_pass_and_broken_ones_do_not() {
        assert_eq!(parse("kernel: memory, and more"), Ok(None));
        assert_eq!(parse(""), Ok(None));
        for broken in [
            "cost,a,b,1,2",
            "cost,a,b,1,2,3,4",
            "cost,a,b,x,2,3",
            "event,a,b,1,2,P,received",
            "compare-done x",
        ] {
            assert_eq!(parse(broken), Err(Malformed), "{broken}");
        }
    }
}
