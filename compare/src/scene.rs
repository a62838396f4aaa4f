//! Experiments in which several send and receive at the same time: what each actor does, as data that both sides run.
//!
//! An actor with a place receives there. On Omnibus a place is a peer; a means of Linux has what it has: a queue, a socket, or a
//! connection for each who sends there. To send to several places is one call where a system has one, and else one call after another.

use core::sync::atomic::{AtomicU32, Ordering};

use crate::line::Event;

/// Something that an actor does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Sends the message with this label to these places.
    Send(u8, &'static [usize]),
    /// Receives so many messages.
    Receive(usize),
    /// Tells by memory that all share that it has come so far.
    Raise,
    /// Waits until so many have told so.
    Await(u32),
}

/// Who takes part.
#[derive(Clone, Copy, Debug)]
pub struct Actor {
    /// Its name, one letter.
    pub name: u8,
    /// Where it receives, if it does.
    pub place: Option<usize>,
    /// What it does, one after the other.
    pub steps: &'static [Step],
}

/// An experiment of this kind.
#[derive(Clone, Copy, Debug)]
pub struct Scene {
    /// The experiment.
    pub experiment: &'static str,
    /// Who takes part.
    pub actors: &'static [Actor],
}

const fn actor(name: u8, place: Option<usize>, steps: &'static [Step]) -> Actor {
    Actor { name, place, steps }
}

/// Places of the receivers P and Q.
const P: usize = 0;
const Q: usize = 1;

/// Places that a scene has at most.
pub const N_PLACES: usize = 2;

/// Actors that a scene has at most.
pub const N_ACTORS: usize = 4;

/// The scenes: the litmus tests L5, L4 and L8 of the model.
pub static SCENES: [Scene; 3] = [
    Scene {
        experiment: crate::CAUSAL_ORDER,
        actors: &[
            actor(b'S', None, &[Step::Send(b'A', &[P]), Step::Raise]),
            actor(
                b'R',
                None,
                &[Step::Await(1), Step::Send(b'B', &[P]), Step::Raise],
            ),
            actor(b'P', Some(P), &[Step::Await(2), Step::Receive(2)]),
        ],
    },
    Scene {
        experiment: crate::VISIBILITY,
        actors: &[
            actor(b'S', None, &[Step::Send(b'A', &[Q, P])]),
            actor(b'Q', Some(Q), &[Step::Receive(1), Step::Send(b'B', &[P])]),
            actor(b'P', Some(P), &[Step::Receive(2)]),
        ],
    },
    Scene {
        experiment: crate::AGREEMENT,
        actors: &[
            actor(b'S', None, &[Step::Send(b'A', &[P, Q])]),
            actor(b'R', None, &[Step::Send(b'B', &[Q, P])]),
            actor(b'P', Some(P), &[Step::Receive(2)]),
            actor(b'Q', Some(Q), &[Step::Receive(2)]),
        ],
    },
];

/// Runs of a scene for each means: a hundred for each schedule.
pub const N_RUNS: u64 = 300;

/// Ways in which the scheduler is led to find races, in turn: not at all, by a sender that lets others run between two of its calls, and by
/// receivers that may run as soon as they have something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// As it comes.
    Plain,
    /// Who sends to several places one by one lets others run in between.
    Yielding,
    /// Receivers are more urgent than senders.
    Urgent,
}

impl Schedule {
    /// That of a run.
    #[must_use]
    pub const fn of_run(run: u64) -> Self {
        match run % 3 {
            0 => Self::Plain,
            1 => Self::Yielding,
            _ => Self::Urgent,
        }
    }
}

/// What happened in a run, in one order: every actor notes what it did or saw when it has done or seen it. It lies in memory that all share.
#[derive(Debug)]
pub struct Notes {
    n_notes: AtomicU32,
    notes: [AtomicU32; Self::N_MAX],
}

/// What was noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A message went to one place, or to all.
    Sent,
    /// A message was received.
    Received,
}

impl Seen {
    /// As an event.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Received => "received",
        }
    }
}

impl Notes {
    /// More than any scene has.
    const N_MAX: usize = 32;

    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            n_notes: AtomicU32::new(0),
            notes: [const { AtomicU32::new(0) }; Self::N_MAX],
        }
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.n_notes.store(0, Ordering::SeqCst);
        for note in &self.notes {
            note.store(0, Ordering::SeqCst);
        }
    }

    /// Notes that an actor did or saw something with a message.
    pub fn add(&self, actor: u8, seen: Seen, label: u8) {
        let index = self.n_notes.fetch_add(1, Ordering::SeqCst) as usize;
        if let Some(note) = self.notes.get(index) {
            let bytes = [actor, seen as u8, label, 1];
            note.store(u32::from_le_bytes(bytes), Ordering::SeqCst);
        }
    }

    /// Tells what was noted in a run, as events. Called when the actors have ended.
    pub fn tell(&self, experiment: &str, means: &str, run: u64, mut tell: impl FnMut(&Event<'_>)) {
        for (step, (actor, seen, label)) in self.all().enumerate() {
            tell(&Event {
                experiment,
                means,
                run,
                step: step as u64,
                actor: char::from(actor).encode_utf8(&mut [0; 4]),
                event: seen.name(),
                detail: char::from(label).encode_utf8(&mut [0; 4]),
            });
        }
    }

    /// What was noted: who, what, which message.
    fn all(&self) -> impl Iterator<Item = (u8, Seen, u8)> + '_ {
        let n_notes = self.n_notes.load(Ordering::SeqCst) as usize;
        self.notes.iter().take(n_notes).map(|note| {
            let [actor, seen, label, _] = note.load(Ordering::SeqCst).to_le_bytes();
            let seen = if seen == Seen::Sent as u8 {
                Seen::Sent
            } else {
                Seen::Received
            };
            (actor, seen, label)
        })
    }
}

impl Default for Notes {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every message that a scene sends to a place is received there, and nobody waits for what nobody tells.
    #[test]
    fn scenes_end() {
        for scene in SCENES {
            assert!(scene.actors.len() <= N_ACTORS);
            let mut n_open = [0_isize; N_PLACES];
            let (mut n_raised, mut n_awaited) = (0, 0);
            for actor in scene.actors {
                for step in actor.steps {
                    match *step {
                        Step::Send(_, places) => {
                            places.iter().for_each(|&place| n_open[place] += 1);
                        }
                        Step::Receive(n) => n_open[actor.place.unwrap()] -= n as isize,
                        Step::Raise => n_raised += 1,
                        Step::Await(n) => n_awaited = n_awaited.max(n),
                    }
                }
            }
            assert_eq!(n_open, [0; N_PLACES], "{}", scene.experiment);
            assert!(n_awaited <= n_raised);
        }
    }

    /// Notes come back in the order in which they were made, and go when they are forgotten.
    #[test]
    fn notes_are_in_order() {
        let notes = Notes::new();
        notes.add(b'S', Seen::Sent, b'A');
        notes.add(b'P', Seen::Received, b'A');
        let all = || notes.all().collect::<alloc::vec::Vec<_>>();
        assert_eq!(
            all(),
            [(b'S', Seen::Sent, b'A'), (b'P', Seen::Received, b'A')]
        );
        notes.clear();
        assert!(all().is_empty());
    }
}
