//! The state of every kernel object as text, in a stable order: the machine, tasks with their threads and capabilities, peers with
//! their nodes, handles and queues, accounts with who claims how much.
//!
//! The text is made line by line by a [`Cursor`], so that it may be as long as it likes; each line is of one instant. A system in which
//! nothing runs but the reader reads the same twice.

mod accounts;
mod machine;
mod peers;
mod tasks;

use core::fmt;

/// Where the text goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// The machine's counters.
    Machine,
    /// The first task above this number.
    Task(u64),
    /// The first thread above the second number, of the task of the first.
    Thread(u64, u64),
    /// The first capability from this slot on, of the task of this number.
    Capability(u64, u32),
    /// The first peer above this number.
    Peer(u64),
    /// The first object from this slot on, of the peer of this number.
    Object(u64, u32),
    /// The entry of this index in the queue of the peer of this number.
    Entry(u64, usize),
    /// The first account above this number; `None` is below all.
    Account(Option<u64>),
    /// The first quota from this place on, of the account of this number.
    Quota(u64, u64),
    /// The end.
    End,
}

impl Cursor {
    /// The beginning.
    pub const START: Self = Self::Machine;

    /// Writes the next line, if there is one here; the cursor behind it.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn line(self, out: &mut impl fmt::Write) -> Result<Self, fmt::Error> {
        match self {
            Self::Machine => machine::line(out),
            Self::Task(after) => tasks::task(out, after),
            Self::Thread(task, after) => tasks::thread(out, task, after),
            Self::Capability(task, slot) => tasks::capability(out, task, slot),
            Self::Peer(after) => peers::peer(out, after),
            Self::Object(peer, slot) => peers::object(out, peer, slot),
            Self::Entry(peer, index) => peers::entry(out, peer, index),
            Self::Account(after) => accounts::account(out, after),
            Self::Quota(account, place) => accounts::quota(out, account, place),
            Self::End => Ok(Self::End),
        }
    }
}
