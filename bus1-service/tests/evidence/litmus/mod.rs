//! The ordering litmus tests as data, and what runs them.
//!
//! A program is text: who acts, and statements separated by `;`. Threads of one program run at the same time.
//!
//! | statement | means |
//! |---|---|
//! | `A->P,Q` | send message A to nodes P and Q, one transaction |
//! | `A(N)->P` | the same, carrying a copy of the own handle on node N |
//! | `A~>P,Q`, `A>>` | prepare message A to nodes P and Q; send what is prepared |
//! | `A=>P` | hand message A over to the owner of node P, who waits, if that can be; else send it. It may carry a handle, too |
//! | `A=>P,Q` | the same for all of them together |
//! | `A#>P` | the same, delivered before it is decided |
//! | `~N,M` | release the own handles on nodes N and M; `-N` names the own node N itself |
//! | `?A` | receive until A has come: a message, `-N` for NODE_RELEASE, `~N` for HANDLE_RELEASE |
//! | `?` | receive once, whatever comes or not |
//! | `=P` | receive on peer P, which must not be empty |
//! | `e` | begin to receive, and fail to copy out |
//! | `z` | receive once, and if nothing is there sleep until woken |
//! | `!f`, `@f` | set flag f in shared memory; wait for it. Flag P is set when peer P is given a message that is handed over to several |
//! | `\|` | note on the own queue's record that this point was reached |
//! | `+` | let others of the own account take all the objects that they may |
//! | `x` | close |
//!
//! What waits (`?A`, `@f`) gives up after a number of tries that fits the checker, and its thread ends: the checker sees to it that
//! the orders in which it need not wait are among those it tries.

mod cast;
mod prepared;
mod programs;
mod seen;
mod together;

pub(crate) use cast::{run, run_part};
pub(crate) use programs::PROGRAMS;
pub(crate) use seen::Seen;

/// One litmus test.
pub(crate) struct Litmus {
    /// Its row of the list of litmus tests.
    pub(crate) id: &'static str,
    /// Nodes by name, with their owner and who holds handles on them: `N=O:PQ`. Every peer that is named exists.
    pub(crate) nodes: &'static str,
    /// Run by one thread before the others.
    pub(crate) before: &'static [&'static str],
    /// What each thread does.
    pub(crate) threads: &'static [&'static str],
    /// What must never be seen; it says what was.
    pub(crate) forbidden: fn(&Seen) -> Option<String>,
    /// Queues of a peer that must each be seen in some run; the queue of `=` is what was handed over.
    pub(crate) required: &'static [&'static str],
    /// The same where every order is tried: real threads and random schedules come upon it too seldom.
    pub(crate) rare: &'static [&'static str],
    /// Objects that each peer's own account may hold; 0 is plenty.
    pub(crate) n_objects: u64,
    /// What a checker that explores every order runs instead of the whole, if that is too much.
    pub(crate) parts: &'static [Part],
}

/// A part of a litmus test, or the whole.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    /// As [`Litmus::before`].
    pub(crate) before: &'static [&'static str],
    /// As [`Litmus::threads`].
    pub(crate) threads: &'static [&'static str],
}

impl Litmus {
    /// All of it.
    pub(crate) fn whole(&self) -> Part {
        Part {
            before: self.before,
            threads: self.threads,
        }
    }
}

/// The litmus test with this id.
pub(crate) fn named(id: &str) -> &'static Litmus {
    let litmus = PROGRAMS.iter().find(|litmus| litmus.id == id);
    litmus.unwrap_or_else(|| panic!("no litmus test {id}"))
}
